"""`bordstein reset` and `decommission`: nothing of a board's keys and data is left on its chip, its software is, and
what it had counts no more."""

import ast
import csv
import json
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from typer.testing import CliRunner

from bordstein_tools import cli
from bordstein_tools.board import deploying, on_board, wiping
from bordstein_tools.board.cable import Cable
from bordstein_tools.config import configuring
from bordstein_tools.keys import pki
from bordstein_tools.texts import Problem
from tests.hardware.pty_bridge import PtyBoard
from tests.tools import cabled
from tools.dev.mpy import FIRMWARE

MOMENTS = 3
PASSWORD = "bitte nicht lesen"
READING = b"a reading that waits to be sent"
CONFIG = {
    "name": "Marktplatz 7",
    "network": {"wifi": [{"ssid": "Stadt", "password": PASSWORD}]},
    "mqtt": {"host": "mqtt.musterstadt.de", "ca": "ca.der", "cert": "device.der", "key": "device.key.der"},
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the authority, a board's keys, and the flash of a board with all of that."""
    folder = tmp_path_factory.mktemp("town")
    authority = pki.create(folder / "bordstein-ca", "Musterstadt", None)
    authority.issue_device(cabled.DEVICE, out=folder / "keys")
    with cabled.board(folder / "b") as board, Cable.open(board.port) as cable:
        deploying.deploy(cable, cabled.compiled(folder / "compiled"), b"the town's release.pub\n")
        cable.remove("main.py")  # it does not start before it is looked at
        configuring.apply(cable, CONFIG, configuring.as_file(CONFIG), (folder / "keys",))
        cable.write("spool/00000001.seg", READING * 200)
        cable.write("main.py", (FIRMWARE / "main.py").read_bytes())
    return folder


@pytest.fixture
def van(town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a copy of the authority and of the board's flash (in `b`)."""
    monkeypatch.setenv("BORDSTEIN_LANG", "en")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(town / "bordstein-ca", tmp_path / "bordstein-ca")
    (tmp_path / "b").mkdir()
    shutil.copy(town / "b" / "flash", tmp_path / "b" / "flash")
    return tmp_path


def bordstein(*words: object, code: int = 0, typed: str = "") -> str:
    done = CliRunner().invoke(cli.app, [*map(str, words)], input=typed)
    assert done.exit_code == code and isinstance(done.exception, SystemExit | None), (done.output, done.exception)
    return done.output


def left(folder: Path, town: Path) -> list[str]:
    """What of the board's data is on its chip still."""
    chip = (folder / "flash").read_bytes()
    key = (town / "keys" / "device.key.der").read_bytes()
    certificate = (town / "keys" / "device.der").read_bytes()
    wanted = {"password": PASSWORD.encode(), "key": key[-40:], "certificate": certificate[-40:], "reading": READING}
    return [name for name, content in wanted.items() if content in chip]


def has_software_only(board: PtyBoard) -> bool:
    with Cable.open(board.port) as cable:
        return (
            cable.read("release.pub") == b"the town's release.pub\n"
            and all(map(cable.exists, ("boot.py", "main.py", "bordstein")))
            and not any(map(cable.exists, ("config.json", "device.der", "device.key.der", "wipe", "wipe.fill")))
        )


def test_what_stays_is_what_the_firmware_leaves() -> None:
    for line in ast.parse((FIRMWARE / "bordstein" / "wipe.py").read_text()).body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "_KEPT":
            assert (*ast.literal_eval(line.value), "wipe") == wiping.KEPT
            return
    raise AssertionError("the firmware has no list any more")


def test_a_board_is_wiped_when_its_id_is_typed(van: Path, town: Path) -> None:
    assert left(van / "b", town) == ["password", "key", "certificate", "reading"]
    with cabled.board(van / "b") as board:
        said = bordstein("reset", "--port", board.port, typed="24a160123457\n", code=1)
        assert "not the id" in said and left(van / "b", town) == ["password", "key", "certificate", "reading"]
        said = bordstein("reset", "--port", board.port, typed=f"{cabled.DEVICE}\n")
        assert f"device {cabled.DEVICE} is blank" in said
        assert left(van / "b", town) == [] and has_software_only(board)


def copied(van: Path, name: str) -> Path:
    (van / name).mkdir()
    shutil.copy(van / "b" / "flash", van / name / "flash")
    return van / name


def test_a_cable_pulled_at_any_moment_leaves_a_board_that_the_same_command_finishes(van: Path, town: Path) -> None:
    with cabled.board(copied(van, "counted")) as board, Cable.open(board.port) as cable:
        start = board.taken
        wiping.wipe(cable)
        total = board.taken - start
    for moment in range(MOMENTS):
        folder = copied(van, str(moment))
        with cabled.board(folder) as board, Cable.open(board.port) as cable:
            board.pull_after(total * (2 * moment + 1) // (2 * MOMENTS))
            with pytest.raises(Problem, match="broke"):
                wiping.wipe(cable)
        with cabled.board(folder) as board:
            bordstein("reset", "--port", board.port, "--yes")
            assert left(folder, town) == [] and has_software_only(board)


def test_what_was_ordered_is_done_by_the_board_alone(van: Path, town: Path) -> None:
    with cabled.board(van / "b") as board, Cable.open(board.port) as cable:
        cable.run(on_board.ORDER_WIPE)
    with cabled.board(van / "b") as board:
        board.wait_for(wiping.DONE.encode())
    assert left(van / "b", town) == []


def test_a_board_without_software_is_wiped_over_the_cable_pulled_or_not(van: Path, town: Path) -> None:
    with cabled.board(van / "b") as board, Cable.open(board.port) as cable:
        cable.remove("bordstein/wipe.mpy")
        cable.write("main.py", b"print('main')")
        board.pull_on(b"\r\n" * 100)
        with pytest.raises(Problem, match="broke"):
            wiping.wipe(cable)
    with cabled.board(van / "b") as board:
        assert json.loads(bordstein("reset", "--port", board.port, "--yes", "--json"))["device"] == cabled.DEVICE
        assert left(van / "b", town) == [] and has_software_only(board)


def test_one_that_does_not_come_to_an_end_is_said(van: Path) -> None:
    with cabled.board(van / "b") as board:
        with Cable.open(board.port) as cable:
            cable.write("main.py", b"print('OSError: 5')")
        said = bordstein("reset", "--port", board.port, "--yes", code=1)
        assert "did not come to an end" in said and "same command once more" in said


def register(van: Path) -> list[dict[str, str]]:
    with (van / "boards.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def listed(van: Path) -> Path:
    rows = [["device", "urn", "asset"], ["24a160000001", "urn:x", "BS-1"], [cabled.DEVICE, "urn:y", "BS-2"]]
    with (van / "boards.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return van


def test_a_board_that_leaves_is_wiped_its_certificates_revoked_and_its_row_says_since_when(
    listed: Path, town: Path
) -> None:
    words = ("--register", "boards.csv")
    with cabled.board(listed / "b") as board:
        said = bordstein("decommission", "24a160000001", "--port", board.port, *words, code=1)
        assert f"the board on the cable is {cabled.DEVICE}, not 24a160000001" in said
        assert not (listed / "bordstein-ca" / "revoked.csv").exists()
        facts = json.loads(bordstein("decommission", cabled.DEVICE, "--port", board.port, *words, "--json"))
        assert facts["wiped"] and len(facts["revoked"]) == 1 and facts["register"] == "boards.csv"
        assert left(listed / "b", town) == [] and has_software_only(board)
        first, second = register(listed)
        assert first["decommissioned"] == "" and second["decommissioned"].startswith("20") and second["asset"] == "BS-2"
        said = bordstein("decommission", "--port", board.port, *words, typed=f"{cabled.DEVICE}\n")
        assert "out of service and blank" in said and "newly revoked: 0" in said and "mosquitto_pub" in said
    assert register(listed)[1] == second
    crl = x509.load_pem_x509_crl((listed / "bordstein-ca" / "ca.crl.pem").read_bytes())
    assert [f"{one.serial_number:x}" for one in crl] == [serial.lstrip("0") for serial in facts["revoked"]]


def test_a_stolen_board_is_locked_out_without_it(listed: Path) -> None:
    assert "give the device's id" in bordstein("decommission", "--without-board", code=2)
    assert "issued nothing" in bordstein("decommission", "24a160000099", "--without-board", code=1)
    said = bordstein("decommission", "24:A1:60:12:34:56", "--without-board", "--register", "boards.csv")
    assert "but not wiped" in said and "noted in boards.csv" in said and register(listed)[1]["decommissioned"]
    (listed / "boards.csv").write_text("a,b\n")
    words = ("decommission", cabled.DEVICE, "--without-board", "--register", "boards.csv")
    assert "the column device is missing" in bordstein(*words, code=1)
