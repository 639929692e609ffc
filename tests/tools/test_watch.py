"""`bordstein watch` on a virtual board with the real firmware: what it measures comes at once, and the board works on,
meanwhile and afterwards."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_tools.cable import Cable
from bordstein_tools.observing import Status, observe
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


def test_readings_come_as_they_are_measured_and_reach_the_gateway(
    broker: Mosquitto, gateway: Gateway, flash: Path, tmp_path: Path
) -> None:
    with checked.board(tmp_path / "b", flash, broker) as board:
        words = [BORDSTEIN, "watch", "--port", board.port, "--json", "--seconds", "8"]
        done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0 and not done.stderr, (done.stdout, done.stderr)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        board.wait_for(cabled.STARTED, start=board.said.rindex(b"\x02{"))
    air = [one for one in told if one.get("series") == "air/air_temperature"]
    assert len(air) > 1 and all(one["value"] == 8.15 and one["unit"] == "Cel" and one["plausible"] for one in air), told
    statuses = [one["status"] for one in told if "status" in one]
    assert statuses[-1]["receipt"] is not None and statuses[-1]["connected"], statuses
    assert any("clock: set by receipt" in one.get("line", "") for one in told)
    assert until(lambda: any(series == "air/air_temperature" for _, series, _ in gateway.stored()), 10)


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
        words = [BORDSTEIN, "watch", "--port", board.port]
        with subprocess.Popen(
            words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as watching:
            assert watching.stdout is not None and watching.stderr is not None
            lines = iter(watching.stdout.readline, "")
            assert next(line for line in lines if "air/air_temperature  Air temperature 8.15 °C" in line)
            watching.send_signal(signal.SIGINT)
            assert watching.wait(30) == 0
            said = watching.stderr.read()
        assert "stays awake" in said and "Traceback" not in said


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
