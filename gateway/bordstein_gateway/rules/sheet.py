"""A rule sheet as its file (TOML) says it. Reading and checking: reading.py; its meaning: evaluate.py.

Texts for people (`Words`) are one string, or a table { de = "…", en = "…" }.
"""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ..config.types import DeviceId, Duration, Name, PropertyName, Section, Text, Url, like

Key = Annotated[str, like("[a-z][a-z0-9_]{0,30}", "ein Name aus a-z, 0-9 und _", "a name of a-z, 0-9 and _")]
"""What an expression can name."""


class Both(Section):
    """A text in two languages."""

    de: str
    en: str


Words = str | Both
Expression = Text
"""CEL (Common Expression Language) over the sheet's signals, each a double or a bool; one that has no value is
unknown.
"""


class Objects(Section, kw_only=True):
    """[objects]: what is watched. All boards that have the first signal's property, unless `devices` or `groups` (of
    the register) say which. `each`: what one case is about: a device; a series, where a board watches several bays; or
    a group, whose boards count together. `group_prefix`: for each = "group", which of a board's groups: the one
    that begins so. `at_least`, `share`: for a group, how many of its boards (or which share of them) have to fire.
    `stands_for`: device -> how many real things it represents, as one tree for a row of trees.
    """

    devices: list[DeviceId] = msgspec.field(default_factory=list)
    groups: list[Name] = msgspec.field(default_factory=list)
    each: Literal["device", "series", "group"] = "device"
    group_prefix: Text | None = None
    at_least: Annotated[int, Meta(ge=1, le=10_000)] = 1
    share: Annotated[float, Meta(gt=0, le=1)] | None = None
    stands_for: dict[DeviceId, Annotated[int, Meta(ge=1, le=100_000)]] = msgspec.field(default_factory=dict)


class Signal(Section, kw_only=True):
    """[signal.<key>]: a number (or yes/no) from the object's readings, in the property table's unit.

    `take`: last; mean, median, min, max, sum, count over the `last` so many readings or those `over` a time back; rate:
    the slope over that, per hour; change: newest minus oldest; silence: hours since the device was heard (no property).
    `max_age`: older is unknown. `series`: this one only, as "bin/fill_level". `device`: not the object's own but this
    one's; `nearest`: the nearest other device that has the property, `within` metres.
    """

    property: PropertyName | None = None
    series: Text | None = None
    take: Literal["last", "mean", "median", "min", "max", "sum", "count", "rate", "change", "silence"] = "last"
    last: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    over: Duration | None = None
    max_age: Duration = "2h"
    device: DeviceId | None = None
    nearest: bool = False
    within: Annotated[float, Meta(gt=0, le=100_000)] = 2000.0


class Samples(Section):
    """`n` of the last `m` readings of the first signal."""

    n: Annotated[int, Meta(ge=1, le=1000)]
    m: Annotated[int, Meta(ge=1, le=1000)]


class Condition(Section, kw_only=True):
    """[condition]: `fires` and `clears` (when it is over; not `fires` where it is not given: their distance is the
    hysteresis). With stages `fires` may be left out; where it is there, it has to be so besides a stage's own.
    `hold` (`for` in the file): so long without a break. `samples`: n of m. `clears_for`: so long it has to be over.
    `cooldown`: so long after the end of a case there is no new one. `season`: "10-01..04-30", both included.
    `times`: local days and times at which the rule looks at all, as "mon-fri 06:00-20:00", "sat,sun,holiday
    08:00-18:00", "daily dusk+30m-dawn-30m" with dawn, sunrise, sunset, dusk. `not_times`: likewise, when nothing
    begins. `in_a_row`: in so many of the windows of `times` one after the other.
    """

    fires: Expression | None = None
    clears: Expression | None = None
    hold: Duration | None = msgspec.field(name="for", default=None)
    samples: Samples | None = None
    clears_for: Duration | None = None
    cooldown: Duration | None = None
    season: Text | None = None
    times: list[Text] = msgspec.field(default_factory=list)
    not_times: list[Text] = msgspec.field(default_factory=list)
    in_a_row: Annotated[int, Meta(ge=1, le=60)] = 1


