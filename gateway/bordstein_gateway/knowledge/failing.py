"""Stations that somebody has to look after: silent, overdue, with implausible values, with packs that are missing."""

import time
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from ..boards.stations import Station
from ..decode.normalise import flag_names
from ..properties import TABLE
from ..store import Store
from ..texts import Sentence, both
from ..web.pagetexts import TEXTS

_LOW_BATTERY = 20.0
_ENOUGH = 0.98
"""Of a week's packs: below it a station is called incomplete."""
_DAY_MS = 86_400_000


class Failing(NamedTuple):
    """A station and what is wrong with it, a sentence each. `since`: ms, None: not known."""

    device: str
    name: str
    since: int | None
    wrong: list[Sentence]


def failing(store: Store, stations: Mapping[str, Station], now_ms: int | None = None) -> list[Failing]:
    """All of them, the worst first; decommissioned ones are not looked at."""
    now = int(time.time() * 1000) if now_ms is None else now_ms
    latest = defaultdict(list)
    for value in store.latest():
        latest[value.device].append(value)
    packs: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for day in store.completeness():
        packs[day.device][0] += day.arrived
        packs[day.device][1] += day.expected
    found = []
    for device in store.devices():
        station = stations.get(device.device)
        if station is not None and station.decommissioned:
            continue
        wrong: list[Sentence] = []
        since = None
        if device.overdue or not device.present:
            since = device.last_seen or None
            wrong.append(both("meldet sich nicht", "is not reporting"))
        for value in latest[device.device]:
            row = TABLE.get(value.property)
            if value.flags and row is not None and now - value.time < 2 * _DAY_MS:
                marks = flag_names(value.flags)
                wrong.append(
                    both(
                        f"{row.de}: {', '.join(TEXTS['de'].get(mark, mark) for mark in marks)}",
                        f"{row.en}: {', '.join(TEXTS['en'].get(mark, mark) for mark in marks)}",
                    )
                )
            if (
                value.property == "battery_level"
                and isinstance(value.value, int | float)
                and value.value < _LOW_BATTERY
            ):
                wrong.append(both(f"Batterie bei {value.value:.0f} %", f"battery at {value.value:.0f} %"))
        arrived, expected = packs[device.device]
        if expected and arrived / expected < _ENOUGH:
            share = f"{100 * arrived / expected:.1f}"
            wrong.append(
                both(
                    f"nur {share.replace('.', ',')} % der Pakete von 7 Tagen sind da",
                    f"only {share} % of 7 days' packs are here",
                )
            )
        if wrong:
            name = station.name if station is not None and station.name else device.device
            found.append(Failing(device.device, name, since, wrong))
    return sorted(found, key=lambda one: (one.since is None, -len(one.wrong), one.name))
