"""Mistakes in [pages], each named with its line."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bordstein_gateway.config import config
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Store
from bordstein_gateway.web import app as web
from tests.gateway.configuring import MQTT, load, problems, secrets

OIDC = (
    '[pages.oidc]\nissuer = "https://login.example/realms/t"\nclient_id = "bordstein"\nclient_secret_file = "secret"\n'
    'roles = { "bauhof" = "worker" }\n'
)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[http]\nhost = "0.0.0.0"\n[pages]\n', 7, "in the clear"),
        ('[pages]\nurl = "http://sensoren.musterstadt.de"\n', 7, "has to begin with https://"),
        ('[pages.tiles]\nattribution = "x"\nurl = "https://tiles.example/{z}/{x}"\n', 8, "{y} is missing"),
        (OIDC, 6, "pages.url"),
        ('[pages]\nurl = "https://s.example"\n' + OIDC.replace("https://login", "http://login"), 9, "https://"),
        ('[pages]\nurl = "https://s.example"\n' + OIDC.replace('"secret"', '"empty"'), 11, "empty"),
        ('[pages]\nurl = "https://s.example"\n' + OIDC.replace('{ "bauhof" = "worker" }', "{}"), 12, "nobody gets in"),
        ('[pages]\nurl = "https://s.example"\n' + OIDC.replace('"worker"', '"king"'), 12, "worker"),
        ('[pages]\nurl = "https://s.example"\n' + OIDC + 'ca = "secret"\n', 13, "no certificate in PEM"),
        ('[pages]\nsession = "for ever"\n', 7, "a time like"),
    ],
)
def test_a_mistake_is_named_with_its_line(folder: Path, text: str, line: int, words: str) -> None:
    secrets(folder)
    (found,) = problems(folder, MQTT + text)
    assert found.startswith(f"{line}:") and words in found, found


def test_what_is_right_is_taken(folder: Path) -> None:
    secrets(folder)
    settings = load(folder, MQTT + '[pages]\nurl = "https://s.example"\n' + OIDC + 'ca = "ca.pem"\n')
    assert settings.pages.oidc and settings.pages.oidc.ca == str(folder / "ca.pem")
    assert str(folder / "secret") in settings.secret_files


def test_where_a_network_could_listen_there_are_no_pages(store: Store) -> None:
    settings = config.Config(mqtt=config.Mqtt(host="localhost"), http=config.Http(host="192.0.2.1"))
    client = TestClient(web.app(ServiceState(settings, store)))
    assert client.get("/app/login").status_code == 404
