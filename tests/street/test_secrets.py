"""What setup and the verbs after it say and leave behind, on one board: no password, PIN, token, passphrase or key."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from bordstein_tools.board.cable import Cable
from tests.street import van as vans
from tests.street.servers import Gateway, Mosquitto, Town
from tests.tools.secrecy import assert_without
from tests.tools.typed import BORDSTEIN

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # of pyserial
PASSPHRASE, TOKEN = "ein langer Satz für die Stadt", "token-das-niemand-kennt"
PIN, PPP, SIXTH = "73914826", "Zugang zum Mobilfunk", "in die falsche Zeile"
SECRETS = (*vans.SECRETS, PASSPHRASE, TOKEN, PIN, PPP, SIXTH)
GIVEN = ("bordstein.toml", "mobil.json", "wrong.json", "passphrase", "register.token")
"""Files in which a person has written secrets."""


@pytest.fixture
def van(town: Town, own_broker: Mosquitto, tmp_path: Path) -> Path:
    """With an authority whose key has a passphrase, and all the secrets that a town has."""
    van = vans.van(tmp_path / "van", town, own_broker)
    (van / "bordstein-ca").unlink()
    shutil.copytree(town.authority.directory, van / "bordstein-ca")
    file = van / "bordstein-ca" / "ca.key.pem"
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    hidden = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden))
    (van / "passphrase").write_text(PASSPHRASE + "\n")
    (van / "register.token").write_text(TOKEN + "\n")
    made = json.loads((van / "config.json").read_text())
    mobile = {"bus": "modem", "apn": "web", "pin": PIN, "user": "stadt", "password": PPP}
    made["buses"]["modem"] = {"type": "uart", "id": 2, "tx": 17, "rx": 16}
    (van / "mobil.json").write_text(json.dumps({**made, "network": {"ppp": mobile}}))
    wrong = {"wifi": [SIXTH, {"ssid": "Stadt", "pasword": SIXTH}, {"ssid": "Stadt", "password": [SIXTH]}], "ppp": PIN}
    (van / "wrong.json").write_text(json.dumps({**made, "network": wrong}))
    return van


class Run:
    """said: of each command what it printed."""

    def __init__(self, van: Path) -> None:
        self._van = van
        self.said: dict[str, bytes] = {}

    def __call__(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [BORDSTEIN, *words],
            cwd=self._van,
            env={
                **os.environ,
                "BORDSTEIN_LANG": "en",
                "TMPDIR": str(self._van / "temporary"),
                "XDG_CACHE_HOME": str(self._van / "cache"),
            },
            capture_output=True,
            check=False,
            timeout=120,
            start_new_session=True,
        )
        self.said[" ".join(words)] = done.stdout + done.stderr
        said = (done.stdout + done.stderr).decode()
        assert done.returncode == code and "Traceback" not in said, (words, said)
        return said


def left(van: Path) -> dict[str, bytes]:
    """What lies in the van now, unpacked, but for what was given, and the keys of the authority, broker and gateway."""
    found = {}
    for path in van.rglob("*"):
        name = path.relative_to(van).as_posix()
        others = name == "bordstein-ca/ca.key.pem" or name.startswith(("bordstein-ca/brokers", "bordstein-ca/gateways"))
        if not path.is_file() or name in GIVEN or others:
            continue
        found[name] = path.read_bytes()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                found |= {f"{name}/{part}": archive.read(part) for part in archive.namelist()}
    return found


@pytest.mark.timeout(300)
def test_no_secret_is_said_or_left_behind(
    van: Path, works: Path, town: Town, own_broker: Mosquitto, tmp_path: Path
) -> None:
    home = tmp_path / "board"
    home.mkdir()
    (van / "temporary").mkdir()
    vans.with_software(home, works)
    run = Run(van)
    settings = {"http": {"register_token_file": str(van / "register.token")}}
    with (
        Gateway(town, own_broker, folder=tmp_path / "gateway", settings=settings) as gateway,
        vans.board_on_a_cable(home) as board,
    ):
        vans.town_file(van, own_broker, url=gateway.url, token_file="register.token")
        port = ("--port", board.url)
        common = (*vans.software(works), "--passphrase-file", "passphrase")
        setup = ("setup", *port, *common, "--asset", "BS-1", "--place", "Markt", "--label", "label.svg", "--yes")
        (van / f"{vans.REGISTER}.new").symlink_to("/dev/full")
        said = run(*setup, code=1)
        assert "is good, but not entered yet" in said and "No space left" in said and "same command" in said, said
        assert not (van / vans.REGISTER).exists() and not (van / "label.svg").exists()
        (van / "liste.csv").write_text("asset,place,device\nBS-1,Markt," + vans.DEVICE)
        run("batch", "liste.csv", *port, *common, "--labels", "labels")
        assert f"{vans.DEVICE},urn:dev:mac:" in (van / vans.REGISTER).read_text()
        run("selftest", *port, "--json")
        run("watch", *port, "--seconds", "3")
        run("config", "check", "wrong.json", code=1)
        run("setup", *port, *common, "--config", "wrong.json", "--yes", code=1)
        run("configure", "apply", "mobil.json", *port)
        run("configure", "export", *port, "--out", "export.json")
        assert "•••" in run("configure", "show", *port)
        run("show", *port, "--json")
        run("diagnose", *port, "--seconds", "2", "--out", "d.zip")
        assert vans.DEVICE in run("logs", *port)
        with Cable.open(board.url) as cable:
            kept = cable.read("config.json").decode()
            key = cable.read("device.key.der")
    assert PIN in kept and PPP in kept, "or there was nothing to hide"
    found = left(van) | run.said
    assert {"liste.protocol.jsonl", "d.zip/board/console.txt", "export.json", "boards.csv"} <= set(found)
    assert not any(name.startswith("temporary/") for name in found), "a file was left"
    found["gateway.log"] = (tmp_path / "gateway" / "gateway.log").read_bytes()
    found["board.log"] = board.log.read_bytes()
    assert_without(found, SECRETS, [key])
