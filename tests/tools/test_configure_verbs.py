"""`bordstein configure validate`, `edit`, `export` and `import`: no secret is shown, and none is lost."""

import contextlib
import json
import os
import pty
import select
import stat
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bordstein_tools import cli
from bordstein_tools.board.cable import Cable
from bordstein_tools.config import configuring
from bordstein_tools.keys import pki
from bordstein_tools.texts import Problem
from tests.hardware.micropython import HARDWARE, command
from tests.hardware.pty_bridge import PtyBoard
from tests.hardware.usb import UsbBoard
from tests.street.processes import until
from tests.tools import cabled
from tests.tools.flash_image import image

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # of pyserial
SECRETS = ("geheimes Wort", "4711", "anderes Geheimnis")
CONFIG = {
    "name": "Marktplatz 7",
    "board": "esp32-devkitc",
    "network": {
        "wifi": [{"ssid": "Stadt", "password": SECRETS[0]}, {"ssid": "Gast"}],
    },
    "mqtt": {"host": "mqtt.musterstadt.de", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"},
}
# In the editor's place: what the file `turns` says is done to the text, one line [old, new] at each start.
EDITOR = """
import json, pathlib, sys
turns, text = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
old, new = (rest := json.loads(turns.read_text())).pop(0)
turns.write_text(json.dumps(rest))
pathlib.Path(str(turns) + ".seen").write_bytes(text.read_bytes())
text.write_bytes(text.read_bytes().replace(old.encode(), new.encode()))
sys.exit(old == "fail")
"""
Verb = Callable[..., Any]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PtyBoard]:
    folder = tmp_path_factory.mktemp("board")
    authority = pki.create(folder / "ca", "Musterstadt", None)
    authority.issue_device(cabled.DEVICE, out=folder / "keys")
    with cabled.board(folder / "b") as board:
        with Cable.open(board.port) as cable:
            configuring.apply(cable, CONFIG, configuring.as_file(CONFIG), (folder / "keys",))
        yield board


