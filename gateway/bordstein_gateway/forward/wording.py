"""Texts of reports: Jinja templates of the configuration, filled with what a reading and its board say.

They come from the town's own configuration and its rule sheets, and are run in a sandbox all the same: a template is
there to write a sentence. Names are listed in NAMES; one that has no value is written as nothing.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from ..texts import pick
from ..web.pagetexts import number

if TYPE_CHECKING:
    from jinja2 import Template

    from .sandbox import Sandbox

Language = Literal["de", "en"]

NAMES = {
    "case": "B-7K3QX2MA",
    "rule": "fill_level-above",
    "device": "24a160123456",
    "urn": "urn:dev:mac:24a160fffe123456",
    "name": "Marktplatz 7",
    "description": "Papierkorb vor der Apotheke",
    "asset": "PK-12",
    "site": "Marktplatz",
    "latitude": 53.5511,
    "longitude": 9.9937,
    "property": "fill_level",
    "series": "bin/fill_level",
    "label": "Füllstand",
    "value": "92,0 %",
    "amount": 0.92,
    "unit": "%",
    "limit": "80,0 %",
    "time": "24.11.2026 12:00:00",
    "iso": "2026-11-24T11:00:00Z",
    "gateway": "bordstein",
}
"""What a template may name, each with an example. `value`, `limit`, `time` are written as people read them; `amount` is
the plain number (or true, false) in the property table's unit; `iso` is RFC 3339 in UTC."""


class BadTemplate(Exception):
    """A template can't be filled; the message says why."""


def fill(template: str, named: Mapping[str, Any], language: Language = "de") -> str:
    """The template with these values; BadTemplate."""
    from jinja2 import TemplateError

    try:
        return _compiled(template, language).render(named)
    except (TemplateError, ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise BadTemplate(" ".join(str(error).split())[:200] or type(error).__name__) from None


def problem(template: Any, *, needs: str = "", named: Mapping[str, Any] = NAMES) -> str:
    """What is wrong with a template of the configuration; empty: nothing. `needs`: a name that has to be in it.

    `named`: what it may name, each with an example.
    """
    if not isinstance(template, str):
        return ""
    from jinja2 import TemplateError, meta

    try:
        used = meta.find_undeclared_variables(_environment("de").parse(template))
    except (TemplateError, RecursionError, ValueError) as error:
        why = " ".join(str(error).split())
        return pick(f"ist keine gültige Vorlage: {why}", f"is no valid template: {why}")
    if unknown := sorted(used - named.keys()):
        names = ", ".join(named)
        return pick(f"{unknown[0]} gibt es nicht; es gibt {names}", f"there is no {unknown[0]}; there are {names}")
    if needs and needs not in used:
        return pick(f"muss {{{{ {needs} }}}} enthalten", f"has to hold {{{{ {needs} }}}}")
    try:
        fill(template, named)
    except BadTemplate as error:
        return pick(f"lässt sich nicht ausfüllen: {error}", f"can't be filled: {error}")
    return ""


@lru_cache(maxsize=2)
def _environment(language: Language) -> "Sandbox":
    from jinja2 import StrictUndefined

    from .sandbox import Sandbox

    # What is filled goes into forms, JSON and XML, each of which is escaped where it is made.
    environment = Sandbox(
        undefined=StrictUndefined,
        autoescape=False,
        finalize=lambda value: "" if value is None else value,
    )
    environment.filters["number"] = lambda value: number(value, language)
    return environment


@lru_cache(maxsize=256)
def _compiled(template: str, language: Language) -> "Template":
    return _environment(language).from_string(template)
