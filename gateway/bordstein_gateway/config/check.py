"""Finds all mistakes of a configuration file at once and says each in a sentence, with file, line and key.

The types in config.py and types.py say what is allowed; rules.py and forward.py know what no type can say.
"""

import math
import re
import tomllib
from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import inspect

from ..properties import TABLE, property_of
from ..texts import os_reason, pick
from .files import FileProblem, find, place
from .toml_lines import Path as KeyPath
from .toml_lines import key_lines, line_of
from .words import allowed, dotted, expected, is_host, marks_of, missing, nearest, one_of, shown, unquoted, visible


class ConfigError(Exception):
    """The configuration has mistakes; `problems` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


# A key and a value without quotes that can't be a number.
_BARE_VALUE = re.compile(r"\s*([\w.-]{1,60})\s*=\s*((?:[A-Za-z/.~]|\d+\.\d+\.\d)[^\"'#\[\]{}]*)(?:#.*)?$")
# A key of more parts than anything has: tomllib takes the square of their number, minutes for a page of them.
_DEEP_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*"|'[^'\n]*')[ \t]*+\.[ \t]*+){100}""")
# Keys people try for a secret in the clear; the value is never repeated in a message.
_CLEAR = {
    "password": "password_file",
    "token": "token_file",
    "bearer": "token_file",
    "secret": "secret_file",
    "client_secret": "client_secret_file",
    "access_token": "access_token_file",
    "api_key": "api_key_file",
}


def checked(path: Path, of: type[msgspec.Struct]) -> tuple[dict[str, Any], list[str]]:
    """The file's values with the names of files made absolute, and the mistakes."""
    from .rules import rules

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, [f"{path}: {_no_file()}"]
    except OSError as error:
        return {}, [f"{path}: {unreadable(error)}"]
    except UnicodeDecodeError:
        return {}, [f"{path}: {pick('ist keine Textdatei in UTF-8', 'is not a text file in UTF-8')}"]
    nothing = pick(
        f"darin steht nichts; ein Beispiel schreibt: bordstein-gateway init --force {path}",
        f"there is nothing in it; an example is written by: bordstein-gateway init --force {path}",
    )
    values, found = examined(text, of, path.absolute().parent, rules, nothing)
    return values, [f"{path}:{problem}" for problem in found]


Rules = Callable[[dict[str, Any], set[KeyPath]], Iterable[tuple[KeyPath, str]]]
"""What no type can say: of the values as far as they were right, and the paths that were complained of."""


def examined(
    text: str, of: type[msgspec.Struct], folder: Path, rules: Rules, nothing: str
) -> tuple[dict[str, Any], list[str]]:
    """A text's values, with the names of files looked for in `folder`, and its mistakes, each beginning with its line.

    `nothing`: what is said of an empty one.
    """
    too_deep = pick("ist zu tief geschachtelt", "is nested too deep")
    if found_deep := _DEEP_KEY.search(text):
        return {}, [f"{text.count(chr(10), 0, found_deep.start()) + 1}: {too_deep}"]
    try:
        values = tomllib.loads(text)
        lines = key_lines(text)
    except RecursionError:
        return {}, [f"1: {too_deep}"]
    except ValueError as error:  # a number of thousands of digits is one that is no TOMLDecodeError
        return {}, [_syntax_error(text, str(error))]
    if not values:
        return {}, [f"1: {nothing}"]
    check = _Check(folder)
    resolved = check.struct(_info(of), values, ())
    found = check.found + list(rules(resolved, {place for place, _ in check.found}))
    found.sort(key=lambda problem: line_of(lines, problem[0]))
    return resolved, [f"{line_of(lines, place)}: {visible(_sentence(place, said))}" for place, said in found]