@pytest.fixture
def bordstein(board: PtyBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Verb]:
    """Runs a verb of `configure`: (arguments, exit code it must have, what is typed) -> what it said."""
    monkeypatch.setenv("BORDSTEIN_LANG", "en")
    monkeypatch.chdir(tmp_path)
    texts = []

    def run(*words: object, code: int = 0, typed: str = "") -> str:
        arguments = ["configure", *map(str, words), "--port", board.port]
        done = CliRunner().invoke(cli.app, arguments, input=typed)
        assert done.exit_code == code and isinstance(done.exception, SystemExit | None), (done.output, done.exception)
        texts.append(done.output)
        return done.output

    yield run
    assert not any(secret in text for secret in SECRETS for text in texts)


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Says what is done to the text at each start of the editor; where it will have left what it was given."""
    (tmp_path / "editor.py").write_text(EDITOR)
    turns = tmp_path / "turns"
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f'"{sys.executable}" "{tmp_path / "editor.py"}" "{turns}"')

    def will(*changes: tuple[str, str]) -> Path:
        turns.write_text(json.dumps(changes))
        return Path(f"{turns}.seen")

    return will


def there(board: PtyBoard) -> Any:
    with Cable.open(board.port) as cable:
        return configuring.raw(cable)


@pytest.fixture(autouse=True)
def as_it_was(board: PtyBoard) -> Iterator[None]:
    yield
    with Cable.open(board.port) as cable:
        cable.write("config.json", configuring.as_file(CONFIG))


def test_validate_looks_at_a_file_or_at_the_board(bordstein: Verb, board: PtyBoard, tmp_path: Path) -> None:
    assert "config.json: no mistakes" in bordstein("validate")
    with Cable.open(board.port) as cable:
        cable.write("config.json", json.dumps({**CONFIG, "led": 99, "x": 1}).encode())
    said = json.loads(bordstein("validate", "--json", code=1))
    assert {line.split(":")[0] for line in said["problems"]} == {"x", "led"}
    with Cable.open(board.port) as cable:
        cable.write("config.json", b'{"led": 2,}')
    assert "config.json" in bordstein("validate", code=1)
    (tmp_path / "good.json").write_text(json.dumps(CONFIG))
    assert "good.json: no mistakes" in bordstein("validate", tmp_path / "good.json")


def test_what_is_hidden_stays_as_it_is_and_the_rest_is_as_it_was_typed(
    bordstein: Verb, board: PtyBoard, editor: Callable[..., Path], tmp_path: Path
) -> None:
    seen = editor(("Marktplatz 7", "Marktplatz 8"))
    assert "config.json written" in bordstein("edit")
    assert configuring.HIDDEN in seen.read_text() and not any(secret in seen.read_text() for secret in SECRETS)
    assert there(board) == {**CONFIG, "name": "Marktplatz 8"}
    editor((configuring.HIDDEN, SECRETS[2]))
    bordstein("edit")
    assert there(board)["network"]["wifi"][0]["password"] == SECRETS[2]
    editor(('"Stadt"', '"Stadt 2"'))  # a name that was wrong: the password is that network's still
    bordstein("edit")
    assert there(board)["network"]["wifi"][0] == {"ssid": "Stadt 2", "password": SECRETS[2]}
    editor(("nothing", ""))
    assert "already" in bordstein("edit")
    assert not list(tmp_path.glob("config-*"))


def test_mistakes_are_said_and_the_text_is_edited_again_or_kept(
    bordstein: Verb, board: PtyBoard, editor: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(('"board"', '"led": 99, "pins": 3, "board"'), ('"led": 99, "pins": 3, ', '"led": 2, '))
    said = bordstein("edit", typed="y\n")
    assert "led: " in said and "pins: " in said and there(board) == {**CONFIG, "led": 2}
    editor(('"board"', '"board" "board"'))
    said = bordstein("edit", typed="n\n", code=1)
    (kept,) = tmp_path.glob(f"config-{cabled.DEVICE}-*.json")
    assert kept.name in said.replace("\n", "") and "nothing was changed" in said
    assert '"board" "board"' in kept.read_text() and stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert there(board) == {**CONFIG, "led": 2}
    kept.write_text(kept.read_text().replace('"board" "board"', '"board"').replace("7", "9"))
    assert "config.json written" in bordstein("apply", kept)
    assert there(board) == {**CONFIG, "led": 2, "name": "Marktplatz 9"}
    kept.unlink()
    editor(("fail", ""))
    assert "ended with an error" in bordstein("edit", code=1)
    monkeypatch.setenv("EDITOR", "/nowhere/editor")
    assert "does not start" in bordstein("edit", code=1)
    monkeypatch.setenv("EDITOR", "rm")
    assert "cannot be read" in bordstein("edit", code=1)
    assert not list(tmp_path.glob("config-*"))


def test_who_changed_it_meanwhile_is_not_overwritten(
    bordstein: Verb, board: PtyBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("open", "done"):
        os.mkfifo(tmp_path / name)
    script = "import sys; open('open', 'w').close(); open('done').close(); open(sys.argv[1], 'a').write(' ')"
    monkeypatch.setenv("VISUAL", f'{sys.executable} -c "{script}"')

    def change() -> None:
        (tmp_path / "open").read_bytes()  # once the editor is open
        with Cable.open(board.port) as cable:
            cable.write("config.json", json.dumps({**CONFIG, "name": "other"}).encode())
        (tmp_path / "done").write_bytes(b"")

    somebody = threading.Thread(target=change)
    somebody.start()
    assert "changed meanwhile" in bordstein("edit", code=1)
    somebody.join()
    assert there(board)["name"] == "other" and list(tmp_path.glob("config-*"))


def test_an_export_has_secrets_only_when_asked_and_comes_back(bordstein: Verb, board: PtyBoard, tmp_path: Path) -> None:
    facts = json.loads(bordstein("export", "--json"))
    file = tmp_path / facts["file"]
    assert file.name == f"{cabled.DEVICE}.bordstein.json"
    made = json.loads(file.read_text())
    assert (made["device"], made["board"], made["software"]) == (cabled.DEVICE, "esp32-devkitc", None)
    assert made["config"] == configuring.without_secrets(CONFIG) and made["time"].startswith("20")
    assert "will not be overwritten" in bordstein("export", code=1)
    assert "only you can read it" in bordstein("export", "--with-secrets", "--out", "all.json")
    whole = json.loads((tmp_path / "all.json").read_text())
    assert whole["config"] == CONFIG and stat.S_IMODE((tmp_path / "all.json").stat().st_mode) == 0o600
    assert "already" in bordstein("import", "all.json")
    with Cable.open(board.port) as cable:
        changed = {**CONFIG, "name": "other", "network": {"wifi": [{"ssid": "Stadt", "password": SECRETS[2]}]}}
        cable.write("config.json", json.dumps(changed).encode())
    bordstein("import", file)  # what is hidden is as on the board
    wifi = [{"ssid": "Stadt", "password": SECRETS[2]}, {"ssid": "Gast"}]
    assert there(board) == {**CONFIG, "network": {"wifi": wifi}}
    bordstein("import", "all.json")
    assert there(board) == CONFIG
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    assert 'has written; a config.json is for "bordstein configure apply"' in bordstein("import", "config.json", code=1)


def test_an_export_of_another_board_is_for_its_replacement_only(
    bordstein: Verb, board: PtyBoard, tmp_path: Path
) -> None:
    made = {"device": "24a160000001", "board": "", "software": None, "time": "", "secrets": False, "bordstein": 1}
    hidden = configuring.without_secrets({**CONFIG, "name": "Rathaus"})
    (tmp_path / "other.json").write_text(json.dumps({**made, "config": hidden}))
    said = bordstein("import", "other.json", code=1)
    assert "from device 24a160000001" in said and "--as-new" in said and there(board) == CONFIG
    bordstein("import", "other.json", "--as-new")
    assert there(board) == {**CONFIG, "name": "Rathaus"}
    with Cable.open(board.port) as cable:
        cable.write("config.json", json.dumps({"mqtt": CONFIG["mqtt"]}).encode())
    said = bordstein("import", "other.json", "--as-new", code=1)
    assert "network.wifi[0].password is hidden" in said and "write it into the file" in said


def test_a_hidden_secret_that_the_board_has_not_is_asked_for() -> None:
    asked: list[str] = []

    def ask(path: str) -> str:
        asked.append(path)
        return SECRETS[1]

    ppp = {"apn": "town", "pin": configuring.HIDDEN, "password": configuring.HIDDEN}
    whole = configuring.revealed({"network": {"ppp": ppp}}, {"network": {"ppp": {"password": "x"}}}, ask)
    assert whole == {"network": {"ppp": {"apn": "town", "pin": SECRETS[1], "password": "x"}}}
    assert asked == ["network.ppp.pin"]
    wifi = [{"ssid": "b", "password": configuring.HIDDEN}, {"ssid": "c", "password": configuring.HIDDEN}]
    with pytest.raises(Problem, match=r"network\.wifi\[1\]\.password"):
        configuring.revealed({"network": {"wifi": wifi}}, {"network": {"wifi": [{"ssid": "b", "password": "x"}]}})


def test_at_a_terminal_it_is_asked_for_unseen(bordstein: Verb, tmp_path: Path) -> None:
    made = {"device": "24a160000001", "board": "", "software": None, "time": "", "secrets": False, "bordstein": 1}
    (tmp_path / "other.json").write_text(
        json.dumps(
            {**made, "config": configuring.without_secrets({**CONFIG, "mqtt": {"host": "192.0.2.7", "tls": False}})}
        )
    )
    (tmp_path / "flash").write_bytes(bytes(0x1000) + image("esp32") + bytes(4 << 20))
    master, slave = pty.openpty()
    program = command(HARDWARE / "console.py", cabled.scenario(tmp_path))
    with UsbBoard(tmp_path / "flash", program) as blank:
        words = ("configure", "import", "other.json", "--as-new", "--port", blank.url)
        asking = subprocess.Popen(
            [Path(sys.executable).with_name("bordstein"), *words],
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with asking, contextlib.ExitStack() as at_the_end:
            at_the_end.callback(asking.kill)
            assert asking.stdout
            said = b""
            while b"network.wifi[0].password" not in said and (more := os.read(asking.stdout.fileno(), 1000)):
                said += more
            # What is typed before it stops to show what is typed, it throws away.
            assert until(lambda: not termios.tcgetattr(slave)[3] & termios.ECHO, 30)
            os.write(master, SECRETS[2].encode() + b"\n")
            said += asking.stdout.read()
            asking.wait(30)
        assert asking.returncode == 0 and b"config.json written" in said, said
        with Cable.open(blank.url) as cable:
            assert (configuring.raw(cable) or {})["network"]["wifi"][0]["password"] == SECRETS[2]
    os.set_blocking(master, False)
    echoed = os.read(master, 1000) if select.select([master], [], [], 0)[0] else b""
    assert SECRETS[2].encode() not in said + echoed
    os.close(master)
    os.close(slave)
