"""The series that decided a case, around the time at which it began."""

from typing import NamedTuple

from markupsafe import Markup

from ...cases.types import Case
from ...rules.sheet import Sheet, Signal
from ...store import Store
from ...store.types import Latest
from . import casewords
from .casewords import Clock
from .charts import chart, summary, written
from .plots import Period, plot

_BEFORE_MS, _AFTER_MS = 18 * 3_600_000, 6 * 3_600_000
_ROWS = 100


class Drawn(NamedTuple):
    """`text`: what the drawing shows, in a sentence; `rows`: the same as (time, value)."""

    title: str
    svg: Markup
    text: str
    rows: list[tuple[str, str]]


def case_plot(store: Store, case: Case, sheet: Sheet | None, clock: Clock) -> Drawn | None:
    """The day in which the case began; None: of a group, or where nothing was measured."""
    device, _, series = case.object.partition("/")
    if sheet is None or casewords.device_of(case.object) is None:
        return None
    for key, signal in sheet.signal.items():
        latest = _measured(store.latest(signal.device or device), signal, series)
        if latest is None:
            continue
        since = int(case.event.get("since") or case.opened)
        begin, end = since - _BEFORE_MS, min(clock.now, max(case.opened, since) + _AFTER_MS)
        found = plot(store, latest, Period("day", clock.local(end).date(), begin, end), clock.now)
        if found.dots:
            title = casewords.label(key, signal, clock.lang).partition(" (")[0]
            return Drawn(
                title,
                chart(found, zone=clock.zone, lang=clock.lang, title=title, name="event"),
                summary(found, clock.lang),
                [(clock.when(dot.start), written(dot.value, found, clock.lang)) for dot in found.dots[-_ROWS:]],
            )
    return None


def _measured(known: list[Latest], signal: Signal, series: str) -> Latest | None:
    """The object's series that a signal is made of."""
    wanted = signal.series
    return next(
        (
            one
            for one in known
            if (one.series == wanted if wanted else one.property == signal.property)
            and (not series or signal.device is not None or one.series in (series, wanted))
        ),
        None,
    )
