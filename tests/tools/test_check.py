"""How what a board says of itself is judged, item by item."""

from typing import Any

import pytest

from bordstein_tools.checks import board as check_board
from bordstein_tools.checks import hints as check_hints
from bordstein_tools.checks import report as selftest_report
from bordstein_tools.checks import sensors as check_sensors
from bordstein_tools.checks import way as check_way
from bordstein_tools.checks.observing import Line, Reading, Seen, Sensor, Status
from bordstein_tools.checks.result import Result

STATUS: dict[str, Any] = {
    "boot": 3,
    "way": "wifi",
    "up": True,
    "rssi": -60,
    "address": "192.0.2.7",
    "connected": True,
    "idle": False,
    "problem": "",
    "receipt": 0,
    "sampled": 1,
    "packs": 0,
    "dropped": 0,
    "corrupt": 0,
    "lost": 0,
    "clock": "set",
    "volts": None,
    "problems": [],
}
CONFIG = {"mqtt": {"host": "mqtt.musterstadt.de"}, "supply": {"pin": 35}}


@pytest.fixture(autouse=True)
def german(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BORDSTEIN_LANG", "de")


def seen(*lines: str, off_s: float = 0, **changes: Any) -> Seen:
    made = Seen()
    for line in lines:
        made.take(Line(line))
    made.take(Status({**STATUS, **changes}, off_s))
    return made


def way(**changes: Any) -> dict[str, Result]:
    return {result.key: result for result in check_way.way(seen(**changes), CONFIG)}


def sensor(readings: list[Reading], error: str = "", **changes: Any) -> Result:
    facts = {"attempts": 3, "errors": 0, "failures": 0, "warm": True, "warm_up_s": 0, **changes}
    made = seen(f"sensor air: {error}")
    made.take(Sensor("air", readings, **facts))
    [result] = check_sensors.sensors(made)
    return result


@pytest.mark.parametrize(
    ("interface", "rssi", "state"),
    [
        ("wifi", -75, "ok"),
        ("wifi", -76, "warn"),
        ("wifi", -86, "bad"),
        ("mobile", -97, "ok"),
        ("mobile", -108, "bad"),
        ("ethernet", None, "ok"),
    ],
)
def test_the_signal(interface: str, rssi: int | None, state: str) -> None:
    assert way(way=interface, rssi=rssi)["network"].state == state


def test_a_board_without_a_network_or_without_a_broker_is_bad() -> None:
    assert way(way=None, connected=False, receipt=None)["network"].state == "bad"
    assert way(idle=True, connected=False, receipt=None)["tls"].state == "bad"
    assert way(connected=True, receipt=None, sampled=0)["receipt"].value == "kein Messwert zum Senden"


@pytest.mark.parametrize(
    ("quality", "off_s", "state", "value"),
    [
        ("set", 4.4, "ok", "+4 s"),
        ("set", -3600, "warn", "-3600 s"),
        ("estimated", 0, "warn", "geschätzt (ntp.example: no answer)"),
        ("unset", 0, "warn", "nicht gestellt"),
    ],
)
def test_the_clock(quality: str, off_s: float, state: str, value: str) -> None:
    found = check_board.clock(seen("time: ntp.example: no answer", clock=quality, off_s=off_s))
    assert found.state == state and value in found.value


@pytest.mark.parametrize(
    ("volts", "state"), [(3300, "ok"), (3100, "warn"), (2500, "bad"), (None, "bad"), (70000, "bad")]
)
def test_the_supply(volts: int | None, state: str) -> None:
    [found] = check_board.supply(seen(volts=volts), CONFIG)
    assert found.state == state and bool(found.hint) == (state != "ok")
    assert list(check_board.supply(seen(volts=volts), {})) == []


def test_room_and_what_was_lost() -> None:
    states = [check_board.room(kb * 1024, 2 << 20).state for kb in (1500, 100, 10)]
    assert states == ["ok", "warn", "bad"]
    assert check_board.spool(seen(packs=7)).state == "ok"
    lost = check_board.spool(seen(packs=7, dropped=3))
    assert lost.state == "warn" and "3 verdrängt" in lost.value


def test_sensors_that_came_back_have_no_event_yet_or_are_cold() -> None:
    warm = [Reading("air/air_temperature", 8.15)]
    assert sensor(warm) == Result("sensor:air", "Sensor air", "ok", "Lufttemperatur 8,15 °C")
    shaky = sensor(warm, "BME280 at 0x76: no answer", errors=2)
    assert shaky.state == "warn" and "2 Versuche" in shaky.hint and "no answer" in shaky.hint
    assert sensor([]).state == "ok"
    cold = sensor([], attempts=0, warm=False, warm_up_s=30)
    assert cold.state == "warn" and "30 s" in cold.value
    assert sensor([Reading("air/parking_bay_occupied", True)]).value.endswith(" ja")
    [none] = check_sensors.sensors(seen())
    assert none.state == "warn"


def test_mistakes_in_the_configuration_are_told_in_german() -> None:
    problem = "sensors.air.interval_s: expected a whole number from 1 to 86400, got 0"
    [found] = check_sensors.configuration(seen(problems=[problem]))
    assert found.state == "bad" and "erwartet wird eine ganze Zahl von 1 bis 86400" in found.value


@pytest.mark.parametrize(
    ("complaint", "hint"),
    [
        ("BME280 at 0x76: no answer: check power, wires and the address", "Stecker"),
        ("PMS5003: no data on the UART: check power (5 V), the TX wire", "Stecker"),
        ("no answer within the limit", "Stecker"),
        ("QMC5883P at 0x2c: chip id 0x00 instead of 0x80, this is another chip", "anderer Chip"),
        ("DS18B20: several sensors on the line, set `rom` to one of: 28ff", "Konfiguration"),
        ("DS18B20: wrong check sum: cable too long or disturbed", "Gestörte"),
        ("DS18B20: 85 °C is its power-on value: no conversion happened, check its power", "Gestörte"),
        ("SDS011: more than 999.9 µg/m³, the end of its range: sensor dirty or faulty", "reinigen"),
        ("120 times the very same values: stuck?", "aus- und wieder einschalten"),
        ("A02YYUW: 9000 mm is more than the 4500 mm it can measure: no echo", "Abstand"),
        ("anemometer: more than 100 m/s: the contact bounces", "Kontakt"),
        ("something quite new", "Verkabelung"),
    ],
)
def test_what_to_do_about_a_sensor(complaint: str, hint: str) -> None:
    assert hint in check_hints.sensor(complaint)


@pytest.mark.parametrize(
    ("complaint", "hint"),
    [
        ("Stadt (there is no such network here)", "2,4 GHz"),
        ("Stadt (wrong password)", "Passwort"),
        ("Stadt (it refuses the board)", "MAC-Filter"),
        ("no connection: check the cable, the switch, and that it gives out addresses (DHCP)", "Netzwerkkabel"),
        ("the SIM card asks for its PIN: set network.ppp.pin", "SIM-Karte"),
        ("the modem gives no answer: check its power and the wires of the UART", "Modem"),
        ("no mobile network: check the antenna, and whether there is coverage here", "Antenne"),
        ("the network gives no address: check the APN and the contract", "APN"),
        ("no connection", "Reichweite"),
    ],
)
def test_what_to_do_about_a_network(complaint: str, hint: str) -> None:
    assert hint in check_hints.network(complaint)


def test_the_verdict_names_what_is_bad_once() -> None:
    ok, warn, bad = (Result("x", name, name, "") for name in ("ok", "warn", "bad"))  # type: ignore[arg-type]
    assert selftest_report.verdict([ok]) == "Alles in Ordnung."
    assert "Hinweisen" in selftest_report.verdict([ok, warn])
    assert selftest_report.verdict([ok, bad, warn, bad]) == "NICHT in Ordnung: bad."
