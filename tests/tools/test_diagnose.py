"""`bordstein diagnose`: all that helps, and no secret, whoever has printed it in whatever form."""

import json
import os
import pty
import threading
import tty
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_tools.board.cable import Cable
from bordstein_tools.keys import pki
from bordstein_tools.support.redacting import Redactor, hidden, in_text
from tests.tools import cabled
from tests.tools.secrecy import assert_without
from tests.tools.test_cli_ca import PASSPHRASE, bordstein

WIFI, OLD_WIFI, PPP, PIN, TYPO = 'Grüße "an" alle 7', "das alte Passwort", "tm!x", "73914826", "falsch geschrieben"
SECRETS = (WIFI, OLD_WIFI, PPP, PIN, TYPO, PASSPHRASE)
CONFIG = {
    "name": "Marktplatz 7",
    "network": {
        "wifi": [{"ssid": "Stadtnetz", "password": WIFI, "passwort": TYPO}],
        "ppp": {"bus": "u", "pin": PIN, "user": "stadt", "password": PPP},
    },
    "mqtt": {"host": "mqtt.musterstadt.de", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"},
    "led": 2,
}
# It prints what no program of ours does: what support gets must not depend on that.
APP = """
import asyncio,json
from binascii import b2a_base64,hexlify
with open('config.json') as f:text=f.read()
with open('device.key.der','rb') as f:key=f.read()
async def main():
 print('link: to mqtt.musterstadt.de from a/bordstein/net/wifi_with_a_long_name.py')
 print(text)
 print(json.loads(text))
 w=json.loads(text)['network']
 print('wifi',w['wifi'][0]['password'],w['wifi'][0]['password'].encode(),'AT+CPIN='+w['ppp']['pin'],w['ppp']['password'])
 print(key)
 print(hexlify(key).decode())
 print(hexlify(key,':').decode())
 print(b2a_base64(key).decode())
 print(list(key))
 for i in range(0,len(key),24):print(i,b2a_base64(key[i:i+24]).decode(),hexlify(key[i:i+24]))
 print('end of it')
 while True:await asyncio.sleep_ms(100)
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority in bordstein-ca, and a board's key and certificates."""
    folder = tmp_path_factory.mktemp("keys")
    authority = pki.create(folder / "bordstein-ca", "Musterstadt", PASSPHRASE.encode())
    authority.issue_device(cabled.DEVICE, out=folder)
    return folder


@pytest.fixture
def prepared(keys: Path, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The port of a board that is set up and talks, and a folder to work in."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "bordstein-ca").symlink_to(keys / "bordstein-ca")
    (work / "passphrase").write_text(PASSPHRASE)
    with cabled.board(tmp_path / "b") as board:
        with Cable.open(board.port) as cable:
            cable.write("config.json", json.dumps(CONFIG).encode())
            cable.write("config.new.json", json.dumps({"network": {"wifi": [{"password": OLD_WIFI}]}}).encode())
            cable.write("config.state", b'{"version": 7, "trial": 8, "sum": "ab"}')
            cable.write("pin", bytes(32))
            cable.write("boot.py", b"# short\n")
            cable.write("crash", f"1 app: starts\0{PIN}\0OSError: {WIFI} b'{WIFI}' {PPP}".encode())
            for name in ("ca.der", "device.der", "device.key.der"):
                cable.write(name, (keys / name).read_bytes())
            cable.write("main.py", APP.encode())
        yield board.port, work


def content(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def without_secrets(files: dict[str, str], key: bytes) -> None:
    assert_without({name: text.encode() for name, text in files.items()}, SECRETS, [key])


def test_all_that_helps_is_there_and_no_secret(prepared: tuple[str, Path], keys: Path) -> None:
    port, work = prepared
    (work / "config.json").write_text(json.dumps({**CONFIG, "led": "x"}))
    words = ("diagnose", "--port", port, "--out", "d.zip", "--seconds", 3, "--json")
    done = bordstein(*words, folder=work)
    assert done.returncode == 0, (done.stdout, done.stderr)
    said = json.loads(done.stdout)
    files = content(work / "d.zip")
    assert (said["device"], said["missing"], said["file"]) == (cabled.DEVICE, {}, "d.zip")
    assert set(said["files"]) == set(files)
    without_secrets({**files, "output": done.stdout + done.stderr}, (keys / "device.key.der").read_bytes())
    console = files["board/console.txt"]
    assert "mqtt.musterstadt.de from a/bordstein/net/wifi_with_a_long_name.py" in console
    assert "end of it" in console and "Stadtnetz" in console and "AT+CPIN=•••" in console
    assert "1 app: starts" in files["board/crash.txt"] and "1 app: starts" in files["board/log.txt"]
    config = json.loads(files["board/config.json"])
    assert config["network"]["wifi"][0] == {"ssid": "Stadtnetz", "password": "•••", "passwort": "•••"}
    assert "passwort" in files["board/config.json.check.txt"] and "led: " in files["computer/config.json.check.txt"]
    show = json.loads(files["board/show.json"])
    assert show["device"] == cabled.DEVICE and show["config"]["network"]["ppp"]["user"] == "stadt"
    assert json.loads(files["board/state.json"])["config"] == {"version": 7, "trial": 8}
    listed = json.loads(files["board/files.json"])
    assert len(listed["boot.py"]["sha256"]) == 64
    for name in ("config.json", "config.new.json", "pin", "device.key.der", "crash"):
        assert set(listed[name]) == {"size"}, name  # a digest would give a PIN or a password away
    manifest = json.loads(files["manifest.json"])
    assert manifest["device"] == cabled.DEVICE and set(manifest["files"]) == set(files) - {"manifest.json"}
    assert "board/state.json" in files["README.txt"]
    assert json.loads(files["computer/computer.json"])["packages"]["esptool"]


def test_a_cable_that_is_pulled_leaves_what_there_was(keys: Path, tmp_path: Path) -> None:
    with cabled.board(tmp_path / "b") as board:
        with Cable.open(board.port) as cable:
            cable.write("config.json", json.dumps(CONFIG).encode())
        board.pull_after(2100)
        done = bordstein("diagnose", "--port", board.port, "--out", "d.zip", "--seconds", 1, folder=tmp_path)
        assert board.pulled.is_set(), board.taken
    assert done.returncode == 0 and "something is missing" in done.stdout, (done.stdout, done.stderr)
    files = content(tmp_path / "d.zip")
    assert "broke" in json.loads(files["manifest.json"])["missing"]["board"] and "computer/doctor.json" in files
    without_secrets(files, (keys / "device.key.der").read_bytes())


def test_of_a_board_that_does_not_answer_there_is_what_it_says_and_why(keys: Path, tmp_path: Path) -> None:
    # Nobody can read this as JSON, and still nothing of it may leave; the board prints the same.
    broken = f'{{"network": {{"wifi": [{{"ssid": "Stadtnetz", "password": "{OLD_WIFI}"}}], "ppp": {{"pin": "{PIN}"}},'
    (tmp_path / "config.json").write_text(broken)
    master, slave = pty.openpty()
    tty.setraw(slave)
    port = os.ttyname(slave)
    os.close(slave)  # nobody else has it open
    over = threading.Event()

    def talk() -> None:
        while not over.wait(0.02):  # it never pauses
            os.write(master, f"invalid header: 0xffffffff\r\n{OLD_WIFI} {PIN}\r\n".encode())

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        done = bordstein("diagnose", "--port", port, "--seconds", 1, folder=tmp_path, lang="de")
    finally:
        over.set()
        thread.join()
        os.close(master)
    assert done.returncode == 0 and "kein MicroPython" in done.stdout, (done.stdout, done.stderr)
    (made,) = tmp_path.glob("bordstein-diagnose-computer-*.zip")
    files = content(made)
    assert "invalid header: 0xffffffff\n••• •••" in files["board/console.txt"]
    missing = json.loads(files["manifest.json"])["missing"]
    assert "bordstein flash" in missing["board"] and "kein JSON" in missing["computer/config.json"]
    assert "bordstein flash" in files["README.txt"]
    without_secrets(files, (keys / "device.key.der").read_bytes())


def test_where_it_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    done = bordstein("diagnose", "--port", "/dev/ttyNOWHERE", "--out", "no/d.zip", "--json", folder=tmp_path)
    assert done.returncode == 1 and "no/d.zip cannot be written" in json.loads(done.stdout)["error"]


def test_what_only_looks_like_a_secret_a_little_stays() -> None:
    redactor = Redactor({PIN, "web"})
    for line in (
        "device 24a160123456, started by power-on",
        'File "a/bordstein/net/wifi_with_a_very_long_name.py", line 73, in connect',
        "urn:dev:mac:24a160fffe000001 2026-11-26T06:21:40+00:00 webhook 1739148260",
        "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT) configsip: 0, SPIWP:0xee",
        "b'OK' [1, 2, 3]",
    ):
        assert redactor.text(line) == line
    assert redactor.text("apn web, 73914826.") == "apn •••, •••."
    assert redactor.text("ab\ufffd\ufffd\ufffdcd\nnext") == "•••\nnext"


def test_a_pin_of_a_sensor_and_a_count_are_no_secrets() -> None:
    config = {"sensors": {"people": {"pin": 27}}, "passes": 3, "ppp": {"pin": 1234}, "wifi": [{"password": ""}]}
    assert hidden(config)[1] == {"1234"}
    assert in_text('"pin": 27, "passes": 3, "password": "a\\u00fcb", "pin": "1234') == {"a\\u00fcb", "aüb", "1234"}
