"""For all tests of the gateway."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bordstein_gateway.store import Store, Where
from tests.gateway.loopback import Log
from tests.street.postgres import Postgres
from tests.street.servers import Town

if TYPE_CHECKING:
    from tests.gateway.browser import Chromium


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town's authority; its certificates are made once and shared."""
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences are compared in one language, whatever the machine's is."""
    monkeypatch.setenv("BORDSTEIN_LANG", "en")
    for variable in ("NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "BORDSTEIN_CONFIG", "BORDSTEIN_DEBUG"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server; each test makes itself a database in it."""
    with Postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    """Where a store is, on either database; nothing is in it yet."""
    if request.param == "sqlite":
        return tmp_path / "store.sqlite"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture
def on_both(place: Where) -> Iterator[Store]:
    """A store, on either database."""
    store = Store.open(place)
    yield store
    store.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "bordstein.sqlite")
    yield store
    store.close()


@pytest.fixture
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    """A store with boards that report to it."""
    on_server = getattr(request, "param", "") == "postgresql"
    log = Log(request.getfixturevalue("postgres").database() if on_server else tmp_path / "store.sqlite")
    yield log
    log.store.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator["Chromium"]:
    """A browser; see browser.py."""
    from tests.gateway.browser import Chromium

    browser = Chromium()
    yield browser
    browser.close()


@pytest.fixture
def folder(tmp_path: Path, town: Town) -> Path:
    """A configuration folder with the files that the example configuration names."""
    client = town.gateway()
    for name, source in (("ca.pem", client.ca), ("gateway.pem", client.certificate), ("gateway.key", client.key)):
        (tmp_path / name).write_bytes(source.read_bytes())
    (tmp_path / "gateway.key").chmod(0o600)
    return tmp_path
