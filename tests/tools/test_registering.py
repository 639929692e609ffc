"""A board that was set up enters the gateway's register, or a file that the gateway takes later."""

import csv
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from bordstein_gateway.boards import registering as at_gateway
from bordstein_gateway.config.config import Config, Http, Mqtt
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Store
from bordstein_gateway.web import app as web
from bordstein_tools.setup import questions, registering
from bordstein_tools.texts import Problem
from tests.street.processes import free_port, until
from tests.tools.test_cli_ca import bordstein

DEVICE, OTHER = "24a160000001", "24a160000002"
FACTS = {
    "device": DEVICE,
    "urn": "urn:dev:mac:24a160fffe000001",
    "asset": "BS-0042",
    "place": "Marktplatz 7, Süd",
    "board": "esp32-devkitc",
    "software": "0.2.0",
    "set_up": "2026-11-02T08:00:00+00:00",
}
TOKEN = "a-token-nobody-guesses"


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BORDSTEIN_LANG", "en")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # what is for this computer goes to no proxy


@pytest.fixture
def token(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text(TOKEN + "\n")
    return tmp_path / "token"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store.sqlite")
    yield store
    store.close()


@pytest.fixture
def gateway(token: Path, store: Store) -> Iterator[str]:
    """The gateway's own pages on a real port."""
    config = Config(mqtt=Mqtt(host="localhost"), http=Http(port=free_port(), register_token_file=str(token)))
    app = web.app(ServiceState(config, store))
    server = uvicorn.Server(uvicorn.Config(app, port=config.http.port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert until(lambda: server.started, 20)
    yield f"http://localhost:{config.http.port}"
    server.should_exit = True
    thread.join(20)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_board_is_at_the_gateway_and_in_no_file(gateway: str, token: Path, store: Store, tmp_path: Path) -> None:
    done = registering.register(FACTS, gateway, token, tmp_path / "boards.csv")
    assert (done.at, done.new, done.missed) == (gateway, True, "") and gateway in done.sentence()
    assert not registering.register(FACTS, gateway, token, tmp_path / "boards.csv").new
    assert store.registered()[DEVICE].place == FACTS["place"] and not (tmp_path / "boards.csv").exists()


def test_out_of_reach_it_is_in_a_file_that_the_gateway_takes(token: Path, tmp_path: Path, store: Store) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    done = registering.register({**FACTS, "site": "Altstadt"}, nowhere, token, tmp_path / "boards.csv")
    assert done.at == str(tmp_path / "boards.csv") and "will be imported later: " in done.sentence()
    assert "cannot be reached" in done.missed and TOKEN not in done.missed
    entries = at_gateway.read(tmp_path / "boards.csv")
    assert store.register(entries).result() == ["new"] and store.registered()[DEVICE].site == "Altstadt"
    assert registering.register(FACTS, nowhere, token, None).sentence() == done.missed
    assert registering.register(FACTS, None, None, None) == ("", False, "")


def test_the_file_has_each_board_once_and_keeps_what_somebody_has_added(tmp_path: Path) -> None:
    path = tmp_path / "boards.csv"
    registering.note(path, FACTS)
    registering.note(path, {**FACTS, "device": OTHER})
    assert path.read_text().startswith("device,urn,asset,place,board,software,set_up,site")
    registering.note(path, {**FACTS, "place": "Rathaus", "asset": ""})
    assert [(row["device"], row["place"], row["asset"]) for row in rows(path)] == [
        (OTHER, FACTS["place"], "BS-0042"),
        (DEVICE, "Rathaus", "BS-0042"),
    ]
    # As a German spreadsheet saves it, with a column of the office's own.
    path.write_bytes(f"device;place;groups\r\n{DEVICE};Königsplatz;mitte\r\n".encode("cp1252"))
    registering.note(path, {"device": DEVICE, "asset": "BS-7"})
    assert path.read_text().splitlines()[1].startswith(f"{DEVICE};Königsplatz;mitte;")
    assert registering.entries(path)[0]["groups"] == "mitte"


def test_a_spreadsheet_reads_what_it_wrote_and_a_board_has_one_row_however_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "boards.csv"
    for before in ("cp1252", "utf-8-sig"):
        path.write_bytes('device;asset;place\r\n24:A1:60:00:00:01;BS-0041;"Süd; ""links"""\r\n'.encode(before))
        assert questions.next_asset(path) == "BS-0042"
        registering.note(path, {"device": DEVICE, "board": "esp32-devkitc"})
        assert path.read_bytes().startswith(b"\xef\xbb\xbfdevice;asset;place;")
        (row,) = registering.entries(path)
        assert (row["device"], row["place"]) == (DEVICE, 'Süd; "links"')
        path.write_bytes(path.read_bytes().replace(DEVICE.encode(), b"24-A1-60-00-00-01"))
        assert registering.decommission(path, DEVICE, "2026-11-26T00:00:00+00:00") and len(at_gateway.read(path)) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('device,asset\n24a160000001,"BS-1\n24a160000002,BS-2\n', "line 3: of no use"),
        ("device,asset\n24a160000001,BS-1,Rathaus\n", "line 2: of no use"),
        ("inventarnummer;ort\nBS-1;Rathaus\n", "the column device"),
    ],
)
def test_a_file_that_would_be_spoilt_is_refused_and_stays(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "boards.csv"
    path.write_text(content)
    for touch in (lambda: registering.note(path, FACTS), lambda: registering.known(path)):
        with pytest.raises(Problem, match=says):
            touch()
    assert path.read_text() == content
    with pytest.raises(Problem, match="no folder"):
        registering.known(tmp_path / "nowhere" / "boards.csv")
    path.write_text("")
    assert registering.known(path) == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://gateway.musterstadt.de", "in the clear"),
        ("gateway.musterstadt.de", "address is none"),
        ("ftp://localhost", "address is none"),
        ("https://", "address is none"),
    ],
)
def test_the_token_goes_over_no_network_in_the_clear(token: Path, url: str, says: str) -> None:
    with pytest.raises(Problem, match=says):
        registering.check(url, token)


