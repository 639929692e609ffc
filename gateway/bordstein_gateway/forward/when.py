"""[[forward.….when]]: of which readings a target is told, for the kinds that get events."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..config.types import Duration, HttpForward, Name, PropertyName, Section
from ..config.words import Rule, missing
from ..properties import TABLE, Property
from ..texts import pick

Number = Annotated[float, Meta(ge=-1_000_000_000, le=1_000_000_000)]


class When(Section, kw_only=True):
    """A rule for the property `what` (`property` in the file). One of `above`, `below` (in the property table's unit)
    and `equals`; `clear`: from where on it is over, the same threshold when not given. `hold` (`for` in the file): so
    long it has to be so. `max_age`: older readings make no event. `groups`: only boards of one of these. `name`: tells
    rules for one property apart.
    """

    what: PropertyName = msgspec.field(name="property")
    name: Name | None = None
    above: Number | None = None
    below: Number | None = None
    equals: bool | None = None
    clear: Number | None = None
    hold: Duration | None = msgspec.field(name="for", default=None)
    max_age: Duration = "1h"
    groups: list[Name] = msgspec.field(default_factory=list)

    @property
    def key(self) -> str:
        """The rule's name. It holds no threshold: who changes one does not make a new rule."""
        kind = "above" if self.above is not None else "below" if self.below is not None else "equals"
        return self.name or f"{self.what}-{kind}"

    @property
    def limit(self) -> float | bool:
        """The threshold."""
        return next(limit for limit in (self.above, self.below, self.equals, False) if limit is not None)

    def reached(self, value: float | bool) -> bool:
        """Whether this value makes an event."""
        if self.above is not None:
            return value >= self.above
        return value <= self.below if self.below is not None else value == self.equals

    def over(self, value: float | bool) -> bool:
        """Whether this value ends it."""
        if self.clear is None:
            return not self.reached(value)
        return value <= self.clear if self.above is not None else value >= self.clear


class EventForward(HttpForward, kw_only=True):
    """A target that is told of events; each kind has rules of its own sort in `when`. None, said as `when = []`: only
    steps of rule sheets go there."""

    when: list[Any] = msgspec.field(default_factory=list)

    def wants(self, device: str, series: str, property: str) -> bool:
        """What a rule is about, also of a board's own state, such as its supply voltage."""
        return self.chooses(device, property) and any(when.what == property for when in self.when)


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong in the rules of one target."""
    if forward.get("newest_first") is True:
        yield ("newest_first",), pick("hier zählt die Reihenfolge", "the order counts here")
    whens = forward.get("when")
    if "when" not in forward or (whens == [] and forward.get("kind") == "cap"):
        yield (), missing("[[forward.….when]]", pick("was diesem Ziel gemeldet wird", "what this target is told of"))
    seen: dict[str, int] = {}
    for place, when in enumerate(whens if isinstance(whens, list) else []):
        if not isinstance(when, dict):
            continue
        for key, said in _conditions(when):
            yield ("when", place, *key), said
        if forward.get("properties") and when.get("property") not in forward["properties"]:
            yield (
                ("when", place, "property"),
                pick("steht nicht in properties dieses Ziels", "is not among this target's properties"),
            )
        name = when.get("name") or f"{when.get('property')}-{next((k for k in _KINDS if k in when), '')}"
        if seen.setdefault(name, place) != place:
            yield (
                ("when", place),
                pick(
                    f"so heißt schon die Regel {seen[name] + 1}; jeder einen eigenen name geben",
                    f"rule {seen[name] + 1} is called the same; give each a name of its own",
                ),
            )


_KINDS = ("above", "below", "equals")


def _conditions(when: dict[str, Any]) -> Rule:
    given = [kind for kind in _KINDS if kind in when]
    if len(given) != 1:
        yield (), pick("genau eines von above, below und equals nennen", "name exactly one of above, below and equals")
        return
    (kind,) = given
    clear = when.get("clear")
    if kind == "equals" and "clear" in when:
        yield ("clear",), pick("nützt nichts bei equals", "has no use with equals")
    limit = when.get(kind)
    if (
        clear is not None
        and limit is not None
        and ((kind == "above" and clear > limit) or (kind == "below" and clear < limit))
    ):
        yield (
            ("clear",),
            pick(
                f"liegt auf der falschen Seite von {kind}: es wäre sofort wieder vorbei",
                f"is on the wrong side of {kind}: it would be over at once",
            ),
        )
    row = TABLE.get(str(when.get("property")))
    if row is None or limit is None:
        return
    if (row.kind == "boolean") != (kind == "equals"):
        is_switch = row.kind == "boolean"
        yield (
            (kind,),
            pick(
                f"{row.name} ist {'ja oder nein: equals' if is_switch else 'eine Zahl: above oder below'} verwenden",
                f"{row.name} is {'yes or no: use equals' if is_switch else 'a number: use above or below'}",
            ),
        )
        return
    for key in (kind, "clear"):
        if kind != "equals" and (value := when.get(key)) is not None and not row.min <= value <= row.max:
            yield (key,), _never(row, value)


def _never(row: Property, value: float) -> str:
    unit = row.unit if row.unit != "/" else "1"
    return pick(
        f"{value:g} erreicht {row.name} nie: plausibel ist {row.min:g} bis {row.max:g}, Einheit {unit}",
        f"{row.name} never gets to {value:g}: {row.min:g} to {row.max:g} is plausible, in {unit}",
    )
