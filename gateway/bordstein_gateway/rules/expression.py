"""Expressions in CEL (Common Expression Language, github.com/google/cel-spec) by Google's own implementation.

    compiled(text, {"fill": "number", "tilted": "boolean"})   Expression, or BadExpression: what is wrong, and where
    .ask({"fill": 0.9, "tilted": None})                       True, False, or None: unknown

A value that is None is unknown, and so is what depends on it; `false && unknown` is false, `true || unknown` is true.
Whole numbers are meant as doubles: "level > 1" is right.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from ..config.words import nearest
from ..texts import pick

if TYPE_CHECKING:
    from cel_expr_python import cel

Kind = Literal["number", "boolean", "text", "any"]

_STRING = r"""[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|//[^\n]*"""
_TOKEN = re.compile(
    rf"(?P<skip>{_STRING}|[A-Za-z_]\w*)|(?P<index>(?<=[\w\])])\[\s*\d+\s*\])"
    r"|(?P<other>0[xX][0-9A-Fa-f]+u?|\d*\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+[uU])|(?P<whole>\d+)",
    re.DOTALL,
)
_NAMES = re.compile(rf"{_STRING}|(?<![.\w])(?P<name>[A-Za-z_][\w.]*)", re.DOTALL)
_LOOP = re.compile(r"\.\s*(all|exists|exists_one|existsOne|filter|map|transform\w+)\s*\(")
"""CEL's macros. Nothing here has a list to walk through, and nested they make gigabytes of a line."""
_KEYWORDS = {"true", "false", "null", "in"}
_PROBLEM = re.compile(r"<input>:(\d+):(\d+): (.*)")
_WORDS = {"number": "eine Zahl", "boolean": "ja oder nein", "text": "ein Text", "any": "irgendetwas"}
_WORDS_EN = {"number": "a number", "boolean": "yes or no", "text": "a text", "any": "anything"}
_CEL = {"double": "number", "int": "number", "uint": "number", "bool": "boolean", "string": "text", "dyn": "any"}
_MISTAKEN = {
    "and": "&&",
    "und": "&&",
    "or": "||",
    "oder": "||",
    "not": "!",
    "nicht": "!",
    "True": "true",
    "False": "false",
    "=>": ">=",
    "=<": "<=",
    "=": "==",
    "<>": "!=",
}


class BadExpression(Exception):
    """What is wrong, one sentence."""


class Expression:
    """A compiled expression whose answer is yes, no or unknown."""

    __slots__ = ("_compiled", "_yes", "text")

    def __init__(self, text: str, compiled: Any, yes: Any) -> None:
        self.text = text
        self._compiled = compiled
        self._yes = yes

    def ask(self, values: Mapping[str, Any]) -> bool | None:
        """None: it can't be said, with these values."""
        return self.of({name: value for name, value in values.items() if value is not None})

    def of(self, known: Mapping[str, Any]) -> bool | None:
        """The same, of values none of which is None."""
        answer = self._compiled.eval(data=known)
        return answer.value() if answer.type() == self._yes else None


def compiled(text: str, kinds: Mapping[str, Kind]) -> Expression:
    """An expression over variables of these kinds; a name may have dots. BadExpression."""
    return _compiled(text, tuple(sorted(kinds.items())))


@lru_cache(1024)
def _compiled(text: str, kinds: tuple[tuple[str, Kind], ...]) -> Expression:
    from cel_expr_python import cel

    if loop := _LOOP.search(re.sub(_STRING, " ", text, flags=re.DOTALL)):
        raise BadExpression(
            pick(f"die Funktion {loop[1]} gibt es hier nicht", f"the function {loop[1]} can't be used here")
        )
    doubled, places = _doubles(text)
    try:
        made = _environment(kinds).compile(doubled)
    except RuntimeError as error:
        raise BadExpression(_said(text, str(error), places, dict(kinds))) from None
    if made.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
        raise BadExpression(
            pick(
                f"{_short(text)}: das Ergebnis ist nicht ja oder nein; ein Vergleich gehört dazu, wie > 0.8",
                f"{_short(text)}: the result is not yes or no; it needs a comparison, such as > 0.8",
            )
        )
    return Expression(text, made, cel.Type.BOOL)


@lru_cache(64)
def _environment(kinds: tuple[tuple[str, Kind], ...]) -> "cel.Env":
    from cel_expr_python import cel

    types = {"number": cel.Type.DOUBLE, "boolean": cel.Type.BOOL, "text": cel.Type.STRING, "any": cel.Type.DYN}
    return cel.NewEnv(variables={name: types[kind] for name, kind in kinds})


def names(text: str) -> set[str]:
    """The names an expression speaks of, functions among them; dots belong to them."""
    return {found["name"] for found in _NAMES.finditer(text) if found["name"]} - _KEYWORDS


def thresholds(text: str, name: str) -> list[float] | None:
    """The numbers that a variable is compared with; None: it is used otherwise, too."""
    number = r"(-?(?:\d+(?:\.\d+)?|\.\d+))(?![\w.])"
    compared = [
        *re.finditer(rf"(?<![\w.])(?<![-+*/%] ){name}\s*(?:[<>]=?|[=!]=)\s*{number}(?!\s*[-+*/%])", text),
        *re.finditer(rf"(?<![\w.])(?<![-+*/%] ){number}\s*(?:[<>]=?|[=!]=)\s*{name}(?![\w.])(?!\s*[-+*/%])", text),
    ]
    used = re.findall(rf"(?<![\w.]){name}(?![\w.])", text)
    return [float(found[1]) for found in compared] if len(compared) == len(used) else None


def _doubles(text: str) -> tuple[str, list[int]]:
    """The text with ".0" behind each whole number, and where in it those two signs were put in."""
    made, places, at = "", [], 0
    for found in _TOKEN.finditer(text):
        if found["whole"]:
            made += text[at : found.end()]
            places.append(len(made))
            made += ".0"
            at = found.end()
    return made + text[at:], places


def _short(text: str) -> str:
    text = " ".join(text.split())
    return f'"{text if len(text) <= 50 else text[:49] + "…"}"'


def _said(text: str, error: str, places: list[int], kinds: Mapping[str, Kind]) -> str:
    """The implementation's first complaint in our words."""
    found = _PROBLEM.search(error)
    if found is None:
        return pick(f"{_short(text)} ist kein CEL", f"{_short(text)} is no CEL")
    line, column, complaint = int(found[1]), int(found[2]), found[3]
    start = sum(len(part) + 1 for part in _doubles(text)[0].split("\n")[: line - 1])
    at = start + column - 1
    at -= 2 * sum(1 for place in places if place < at)
    place = at + 1 if line == 1 else at - text.rfind("\n", 0, max(0, at))
    where = pick(f"Spalte {place}", f"column {place}")
    if line > 1:
        where = pick(f"Zeile {line} des Ausdrucks, ", f"line {line} of the expression, ") + where
    return f"{where}: {_complaint(text, max(0, at), complaint, kinds)}"


def _complaint(text: str, at: int, complaint: str, kinds: Mapping[str, Kind]) -> str:
    unknown = re.match(r"undeclared reference to '([^']*)'", complaint)
    if unknown:
        name = unknown[1]
        if name in _MISTAKEN:
            return _instead(name)
        known = sorted(kinds)
        if re.search(rf"(?<!\w){re.escape(name)}\s*\(", text):
            return pick(f"die Funktion {name} gibt es in CEL nicht", f"CEL has no function {name}")
        others = pick(f"; es gibt {', '.join(known)}", f"; known are {', '.join(known)}") if known else ""
        return pick(f"{name} gibt es hier nicht", f"there is no {name} here") + (nearest(name, known) or others)
    overload = re.match(r"found no matching overload for '([^']*)' applied to '(.*)'", complaint)
    if overload:
        operator = overload[1].strip("_").replace("_", " ").strip()
        types = [re.sub(r"\W", "", part) for part in overload[2].strip("()").split(", ")]
        of = [pick(_WORDS.get(_CEL.get(t, ""), t), _WORDS_EN.get(_CEL.get(t, ""), t)) for t in types]
        together = pick(" und ", " and ").join(of)
        return pick(f"{operator} geht nicht mit: {together}", f"{operator} does not go with: {together}")
    rest = text[at:].lstrip()
    for wrong in ("=>", "=<", "<>", "="):
        if rest.startswith(wrong) and not rest.startswith("=="):
            return _instead(wrong)
    word = re.match(r"[A-Za-z]+", rest)
    if word and word[0] in _MISTAKEN:
        return _instead(word[0])
    if re.match(r",\d", rest) and at and text[at - 1].isdigit():
        return pick("Dezimalzahlen mit Punkt schreiben, wie 0.8", "write decimals with a point, as in 0.8")
    if not rest:
        return pick("da fehlt etwas", "something is missing there")
    if "reserved" in complaint:
        return pick(
            f"{word[0] if word else rest} ist in CEL kein Name", f"{word[0] if word else rest} is no name in CEL"
        )
    return pick(f"{_short(rest)} passt hier nicht", f"{_short(rest)} does not fit here")


def _instead(wrong: str) -> str:
    right = _MISTAKEN[wrong]
    return pick(f"statt {wrong} schreiben: {right}", f"instead of {wrong} write: {right}")
