"""[forward.….oauth2]: what is wrong in it is a sentence with its line."""

from pathlib import Path

import pytest

from bordstein_gateway.config import config
from tests.gateway.configuring import MQTT, load, problems, secrets

HOOK = MQTT + '[forward.hook]\nkind = "webhook"\nurl = "https://depot.example.org/"\n'
TABLE = '[forward.hook.oauth2]\ntoken_url = "https://keys.example.org/token"\nclient_id = "gateway"\n'
WHOLE = TABLE + 'client_secret_file = "secret"\n'

MISTAKES = [
    (HOOK + TABLE, "forward.hook.oauth2: client_secret_file is missing", 9),
    (HOOK + WHOLE.replace('"secret"', '"empty"'), "forward.hook.oauth2.client_secret_file: ", 12),
    (HOOK + WHOLE.replace('"secret"', '"nowhere"'), "there is no file", 12),
    (HOOK + TABLE + 'client_secret = "geheim"\n', "name that file as client_secret_file", 12),
    (HOOK + WHOLE.replace("https", "http"), "oauth2.token_url: a password or token would travel in the clear", 10),
    (HOOK + WHOLE.replace("https", "ftp"), "oauth2.token_url: expected an address", 10),
    (HOOK + WHOLE.replace("keys.", "u:p@keys."), "oauth2.token_url: no user or password stands in an address", 10),
    (HOOK + WHOLE.replace("/token", "/#token"), "oauth2.token_url: the address ends before #", 10),
    (HOOK + WHOLE + 'credentials = "header"\n', 'expected one of "basic", "body"', 13),
    (HOOK + 'token_file = "secret"\n' + WHOLE, "either token_file or oauth2, not both", 9),
    (HOOK + 'user = "u"\npassword_file = "secret"\n' + WHOLE, "either user or oauth2, not both", 9),
    (HOOK + 'header_files = { Authorization = "secret" }\n' + WHOLE, "already set in another way", 9),
    (HOOK.replace("https", "http") + WHOLE, "forward.hook.url: a password or token would travel in the clear", 8),
    (HOOK + "oauth2 = 1\n", "forward.hook.oauth2: expected a table, got 1", 9),
]


@pytest.mark.parametrize(("text", "said", "line"), MISTAKES)
def test_a_mistake_is_one_sentence_with_its_line_and_no_secret(folder: Path, text: str, said: str, line: int) -> None:
    secrets(folder)
    found = problems(folder, text)
    assert any(problem.startswith(f"{line}: ") and said in problem for problem in found), found
    assert "geheim" not in "".join(found)


def test_what_is_right_arrives_and_its_secret_file_is_known(folder: Path) -> None:
    secrets(folder)
    loaded = load(folder, HOOK + WHOLE + 'scope = "write"\naudience = "frost"\ncredentials = "body"\n')
    hook = loaded.forward["hook"]
    assert isinstance(hook, config.Webhook) and hook.oauth2 is not None
    assert (hook.oauth2.scope, hook.oauth2.audience, hook.oauth2.credentials) == ("write", "frost", "body")
    assert str(folder / "secret") in loaded.secret_files
