"""In which line of a TOML text each key stands. tomllib checks and reads the text; it gives no places.

    key_lines(text)   {("mqtt", "port"): 12, ("device", 0): 20, ("device", 0, "id"): 21, ...}; lines from 1

The text has to be valid TOML: parse it with tomllib first. Source: TOML 1.0.0.
"""

import re
import tomllib
from bisect import bisect_left

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}(?!")', re.DOTALL),
    re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")


def key_lines(text: str) -> dict[Path, int]:
    """The line of each key, table and array element in a valid TOML text."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self._ends = [found.start() for found in re.finditer("\n", text)]
        self._tables: dict[Path, int] = {}  # arrays of tables: how many so far

    def document(self) -> None:
        table: Path = ()
        while True:
            self._skip(_GAP)
            if self.at >= len(self.text):
                return
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        array = self.text.startswith("[[", self.at)
        start = self.at
        self.at += 2 if array else 1
        names = self._key()
        self.at = self.text.index("]", self.at) + (2 if array else 1)
        path: Path = ()
        for place, name in enumerate(names):
            path = (*path, name)
            self._note(path, start)
            if path in self._tables and not (array and place == len(names) - 1):
                path = (*path, self._tables[path] - 1)  # a table below the array's newest element
        if array:
            count = self._tables.get(path, 0)
            self._tables[path] = count + 1
            path = (*path, count)
        self._note(path, start)
        return path

    def _pair(self, table: Path) -> None:
        start = self.at
        path = (*table, *self._key())
        for length in range(len(table) + 1, len(path) + 1):
            self._note(path[:length], start)
        self.at = self.text.index("=", self.at) + 1
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self.text[self.at]
        if opening not in "[{":
            self._scalar()
            return
        self.at += 1
        element = 0
        while True:
            self._skip(_GAP)
            if self.text[self.at] in "]}":
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
            elif opening == "{":
                self._pair(path)
            else:
                self._note((*path, element), self.at)
                self._value((*path, element))
                element += 1

    def _scalar(self) -> None:
        for pattern in (*_STRINGS, _SCALAR):
            found = pattern.match(self.text, self.at)
            if found:
                self.at = found.end()
                return
        self.at += 1

    def _key(self) -> list[str]:
        names = []
        while True:
            self._skip(_BLANK)
            found = _BARE.match(self.text, self.at) or _STRINGS[2].match(self.text, self.at)
            found = found or _STRINGS[3].match(self.text, self.at)
            if found is None:
                raise ValueError(f"no key in line {self._line(self.at)}")
            self.at = found.end()
            name = found.group()
            if name[0] == '"':
                names.append(tomllib.loads(f"key = {name}")["key"])
            else:
                names.append(name.strip("'"))
            self._skip(_BLANK)
            if self.text[self.at] != ".":
                return names
            self.at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()

    def _line(self, at: int) -> int:
        return bisect_left(self._ends, at) + 1

    def _note(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, self._line(at))


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a path or, where it is not written, of the nearest thing it belongs into; 1 for the file itself."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1
