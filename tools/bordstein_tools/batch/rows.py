"""The list of `bordstein batch`: a CSV file, a row for each board. All mistakes are said at once, by their lines.

    inventarnummer;gebiet;ort;netz;sensoren;board;geraet
    BS-0041;mitte;Marktplatz 7;stadt;strassenwetter;esp32-devkitc;
    BS-0042;mitte;Marktplatz 9;stadt;strassenwetter;;24:A1:60:12:34:56

As a spreadsheet writes it: comma, semicolon or tab; UTF-8 or Windows' own letters; columns in any order, in German or
English. Only the asset number has to be there.
"""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..keys import keyfiles, names
from ..texts import Problem, pick

_COLUMNS = {
    "asset": ("asset", "asset_number", "inventarnummer", "inventarnr", "nummer"),
    "site": ("site", "gebiet", "einsatzgebiet"),
    "place": ("place", "ort", "standort"),
    "network": ("network", "netz", "netzwerk"),
    "sensors": ("sensors", "kit", "sensoren", "bausatz"),
    "board": ("board", "platine", "geraeteart", "geraetetyp"),
    "device": ("device", "mac", "geraet"),
}
_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", " ": "_", "-": "_"})
_LONGEST = 60


@dataclass(frozen=True)
class Row:
    """What one board is to become; "" where the list says nothing. device: its id, where it is to be this very board.

    line: of the file, counted from 1.
    """

    line: int
    asset: str
    site: str = ""
    place: str = ""
    network: str = ""
    sensors: str = ""
    board: str = ""
    device: str = ""


def read(path: Path, examine: Callable[[Row], Iterable[str]] = lambda row: ()) -> list[Row]:
    """The rows. examine: what else is wrong with one, in sentences. Problem: with all mistakes of all lines."""
    lines = _lines(_text(keyfiles.read(path, "Die Liste", "the list")))
    mistakes = _Mistakes()
    if not lines:
        mistakes.note(1, pick("die Liste ist leer", "the list is empty"))
        raise mistakes.problem(path)
    (head_line, head), *rest = lines
    columns = _columns(head_line, head, mistakes)
    if mistakes:
        raise mistakes.problem(path)
    rows = [row for line, cells in rest if (row := _row(line, cells, columns, mistakes))]
    _doubles(rows, mistakes)
    for row in rows:
        for mistake in examine(row):
            mistakes.note(row.line, mistake)
    if not rest:
        mistakes.note(head_line, pick("unter den Spalten steht keine Zeile", "there is no row below the columns"))
    if mistakes:
        raise mistakes.problem(path)
    return rows


class _Mistakes:
    """Sentences, each with the lines that it is true of."""

    def __init__(self) -> None:
        self._lines: dict[str, list[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def note(self, line: int, sentence: str) -> None:
        self._lines.setdefault(sentence, []).append(line)

    def problem(self, path: Path) -> Problem:
        said = "".join(
            f"\n  {pick('Zeile', 'line') if len(lines) == 1 else pick('Zeilen', 'lines')} {_numbers(lines)}: {sentence}"
            for sentence, lines in sorted(self._lines.items(), key=lambda item: item[1])
        )
        return Problem(
            f"{path} hat Fehler; bitte berichtigen, angefangen ist noch nichts:{said}",
            f"{path} has mistakes; correct them, nothing was begun yet:{said}",
        )


def _numbers(lines: list[int]) -> str:
    """[2, 3, 4, 7] → 2–4, 7"""
    parts: list[list[int]] = []
    for line in lines:
        if parts and line == parts[-1][-1] + 1:
            parts[-1].append(line)
        else:
            parts.append([line])
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}–{part[-1]}" for part in parts)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")  # what Excel saves as CSV


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """(number, cells) of each line in which something stands."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    found, line = [], 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            found.append((line, [cell.strip() for cell in cells]))
        line = reader.line_num + 1  # a cell may go over several lines
    return found


def _columns(line: int, head: list[str], mistakes: _Mistakes) -> list[str]:
    known = {name: column for column, called in _COLUMNS.items() for name in called}
    columns = []
    for cell in head:
        column = known.get(cell.lower().translate(_PLAIN), "")
        if cell and not column:
            allowed = pick(
                "inventarnummer, gebiet, ort, netz, sensoren, board, geraet",
                "asset, site, place, network, sensors, board, device",
            )
            mistakes.note(
                line,
                pick(
                    f"eine Spalte „{cell}“ gibt es nicht; möglich sind {allowed}",
                    f'there is no column "{cell}"; allowed are {allowed}',
                ),
            )
        elif column and column in columns:
            mistakes.note(line, pick(f"die Spalte „{cell}“ steht zweimal da", f'the column "{cell}" is there twice'))
        columns.append(column)
    if "asset" not in columns and not mistakes:
        mistakes.note(line, pick("es fehlt die Spalte inventarnummer", "the column asset is missing"))
    return columns


def _row(line: int, cells: list[str], columns: list[str], mistakes: _Mistakes) -> Row | None:
    if any(cells[len(columns) :]):
        mistakes.note(line, pick("mehr Felder als Spalten", "more fields than columns"))
    values = {column: cell for column, cell in zip(columns, cells, strict=False) if column}
    if not values.get("asset"):
        mistakes.note(line, pick("es fehlt die Inventarnummer", "the asset number is missing"))
        return None
    for column, value in values.items():
        if not value.isprintable() or (column == "asset" and len(value) > _LONGEST):
            mistakes.note(
                line,
                pick(
                    f"„{value[:_LONGEST]}“ ist zu lang oder hat einen Zeilenumbruch",
                    f'"{value[:_LONGEST]}" is too long or has a line break',
                ),
            )
    if values.get("device"):
        try:
            values["device"] = names.device_id(values["device"])
        except Problem as problem:
            mistakes.note(line, str(problem).rstrip("."))
    return Row(line, **values)


def _doubles(rows: list[Row], mistakes: _Mistakes) -> None:
    for named, seen in (("asset", dict[str, int]()), ("device", dict[str, int]())):
        for row in rows:
            # BS-1 and bs-1 would be one file of a label on Windows, and are one for people.
            value = getattr(row, named)
            first = seen.setdefault(value.casefold(), row.line)
            if value and first != row.line:
                mistakes.note(
                    row.line,
                    pick(f"{value} steht schon in Zeile {first}", f"{value} is in line {first} already"),
                )
