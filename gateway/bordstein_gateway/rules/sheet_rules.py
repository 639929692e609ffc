"""What is wrong in a rule sheet that no type can say. Each function takes the values as far as they were right."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from ..config.config import Config
from ..config.words import Rule, missing, shown, table
from ..properties import TABLE, property_of
from ..texts import pick
from .calendar import BadTimes, parsed, season
from .expression import BadExpression, Expression, Kind, compiled, names, thresholds
from .step_rules import blank, no_desk, step_rules

_RESERVED = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
    "stage",
]
"""CEL's own words (its spec's list of identifiers) and ours."""
_SUMS = ("mean", "sum", "count", "last")
_VALUES = ("last", "mean", "median", "min", "max")


def sheet_rules(values: dict[str, Any], config: Config) -> Rule:
    """Between the keys of a sheet, and between it and gateway.toml."""
    signals = {key: signal for key, signal in table(values, "signal").items() if isinstance(signal, dict)}
    kinds = {key: kind_of(signal) for key, signal in signals.items()}
    whole = {key: kind for key, kind in kinds.items() if kind is not None}
    yield from _texts(values)
    for key in ("owner", "deputy"):
        yield (key,), no_desk(values.get(key), config)
    yield from _signals(values, signals)
    yield from _objects(table(values, "objects"), signals)
    condition = table(values, "condition")
    yield from _condition(condition, signals)
    yield from _stages(values)
    yield from _expressions(values, signals, kinds)
    yield from step_rules(values, config, whole)


def kind_of(signal: dict[str, Any]) -> Kind | None:
    """What it is in an expression; None: it can't be said, as its property is not known."""
    if signal.get("take") not in (None, "last"):
        return "number"
    row = TABLE.get(str(signal.get("property")))
    return None if row is None else "boolean" if row.kind == "boolean" else "number"


def _texts(values: dict[str, Any]) -> Rule:
    meant = {
        "title": pick("wie der Vorgang heißt", "what the case is called"),
        "why": pick("warum gerade diese Schwelle", "why this threshold"),
        "legal_basis": pick("auf welcher Rechtsgrundlage", "on which legal basis"),
    }
    for key, what in meant.items():
        yield from blank((key,), values.get(key), pick(f"ist leer: {what}", f"is empty: {what}"))


def _signals(values: dict[str, Any], signals: dict[str, dict[str, Any]]) -> Rule:
    if "signal" in values and not signals:
        yield ("signal",), pick("wenigstens einen [signal.name] nennen", "name at least one [signal.name]")
    for place, (key, signal) in enumerate(signals.items()):
        path = ("signal", key)
        if key in _RESERVED:
            yield (
                path,
                pick(f"{key} ist ein Wort der Ausdrücke: anders nennen", f"{key} is a word of expressions: rename it"),
            )
        rules = _silence(signal) if signal.get("take") == "silence" else _measured(signal)
        for under, said in chain(rules, _whose(signal, first=place == 0)):
            yield (*path, *under), said


def _silence(signal: dict[str, Any]) -> Rule:
    for key in ("property", "series", "last", "over", "device", "nearest", "within", "max_age"):
        if key in signal:
            yield (key,), pick('nützt nichts bei take = "silence"', 'has no use with take = "silence"')


def _measured(signal: dict[str, Any]) -> Rule:
    take = signal.get("take", "last")
    if "property" not in signal:
        yield (), missing("property", pick("eine Größe der Tabelle", "a property of the table"))
    series, name = signal.get("series"), signal.get("property")
    if isinstance(series, str) and isinstance(name, str) and property_of(series) != name:
        yield ("series",), pick(f"das ist keine Reihe von {name}", f"this is no series of {name}")
    given = [key for key in ("last", "over") if key in signal]
    if take == "last":
        for key in given:
            yield (key,), pick("braucht take, wie mean oder median", "needs take, such as mean or median")
    elif len(given) != 1:
        yield (
            ("take",),
            pick(
                f'{take} braucht entweder last (so viele Messwerte) oder over (so lange), wie over = "1h"',
                f'{take} needs either last (so many readings) or over (so long), as over = "1h"',
            ),
        )
    elif take in ("rate", "change") and signal.get("last") == 1:
        yield ("last",), pick("dafür braucht es wenigstens 2", "it takes 2 at least")
    row = TABLE.get(str(name))
    if row is not None and row.kind == "boolean" and take not in _SUMS:
        yield (
            ("take",),
            pick(f"{name} ist ja oder nein: nur {', '.join(_SUMS)}", f"{name} is yes or no: {', '.join(_SUMS)} only"),
        )


