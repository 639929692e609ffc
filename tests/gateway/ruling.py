"""For the tests of rules: sheets, a town with desks, and readings on a clock of minutes."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from bordstein_gateway.config.config import Config
from bordstein_gateway.rules.evaluate import Evaluator, Reading
from bordstein_gateway.rules.sheet import Sheet
from bordstein_gateway.rules.verdict import Verdict
from bordstein_gateway.rules.world import Still
from tests.gateway.configuring import load

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
HEAD = """name = "rule"
title = "Regel"
why = "darum"
owner = "depot"
deputy = "office"
legal_basis = "§ 1"
review = 2027-06-30
"""
TOWN = """
[desk.depot]
title = "Bauhof"
[desk.office]
title = "Ordnungsamt"
hours = ["mon-fri 08:00-16:00"]
[forward.hook]
kind = "webhook"
url = "http://127.0.0.1:9/"
"""
EVERYTHING = """name = "bin-full"
title = { de = "Voll", en = "Full" }
why = "darum"
owner = "office"
deputy = "depot"
legal_basis = "§ 1"
review = 2027-06-30
enabled = false
priority = "high"
links = ["https://musterstadt.de/"]
[objects]
groups = ["bins"]
each = "group"
group_prefix = "tour-"
at_least = 2
share = 0.5
stands_for = { 24a160000001 = 40 }
[signal.fill]
property = "fill_level"
series = "bin/fill_level"
take = "median"
last = 3
max_age = "26h"
[signal.rain]
property = "precipitation"
take = "sum"
over = "12h"
nearest = true
within = 500
[signal.air]
property = "air_temperature"
device = "24a160000009"
[signal.tilted]
property = "tilted"
[signal.quiet]
take = "silence"
[condition]
fires = "fill > 0.8 || tilted || (quiet > 24 && rain < 1 && air > -5)"
clears = "fill < 0.6"
for = "10m"
samples = { n = 2, m = 3 }
clears_for = "1h"
cooldown = "2h"
season = "11-01..03-31"
times = ["mon-fri 06:00-20:00", "sat,sun,holiday 08:00-18:00", "daily dusk+30m-dawn-1h"]
not_times = ["wed 10:00-12:00"]
in_a_row = 2
[[stage]]
name = "full"
title = "Voll"
fires = "fill > 0.8"
[[stage]]
name = "over"
title = "Übervoll"
fires = "fill > 0.95"
clears = "fill < 0.9"
for = "1h"
priority = "high"
[[step]]
id = "look"
title = "Hinfahren"
do = "Nachsehen"
desk = "depot"
minutes = 20
form = [
    { name = "full", label = "Voll", type = "boolean", required = true },
    { name = "litres", label = "Liter", type = "number", unit = "l" },
    { name = "why", label = "Warum", type = "choice", choices = ["a", "b"] },
]
[[step]]
id = "tell"
title = "Melden"
when = 'look.full && look.litres > 10 && stage == "over" && fill > 0.5'
service = "webhook"
target = "hook"
fields = { text = "{{ place }} {{ look.why }}", more = ["{{ fill }}", 3] }
on_error = "continue"
[[step]]
id = "after"
title = "Nachbereiten"
when = "!tell.ok"
[escalation]
after = "2h"
working_time = true
[recovered]
then = "close"
[benefit]
trips = 1
minutes = 30
"""


def town(folder: Path) -> Config:
    """A gateway's configuration with two desks and a webhook, in this folder."""
    data = f'[gateway]\ndata = "{folder}"\n'
    mqtt = '[mqtt]\nhost = "localhost"\ntls = false\n'
    return load(folder, data + mqtt + TOWN)


def sheet(text: str, **more: Any) -> Sheet:
    """A sheet of this text, without its head."""
    values = tomllib.loads(HEAD + text)
    return msgspec.convert({**values, **more}, Sheet)


def ms(text: str) -> int:
    """ISO 8601, with its offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


class Street:
    """A rule at work: readings as they come, with ticks between them when the rule wants them."""

    def __init__(self, text: str, world: Still | None = None, *, start: int = 0, ticks: bool = True) -> None:
        self.world = world or Still()
        self.sheet = sheet(text)
        self.evaluator = Evaluator(self.sheet, self.world)
        self.now = start
        self.id = 0
        self.ticks = ticks
        self.all: list[Verdict] = []
        self.last: list[Verdict] = []
        self._heard = 0
        self.names: set[str] = set()

    def wait(self, ms: int) -> "Street":
        """So much time passes."""
        self.until(self.now + ms)
        return self

    def until(self, end: int) -> None:
        """Time passes up to then; the rule gets its ticks."""
        while self.ticks and (tick := self.evaluator.next_tick()) is not None and tick <= end:
            self.now = max(self.now, tick)
            self.all += self.evaluator.tick(self.now)
        self.now = end

    def get(
        self,
        value: Any,
        property: str = "fill_level",
        device: str = "d",
        *,
        series: str = "",
        time: int | None = None,
        flags: int = 0,
    ) -> list[str]:
        """A reading comes; what is said, with what time had said before it, as "fires d"."""
        self.id += 1
        at = self.now if time is None else time
        name = series or f"x/{property}"
        self.all += self.evaluator.feed(Reading(device, name, property, at, value, flags, self.now, self.id))
        return self.heard()

    def heard(self) -> list[str]:
        """What was said since this was last asked."""
        said = self.all[self._heard :]
        self._heard = len(self.all)
        self.last = said or self.last
        return [" ".join(filter(None, (verdict.edge, verdict.object, verdict.stage))) for verdict in said]

    def get_all(self, values: Sequence[Any], every: int = MINUTE, **more: Any) -> dict[int, list[str]]:
        """A reading each `every`; what was said, by the reading's number."""
        found: dict[int, list[str]] = {}
        for place, value in enumerate(values):
            if place:
                self.wait(every)
            if said := self.get(value, **more):
                found[place] = said
        return found

    def restart(self) -> None:
        """All that is known goes through JSON into a new evaluator."""
        kept: Mapping[str, Any] = {name: self.evaluator.dump(name) for name in self.evaluator.changed() | self.names}
        self.names = set(kept)
        texts = {name: msgspec.json.encode(state) for name, state in kept.items() if state is not None}
        self.evaluator = Evaluator(self.sheet, self.world)
        for name, text in texts.items():
            self.evaluator.load(name, msgspec.json.decode(text))
