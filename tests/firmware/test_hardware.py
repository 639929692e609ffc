"""Virtual boards as processes, the flight recorder, and the ready boards of scenarios.py (parts: mpy_hardware.py)."""

import json
import signal
import subprocess
import time
import tomllib

import pytest

from tests.hardware import micropython
from tests.hardware.scenarios import BOARDS, REPLAY

# A board as a process, with a small program in place of the firmware


class Board:
    """A virtual board that runs a few lines instead of the firmware."""

    def __init__(self, folder, program, **scenario):
        self.folder = folder
        firmware = folder / "firmware"
        firmware.mkdir()
        (firmware / "boot.py").write_text("")
        (firmware / "main.py").write_text(program)
        self.scenario = {
            "mac": "24a160123456",
            "flash": str(folder / "flash"),
            "rtc": str(folder / "rtc"),
            "firmware": str(firmware),
            **scenario,
        }

    def start(self, *arguments):
        file = self.folder / "scenario.json"
        file.write_text(json.dumps(self.scenario))
        command = micropython.command(micropython.HARDWARE / "board.py", file, *arguments)
        return subprocess.Popen(
            command, env={}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.folder
        )

    def run(self, *arguments):
        """Runs to the end; returns (exit code, printed lines)."""
        process = self.start(*arguments)
        printed, _ = process.communicate(timeout=60)
        return process.returncode, printed.splitlines()


def test_board_runs_main_in_its_flash_and_keeps_files_over_restarts(tmp_path):
    board = Board(
        tmp_path,
        """
import os, machine
print(os.getcwd(), sorted(os.listdir()), machine.unique_id().hex())
with open("kept", "a") as file:
    file.write("x")
print(open("kept").read(), open("config.json").read())
""",
        files={"config.json": str(tmp_path / "config.json")},
    )
    (tmp_path / "config.json").write_text("{}")
    assert board.run() == (0, ["/flash ['config.json'] 24a160123456", "x {}"])
    (tmp_path / "config.json").write_text('{"changed": 1}')
    assert board.run() == (0, ["/flash ['config.json', 'kept'] 24a160123456", 'xx {"changed": 1}'])


def test_board_reset_ends_at_once_with_42_and_keeps_rtc_memory_and_clock(tmp_path):
    board = Board(
        tmp_path,
        """
import machine
rtc = machine.RTC()
print(machine.reset_cause() == machine.PWRON_RESET, machine.reset_cause() == machine.HARD_RESET)
print(rtc.memory(), rtc.datetime()[0])
rtc.memory(b"remembered")
rtc.datetime((2026, 11, 24, 1, 12, 0, 0, 0))
try:
    machine.reset()
finally:
    print("a real reset does not tidy up")
""",
    )
    assert board.run() == (42, ["True False", "b'' 2000"])
    assert board.run() == (42, ["False True", "b'remembered' 2026"])
    # Power cut: the file says nothing about a reset, so it is a cold start.
    assert board.run("--cause", "power-on") == (42, ["True False", "b'' 2000"])


def test_board_killed_is_a_power_cut(tmp_path):
    board = Board(
        tmp_path,
        """
import machine, time
print(machine.reset_cause(), machine.RTC().memory())
machine.RTC().memory(b"gone with the power")
open("ready", "w").close()
while True:
    time.sleep(1)
""",
    )
    for _ in range(2):
        process = board.start()
        line = process.stdout.readline()
        process.kill()
        process.communicate()
        assert line == "1 b''\n"


def test_board_watchdog_bites_a_program_that_hangs(tmp_path):
    board = Board(
        tmp_path,
        """
import machine
print(machine.reset_cause() == machine.WDT_RESET, machine.RTC().memory())
machine.RTC().memory(b"outlives it")
machine.WDT(timeout=1000)
while True:
    pass
""",
    )
    began = time.monotonic()
    assert board.run() == (-signal.SIGALRM, ["False b''"])
    assert time.monotonic() - began >= 0.9
    code, printed = board.run("--cause", "watchdog")
    assert (code, printed) == (-signal.SIGALRM, ["True b'outlives it'"])


def test_board_with_a_damaged_flash_starts_on_a_new_volume(tmp_path):
    board = Board(tmp_path, 'import os; print(os.listdir()); open("a", "w").close()')
    assert board.run() == (0, ["[]"])
    (tmp_path / "flash").write_bytes(b"\x00" * 512 * 4096)
    assert board.run() == (0, ["[]"])
    assert board.run() == (0, ["['a']"])