def _whose(signal: dict[str, Any], *, first: bool) -> Rule:
    near = signal.get("nearest") is True
    if near and "device" in signal:
        yield ("nearest",), pick("entweder device oder nearest, nicht beides", "either device or nearest, not both")
    if "within" in signal and not near:
        yield ("within",), pick("braucht nearest = true", "needs nearest = true")
    for key in ("device", "nearest"):
        if first and signal.get(key):
            yield (
                (key,),
                pick(
                    "das erste Signal ist das der Objekte selbst: ein anderes voranstellen",
                    "the first signal is the objects' own: put another one first",
                ),
            )


def _objects(objects: dict[str, Any], signals: dict[str, dict[str, Any]]) -> Rule:
    each = objects.get("each", "device")
    for key in ("group_prefix", "at_least", "share"):
        if key in objects and each != "group":
            yield ("objects", key), pick('braucht each = "group"', 'needs each = "group"')
    if each == "group" and "group_prefix" not in objects:
        yield (
            ("objects",),
            missing(
                "group_prefix", pick('womit die Gruppen beginnen, wie "kreis-"', 'how the groups begin, as in "kreis-"')
            ),
        )
    first: dict[str, Any] = next(iter(signals.values()), {})
    if each == "series" and first.get("take") == "silence":
        yield (
            ("objects", "each"),
            pick("still ist ein ganzes Gerät, keine Reihe", "a whole device is silent, no series"),
        )
    devices = objects.get("devices")
    if isinstance(devices, list):
        for place, device in enumerate(devices):
            if device in devices[:place]:
                yield ("objects", "devices", place), pick("steht schon da", "is there already")
    if isinstance(devices, list) and devices and not objects.get("groups"):
        for device in table(objects, "stands_for"):
            if device not in devices:
                yield (
                    ("objects", "stands_for", device),
                    pick("steht nicht in devices dieses Blatts", "is not among this sheet's devices"),
                )


def _condition(condition: dict[str, Any], signals: dict[str, dict[str, Any]]) -> Rule:
    for key in ("times", "not_times"):
        windows = condition.get(key)
        for place, text in enumerate(windows if isinstance(windows, list) else []):
            if isinstance(text, str):
                try:
                    parsed(text)
                except BadTimes as error:
                    yield ("condition", key, place), f"{error}; {pick('da steht', 'got')} {shown(text)}"
    if isinstance(condition.get("season"), str):
        try:
            season(condition["season"])
        except BadTimes as error:
            yield ("condition", "season"), f"{error}; {pick('da steht', 'got')} {shown(condition['season'])}"
    if condition.get("in_a_row", 1) != 1 and not condition.get("times"):
        yield ("condition", "in_a_row"), pick("braucht times: in welchen Fenstern", "needs times: in which windows")
    samples = table(condition, "samples")
    n, m = samples.get("n"), samples.get("m")
    if isinstance(n, int) and isinstance(m, int) and n > m:
        yield ("condition", "samples"), pick(f"{n} von {m} geht nicht", f"{n} of {m} can't be")
    first: dict[str, Any] = next(iter(signals.values()), {})
    if samples and first.get("take") == "silence":
        yield ("condition", "samples"), pick("zählt Messwerte; Stille hat keine", "counts readings; a silence has none")


