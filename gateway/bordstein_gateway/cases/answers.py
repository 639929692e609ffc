"""What is answered in a step's form, checked against its fields. Pure."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..texts import Sentence, both, said

LONGEST = 4000
_YES = ("true", "on", "yes", "ja", "1")
_NO = ("false", "off", "no", "nein", "0")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def checked(form: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Sentence]]:
    """(name -> value, name -> what is wrong). `form`: rules/sheet.Field as JSON; `given`: values, or texts of an HTML
    form, in which a decimal comma counts. What the form has not is left out; empty: not answered."""
    answers: dict[str, Any] = {}
    wrong: dict[str, Sentence] = {}
    for field in form:
        name, label = str(field["name"]), field.get("label") or field["name"]
        value = given.get(name)
        if isinstance(value, str):
            value = value.strip()
        if value is None or value == "":
            if field.get("required"):
                wrong[name] = _says(label, "fehlt", "is missing")
            continue
        found, problem = _CHECKS[field.get("type", "text")](value, field)
        if problem is not None:
            wrong[name] = _says(label, said(problem, "de"), str(problem))
        else:
            answers[name] = found
    return answers, wrong


_Checked = tuple[Any, Sentence | None]


def _boolean(value: Any, _: Mapping[str, Any]) -> _Checked:
    if isinstance(value, bool):
        return value, None
    text = str(value).lower()
    if text in _YES or text in _NO:
        return text in _YES, None
    return None, both("ist weder ja noch nein", "is neither yes nor no")


def _number(value: Any, _: Mapping[str, Any]) -> _Checked:
    if isinstance(value, str):
        try:
            value = float(value.replace(",", "."))
        except ValueError:
            return None, both("ist keine Zahl", "is no number")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e15:
        return None, both("ist keine Zahl", "is no number")
    return float(value), None


def _text(value: Any, _: Mapping[str, Any]) -> _Checked:
    if not isinstance(value, str):
        return None, both("ist kein Text", "is no text")
    if len(value) > LONGEST:
        return None, both(f"hat mehr als {LONGEST} Zeichen", f"has more than {LONGEST} characters")
    return value.replace("\0", ""), None


def _choice(value: Any, field: Mapping[str, Any]) -> _Checked:
    """Kept in German, in whichever language it was chosen."""
    for choice in field.get("choices") or ():
        if value == choice or (isinstance(choice, Mapping) and value in choice.values()):
            return choice["de"] if isinstance(choice, Mapping) else choice, None
    return None, both("ist nicht, was zur Wahl steht", "is not among the choices")


def _photo(value: Any, _: Mapping[str, Any]) -> _Checked:
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return value, None
    return None, both("ist kein Foto", "is no photo")


_CHECKS = {"boolean": _boolean, "number": _number, "text": _text, "choice": _choice, "photo": _photo}


def _says(label: Any, de: str, en: str) -> Sentence:
    if isinstance(label, Mapping):
        return both(f"„{label.get('de', '')}“ {de}", f'"{label.get("en") or label.get("de", "")}" {en}')
    return both(f"„{label}“ {de}", f'"{label}" {en}')
