"""Dawn, sunrise, sunset and dusk of a place and day, by astral. Dawn and dusk are civil: the sun 6° below."""

from datetime import date, datetime
from functools import lru_cache
from typing import Literal

Moment = Literal["dawn", "sunrise", "sunset", "dusk"]
MOMENTS: tuple[Moment, ...] = ("dawn", "sunrise", "sunset", "dusk")
MIDDLE = (51.16, 10.45)
"""Germany's middle, for boards whose place is not known: within half an hour of the sun anywhere in the country."""


@lru_cache(4096)
def moment(name: Moment, day: date, place: tuple[float, float]) -> int | None:
    """ms UTC, of a local day; None: the sun does not get there, far in the north."""
    from astral import Observer, sun

    made = {"dawn": sun.dawn, "sunrise": sun.sunrise, "sunset": sun.sunset, "dusk": sun.dusk}
    try:
        at: datetime = made[name](Observer(*place), day)  # type: ignore[operator]  # mypy joins the four to object
        return round(at.timestamp()) * 1000
    except ValueError:
        return None
