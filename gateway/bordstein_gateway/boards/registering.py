"""Entries for the register: checked, from a CSV file or as JSON over HTTP, and written as CSV.

The file is what `bordstein setup` writes (bordstein_tools/setup/registering.py); an office may add columns to it. An
empty cell leaves what is known, "-" takes it away; in JSON that is null.
"""

import csv
import difflib
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..config.check import unreadable
from ..config.words import shown, visible
from ..forward.times import urn
from ..store import Registered
from ..store.register import ACTIVE, DECOMMISSIONED
from ..texts import Sentence, both, said
from .devices import DE, EN, is_device

COLUMNS = (
    *("device", "urn", "asset", "site", "place", "description", "latitude", "longitude", "groups"),
    *("board", "software", "set_up", "state", "decommissioned"),
)
LARGEST = 4 << 20
_LONGEST = 500
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class RegisterError(Exception):
    """Entries have mistakes; `problems` has one sentence for each."""

    def __init__(self, problems: Iterable[Sentence]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


class _Wrong(Exception):
    """Of one value: what was expected."""


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """An entry for Store.register() from texts (or JSON's values). RegisterError: all mistakes."""
    entry: dict[str, Any] = {}
    problems = []
    for key, value in given.items():
        if key not in COLUMNS:
            problems.append(_unknown(key))
        elif isinstance(value, str) and not value.strip():
            continue
        elif value is None or value == "-":
            entry[key] = [] if key == "groups" else None
        else:
            try:
                entry[key] = _rule(key)(value)
            except _Wrong as wrong:
                expected = wrong.args[0]
                problems.append(
                    both(
                        f"{key}: {visible(shown(value))} geht nicht, erwartet {said(expected, 'de')}",
                        f"{key}: {visible(shown(value))} won't do, expected {expected}",
                    )
                )
    if not problems:
        problems += _between(entry)
    if problems:
        raise RegisterError(problems)
    return {key: value for key, value in entry.items() if key != "urn" and not (key == "state" and value is None)}


def _unknown(name: str) -> Sentence:
    near = difflib.get_close_matches(name, COLUMNS, 1, 0.6) or [", ".join(COLUMNS)]
    name = visible(name[:40])
    return both(f"{name} gibt es hier nicht; es gibt {near[0]}", f"{name} is not known here; known is {near[0]}")


def _between(entry: Mapping[str, Any]) -> Iterable[Sentence]:
    """What is wrong between values that are right alone."""
    device = entry.get("device")
    if device is None:
        yield both(f"device: fehlt: {DE}", f"device: is missing: {EN}")
    elif entry.get("urn") not in (None, urn(device)):
        yield both(f"urn: gehört nicht zum Gerät {device}", f"urn: is not that of device {device}")
    if (entry.get("latitude") is None) != (entry.get("longitude") is None):
        yield both(
            "latitude und longitude: die beiden gehören zusammen", "latitude and longitude: the two belong together"
        )


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or _CONTROL.search(value):
        raise _Wrong(both(f"eine Zeile Text, höchstens {_LONGEST} Zeichen", f"a line of text, {_LONGEST} at most"))
    return value.strip()


def _device(value: Any) -> str:
    found = value.strip() if isinstance(value, str) else ""
    if not is_device(found):
        found = re.sub("[:-]", "", found).lower()
    if not is_device(found):
        raise _Wrong(both(DE, EN))
    return found


def _degrees(limit: int) -> Callable[[Any], float]:
    def number(value: Any) -> float:
        try:  # a German table has a decimal comma
            found = float(value.strip().replace(",", ".") if isinstance(value, str) else value)
            if not isinstance(value, bool) and math.isfinite(found) and abs(found) <= limit:
                return found
        except (TypeError, ValueError, OverflowError):
            pass
        raise _Wrong(both(f"Grad von -{limit} bis {limit}", f"degrees from -{limit} to {limit}"))

    return number


def _groups(value: Any) -> list[str]:
    names = re.split(r"[\s,;]+", value.strip()) if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and _GROUP.fullmatch(name) for name in names):
        raise _Wrong(both("Namen aus Buchstaben, Ziffern und -_.", "names of letters, digits and -_."))
    return sorted(set(names))