def test_what_is_no_token_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    for content in ("", "a b", "a\nb", "ü"):
        (tmp_path / "token").write_text(content)
        with pytest.raises(Problem, match="no token"):
            registering.check("http://localhost", tmp_path / "token")
    for file in (None, tmp_path / "nowhere"):
        with pytest.raises(Problem, match=r"token"):
            registering.check("http://localhost", file)


def test_who_is_no_gateway_gets_the_board_into_the_file_and_no_token_elsewhere(token: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []

    class Other(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append((self.path, self.headers["authorization"]))
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(answers.pop())
            self.send_header("location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.end_headers()
            self.wfile.write(b"<html>")

        do_GET = do_POST

        def log_message(self, *_: Any) -> None: ...

    answers = [200, 404, 302]
    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            for _ in range(3):
                url = f"http://127.0.0.1:{server.server_port}"
                done = registering.register(FACTS, url, token, tmp_path / "boards.csv")
                assert done.at.endswith("boards.csv") and done.missed and TOKEN not in done.missed
        finally:
            server.shutdown()
            thread.join()
    assert [path for path, _ in seen] == ["/api/devices"] * 3


def test_a_whole_file_is_entered_later(gateway: str, token: Path, store: Store, tmp_path: Path) -> None:
    path = tmp_path / "boards.csv"
    registering.note(path, FACTS)
    registering.note(path, {**FACTS, "device": OTHER, "urn": FACTS["urn"]})
    done = bordstein("register", path, "--gateway", gateway, "--token-file", token, folder=tmp_path)
    assert done.returncode == 1 and "1 boards registered, 1 of them new." in done.stdout
    assert f"{OTHER}: the gateway" in done.stdout and f"urn: is not that of device {OTHER}" in done.stdout
    registering.note(path, {"device": OTHER, "urn": "urn:dev:mac:24a160fffe000002"})
    done = bordstein("register", path, "--gateway", gateway, "--token-file", token, "--json", folder=tmp_path)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"registered": 2, "new": 1, "refused": {}})
    assert set(store.registered()) == {DEVICE, OTHER}
    token.write_text("another")  # both read it anew: the file of the gateway is this one here
    (tmp_path / "mine").write_text(TOKEN)
    done = bordstein("register", path, "--gateway", gateway, "--token-file", "mine", folder=tmp_path, lang="de")
    assert done.returncode == 1 and "(401)" in done.stderr and "Token" in done.stderr and TOKEN not in done.stderr
    assert bordstein("register", path, folder=tmp_path).returncode == 2
    (tmp_path / "x.csv").write_text("asset\n1\n")
    done = bordstein("register", "x.csv", "--gateway", gateway, "--token-file", token, folder=tmp_path)
    assert done.returncode == 1 and "the column device" in done.stderr
