"""`bordstein selftest` on a virtual board with the real firmware, a real broker and a real gateway: what is good is
called so, and each failure by its name, with its cure."""

import contextlib
import json
import re
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bordstein_tools import cli
from bordstein_tools.board.cable import Cable
from bordstein_tools.checks import board as check_board
from bordstein_tools.checks import report as selftest_report
from bordstein_tools.checks import selftest
from bordstein_tools.checks.result import Result
from bordstein_tools.keys.pki import Issued
from bordstein_tools.texts import Problem
from tests.hardware.pty_bridge import PtyBoard
from tests.street.servers import Gateway, Mosquitto, Town
from tests.tools import cabled, checked
from tests.tools.checked import AIR, SENSORS
from tools.dev.mpy import FIRMWARE, MPY_CROSS

WIFI = {"wifi": [{"ssid": "Stadt", "password": "falsches Wort"}]}


def results(board: PtyBoard, wait_s: float, runs: bool = False) -> dict[str, Result]:
    with board, Cable.open(board.port) as cable:
        if runs:
            cable.reset()
            board.wait_for(b"packs wait")
        found = selftest.run(cable, wait_s, lambda de, en: None)
        assert cable.ask("print(6*7)") == 42  # at its prompt
        cable.reset()
        board.wait_for(cabled.STARTED, start=board.said.rindex(b"\x02{"))
    return {result.key: result for result in found}