def _moment(value: Any) -> str:
    try:
        moment = datetime.fromisoformat(_text(value))
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        if moment < datetime.now(UTC) + timedelta(days=1):
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    except (_Wrong, ValueError, OverflowError):
        pass
    raise _Wrong(
        both(
            "ein Zeitpunkt wie 2026-11-26T09:30:00+01:00, nicht in der Zukunft",
            "a time as in 2026-11-26T09:30:00+01:00, not in the future",
        )
    )


def _state(value: Any) -> str:
    if value not in (ACTIVE, DECOMMISSIONED):
        raise _Wrong(both(f"{ACTIVE} oder {DECOMMISSIONED}", f"{ACTIVE} or {DECOMMISSIONED}"))
    return str(value)


_RULES: dict[str, Callable[[Any], Any]] = {
    "device": _device,
    "latitude": _degrees(90),
    "longitude": _degrees(180),
    "groups": _groups,
    "set_up": _moment,
    "decommissioned": _moment,
    "state": _state,
}


def _rule(key: str) -> Callable[[Any], Any]:
    return _RULES.get(key, _text)


def read(path: Path) -> list[dict[str, Any]]:
    """The entries in a CSV file with a head line, commas or semicolons between. RegisterError: all mistakes by line."""
    rows = _rows(path)
    head = [name.strip().lower() for name in rows[0][1]] if rows else []
    if "device" not in head or len(set(head)) != len(head):
        raise RegisterError(
            [
                both(
                    f"{path}:1: erwartet werden Spaltennamen, jeder einmal, darunter device ({', '.join(COLUMNS)})",
                    f"{path}:1: expected are names of columns, each once, device among them ({', '.join(COLUMNS)})",
                )
            ]
        )
    if unknown := [name for name in head if name not in COLUMNS]:
        raise RegisterError(_placed(f"{path}:1", _unknown(name)) for name in unknown)
    entries, problems = [], []
    first: dict[str, int] = {}
    for line, row in rows[1:]:
        try:
            if len(row) > len(head):
                raise RegisterError([both("mehr Zellen als Spalten", "more cells than columns")])
            entry = checked(dict(zip(head, row, strict=False)))
            if (before := first.setdefault(entry["device"], line)) != line:
                raise RegisterError(
                    [
                        both(
                            f"device: {entry['device']} steht schon in Zeile {before}",
                            f"device: {entry['device']} stands in line {before} already",
                        )
                    ]
                )
            entries.append(entry)
        except RegisterError as error:
            problems += [_placed(f"{path}:{line}", one) for one in error.problems]
    if problems:
        raise RegisterError(problems)
    return entries


def _placed(where: str, problem: Sentence) -> Sentence:
    return both(f"{where}: {said(problem, 'de')}", f"{where}: {problem}")


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Line number (of its last line) and cells; empty lines are left out."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
        if len(content) > LARGEST:
            raise RegisterError(
                [both(f"{path}: größer als {LARGEST >> 20} MB", f"{path}: larger than {LARGEST >> 20} MB")]
            )
        first = text.partition("\n")[0]
        lines = csv.reader(
            io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True
        )
        return [(lines.line_num, row) for row in lines if any(cell.strip() for cell in row)]
    except OSError as error:
        said_so = unreadable(error)
        raise RegisterError([both(f"{path}: {said_so}", f"{path}: {said_so}")]) from None
    except UnicodeDecodeError:
        raise RegisterError(
            [
                both(
                    f"{path}: nicht in UTF-8; in Excel „CSV UTF-8“ als Dateityp wählen",
                    f'{path}: not in UTF-8; in Excel choose the file type "CSV UTF-8"',
                )
            ]
        ) from None
    except csv.Error as error:
        raise RegisterError([both(f"{path}: kein CSV: {error}", f"{path}: not CSV: {error}")]) from None


def written(entries: Iterable[Registered]) -> str:
    """The register as such a file; importing it changes nothing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        row = {**entry._asdict(), "urn": urn(entry.device), "groups": " ".join(entry.groups)}
        writer.writerow("" if row[name] is None else row[name] for name in COLUMNS)
    return text.getvalue()
