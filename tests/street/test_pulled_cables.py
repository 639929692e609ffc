"""The cable is pulled at fifty moments of the way from a blank chip to a board that reports. Whatever the moment, the
board is nobody else then, and the same again ends well."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from bordstein_tools.board import software
from bordstein_tools.setup import setting_up
from bordstein_tools.setup.setting_up import Wanted
from bordstein_tools.texts import Problem
from tests.hardware.micropython import HARDWARE, command
from tests.hardware.usb import UsbBoard
from tests.street import van
from tests.street.servers import Gateway, Mosquitto, Town

PHASES = {"flash": 12, "software": 15, "identity": 15, "reports": 8}
"""How many moments in each; a phase begins where a step of `setup` does. In the last one it is the board that talks."""
_STEPS = {"putting MicroPython on": "flash", "putting the software on": "software", "issuing key": "identity"}
_AT_ONCE = 8
_TRIES = 3
_PATIENT = "?timeout=30"  # pyserial's for RFC 2217: the machine is busy


@dataclass
class Works:
    """What every board gets, and chips as they are at the beginning of each phase."""

    folder: Path
    town: Town
    config: dict[str, Any]
    software: software.Software
    keys: bytes
    chips: dict[str, Path]
    heard: dict[str, int]
    said: int

    def wanted(self, _: str = "") -> Wanted:
        return Wanted(
            config=self.config,
            asset="",
            site="",
            software=self.software,
            keys=self.keys,
            authority=lambda: self.town.authority,
            image=self.folder / "van" / "micropython.bin",
            wait_s=60,
        )


class Watched:
    """Told of each step; calls on_step with the phase that it begins."""

    def __init__(self, on_step: Callable[[str], None]) -> None:
        self._on_step = on_step

    def step(self, de: str, en: str) -> None:
        phase = next((phase for said, phase in _STEPS.items() if en.startswith(said)), None)
        self._on_step("reports" if en == "self-test" else phase or "")

    def bar(self, de: str, en: str) -> Callable[[], contextlib.AbstractContextManager[Callable[[int, int], None]]]:
        return lambda: contextlib.nullcontext(lambda done, of: None)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory, town: Town) -> Iterator[tuple[Works, Gateway]]:
    """One run without a pulled cable, which says how much is sent in each phase and leaves a chip from each."""
    folder = tmp_path_factory.mktemp("street")
    made = van.works(folder / "works")
    with (
        Mosquitto(town, folder=folder / "broker") as broker,
        Gateway(town, broker, folder=folder / "gateway") as gateway,
    ):
        config = json.loads((van.van(folder / "van", town, broker) / "config.json").read_text())
        keys = (made / "signing" / "release.pub").read_bytes()
        ready = software.release(made / "bordstein-0.1.0.pack", keys)
        works = Works(folder, town, config, ready, keys, {}, {}, 0)
        with van.board_on_a_cable(folder / "first") as board:
            at, said = dict[str, int](), 0

            def begun(phase: str) -> None:
                nonlocal said
                if phase:
                    at[phase], said = board.heard, board.said
                    works.chips[phase] = shutil.copy(folder / "first" / "chip", folder / phase)

            assert setting_up.prepare(board.url + _PATIENT, works.wanted, Watched(begun)).ready
            at["end"], works.said = board.heard, board.said - said
        assert list(at) == [*PHASES, "end"]
        works.heard = {phase: later - at[phase] for phase, later in zip(PHASES, list(at.values())[1:], strict=True)}
        yield works, gateway


def moments() -> list[tuple[str, float]]:
    return [(phase, (number + 0.5) / count) for phase, count in PHASES.items() for number in range(count)]


def pulled(works: Works, number: int, phase: str, part: float) -> str:
    """A board whose cable is pulled in this part of a phase; "" if it ended well, else what was wrong."""
    mac = f"24a16000{number:04x}"
    folder = works.folder / mac
    folder.mkdir()
    # What lies before the phase is there already, as after an earlier run.
    chip = works.chips["identity" if phase == "reports" else phase]
    why: list[str] = []
    for _ in range(_TRIES):
        shutil.copy(chip, folder / "chip")
        with van.board_on_a_cable(folder, mac) as board:
            why.append(until_pulled(works, board, phase, part))
            if board.unplugged.is_set():
                check_identity(folder / "chip", mac, works)
                board.plug()
                try:
                    verdict = setting_up.prepare(board.url + _PATIENT, works.wanted, Watched(lambda _: None))
                except Problem as problem:
                    return f"{phase} {part}: {problem.en}"
                return "" if verdict.ready else f"{phase} {part}: {setting_up.sentence(verdict)}"
    return f"{phase} {part}: the cable was never pulled: {why}"


def until_pulled(works: Works, board: UsbBoard, phase: str, part: float) -> str:
    """`setup` with a cable that is pulled in this part of a phase; what it said. Where so many boards share two cores,
    one may fail before that for want of time."""

    def begun(now: str) -> None:
        if now == phase == "reports":
            board.unplug_after(int(part * works.said * 0.9) + 1)
        elif now == phase:
            board.unplug_at(int(part * works.heard[phase]) + 1)

    try:
        return setting_up.sentence(setting_up.prepare(board.url, works.wanted, Watched(begun)))
    except Problem as problem:
        return problem.en


def check_identity(chip: Path, mac: str, works: Works) -> None:
    """A board with a configuration has the key and certificate of its own id, which belong together."""
    run = subprocess.run(
        command(HARDWARE / "volume.py", chip, heapsize="4M"), capture_output=True, text=True, check=True, timeout=60
    )
    files = json.loads(run.stdout) or {}
    if "config.json" not in files:
        return
    assert json.loads(bytes.fromhex(files["config.json"])) == works.config
    certificate = x509.load_der_x509_certificate(bytes.fromhex(files["device.der"]))
    [name] = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    key = serialization.load_der_private_key(bytes.fromhex(files["device.key.der"]), None)
    assert name.value == mac and key.public_key() == certificate.public_key()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("half", [0, 1])
def test_a_cable_that_is_pulled_at_fifty_moments_leaves_a_board_that_the_same_again_finishes(
    street: tuple[Works, Gateway], half: int
) -> None:
    works, gateway = street
    assert len(moments()) == 50
    chosen = [(number, *moment) for number, moment in enumerate(moments()) if number % 2 == half]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ends = list(pool.map(lambda one: pulled(works, *one), chosen))
    assert not any(ends), [end for end in ends if end]
    known = {device["id"] for device in gateway.get("/api/latest")["devices"]}
    assert known >= {f"24a16000{number:04x}" for number, *_ in chosen}
    assert known <= {van.DEVICE, *(f"24a16000{number:04x}" for number in range(50))}