def test_a_good_board_is_good_and_works_on(
    town: Town,
    broker: Mosquitto,
    flash: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BORDSTEIN_LANG", "de")
    network = {"wifi": [{"ssid": "Stadt", "password": "geheimes Wort"}]}
    made = checked.board(tmp_path / "b", flash, broker, network=network, supply={"pin": 35})
    with Gateway(town, broker, folder=tmp_path / "gateway"), made as board:
        said = CliRunner().invoke(cli.app, ["selftest", "--port", board.port, "--json"])
        answer = json.loads(said.stdout)
        assert said.exit_code == 0 and answer["good"] is True, said.stdout
        found = {result["key"]: Result(**result) for result in answer["results"]}
        assert all(result.state == "ok" for result in found.values()), found
        assert found["sensor:air"].value.startswith("Lufttemperatur 8,15 °C, Relative Luftfeuchte 79,6")
        assert found["network"].value == "-61 dBm" and found["name"].value == "localhost → 127.0.0.1"
        assert "Paket 0 von Start" in found["receipt"].value and "supply" in found and "certificate" in found
        assert "geheimes" not in said.stdout and "geheimes" not in said.stderr
        # The board works on by itself.
        board.wait_for(b"the gateway has the first readings", start=board.said.rindex(b"\x02{"))
    selftest_report.show(list(found.values()), False)
    plain = capsys.readouterr().out
    assert "Sensor air: Lufttemperatur 8,15 °C" in plain and plain.endswith("Alles in Ordnung.\n")


def test_what_is_wrong_with_sensors_and_wifi_is_told_apart(
    broker: Mosquitto, flash: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BORDSTEIN_LANG", "de")
    soil = {"chip": "ds18b20", "name": "soil", "bus": "onewire:4", "values": {"temperature": 70}}
    chips = [AIR, {**AIR, "name": "other", "address": 0x77, "chip_id": 0x58}, soil]
    sensors = {
        **SENSORS,
        "other": {**SENSORS["air"], "address": 0x77},
        "soil": {"driver": "ds18b20", "bus": "w1", "property": "soil_temperature", "interval_s": 2},
    }
    found = results(
        checked.board(
            tmp_path / "b",
            flash,
            broker,
            chips=chips,
            scenario={"faults": [{"chip": "air", "kind": "dead"}], "wifi": {"Stadt": "richtiges Wort"}},
            buses={**checked.BUSES, "w1": {"type": "onewire", "pin": 4}},
            sensors=sensors,
            network=WIFI,
        ),
        22,
        runs=True,
    )
    assert {key for key, result in found.items() if result.state == "bad"} == {
        *("sensor:air", "sensor:other", "sensor:soil", "network", "receipt")
    }
    assert "no answer" in found["sensor:air"].value and "Stecker" in found["sensor:air"].hint
    assert "BMP280" in found["sensor:other"].value and "anderer Chip" in found["sensor:other"].hint
    assert "70,00 °C" in found["sensor:soil"].value and "-30,00 bis 60,00" in found["sensor:soil"].hint
    assert found["network"].value == "Stadt (wrong password)" and "Passwort" in found["network"].hint
    # There is a broker, and no gateway.
    assert "Gateway" in found["receipt"].hint and found["tls"].state == "ok"
    assert "Wort" not in str(found).replace("Passwort", "")


def unknown_name(town: Town, other: Town, broker: Mosquitto) -> dict[str, Any]:
    """A name server that knows no name; at a port that needs no root."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def answer() -> None:
        with server, contextlib.suppress(TimeoutError):
            server.settimeout(10)
            while True:
                question, asker = server.recvfrom(512)
                server.sendto(question[:2] + b"\x81\x83" + question[4:], asker)

    threading.Thread(target=answer, daemon=True).start()
    source = (FIRMWARE / "bordstein" / "resolve.py").read_text().replace("const(53)", str(server.getsockname()[1]))
    (broker.log.parent / "resolve.py").write_text(source)
    subprocess.run([MPY_CROSS, broker.log.parent / "resolve.py"], check=True)
    compiled = broker.log.with_name("resolve.mpy").read_bytes()
    return {**silent_name_server(town, other, broker), "files": {"bordstein/resolve.mpy": compiled}}


def silent_name_server(town: Town, other: Town, broker: Mosquitto) -> dict[str, Any]:
    return {"mqtt": {"host": "mqtt.invalid"}, "network": WIFI}


def broker_down(town: Town, other: Town, broker: Mosquitto) -> dict[str, Any]:
    broker.stop()
    return {}


def another_authority(town: Town, other: Town, broker: Mosquitto) -> dict[str, Any]:
    return {"files": {"ca.der": checked.keys(other)["ca.der"]}}


def another_boards_keys(town: Town, other: Town, broker: Mosquitto) -> dict[str, Any]:
    return {"files": {name: key for name, key in checked.keys(other).items() if name != "ca.der"}}


def expired(town: Town, other: Town, broker: Mosquitto) -> dict[str, Any]:
    broker.stop()
    old = town.authority.issue_broker(["localhost"], out=broker.log.parent / "old", days=-1)
    serve(broker, old)
    return {}


def another_name(town: Town, other: Town, broker: Mosquitto) -> dict[str, Any]:
    broker.stop()
    serve(broker, town.broker("mqtt.example"))
    return {}


def serve(broker: Mosquitto, issued: Issued) -> None:
    """Start it again with this certificate."""
    conf = broker.log.with_name("mosquitto.conf")
    text = re.sub("(?m)^certfile .*", f"certfile {issued.certificate}", conf.read_text())
    conf.write_text(re.sub("(?m)^keyfile .*", f"keyfile {issued.key}", text))
    broker.start()


@pytest.mark.parametrize(
    ("failure", "key", "value", "hint"),
    [
        (unknown_name, "name", "the name server does not know it", "Diesen Namen gibt es nicht"),
        (silent_name_server, "name", r"mqtt\.invalid can't be looked up", "Nameserver antwortet nicht"),
        (broker_down, "tls", "no connection|can't be reached", "Läuft er"),
        (another_authority, "tls", "not correctly signed", "Zertifizierungsstellen"),
        (expired, "tls", "expired", "abgelaufen"),
        (another_name, "tls", "expected CN", "anderer Name"),
        (another_boards_keys, "tls", ".", "Zertifikat des Geräts nicht"),
    ],
)
def test_a_broken_way_to_the_gateway_is_told_by_where_it_breaks(
    town: Town,
    flash: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: Any,
    key: str,
    value: str,
    hint: str,
) -> None:
    monkeypatch.setenv("BORDSTEIN_LANG", "de")
    with Mosquitto(town, folder=tmp_path / "broker") as own:
        changes = failure(town, Town(tmp_path / "other"), own)
        found = results(checked.board(tmp_path / "b", flash, own, **changes), 4)
    assert found[key].state == "bad" and re.search(value, found[key].value) and hint in found[key].hint, found
    behind = ("tls", "receipt") if key == "name" else ("receipt",)
    assert all(found[name].state == "warn" and "nicht geprüft" in found[name].value for name in behind), found
    assert key == "name" or found["name"].state == "ok"


def test_a_certificate_that_ends_soon_or_has_ended_is_told(
    town: Town, broker: Mosquitto, flash: Path, tmp_path: Path
) -> None:
    config = {"mqtt": {"cert": "device.der"}}
    with checked.board(tmp_path / "b", flash, broker) as board, Cable.open(board.port) as cable:
        for days, state in ((400, "ok"), (20, "warn"), (-1, "bad")):
            issued = town.authority.issue_device(cabled.DEVICE, out=tmp_path / str(days), days=days)
            cable.write("device.der", issued.certificate_der.read_bytes())
            found = check_board.certificate(cable, config)
            assert found and found.state == state and (state == "ok" or "ca issue device" in found.hint)
        cable.remove("device.der")
        missing = check_board.certificate(cable, config)
        assert missing and missing.state == "bad"


def test_software_that_breaks_off_is_a_sentence(broker: Mosquitto, flash: Path, tmp_path: Path) -> None:
    made = checked.board(tmp_path / "b", flash, broker, files={"bordstein/sampler.mpy": b"broken"})
    with made as board, Cable.open(board.port) as cable:
        with pytest.raises(Problem, match=r"brach ab \(ValueError|broke off \(ValueError"):
            selftest.run(cable, 5, lambda de, en: None)
        assert cable.ask("print(1)") == 1


def test_without_software_it_is_a_sentence(tmp_path: Path) -> None:
    with cabled.board(tmp_path) as board, Cable.open(board.port) as cable, pytest.raises(Problem, match="deploy"):
        selftest.run(cable, 5, lambda de, en: None)


def test_a_board_that_was_looked_at_often_is_not_in_safe_mode(broker: Mosquitto, flash: Path, tmp_path: Path) -> None:
    with checked.board(tmp_path / "b", flash, broker) as board:
        with Cable.open(board.port) as cable:
            cable.run("from bordstein.guard import Guard\nfor _ in range(7):Guard()")  # starts that ended early
            start = len(board.said)
            cable.reset()
        board.wait_for(b"packs wait", start=start)
    assert b"safe mode" not in board.said[start:]