def place_of(path: Path, *keys: str) -> Path | None:
    """The file that a key names, whether it is there or not; None: it names none. ConfigError: the file is no TOML."""
    try:
        value: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError([f"{path}: {_no_file()}"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: {unreadable(error)}"]) from None
    except (ValueError, RecursionError):
        raise ConfigError(checked(path, msgspec.Struct)[1]) from None
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return place(value, path.absolute().parent) if isinstance(value, str) else None


def unreadable(error: OSError) -> str:
    """Why a file can't be read."""
    return pick(f"nicht lesbar: {os_reason(error)}", f"can't be read: {error.strerror or error}")


def _no_file() -> str:
    return pick(
        "diese Datei gibt es nicht; eine andere nennt --config DATEI, eine neue schreibt: bordstein-gateway init DATEI",
        "there is no such file; name another with --config FILE, or write one with: bordstein-gateway init FILE",
    )


def _sentence(place: KeyPath, said: str) -> str:
    return f"{dotted(place)}: {said}" if place else said


def _syntax_error(text: str, message: str) -> str:
    if text.lstrip().startswith("{"):
        return "1: " + pick(
            "das ist JSON und keine gateway.toml; die Konfiguration eines Geräts prüft: bordstein config check",
            "this is JSON and no gateway.toml; a board's configuration is checked by: bordstein config check",
        )
    place = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)", message)
    line = (place and place.group(1)) or str(text.count("\n") + 1)
    said = _bare_text(text.splitlines()[int(line) - 1 : int(line)])
    if said:
        return visible(f"{line}: {said}")
    said = message[: place.start()] if place else message.partition(":")[0]
    return visible(f"{line}: {pick('kein TOML', 'not TOML')}: {said}")


def _bare_text(lines: list[str]) -> str:
    """Of a line that is no TOML: whether quotes would make it so. The value may be a secret and is not repeated."""
    found = _BARE_VALUE.match(lines[0]) if lines else None
    if found is None:
        return ""
    key, value = found[1], found[2].strip()
    if value.lower() in ("true", "false", "yes", "no", "on", "off"):
        return pick(
            f"{key}: es gibt true und false, klein geschrieben", f"{key}: there are true and false, in lower case"
        )
    return pick(f"{key}: Text gehört in Anführungszeichen", f"{key}: text has to be in quotes")


@cache
def _info(of: Any) -> Any:
    return inspect.type_info(of)


class _Check:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: list[tuple[KeyPath, str]] = []

    def say(self, path: KeyPath, message: str) -> None:
        self.found.append((path, message))

    def struct(self, info: Any, values: Any, path: KeyPath) -> dict[str, Any]:
        if not isinstance(values, dict):
            self.say(path, expected(pick("eine Tabelle", "a table"), values))
            return {}
        fields = {field.encode_name: field for field in info.fields}
        known = [*fields, *([info.tag_field] if info.tag_field else [])]
        checked = {}
        for key, value in values.items():
            if key in fields:
                checked[key] = self.value(fields[key].type, value, (*path, key))
            elif key == info.tag_field:
                checked[key] = value
            else:
                self.say((*path, key), _unknown(key, known))
        for name, field in fields.items():
            if field.required and name not in values:
                self.say(path, missing(name, allowed(field.type)))
        return checked

    def value(self, info: Any, value: Any, path: KeyPath) -> Any:
        """The value with its files found. None for a wrong one: it counts as given and is looked at no further."""
        info, marks = marks_of(info)
        if isinstance(info, inspect.UnionType):
            plain = self._plain(info, value)
            if plain is not None:
                return self.value(plain, value, path)
            member = self._member(info, value, path)
            return self._common(info, value, path) if member is None else self.value(member, value, path)
        if isinstance(info, inspect.StructType):
            return self.struct(info, value, path)
        if isinstance(info, inspect.ListType):
            if isinstance(value, list):
                return [self.value(info.item_type, item, (*path, place)) for place, item in enumerate(value)]
            self.say(path, expected(pick("eine Liste", "a list"), value))
            return None
        if isinstance(info, inspect.DictType):
            return self._table(info, value, path)
        if not isinstance(info, inspect.AnyType) and not _fits(info, value):
            self.say(path, expected(allowed(info, marks), value))
            return None
        return self._marked(marks, value, path)

    def _plain(self, info: inspect.UnionType, value: Any) -> Any:
        """Of a union with members that are no tables: the one for this value; a value that fits none is complained of
        as the first. None: the members are told apart by their kind, or there is but one."""
        members = [member for member in info.types if not isinstance(member, inspect.NoneType)]
        plain = [member for member in members if not isinstance(member, inspect.StructType)]
        tables = [member for member in members if isinstance(member, inspect.StructType)]
        if not plain or len(members) == 1:
            return None
        if tables and isinstance(value, dict):
            return tables[0]
        return next((member for member in plain if _fits(marks_of(member)[0], value)), plain[0])

    def _member(self, info: inspect.UnionType, value: Any, path: KeyPath) -> Any:
        members = [member for member in info.types if not isinstance(member, inspect.NoneType)]
        if len(members) == 1:
            return members[0]
        tags = {member.tag: member for member in members if isinstance(member, inspect.StructType)}
        if not isinstance(value, dict):
            self.say(path, expected(pick("eine Tabelle", "a table"), value))
        elif "kind" not in value:
            self.say(path, missing("kind", one_of(tags)))
        elif not isinstance(value["kind"], str) or value["kind"] not in tags:
            self.say((*path, "kind"), expected(one_of(tags), value["kind"]))
        else:
            return tags[value["kind"]]
        return None

    def _common(self, info: inspect.UnionType, value: Any, path: KeyPath) -> Any:
        """Of a table whose kind is not known: the keys that are looked at are those all kinds have."""
        if not isinstance(value, dict):
            return value
        members = [member for member in info.types if isinstance(member, inspect.StructType)]
        fields = {field.encode_name: field.type for field in members[0].fields}
        common = set(fields).intersection(*({field.encode_name for field in member.fields} for member in members))
        return {key: self.value(fields[key], item, (*path, key)) for key, item in value.items() if key in common}

    def _table(self, info: inspect.DictType, value: Any, path: KeyPath) -> Any:
        if not isinstance(value, dict):
            self.say(path, expected(pick("eine Tabelle", "a table"), value))
            return None
        is_path = marks_of(info.key_type)[1].get("is") == "path"
        for key, item in value.items():
            self.value(info.key_type, key, (*path, key))
            if is_path and (said := unquoted(key, item)):
                self.say((*path, key), said)
        return {key: self.value(info.value_type, item, (*path, key)) for key, item in value.items()}

    def _marked(self, marks: dict[str, Any], value: Any, path: KeyPath) -> Any:
        kind = marks.get("is")
        name = property_of(value) if kind == "series" else value
        if kind in ("property", "series") and name not in TABLE and name != marks.get("or"):
            near = nearest(name, list(TABLE))
            self.say(
                path,
                pick(
                    f"keine Größe der Tabelle heißt {shown(name)}{near}",
                    f"no property of the table is called {shown(name)}{near}",
                ),
            )
        if kind == "host" and not is_host(value):
            self.say(path, expected(pick(marks["de"], marks["en"]), value))
            return None
        if kind in ("file", "secret"):
            try:
                return str(find(value, self.folder))
            except FileProblem as problem:
                self.say(path, str(problem))
                return None
        return value


def _unknown(key: str, known: list[str]) -> str:
    no_secret = pick("in dieser Datei steht kein Geheimnis", "no secret stands in this file")
    if _CLEAR.get(key) in known:
        return no_secret + pick(
            f": in eine eigene Datei damit, die als {_CLEAR[key]} genannt wird",
            f": write it into a file of its own and name that file as {_CLEAR[key]}",
        )
    if key == "password":
        return no_secret
    others = pick(f"; es gibt {', '.join(known)}", f"; known are {', '.join(known)}")
    return pick("das gibt es hier nicht", "there is no such key here") + (nearest(key, known) or others)


def _fits(info: Any, value: Any) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False
    try:
        msgspec.convert(value, _as_type(info))
    except msgspec.ValidationError:
        return False
    return True


_PLAIN: dict[Any, type] = {
    inspect.IntType: int,
    inspect.FloatType: float,
    inspect.StrType: str,
    inspect.BoolType: bool,
    inspect.DateType: date,
}


def _as_type(info: Any) -> Any:
    """The Python type with its limits again, for msgspec to check one value by."""
    if isinstance(info, inspect.LiteralType):
        return Literal[tuple(info.values)]
    plain: Any = _PLAIN[type(info)]
    limits = {
        name: limit
        for name in ("ge", "le", "gt", "lt", "min_length", "max_length", "pattern")
        if (limit := getattr(info, name, None)) is not None
    }
    return Annotated[plain, msgspec.Meta(**limits)] if limits else plain
