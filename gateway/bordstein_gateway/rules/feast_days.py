"""Public holidays of Germany and its Länder, by the library `holidays`.

It is asked in a process of its own: it loads the calendars of all faiths, 46 MB, which would stay in the gateway.
"""

import json
import subprocess
import sys
from datetime import date
from functools import lru_cache
from typing import get_args

from ..config.office import Land

_ASK = (
    "import sys, json, holidays; lands, years = ['', *sys.argv[1].split()], [int(year) for year in sys.argv[2:]]; "
    "of = lambda land: holidays.country_holidays('DE', subdiv=land or None, years=years, observed=False); "
    "print(json.dumps({land: sorted(day.isoformat() for day in of(land)) for land in lands}))"
)
_YEARS = 10


def is_holiday(day: date, land: str | None) -> bool:
    """Whether it is one in this Land (ISO 3166-2:DE without DE-); without a Land, in all of Germany.

    Of a holiday that only some towns of a Land have, as 15 August in Bavaria, the Land's own list says no.
    """
    return day in _days(day.year // _YEARS * _YEARS)[land or ""]


@lru_cache(8)
def _days(first: int) -> dict[str, frozenset[date]]:
    """Of ten years, by Land."""
    years = [str(year) for year in range(first, first + _YEARS)]
    command = [sys.executable, "-c", _ASK, " ".join(get_args(Land)), *years]
    asked = subprocess.run(command, capture_output=True, check=True, timeout=120)  # noqa: S603  # all of it is ours
    found = json.loads(asked.stdout)
    return {land: frozenset(map(date.fromisoformat, days)) for land, days in found.items()}
