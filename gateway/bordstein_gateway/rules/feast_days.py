"""Public holidays of Germany and its Länder, by the library `holidays`.

It is asked in a process of its own: it loads the calendars of all faiths, 46 MB, which would stay in the gateway.
"""

import json
import subprocess
import sys
from datetime import date
from functools import lru_cache

_ASK = (
    "import sys, json, holidays; land, *years = sys.argv[1:]; "
    "days = holidays.country_holidays('DE', subdiv=land or None, years=[int(year) for year in years], observed=False); "
    "print(json.dumps(sorted(day.isoformat() for day in days)))"
)
_YEARS = 10


def is_holiday(day: date, land: str | None) -> bool:
    """Whether it is one in this Land (ISO 3166-2:DE without DE-); without a Land, in all of Germany."""
    return day in _days(land or "", day.year // _YEARS * _YEARS)


@lru_cache(64)
def _days(land: str, first: int) -> frozenset[date]:
    """Of ten years. The Land's law counts where all of it has the day off."""
    years = [str(year) for year in range(first, first + _YEARS)]
    command = [sys.executable, "-c", _ASK, land, *years]
    asked = subprocess.run(command, capture_output=True, check=True, timeout=120)  # noqa: S603  # nothing of it is from outside
    return frozenset(date.fromisoformat(day) for day in json.loads(asked.stdout))
