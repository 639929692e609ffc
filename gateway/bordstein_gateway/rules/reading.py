"""A rule sheet's text into a Sheet, with all its mistakes at once.

read(text, config)      (Sheet, []), or (None, mistakes): one sentence each, beginning with its line: "12: …"
warnings(sheet, today)  what is no mistake and yet worth a look
"""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from ..config.check import examined
from ..config.config import Config
from ..config.toml_lines import Path as KeyPath
from ..config.words import Rule
from ..texts import pick
from .sheet import Sheet
from .sheet_rules import sheet_rules

LONGEST = 65_536
"""Characters of a sheet. The ready ones have some 4,000."""


def read(text: str, config: Config, name: str | None = None) -> tuple[Sheet | None, list[str]]:
    """A sheet for this gateway. `name`: as its file is called, without .toml."""

    def rules(values: dict[str, Any], wrong: set[KeyPath]) -> Rule:
        if name is not None and values.get("name") not in (None, name):
            yield (
                ("name",),
                pick(
                    f'die Datei heißt {name}.toml, also name = "{name}"', f'the file is {name}.toml, so name = "{name}"'
                ),
            )
        for path, said in sheet_rules(values, config):
            if said and path not in wrong:
                yield path, said

    if len(text) > LONGEST:
        return None, [f"1: {pick(f'ist länger als {LONGEST} Zeichen', f'is longer than {LONGEST} characters')}"]
    nothing = pick("darin steht nichts", "there is nothing in it")
    _, found = examined(text, Sheet, Path(config.rules_path), rules, nothing)
    return (None, found) if found else (msgspec.convert(tomllib.loads(text), Sheet), [])


def warnings(sheet: Sheet, today: date) -> list[str]:
    """Of a sheet in order: what is no mistake."""
    found = []
    if sheet.review < today:
        found.append(
            pick(
                f"{sheet.name}: die Überprüfung war am {sheet.review:%d.%m.%Y} fällig",
                f"{sheet.name}: its review was due on {sheet.review.isoformat()}",
            )
        )
    if not sheet.steps and sheet.procedure.file is None and sheet.procedure.engine is None:
        found.append(
            pick(f"{sheet.name}: kein Schritt sagt, was zu tun ist", f"{sheet.name}: no step says what there is to do")
        )
    return found
