"""Conversion of units of the same kind: (from, to) to a factor and an offset.

Names are SenML's (RFC 8428 section 12.1, RFC 8798), with the usual ones for what SenML has no name for (degF, bar, uT).
Rates and amounts (mm/h, mm) are different kinds and are not converted.
"""

from fractions import Fraction
from functools import cache

# Kind of quantity: unit -> (factor, offset) to the first unit of the kind, as exact decimal or rational text.
_KINDS: tuple[dict[str, tuple[str, str]], ...] = (
    {"K": ("1", "0"), "Cel": ("1", "273.15"), "degF": ("5/9", "45967/180"), "[degF]": ("5/9", "45967/180")},
    {"Pa": ("1", "0"), "hPa": ("100", "0"), "kPa": ("1000", "0"), "mbar": ("100", "0"), "bar": ("100000", "0")},
    {"m": ("1", "0"), "mm": ("1/1000", "0"), "cm": ("1/100", "0"), "km": ("1000", "0")},
    {
        "/": ("1", "0"),
        "1": ("1", "0"),
        "%": ("1/100", "0"),
        "/100": ("1/100", "0"),
        "%RH": ("1/100", "0"),
        "%EL": ("1/100", "0"),
        "/1000": ("1/1000", "0"),
        "ppm": ("1/1000000", "0"),
        "ppb": ("1/1000000000", "0"),
    },
    {"m/s": ("1", "0"), "km/h": ("5/18", "0"), "m/h": ("1/3600", "0"), "kn": ("463/900", "0")},
    {"kg/m3": ("1", "0"), "g/m3": ("1/1000", "0"), "mg/m3": ("1/1000000", "0"), "ug/m3": ("1/1000000000", "0")},
    {
        "T": ("1", "0"),
        "mT": ("1/1000", "0"),
        "uT": ("1/1000000", "0"),
        "nT": ("1/1000000000", "0"),
        "G": ("1/10000", "0"),
    },
    {"V": ("1", "0"), "mV": ("1/1000", "0"), "kV": ("1000", "0")},
    {"A": ("1", "0"), "mA": ("1/1000", "0")},
    {"W": ("1", "0"), "kW": ("1000", "0"), "MW": ("1000000", "0")},
    {"s": ("1", "0"), "ms": ("1/1000", "0"), "min": ("60", "0"), "h": ("3600", "0")},
    {"B": ("1", "0"), "kB": ("1000", "0"), "KiB": ("1024", "0"), "MB": ("1000000", "0"), "GB": ("1000000000", "0")},
    {"dBW": ("1", "0"), "dBm": ("1", "-30")},
    {"dB": ("1", "0"), "dB(A)": ("1", "0"), "Bspl": ("10", "0")},
)


@cache
def _known() -> dict[str, tuple[int, Fraction, Fraction]]:
    return {
        unit: (kind, Fraction(factor), Fraction(offset))
        for kind, units in enumerate(_KINDS)
        for unit, (factor, offset) in units.items()
    }


def conversion(source: str, target: str) -> tuple[Fraction, Fraction] | None:
    """(factor, offset) with target = source · factor + offset, exact; None when the units are not of one kind."""
    one, other = _known().get(source), _known().get(target)
    if one is None or other is None or one[0] != other[0]:
        return None
    return one[1] / other[1], (one[2] - other[2]) / other[1]


def convert(value: int | float, factor: Fraction, offset: Fraction, digits: int) -> float:
    """A finite value in the other unit, correctly rounded to `digits` after the point: no binary noise is added."""
    return float(round(Fraction(repr(value)) * factor + offset, digits))