def _stages(values: dict[str, Any]) -> Rule:
    stages = values.get("stage")
    seen: set[str] = set()
    for place, stage in enumerate(stages if isinstance(stages, list) else []):
        if not isinstance(stage, dict):
            continue
        yield from blank(("stage", place, "title"), stage.get("title"))
        name = stage.get("name")
        if isinstance(name, str) and name in seen:
            yield ("stage", place, "name"), pick("so heißt schon eine Stufe", "another stage is called so")
        seen.add(str(name))
    if not stages and isinstance(values.get("condition"), dict) and "fires" not in values["condition"]:
        yield (
            ("condition",),
            missing("fires", pick('wann es auslöst, wie "fill > 0.8"', 'when it fires, as "fill > 0.8"')),
        )


def _expressions(values: dict[str, Any], signals: dict[str, dict[str, Any]], kinds: dict[str, Kind | None]) -> Rule:
    used: set[str] = set()
    for path, pair in _pairs(values):
        ready: dict[str, Expression] = {}
        for key, text in pair.items():
            spoken = names(text)
            used |= spoken
            if any(name in kinds and kinds[name] is None for name in spoken):
                continue  # the property was complained of already
            try:
                ready[key] = compiled(text, {name: kind for name, kind in kinds.items() if kind is not None})
            except BadExpression as error:
                yield (*path, key), str(error)
            else:
                yield (*path, key), _out_of_reach(text, signals)
        if len(ready) == 2:
            yield (*path, "clears"), _wrong_side(ready["fires"], ready["clears"], kinds)
    steps = values.get("step")
    for step in steps if isinstance(steps, list) else []:
        if isinstance(step, dict):
            texts = [step.get("when"), *_strings(step.get("fields"))]
            used |= {key for key in signals for text in texts if isinstance(text, str) and key in text}
    for key in signals:
        if key not in used:
            yield ("signal", key), pick("kein Ausdruck verwendet dieses Signal", "no expression uses this signal")


def _pairs(values: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], dict[str, str]]]:
    """Each `fires` with its `clears`, and where they stand."""
    stages = values.get("stage")
    places: list[tuple[tuple[str | int, ...], Any]] = [(("condition",), values.get("condition"))]
    places += [(("stage", place), stage) for place, stage in enumerate(stages if isinstance(stages, list) else [])]
    for path, part in places:
        if isinstance(part, dict):
            yield path, {key: part[key] for key in ("fires", "clears") if isinstance(part.get(key), str)}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _out_of_reach(text: str, signals: dict[str, dict[str, Any]]) -> str:
    """That a signal is compared with what its property never gets to, as 80 where 0.8 is meant."""
    for key, signal in signals.items():
        row = TABLE.get(str(signal.get("property")))
        if row is None or row.kind == "boolean" or signal.get("take", "last") not in _VALUES:
            continue
        for value in thresholds(text, key) or ():
            if not row.min <= value <= row.max:
                unit = row.unit if row.unit != "/" else "1"
                return pick(
                    f"{value:g} erreicht {key} nie: plausibel ist {row.min:g} bis {row.max:g}, Einheit {unit}",
                    f"{key} never gets to {value:g}: {row.min:g} to {row.max:g} is plausible, in {unit}",
                )
    return ""


def _wrong_side(fires: Expression, clears: Expression, kinds: dict[str, Kind | None]) -> str:
    """Of two expressions over one and the same number: that there is a value at which both are so."""
    spoken = (names(fires.text) | names(clears.text)) & kinds.keys()
    if len(spoken) != 1:
        return ""
    (key,) = spoken
    edges = (thresholds(fires.text, key) or []) + (thresholds(clears.text, key) or [])
    tried: list[Any] = [near for edge in edges for near in (edge, edge - 1e-6, edge + 1e-6)]
    if kinds[key] == "boolean":
        tried = [True, False]
    for value in tried:
        if fires.ask({key: value}) and clears.ask({key: value}):
            at = shown(value) if isinstance(value, bool) else f"{value:.6g}"
            return pick(
                f"liegt auf der falschen Seite: bei {key} = {at} gilt beides, fires und clears",
                f"is on the wrong side: at {key} = {at} both are so, fires and clears",
            )
    return ""