def test_board_flight_recorder_writes_before_and_after_the_spool(tmp_path):
    board = Board(
        tmp_path,
        """
from bordstein.spool import Spool
spool = Spool()
print(spool.append(b"T1763990000;air/air_temperature=8.15", 1))
try:
    spool.append(bytes(20000), 2)
except ValueError:
    pass
print(spool.append(b"T1763990060;air/air_temperature=8.16;air/air_pressure=99800", 2))
""",
        recorder=str(tmp_path / "recorder"),
    )
    # The real spool, beside another main.py.
    (tmp_path / "firmware" / "bordstein").symlink_to(micropython.ROOT / "firmware" / "bordstein")
    code, printed = board.run()
    assert code == 0, printed
    first, second = [line.strip("()").split(", ") for line in printed]
    assert second == [first[0], str(int(first[1]) + 1)]
    lines = [line.split(" ") for line in (tmp_path / "recorder").read_text().splitlines()]
    assert [line[:2] for line in lines[1:]] == [["i", "0"], ["c", "0"], ["i", "1"], ["e", "1"], ["i", "2"], ["c", "2"]]
    assert lines[0][0] == "b" and lines[0][2] == "power-on"
    assert lines[1][3:] == ["1", "T1763990000;air/air_temperature=8.15"]
    assert lines[2][3:] == first
    assert "too large" in " ".join(lines[4][3:])
    assert lines[6][3:] == second


# The ready boards

READ_ALL = """
import asyncio, sys, json
import virtual_time
virtual_time.install()
from bordstein import platform
from simulated import world

scenario = json.load(open(sys.argv[1]))
world.load(scenario)

async def main():
    drivers = {}
    for name, options in scenario["sensors"].items():
        options = dict(options)
        if "bus" in options:
            options["bus"] = scenario["buses"][options["bus"]]
        module = __import__("bordstein.sensors." + options["driver"], None, None, ("Driver",))
        drivers[name] = module.Driver(options, platform)
        for attempt in range(5):
            try:
                await drivers[name].setup()
                break
            except (OSError, ValueError):
                await asyncio.sleep(1)
    await asyncio.sleep(10)
    counts = {name: 0 for name in drivers}
    for turn in range(200):
        for name, driver in drivers.items():
            try:
                values = await driver.read()
            except (OSError, ValueError):
                continue
            assert all(property in driver.PROPERTIES for property, _ in values), values
            counts[name] += len(values)
        await asyncio.sleep(1)
    print(json.dumps(counts))

asyncio.run(main())
"""


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["name"])
def test_each_sensor_of_the_ready_boards_measures_in_spite_of_its_faults(board, tmp_path):
    scenario = tmp_path / "scenario.json"
    scenario.write_text(json.dumps(board))
    script = tmp_path / "read_all.py"
    script.write_text(READ_ALL)
    done = subprocess.run(
        micropython.command(script, scenario), env=micropython.environment(), cwd=tmp_path, capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout)
    assert set(counts) == set(board["sensors"])
    assert all(count >= 100 for count in counts.values()), counts


def test_ready_boards_are_eight_with_all_kinds_of_chips_and_sane_intervals():
    assert len(BOARDS) == 8
    assert len({board["name"] for board in BOARDS}) == len({board["mac"] for board in BOARDS}) == 8
    chips = {chip["chip"] for board in BOARDS for chip in board["chips"]}
    assert chips == {"bme280", "sds011", "a02yyuw", "ds18b20", "rm3100", "pulse"}
    for board in BOARDS:
        assert all(1 <= sensor["interval_s"] <= 5 for sensor in board["sensors"].values())
        assert all(sensor.get("bus", "") in (*board["buses"], "") for sensor in board["sensors"].values())


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board["name"])
def test_configuration_of_the_ready_boards_is_sound(board, monkeypatch):
    monkeypatch.syspath_prepend(str(micropython.ROOT / "firmware"))
    from bordstein import config_check

    pins = tomllib.loads((micropython.ROOT / "boards/virtual.toml").read_text(encoding="utf-8"))["pins"]
    mqtt = {"host": "localhost", "port": 8883, "ca": "ca.der", "cert": "device.der", "key": "device.key.der"}
    assert config_check.Check(pins=pins).whole({**board["config"], "mqtt": mqtt}) == []


def test_replayed_files_carry_their_source_and_have_rows():
    notes = (REPLAY.parent / "README.md").read_text(encoding="utf-8")
    files = sorted(REPLAY.glob("*.csv"))
    assert len(files) >= 10
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("# "), file
        assert file.name in notes, f"{file.name} is not in tests/data/README.md"
        rows = [line for line in lines if not line.startswith("#")]
        assert len(rows) > 20
        assert {line.count(",") for line in rows} == {rows[0].count(",")}
        if "sensor-community" in file.name:
            assert "Open Database License" in lines[0]