class Stage(Section, kw_only=True):
    """[[stage]]: a degree, the lowest first; a case begins with the highest that fires and rises with it. Without
    stages there is one: the condition."""

    name: Key
    title: Words
    fires: Expression
    clears: Expression | None = None
    hold: Duration | None = msgspec.field(name="for", default=None)
    priority: Literal["low", "normal", "high"] = "normal"


class Field(Section, kw_only=True):
    """A field of a step's form."""

    name: Key
    label: Words
    type: Literal["boolean", "number", "text", "choice", "photo"] = "text"
    choices: list[Words] = msgspec.field(default_factory=list)
    unit: Text | None = None
    required: bool = False


class Step(Section, kw_only=True):
    """[[step]]: somebody's (`do`: what and how) or, with `service`, the gateway's own: `target` is a [forward.x] for
    open311, webhook, engine and ngsi-ld, and a desk for mail; `fields`: what the service is told, as templates.
    `when`: only if so (CEL over stage, answers of steps before as <step>.<field>, signals at the start).
    `on_error`: of a service that failed for good. `desk`: else the sheet's owner.
    """

    id: Key
    title: Words
    do: Words = ""
    desk: Name | None = None
    form: list[Field] = msgspec.field(default_factory=list)
    minutes: Annotated[float, Meta(ge=0, le=10_000)] | None = None
    when: Expression | None = None
    service: Literal["open311", "webhook", "engine", "ngsi-ld", "mail"] | None = None
    target: Name | None = None
    fields: dict[str, Any] = msgspec.field(default_factory=dict)
    on_error: Literal["continue", "stop"] = "continue"


class Escalation(Section, kw_only=True):
    """[escalation]: nobody has taken the case `after` (counted in the owner's `hours` where `working_time`): the deputy
    is told and has it too."""

    after: Duration
    working_time: bool = False


class Recovered(Section, kw_only=True):
    """[recovered]: what an end of the condition means for its open case: closed (only while nobody has taken it; else
    marked), or marked only."""

    then: Literal["close", "mark"] = "mark"


class Benefit(Section, kw_only=True):
    """[benefit]: what a case that was no false alarm saves, as a proposal to who ends it."""

    trips: Annotated[float, Meta(ge=0, le=1000)] = 0
    minutes: Annotated[float, Meta(ge=0, le=100_000)] = 0


class Procedure(Section, kw_only=True):
    """[procedure]: without it the steps are one. `file`: BPMN 2.0 that the town drew, beside the sheet. `engine`: a
    [forward.x] of kind camunda7 or flowable that runs it as `process` instead of the gateway."""

    file: Text | None = None
    engine: Name | None = None
    process: Text | None = None


class Sheet(Section, kw_only=True):
    """One rule. `why`: why this threshold. `owner`, `deputy`: desks. `review`: when it has to be looked at again."""

    name: Name
    title: Words
    why: Words
    owner: Name
    deputy: Name
    legal_basis: Words
    review: date
    enabled: bool = True
    priority: Literal["low", "normal", "high"] = "normal"
    links: list[Url] = msgspec.field(default_factory=list)
    objects: Objects = msgspec.field(default_factory=Objects)
    signal: dict[Key, Signal]
    condition: Condition
    stages: list[Stage] = msgspec.field(name="stage", default_factory=list)
    steps: list[Step] = msgspec.field(name="step", default_factory=list)
    escalation: Escalation | None = None
    recovered: Recovered = msgspec.field(default_factory=Recovered)
    benefit: Benefit = msgspec.field(default_factory=Benefit)
    procedure: Procedure = msgspec.field(default_factory=Procedure)


def words(text: Words, language: str) -> str:
    """The text in this language."""
    return text if isinstance(text, str) else text.en if language == "en" else text.de
