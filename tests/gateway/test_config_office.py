"""Mistakes in the sections of the town's work: said with line and key."""

from pathlib import Path

import pytest

from tests.gateway.configuring import load, problems, secrets

HEAD = '[mqtt]\nhost = "localhost"\ntls = false\n'
MAIL = '[mail]\nhost = "mail.example.org"\nsender = "a@example.org"\n'


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[town]\ntimezone = "Europe/Bonn"\n', 5, "is no time zone"),
        ('[town]\ntimezone = "Europe"\n', 5, "is no time zone"),
        ('[town]\ntimezone = "../x"\n', 5, "is no time zone"),
        ('[town]\nland = "XX"\n', 5, "one of"),
        ('[desk.a]\ntitle = "A"\nhours = ["mon-fry 07:00-16:00"]\n', 6, "mon-fry is no day"),
        ('[desk.a]\ntitle = "A"\nhours = ["mon-fri 07:00-29:00"]\n', 6, "29:00 is no time of day"),
        (
            '[desk.a]\ntitle = "A"\nwebhook = "https://x/"\nwebhook_file = "address"\n',
            7,
            "either webhook or webhook_file",
        ),
        ('[desk.a]\ntitle = "A"\nwebhook_file = "empty"\n', 6, "is empty"),
        (MAIL + 'user = "x"\n', 7, "the two belong together"),
        (MAIL + 'user = "x"\npassword_file = "empty"\n', 8, "is empty"),
        (MAIL + 'user = "x"\npassword_file = "secret"\ntls = "none"\n', 9, "in the clear"),
        (MAIL + 'ca = "secret"\n', 7, "no certificate in PEM"),
    ],
)
def test_a_mistake_is_said_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    secrets(tmp_path)
    found = problems(tmp_path, HEAD + text)
    assert any(problem.startswith(f"{line}: ") and said in problem for problem in found), found


def test_a_town_at_work_is_in_order(tmp_path: Path) -> None:
    secrets(tmp_path)
    text = '[town]\nland = "BY"\n[desk.a]\ntitle = "A"\nhours = ["mon-fri 07:00-16:00", "holiday 20:00-06:00"]\n'
    text += MAIL + 'user = "x"\npassword_file = "secret"\n'
    config = load(tmp_path, HEAD + text)
    assert config.desk["a"].hours[1] == "holiday 20:00-06:00"
    assert str(tmp_path / "secret") in config.secret_files
