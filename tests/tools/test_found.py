"""`bordstein show` says which sensors answer, which are missing, and what nobody configured."""

import json
from pathlib import Path

from typer.testing import CliRunner

from bordstein_tools import cli
from tests.street.servers import Mosquitto
from tests.tools import checked

LIGHT = {"chip": "bh1750", "name": "light", "bus": "i2c:0", "values": {"illuminance": 20}}
ROAD = {"chip": "ds18b20", "name": "road", "bus": "onewire:4", "rom": "28ff4033721604", "values": {"temperature": 8}}
SENSORS = {
    **checked.SENSORS,
    "bay": {"driver": "rm3100", "bus": "i2c0"},
    "road": {"driver": "ds18b20", "bus": "w1", "property": "road_surface_temperature"},
}


def test_what_answers_is_told_from_what_is_missing_and_what_nobody_configured(
    flash: Path, broker: Mosquitto, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("BORDSTEIN_LANG", "en")
    how = {"chips": (checked.AIR, LIGHT, ROAD), "buses": {**checked.BUSES, "w1": {"type": "onewire", "pin": 4}}}
    with checked.board(tmp_path / "board", flash, broker, sensors=SENSORS, **how) as board:
        facts = json.loads(CliRunner().invoke(cli.app, ["show", "--port", board.port, "--json"]).stdout)
        said = CliRunner().invoke(cli.app, ["show", "--port", board.port]).stdout
    found = {(one["bus"], one["address"]): (one["sensors"], one["state"]) for one in facts["sensors"]}
    (rom,) = [address for bus, address in found if bus == "w1"]
    assert rom.startswith(ROAD["rom"]) and found["w1", rom] == (["road (ds18b20)"], "found")
    assert found["i2c0", "0x76"] == (["air (bme280)"], "found")
    assert found["i2c0", "0x20"] == (["bay (rm3100)"], "missing")
    assert found["i2c0", "0x23"] == (["bh1750"], "unknown")
    (line,) = [line for line in said.splitlines() if line.startswith("sensors found:")]
    assert "i2c0 0x76 air (bme280)" in line and "0x20 bay (rm3100) MISSING" in line
    assert "i2c0 0x23 not configured, bh1750?" in line
