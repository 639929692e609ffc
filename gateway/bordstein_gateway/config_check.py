"""Finds all mistakes of a configuration file at once and says each in a sentence, with file, line and key.

The types in config.py say what is allowed; config_rules.py knows what no type can say.
"""

import difflib
import math
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import inspect

from .config_files import FileProblem, find
from .properties import TABLE
from .toml_lines import Path as KeyPath
from .toml_lines import key_lines, line_of


class ConfigError(Exception):
    """The configuration has mistakes; `problems` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


# Keys people try for a secret in the clear; the value is never repeated in a message.
_CLEAR = {"password": "password_file", "token": "token_file", "secret": "secret_file", "bearer": "token_file"}


def checked(path: Path, of: type[msgspec.Struct]) -> tuple[dict[str, Any], list[str]]:
    """The file's values with the names of files made absolute, and the mistakes."""
    from .config_rules import rules

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        return {}, [f"{path}: can't be read: {error.strerror or error}"]
    except UnicodeDecodeError:
        return {}, [f"{path}: is not a text file in UTF-8"]
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return {}, [f"{path}:{_syntax_error(text, str(error))}"]
    check = _Check(path.absolute().parent)
    resolved = check.struct(_info(of), values, ())
    lines = key_lines(text)
    found = check.found + list(rules(resolved, {place for place, _ in check.found}))
    found.sort(key=lambda problem: line_of(lines, problem[0]))
    return resolved, [f"{path}:{line_of(lines, place)}: {_dotted(place)}{text}" for place, text in found]


def _syntax_error(text: str, message: str) -> str:
    place = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)", message)
    line = (place and place.group(1)) or str(text.count("\n") + 1)
    return f"{line}: not TOML: {message[: place.start()] if place else message}"


def _dotted(path: KeyPath) -> str:
    dotted = ""
    for part in path:
        dotted += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if dotted else part
    return dotted + ": " if dotted else ""


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
            self.say(path, f"expected a table, got {_shown(values)}")
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
                self.say(path, f"{name} is missing: {_allowed(field.type)}")
        return checked

    def value(self, info: Any, value: Any, path: KeyPath) -> Any:
        marks: dict[str, Any] = {}
        while isinstance(info, inspect.Metadata):
            marks = {**(info.extra or {}), **(info.extra_json_schema or {}), **marks}
            info = info.type
        if isinstance(info, inspect.UnionType):
            member = self._member(info, value, path)
            return self._common(info, value, path) if member is None else self.value(member, value, path)
        if isinstance(info, inspect.StructType):
            return self.struct(info, value, path)
        if isinstance(info, inspect.ListType):
            if isinstance(value, list):
                return [self.value(info.item_type, item, (*path, place)) for place, item in enumerate(value)]
            self.say(path, f"expected a list, got {_shown(value)}")
            return value
        if isinstance(info, inspect.DictType):
            return self._table(info, value, path)
        if not isinstance(info, inspect.AnyType) and not _fits(info, value):
            self.say(path, f"expected {_allowed(info, marks)}, got {_shown(value)}")
            return value
        return self._marked(marks, value, path)

    def _member(self, info: inspect.UnionType, value: Any, path: KeyPath) -> Any:
        members = [member for member in info.types if not isinstance(member, inspect.NoneType)]
        if len(members) == 1:
            return members[0]
        tags = {member.tag: member for member in members if isinstance(member, inspect.StructType)}
        if not isinstance(value, dict):
            self.say(path, f"expected a table, got {_shown(value)}")
        elif "kind" not in value:
            self.say(path, f"kind is missing: one of {_listed(tags)}")
        elif value["kind"] not in tags:
            self.say((*path, "kind"), f"expected one of {_listed(tags)}, got {_shown(value['kind'])}")
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
            self.say(path, f"expected a table, got {_shown(value)}")
            return value
        for key in value:
            self.value(info.key_type, key, (*path, key))
        return {key: self.value(info.value_type, item, (*path, key)) for key, item in value.items()}

    def _marked(self, marks: dict[str, Any], value: Any, path: KeyPath) -> Any:
        kind = marks.get("is")
        if kind == "property" and value not in TABLE:
            self.say(path, f"no property of the table is called {_shown(value)}{_nearest(value, list(TABLE))}")
        if kind in ("file", "secret"):
            try:
                return str(find(value, self.folder))
            except FileProblem as problem:
                self.say(path, str(problem))
        return value


def _unknown(key: str, known: list[str]) -> str:
    if _CLEAR.get(key) in known:
        return f"no secret stands in this file: write it into a file of its own and name that file as {_CLEAR[key]}"
    if key == "password":
        return "no secret stands in this file"
    return f"there is no such key here{_nearest(key, known) or '; known are ' + ', '.join(known)}"


def _nearest(name: Any, known: list[str]) -> str:
    near = difflib.get_close_matches(str(name), known, 1, 0.6)
    return f"; is {near[0]} meant?" if near else ""


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


def _allowed(info: Any, marks: dict[str, Any] | None = None) -> str:
    marks = marks or {}
    while isinstance(info, inspect.Metadata):
        marks = {**(info.extra or {}), **(info.extra_json_schema or {}), **marks}
        info = info.type
    if "description" in marks:
        return str(marks["description"])
    if isinstance(info, inspect.LiteralType):
        return f"one of {_listed(info.values)}"
    if isinstance(info, inspect.BoolType):
        return "true or false"
    if isinstance(info, inspect.IntType | inspect.FloatType):
        kind = "an integer" if isinstance(info, inspect.IntType) else "a number"
        if info.ge is None:
            return kind
        return f"{kind} {_number(info.ge)}..{_number(info.le)}" if info.le is not None else f"{kind} from {info.ge} on"
    if isinstance(info, inspect.StrType):
        if marks.get("is") in ("file", "secret"):
            return "the name of a file"
        return "text in quotes, not empty" if info.min_length else "text in quotes"
    return "a table"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _listed(values: Any) -> str:
    return ", ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in values)


_USER = re.compile(r"//[^/@\s]*@")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{_USER.sub("//…@", value)}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + '…"'
