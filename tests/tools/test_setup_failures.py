"""What can fail at `bordstein setup` and the verbs round it: each a sentence with its cure, in both languages, with its
exit code, and nothing done by half."""

import hashlib
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bordstein_tools import cli
from bordstein_tools.board import ports
from bordstein_tools.keys import pki, signing
from tests.hardware.loader import Faults
from tests.hardware.usb import UsbBoard
from tests.tools.flash_image import image
from tests.tools.typed import BORDSTEIN, Terminal

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # of pyserial
PASSPHRASE, PASSWORD = "ein langer Satz für die Stadt", "das WLAN der Stadt"
DEVICE = "24a160123456"
TOWN = f"""owner = "Stadt Musterstadt"
mqtt = {{ host = "mqtt.musterstadt.de" }}
[networks.stadt]
wifi = [{{ ssid = "Stadt", password = "{PASSWORD}" }}]
[kits.luft]
board = "esp32-devkitc"
sensors.air = {{ driver = "bme280", bus = "i2c0" }}
[sites.mitte]
network = "stadt"
kit = "luft"
"""
RELEASE = ("--release", "good.pack", "--public", "works/release.pub")
SETUP = ("setup", "--yes", *RELEASE)
CA = ("--passphrase-file", "passphrase")
GATEWAY = ("--gateway", "http://localhost:9", "--token-file", "token")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A van's folder: an authority with a passphrase, a signed release, an image, and files with something wrong."""
    folder = tmp_path_factory.mktemp("van")
    authority = pki.create(folder / "bordstein-ca", "Musterstadt", PASSPHRASE.encode())
    authority.issue_device(DEVICE)
    other = pki.create(folder / "other-ca", "Anderswo", None)
    shutil.copytree(folder / "bordstein-ca", folder / "damaged-ca")
    (folder / "damaged-ca" / "issued.csv").write_text("serial,kind,name,not_after\nzz\n")
    shutil.copytree(other.directory, folder / "mixed-ca")
    shutil.copy(folder / "bordstein-ca" / "ca.pem", folder / "mixed-ca" / "ca.pem")
    key = signing.create(folder / "works", None)
    signing.create(folder / "elsewhere", None)
    pack = signing.pack({"bordstein/__init__.mpy": b"x"}, key, version="0.1.0", floor="0.1.0", date=2_000_000_000)
    for name, content in (
        ("good.pack", pack),
        ("cut.pack", pack[:-1]),
        ("short.pack", pack[:30]),
        ("micropython.bin", image("esp32")),
        ("no.bin", b"<html>"),
        ("passphrase", PASSPHRASE.encode()),
        ("wrong", b"ein anderer Satz fuer die Stadt"),
        ("short", b"kurz"),
        ("token", b"token-of-this-town"),
        ("spaces", b"a b"),
        ("empty", b""),
        ("latin", "Grüße".encode("cp1252")),
        ("bordstein.toml", TOWN.encode()),
        ("broken.toml", TOWN.replace("]", "", 1).encode()),
        ("gateway.toml", (TOWN + '[gateway]\nurl = "http://gateway.example"\ntoken_file = "token"\n').encode()),
        ("broken.json", b'{"mqtt": {'),
        ("wrong.json", b'{"mqtt": {"host": "a", "tls": false}, "led": 99, "board": "esp32-devkitc"}'),
        ("other.csv", b"Name,Telefon\nRathaus,0123\n"),
        ("boards.csv", f"device,asset\n{DEVICE},BS-1\n".encode()),
        ("list.csv", b"Inventarnummer;Netz;Sensoren\nBS-1;nirgends;luft\nBS-1;stadt;bme999\n"),
    ):
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def van(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to work in; no board is plugged in."""
    folder = tmp_path / "van"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(ports.list_ports, "comports", list)
    return folder


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def bordstein(*words: object) -> Any:
    """exit_code, stdout, stderr."""
    done = CliRunner().invoke(cli.app, [str(word) for word in words])
    assert isinstance(done.exception, SystemExit | None), done.exc_info
    return done


def says(monkeypatch: pytest.MonkeyPatch, words: tuple[object, ...], code: int, de: str, en: str) -> None:
    """The same in German, in English, and as an object for machines."""
    for language, sentence in (("de", de), ("en", en)):
        monkeypatch.setenv("BORDSTEIN_LANG", language)
        done = bordstein(*words)
        assert (done.exit_code, done.stdout) == (code, ""), (done.stdout, done.stderr)
        said = done.stderr.split("bordstein: ")[-1].strip()
        assert sentence in said, said
    if code == 1:
        done = bordstein(*words, "--json")
        assert (done.exit_code, done.stderr) == (1, "") and sentence in json.loads(done.stdout)["error"]


FAILURES: dict[str, tuple[tuple[object, ...], int, str, str]] = {
    "no board": (SETUP, 1, "Kein Gerät gefunden: Das Kabel einstecken", "No board found: plug the cable in"),
    "no such port": ((*SETUP, "--port", "/dev/ttyUSB77"), 1, "steckt das Kabel? „bordstein ports“", "is the cable pl"),
    "no port at all": ((*SETUP, "--port", "x://y"), 1, "x://y ist kein Anschluss; „bordstein ports“", "is no port"),
    "no server": ((*SETUP, "--port", "rfc2217://127.0.0.1:9"), 1, "läuft der Dienst dort", "does the service run"),
    "no such board": ((*SETUP, "--board", "esp33"), 2, "bekannt sind esp32-c3-devkitm", "known are esp32-c3-devkitm"),
    "release missing": (
        ("setup", "--yes", "--release", "no.pack", *RELEASE[2:]),
        1,
        "Die Software no.pack ist nicht lesbar (das gibt es nicht)",
        "the software no.pack cannot be read",
    ),
    "release without key": (("setup", "--release", "good.pack"), 1, "bitte --public angeben", "give --public"),
    "release unsigned": (
        ("setup", "--release", "good.pack", "--public", "elsewhere/release.pub"),
        1,
        "mit keinem Schlüssel signiert, dem hier vertraut wird",
        "the right release.pub (--public)?",
    ),
    "release damaged": (
        ("setup", "--release", "cut.pack", *RELEASE[2:]),
        1,
        "beschädigt; bitte noch einmal kopieren",
        "is damaged; copy it once more",
    ),
    "release cut": (("setup", "--release", "short.pack", *RELEASE[2:]), 1, "ist keine Software", "is no software for"),
    "deploy release": (("deploy", "--release", "cut.pack", *RELEASE[2:]), 1, "ist beschädigt", "is damaged"),
    "image missing": ((*SETUP, "--image", "x.bin"), 1, "x.bin lässt sich nicht lesen", "x.bin cannot be read"),
    "image is none": ((*SETUP, "--image", "no.bin"), 1, "die .bin-Datei von micropython.org", "the .bin file from"),
    "authority missing": ((*SETUP, "--ca", "x"), 1, "„bordstein ca init“ legt eine an", '"bordstein ca init" makes'),
    "authority, batch": (("batch", "list.csv", "--ca", "x", *RELEASE), 1, "bitte berichtigen", "correct them"),
    "wrong passphrase": (
        (*SETUP, "--passphrase-file", "wrong"),
        1,
        "mit dieser Passphrase nicht öffnen; bitte die richtige",
        "cannot be opened with this passphrase; give the right one",
    ),
    "no passphrase file": ((*SETUP, "--passphrase-file", "x"), 1, "Die Passphrase-Datei x ist nicht", "file x cannot"),
    "authority mixed": ((*SETUP, *CA, "--ca", "mixed-ca"), 1, "die Sicherungskopie", "restore them from their backup"),
    "config missing": (
        (*SETUP, "--config", "x.json"),
        1,
        "Die Konfiguration x.json ist nicht lesbar",
        "cannot be read",
    ),
    "config broken": ((*SETUP, "--config", "broken.json"), 1, "eine Klammer fehlt", "a bracket is missing"),
    "config wrong": ((*SETUP, "--config", "wrong.json"), 1, "led: ", "does not go onto the board: led: "),
    "town missing": ((*SETUP, "--town", "x.toml"), 1, "Die Datei x.toml ist nicht lesbar", "x.toml cannot be read"),
    "town broken": ((*SETUP, "--town", "broken.toml"), 1, "Zeile 3, Spalte ", "line 3, column "),
    "town latin": ((*SETUP, "--town", "latin"), 1, "bitte als UTF-8 speichern", "save it as UTF-8"),
    "token in the clear": ((*SETUP, "--town", "gateway.toml"), 1, "„ssh -L 8080:localhost:8080", '"ssh -L 8080:'),
    "no gateway": ((*SETUP, "--gateway", "x"), 1, "erwartet wird https://gateway", "expected is https://gateway"),
    "no token": ((*SETUP, *GATEWAY[:2]), 1, "bitte --token-file angeben", "give --token-file"),
    "bad token": ((*SETUP, *GATEWAY[:3], "spaces"), 1, "In spaces steht kein Token", "there is no token in spaces"),
    "password latin": ((*SETUP, "--password-file", "latin"), 1, "latin: bitte als UTF-8", "latin: save it as UTF-8"),
    "password empty": ((*SETUP, "--password-file", "empty"), 1, "In empty steht kein Passwort", "no password in empty"),
    "label's folder": ((*SETUP, "--label", "x/l.pdf"), 1, "den Ordner x gibt es nicht", "there is no folder x"),
    "label's kind": ((*SETUP, "--label", "l.doc"), 2, "bitte .svg oder .pdf", "use .svg or .pdf"),
    "register's folder": (
        (*SETUP, "--register", "x/b.csv"),
        1,
        "Den Ordner x für b.csv gibt es nicht",
        "there is no folder x",
    ),
    "register a folder": (
        (*SETUP, "--register", "works"),
        1,
        "works ist nicht lesbar (das ist ein Ordner)",
        "cannot be",
    ),
    "register foreign": ((*SETUP, "--register", "other.csv"), 1, "die Spalte device fehlt", "column device is missing"),
    "list missing": (("batch", "x.csv", *RELEASE), 1, "Die Liste x.csv ist nicht lesbar", "the list x.csv cannot be"),
    "list wrong": (
        ("batch", "list.csv", *RELEASE),
        1,
        "Zeile 3: BS-1 steht schon in Zeile 2",
        "line 3: BS-1 is in lin",
    ),
    "list, network": (("batch", "list.csv", *RELEASE), 1, "ein Netz „nirgends“", 'no network "nirgends" is known'),
    "list, sensors": (("batch", "list.csv", *RELEASE), 1, "Bausatz bme999 gibt es nicht", "no sensor or kit bme999"),
    "entered where": (("register", "boards.csv"), 2, "Bitte --gateway angeben", "Give --gateway"),
    "gateway silent": (("register", "boards.csv", *GATEWAY), 1, "läuft es, und der Tunnel", "run, and the tunnel to"),
    "not entered": (("register", "other.csv", *GATEWAY), 1, "die Spalte device fehlt", "column device is missing"),
    "second authority": (("ca", "init", *CA), 1, "Eine zweite: --ca ORDNER", "A second one: --ca FOLDER"),
    "short passphrase": (("ca", "init", "--ca", "n", "--passphrase-file", "short"), 1, "mindestens 12", "at least 12"),
    "no terminal": (("ca", "init", "--ca", "n"), 2, "--passphrase-file angeben", "give --passphrase-file"),
    "host": (("ca", "issue", "broker", "a b", *CA), 1, "zum Beispiel mqtt.musterstadt.de", "for example mqtt."),
    "issued twice": (("ca", "issue", "device", DEVICE, *CA), 1, "wird nicht überschrieben", "will not be overwritten"),
    "revoke nobody": (("ca", "revoke", "x", *CA), 1, "was sie ausgestellt hat, steht in", "what it issued stands in"),
    "renew nothing": (("ca", "renew", "--ends-within", 9, "--ca", "x"), 1, "ca.pem fehlt", "no authority in x"),
    "list damaged": (
        ("ca", "list", "--ca", "damaged-ca"),
        1,
        "Zeile 2: unbrauchbar; bitte die Sich",
        "line 2: of no use",
    ),
    "signing again": (("signing", "init", "--out", "works", *CA), 1, "wird nicht überschrieben", "not be overwritten"),
    "label for": (("label", "xyz"), 1, "zum Beispiel 24a160123456", "for example 24a160123456"),
    "label too small": (("label", DEVICE, "--place", "x" * 99), 1, "ein größeres Etikett (--size)", "label (--size)"),
    "label size": (("label", DEVICE, "--size", "3"), 2, "zum Beispiel 62x29", "for example 62x29"),
    "image added": (("images", "add", "no.bin"), 1, "ist kein Image für einen ESP32", "is no image for an ESP32"),
    "image fetched": (("images", "fetch", "x"), 1, "bekannt sind esp32-c3", "known are esp32-c3"),
    "flash no board": (("flash", "--image", "micropython.bin"), 1, "Kein Gerät gefunden", "No board found"),
    "check": (("config", "check", "broken.json"), 1, "eine Klammer fehlt", "a bracket is missing"),
    "example again": (("config", "init", "wrong.json"), 1, "wird nicht überschrieben", "will not be overwritten"),
    "applied": (("configure", "apply", "wrong.json"), 1, "led: ", "led: "),
    "imported": (
        ("configure", "import", "wrong.json"),
        1,
        "„bordstein configure apply“",
        '"bordstein configure apply"',
    ),
    **{
        f"{verb[-1]} without board": (verb, 1, "Kein Gerät gefunden: Das Kabel einstecken", "No board found: plug the")
        for verb in (
            ("show",),
            ("logs",),
            ("selftest",),
            ("configure", "show"),
            ("configure", "edit"),
            ("configure", "export"),
            ("configure", "validate"),
            ("reset", "--yes"),
            ("decommission", DEVICE, *CA),
        )
    },
    "wipe unasked": (("reset", "--json", "--port", "x"), 2, "bitte --yes angeben", "give --yes"),
    "stolen which": (("decommission", "--without-board"), 2, "die Kennung des Geräts", "give the device's id"),
    "stolen unknown": (
        ("decommission", "24a160000001", "--without-board", *CA),
        1,
        "nichts ausgestellt",
        "issued noth",
    ),
    "decommission": (("decommission", DEVICE, "--ca", "x"), 1, "„bordstein ca init“", '"bordstein ca init"'),
    "zip's folder": (("diagnose", "--out", "x/d.zip"), 1, "den Ordner x gibt es nicht", "there is no folder x"),
}


@pytest.mark.parametrize("words, code, de, en", FAILURES.values(), ids=FAILURES.keys())
def test_what_is_known_to_fail_is_said_first_with_its_cure(
    van: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[object, ...],
    code: int,
    de: str,
    en: str,
) -> None:
    before = files(van.parent)
    says(monkeypatch, words, code, de, en)
    assert files(van.parent) == before


def test_an_expired_authority_is_said_before_a_board_is_looked_for(van: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pki.create(van / "old-ca", "Musterstadt", PASSPHRASE.encode(), days=-1)
    words = (*SETUP, "--ca", "old-ca", *CA)
    says(monkeypatch, words, 1, "abgelaufen; bitte mit „bordstein ca init“", 'make a new one with "bordstein ca init"')


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "image for another chip": (
        ("--image", "c3.bin", *CA),
        "Das Image ist für esp32c3, das Gerät ist ein esp32. Das richtige nennt --image.",
    ),
    "no image": (CA, "mit Internet „bordstein images fetch“ ausführen, oder die Datei mit --image angeben"),
    "another board": (("--board", "esp32-c3-devkitm"), "ist es das richtige Gerät, der richtige Anschluss?"),
    "unknown sensor": (("--sensors", "bme999"), "Einen Sensor oder Bausatz bme999 gibt es nicht; bekannt sind"),
    "network's name": (("--network", "x" * 33), "network.wifi[0].ssid: erwartet wird höchstens 32 Bytes"),
    "long place": (("--place", "x" * 99, "--label", "l.pdf"), "kürzere Angaben oder ein größeres Etikett"),
    "authority without key": (
        ("--image", "micropython.bin", "--ca", "public-ca"),
        "(ca.key.pem fehlt); „bordstein ca init“ legt eine an",
    ),
}


def test_a_blank_board_that_cannot_become_what_is_wanted_stays_as_it_is_and_is_let_go(
    van: Path, tmp_path: Path
) -> None:
    (van / "c3.bin").write_bytes(image("esp32c3"))
    (van / "public-ca").mkdir()
    shutil.copy(van / "bordstein-ca" / "ca.pem", van / "public-ca" / "ca.pem")

    def refused(name: str) -> str:
        words, sentence = REFUSED[name]
        with UsbBoard(tmp_path / f"{name}.flash") as board:
            done = subprocess.run(
                [BORDSTEIN, *SETUP, "--port", board.url, *words],
                cwd=van,
                env={**os.environ, "BORDSTEIN_LANG": "de", "COLUMNS": "200"},
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
                start_new_session=True,
            )
            blank = board.loader.flash.read_bytes().strip(b"\xff") == b""
            fine = (done.returncode, done.stdout, board.mode) == (1, "", "run") and sentence in done.stderr
            return "" if fine and blank and "Traceback" not in done.stderr else f"{name}: {board.mode} {done}"

    with ThreadPoolExecutor(len(REFUSED)) as pool:
        assert not any(said := list(pool.map(refused, REFUSED))), said


def test_a_silent_board_is_told_of_by_the_names_of_its_buttons(van: Path, tmp_path: Path) -> None:
    (tmp_path / "esptool.cfg").write_text("[esptool]\ntimeout = 1\n")
    with UsbBoard(tmp_path / "flash", ("sleep", "1000"), serial="pty", faults=Faults(silent_after=0)) as board:
        done = subprocess.run(
            [BORDSTEIN, *SETUP, "--port", board.url, "--board", "esp32-c3-devkitm"],
            cwd=van,
            env={**os.environ, "BORDSTEIN_LANG": "de", "ESPTOOL_CFGFILE": str(tmp_path / "esptool.cfg")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1 and "Taste BOOT gedrückt halten, Taste RST kurz drücken" in done.stderr, done


def test_ctrl_c_ends_it_with_a_sentence(van: Path, tmp_path: Path) -> None:
    with (
        UsbBoard(tmp_path / "flash", ("sleep", "1000"), serial="pty") as board,
        Terminal(*SETUP, "--port", board.url, folder=van) as terminal,
    ):
        terminal.wait_for("looking at what is on the cable")
        terminal.type(b"\x03")
        assert terminal.ends() == 1 and "the same command goes on" in terminal.said, terminal.said


@contextmanager
def full_disk(room: int = 0) -> Iterator[None]:
    """No file becomes longer than this."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize(
    "words",
    [
        ("ca", "init", "--ca", "new", *CA),
        ("ca", "issue", "device", "24a160000001", *CA),
        ("ca", "revoke", DEVICE, *CA),
        ("ca", "renew", DEVICE, *CA),
        ("label", DEVICE, "--out", "label.svg"),
        ("images", "add", "micropython.bin"),
        ("config", "init", "new.json"),
        ("decommission", DEVICE, "--without-board", *CA, "--register", "boards.csv"),
    ],
    ids=" ".join,
)
def test_a_disk_that_is_full_is_said_and_nothing_is_left_by_half(
    van: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    before = files(van.parent)
    half_a_line = (van / "bordstein-ca" / "issued.csv").stat().st_size + 5
    with full_disk(half_a_line if words[1] in ("issue", "renew") else 0):
        says(monkeypatch, words, 1, "die Datei würde zu groß", "File too large")
    assert files(van.parent) == before
    assert bordstein(*words).exit_code == 0  # and once there is room the same works


def test_what_nobody_foresaw_is_a_sentence_without_what_it_was_about(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise RuntimeError(PASSWORD)

    monkeypatch.setattr(cli, "app", fails)
    for language, words, sentence in (
        ("de", [], "Das hätte nicht geschehen dürfen (RuntimeError, cli/__init__.py:"),
        ("en", ["--json"], "this should not have happened (RuntimeError, cli/__init__.py:"),
    ):
        monkeypatch.setenv("BORDSTEIN_LANG", language)
        monkeypatch.setattr("sys.argv", ["bordstein", "show", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = "".join(capsys.readouterr())
        assert ended.value.code == 1 and sentence in said and PASSWORD not in said and "Traceback" not in said
