"""The whole firmware, compiled as for a board, in the memory of an ESP32: words of 32 bits and a small heap."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.hardware.micropython import compiled_hardware, interpreter_of_32_bits
from tests.hardware.scenarios import BOARDS
from tests.street.processes import until
from tests.street.street import Street
from tools.dev.mpy import FIRMWARE, compile_to

# A plain ESP32 has 147 kB of heap on Wi-Fi before anything of ours is loaded. Here the simulated chips, the recorder
# and board.py are in it as well, with paths as long as they are here: 57 kB that no board carries.
HEAP = "204K"
SENSORS = FIRMWARE / "bordstein" / "sensors"


def shared_by(drivers: Iterable[str]) -> list[str]:
    """The modules of sensors/shared that these drivers load."""
    needed: set[str] = set()
    looked_at = [SENSORS / f"{driver}.py" for driver in drivers]
    while looked_at:
        for name in re.findall(r"sensors\.shared(?: import |\.)(\w+)", looked_at.pop().read_text(encoding="utf-8")):
            if name not in needed:
                needed.add(name)
                looked_at.append(SENSORS / "shared" / f"{name}.py")
    return sorted(needed)


def test_a_board_with_five_sensors_runs_and_loses_nothing_in_the_memory_of_an_esp32(tmp_path: Path) -> None:
    interpreter = interpreter_of_32_bits()
    if interpreter is None:
        pytest.skip("this machine runs no programs of 32 bits")
    firmware = tmp_path / "firmware"
    dict(compile_to(firmware))
    run = [interpreter, "-X", f"heapsize={HEAP}", str(compiled_hardware(tmp_path / "hardware"))]
    busy = [board for board in BOARDS if len(board["sensors"]) >= 5]
    assert busy
    # Loaded one after the other: the Unix port needs some 8 kB of stack for each import within an import, of the 40 kB
    # that it has with words of 32 bits; an ESP32 needs a fraction of that.
    shared = shared_by(sensor["driver"] for sensor in busy[0]["sensors"].values())
    with (firmware / "boot.py").open("a") as boot:
        boot.writelines(f"import bordstein.sensors.shared.{name}\n" for name in shared)
    with Street(tmp_path / "street", busy, run=run, firmware=firmware, config={"health_s": 10}) as street:
        board = street.boards[0]
        assert until(lambda: street.read_flights() or street.flights[board.device].taken >= 40 or board.crash, 60, 0.2)
        assert not board.crash, board.crash
        assert street.finish(60), "not everything arrived"
        verdict = street.verdict()
        assert verdict.whole, "\n".join(verdict.sentences())
        log = board.process.log.read_text()
        assert "MemoryError" not in log and "memory allocation failed" not in log, log
