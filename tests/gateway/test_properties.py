import subprocess
import sys
from pathlib import Path

import pytest

from bordstein_gateway import properties
from bordstein_gateway.decode.units import conversion

ROOT = Path(__file__).resolve().parents[2]
ROW = """
[thing]
unit = "m"
symbol = "m"
ucum = "m"
definition = "urn:x"
kind = "number"
decimals = 2
min = 0.0
max = 1.0
de = "Ding"
en = "Thing"
"""


def test_the_firmwares_copy_is_what_the_table_gives() -> None:
    command = [sys.executable, ROOT / "tools/dev/properties.py", "--check"]
    assert subprocess.run(command, capture_output=True, text=True).stderr == ""


def test_every_row_makes_sense() -> None:
    for row in properties.TABLE.values():
        assert row.min < row.max, row.name
        assert row.decimals == 0 or row.kind == "number", row.name
        assert row.display is None or (row.kind == "number" and row.display.symbol), row.name
        assert row.unit == row.unit.strip() and " " not in row.unit, row.name
    definitions = [row.definition for row in properties.TABLE.values()]
    assert len(set(definitions)) == len(definitions)


def test_every_unit_is_a_senml_unit() -> None:
    # RFC 8428 section 12.1 and RFC 8798 section 3, as far as the table uses them.
    senml = {"Cel", "%RH", "%EL", "Pa", "m", "m/s", "lx", "dB", "/", "T", "count", "V", "s", "B"}
    secondary = {"ug/m3", "ppm", "mm", "mm/h", "dBm"}
    assert {row.unit for row in properties.TABLE.values()} <= senml | secondary


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (ROW.replace('unit = "m"\n', "", 1), "thing: .*unit"),
        (ROW.replace('"number"', '"numbr"'), "kind"),
        (ROW + "colour = 1\n", "colour"),
        (ROW.replace("[thing]", "[Thing]"), "Thing: "),
        (ROW.replace("urn:x", "x"), "definition"),
    ],
)
def test_a_wrong_row_is_refused(wrong: str, said: str) -> None:
    properties.parse(ROW)
    with pytest.raises(ValueError, match=said):
        properties.parse(wrong)


def test_the_property_is_the_last_part_of_a_series() -> None:
    assert properties.property_of("air/air_temperature") == "air_temperature"
    assert properties.property_of("health/errors/air") == "errors"
    assert properties.row_of("air/nonsense") is None


def test_converting_there_and_back_is_exact() -> None:
    for one, other in [
        ("Cel", "degF"),
        ("Pa", "hPa"),
        ("m/s", "km/h"),
        ("ug/m3", "mg/m3"),
        ("%RH", "/"),
        ("dBm", "dBW"),
    ]:
        there, back = conversion(one, other), conversion(other, one)
        assert there and back
        assert there[0] * back[0] == 1
        assert there[1] * back[0] + back[1] == 0
    assert conversion("m", "Cel") is None
    assert conversion("mm/h", "mm") is None
    assert conversion("furlong", "m") is None
