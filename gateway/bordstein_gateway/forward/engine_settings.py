"""What [forward.…] of all process engines has: which process an event starts, and with what."""

from typing import Any, Literal

import msgspec

from ..config.types import Section, Text
from ..config.words import Rule, missing, table
from ..texts import pick, said
from .engine_values import NoSuchValue, typed
from .when import EventForward, When
from .when import rules as when_rules
from .wording import NAMES, BadTemplate, fill, problem

Type = Literal["String", "Boolean", "Integer", "Long", "Double", "Date"]


class Variable(Section, kw_only=True):
    """A process variable: a template, and the type that its text is turned into."""

    value: str
    type: Type = "String"


class EngineWhen(When, kw_only=True):
    """A rule; what it names goes before the target's own."""

    process: Text | None = None
    message: Text | None = None
    recovered_message: Text | None = None
    variables: dict[str, Variable] = msgspec.field(default_factory=dict)


class EngineForward(EventForward, kw_only=True):
    """`process`: the key of the process that is started, or `message`: the name of the message that starts one.
    `recovered_message`: the message to its instance when the value has come back. `business_key`: by this an instance
    is found again. Without `variables` a process gets device, name, property, value, amount, time and case.
    """

    process: Text | None = None
    message: Text | None = None
    recovered_message: Text | None = None
    business_key: str = "{{ case }}"
    tenant: Text | None = None
    variables: dict[str, Variable] = msgspec.field(default_factory=dict)
    language: Literal["de", "en"] = "de"
    when: list[EngineWhen] = msgspec.field(default_factory=list)


def rules(forward: dict[str, Any]) -> Rule:
    """What is wrong beside what all HTTP targets have."""
    yield from when_rules(forward)
    yield ("business_key",), problem(forward.get("business_key"), needs="case")
    yield from _one(forward, ())
    yield from _variables(forward, ())
    for place, when in enumerate(forward.get("when") or []):
        if not isinstance(when, dict):
            continue
        yield from _one(when, ("when", place))
        yield from _variables(when, ("when", place))
        if not {"process", "message"} & (when.keys() | forward.keys()):
            what = pick("der Schlüssel des Prozesses, der beginnt", "the key of the process that is started")
            yield ("when", place), missing("process", what)


def _one(section: dict[str, Any], path: tuple[str | int, ...]) -> Rule:
    if "process" in section and "message" in section:
        yield (
            (*path, "message"),
            pick("entweder process oder message, nicht beides", "either process or message, not both"),
        )


def _variables(section: dict[str, Any], path: tuple[str | int, ...]) -> Rule:
    for name, variable in table(section, "variables").items():
        if isinstance(variable, dict):
            yield (*path, "variables", name, "value"), _no_value(variable)


def _no_value(variable: dict[str, Any]) -> str:
    template, type = variable.get("value"), variable.get("type", "String")
    if wrong := problem(template):
        return wrong
    if not isinstance(template, str) or type is None:
        return ""
    why = ""
    for amount in (NAMES["amount"], True):  # of a number, and of yes or no
        try:
            typed(fill(template, {**NAMES, "amount": amount}), type)
            return ""
        except (NoSuchValue, BadTemplate) as error:
            why = said(error)
    return why
