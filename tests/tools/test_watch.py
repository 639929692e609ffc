"""`bordstein watch` on a virtual board with the real firmware: what it measures comes at once, and the board works on,
meanwhile and afterwards."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_tools.board.cable import Cable
from bordstein_tools.checks.observing import Status, observe
from bordstein_tools.texts import Problem
from tests.street.client import Client
from tests.street.processes import until
from tests.street.servers import Gateway, Mosquitto, Town
from tests.tools import cabled, checked
from tests.tools.checked import SENSORS
from tests.tools.typed import BORDSTEIN, ENVIRONMENT, Terminal


@pytest.fixture(scope="module")
def gateway(town: Town, broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(town, broker, folder=tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


def watching(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BORDSTEIN, "watch", *words], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_readings_come_as_they_are_measured_and_reach_the_gateway(
    broker: Mosquitto, gateway: Gateway, flash: Path, tmp_path: Path
) -> None:
    told = []
    with checked.on_a_cable_with_lines(tmp_path / "b", flash, broker) as board:
        with watching("--port", board.url, "--json") as process:
            for line in process.stdout or ():
                told.append(json.loads(line))
                if told[-1].get("status", {}).get("receipt") is not None:
                    break
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            assert process.stderr is not None and not process.stderr.read()
        assert until(lambda: board.starts == 2, 10)
    air = [one for one in told if one.get("series") == "air/air_temperature"]
    assert air and all(one["value"] == 8.15 and one["unit"] == "Cel" and one["plausible"] for one in air), told
    assert any("clock: set by receipt" in one.get("line", "") for one in told)
    assert any(series == "air/air_temperature" for _, series, _ in gateway.stored())


def test_on_a_terminal_it_is_a_table_until_ctrl_c(broker: Mosquitto, flash: Path, tmp_path: Path) -> None:
    sensors = {**SENSORS, "other": {**SENSORS["air"], "address": 0x77}}
    with checked.board(tmp_path / "b", flash, broker, sensors=sensors) as board:
        with Terminal("watch", "--port", board.port) as terminal:
            terminal.wait_for("Air temperature", "8.15", "°C", "broker connected", "no receipt yet")
            terminal.wait_for("no answer: check power")
            terminal.type(b"\x03")
            assert terminal.ends() == 0 and "Traceback" not in terminal.said
        board.wait_for(cabled.STARTED, start=board.said.rindex(b"\x02{"))


def test_piped_it_is_a_line_a_reading_and_an_interrupt_ends_it_well(
    broker: Mosquitto, flash: Path, tmp_path: Path
) -> None:
    """And a board that sleeps between its readings stays awake."""
    sleepy = checked.board(tmp_path / "b", flash, broker, sleep={"every_s": 20, "send_each": 1, "stay_s": 0})
    with sleepy as board:
        with watching("--port", board.port) as process:
            assert process.stdout is not None and process.stderr is not None
            assert next(line for line in process.stdout if "air/air_temperature  Air temperature 8.15 °C" in line)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            said = process.stderr.read()
            assert "stays awake" in said and "Traceback" not in said
        with watching("--port", board.port, "--seconds", "1") as process:
            assert process.wait(60) == 0


def test_a_board_that_restarts_by_itself_ends_it_with_a_sentence(
    town: Town, broker: Mosquitto, gateway: Gateway, flash: Path, tmp_path: Path
) -> None:
    with checked.board(tmp_path / "b", flash, broker) as board, Cable.open(board.port) as cable:
        with pytest.raises(Problem, match=r"neu gestartet|restarted"):
            for event in observe(cable, lambda: True):
                if isinstance(event, Status) and event["connected"]:
                    with Client(broker.port, town.context(town.gateway()), name="office") as office:
                        office.publish(f"bordstein/v1/{cabled.DEVICE}/command", '{"id":"1","do":"reboot"}')
        assert cable.ask("print(1)") == 1
