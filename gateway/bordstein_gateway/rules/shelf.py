"""The sheets in force. The truth is the folder; every text that was ever in force is a version in the store.

    shelf.sheets()      by name, as of the last look
    shelf.look()        what was changed with an editor comes in force
    shelf.put(…)        a text from the page or the command line: file and version together

A file with mistakes leaves the version before it in force and says them. One that is gone takes its rule out of force;
a folder that is gone, or that nobody may read, does not: then the disk is at fault, not the town.
"""

import os
import re
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..config.config import Config
from ..store import Store, audit
from ..store.connection import Connection
from ..store.sheets import SheetVersion, add_sheet, newest_sheet, newest_sheets, sheet_versions
from ..store.sqlite.owner import make_folder
from ..texts import both, os_reason
from .sheet import Sheet

FILE = "file"
"""The actor of a change that was made with an editor."""
SETTLED_S = 1.0
"""A file that was written more recently than this may not be whole yet."""
LARGEST = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")

_Mark = tuple[int, int, int] | None
_CHANGED: _Mark = (-1, -1, -1)


class InForce(NamedTuple):
    """A sheet. `version` 0, `sheet` None: nothing is in force, see `problems`: the mistakes of the file as it is now.
    `text`: of the version. `stale`: the file says something else, which has mistakes."""

    name: str
    sheet: Sheet | None
    version: int
    text: str
    problems: tuple[str, ...] = ()
    stale: bool = False


class Shelf:
    """A gateway's sheets. Any thread; what takes time is reading and checking files that have changed."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self.folder = config.rules_path
        self.trouble = ""
        """One sentence while the folder can't be read, else empty."""
        self._lock = threading.RLock()
        self._marks: dict[str, _Mark] = {}
        self._missed: set[str] = set()
        self._found: dict[str, InForce] | None = None

    def sheets(self) -> Mapping[str, InForce]:
        """By name. The same object again while nothing has changed; waits for nobody who looks. StoreError."""
        found = self._found
        return self.look() if found is None else found

    def versions(self, name: str) -> list[SheetVersion]:
        """Of a sheet, the newest first; empty: there never was one."""
        return sheet_versions(self._store, name)

    def path(self, name: str) -> Path:
        """A sheet's file."""
        return self.folder / f"{name}.toml"

    def file_text(self, name: str) -> str:
        """What the file says now, for the editor; empty: there is none that can be read."""
        try:
            return self.path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def look(self, settled: float = 0.0) -> Mapping[str, InForce]:
        """Read what has changed. `settled`: leave a file that was written within so many seconds for the next look.

        StoreError: a version could not be written; what was in force is.
        """
        with self._lock:
            names = self._names()
            if names is None:
                if self._found is None:
                    self._found = {name: self._kept(one) for name, one in self._versions().items() if one.text}
                return self._found
            if names == self._marks and self._found is not None:
                return self._found
            versions = self._versions()
            before = self._found or {}
            marks: dict[str, _Mark] = {}
            found: dict[str, InForce] = {}
            for name, mark in names.items():
                known = name in before
                if (known and mark == self._marks.get(name)) or _fresh(mark, settled):
                    if known:
                        marks[name], found[name] = self._marks.get(name), before[name]
                    continue
                found[name] = self._read(name, versions.get(name))
                marks[name] = mark
            gone = {*before, *(name for name, one in versions.items() if one.text)} - names.keys()
            for name in gone:
                if settled and name in before and name not in self._missed:  # some editors put a new file there
                    marks[name], found[name] = self._marks.get(name), before[name]
                elif name in versions and versions[name].text:
                    self._noticed(name, "", versions[name])
            self._missed = gone & found.keys()
            self._marks, self._found = marks, {name: found[name] for name in sorted(found)}
            return self._found

    def put(
        self, name: str, text: str, actor: str, reason: str, *, expected: int | None = None, remove: bool = False
    ) -> list[str]:
        """Bring a text in force: its file, and a version with who and why, or neither. The mistakes, empty when done.

        `expected`: the version on which the author began; if there is a newer one, or the file was changed meanwhile,
        that is the only sentence. `remove`: take the sheet out of force, its file too. StoreError.
        """
        if not _NAME.fullmatch(name):
            return [
                both(
                    f"„{name[:63]}“ kann kein Name eines Regelblatts sein: nur Buchstaben, Ziffern und -_.",
                    f'"{name[:63]}" can\'t be the name of a rule sheet: letters, digits and -_. only',
                )
            ]
        if not remove and (mistakes := _checked(text, self._config, name)[1]):
            return mistakes
        with self._lock:
            if self._names() is None and (trouble := self._remade()):
                return [trouble]
            self.look()
            before = self._mark(self.path(name))
            temporary: Path | None = None
            try:
                if not remove:
                    temporary = self._write(name, text)
                said: list[str] = self._store.submit(
                    lambda connection: self._swap(connection, name, text, actor, reason, expected, before, temporary)
                ).result()
            except OSError as error:
                return [_no_write(self.folder, error)]
            finally:
                if temporary is not None:
                    temporary.unlink(missing_ok=True)
            if not said:
                self._marks[name] = _CHANGED
                self.look()
            return said

    # Inside

    def _names(self) -> dict[str, _Mark] | None:
        """The sheets' files with what tells whether one was changed; None: nobody can say."""
        try:
            with os.scandir(self.folder) as entries:
                files = [Path(entry) for entry in entries if entry.name.endswith(".toml")]
        except FileNotFoundError:
            # No folder and no sheet ever: a gateway that does without.
            lost = any(one.text for one in self._versions().values())
            self.trouble = _lost(self.folder) if lost else ""
            return None if lost else {}
        except OSError as error:
            self.trouble = both(
                f"{self.folder}: die Regelblätter sind nicht lesbar ({os_reason(error)}); es gelten die bisherigen.",
                f"{self.folder}: the rule sheets can't be read ({error.strerror}); those in force stay.",
            )
            return None
        self.trouble = ""
        return {file.stem: self._mark(file) for file in files if _NAME.fullmatch(file.stem)}

    @staticmethod
    def _mark(file: Path) -> _Mark:
        try:
            found = file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _versions(self) -> dict[str, SheetVersion]:
        return newest_sheets(self._store)

    def _read(self, name: str, newest: SheetVersion | None) -> InForce:
        """A file as it is now, in force if it has no mistakes."""
        file = self.path(name)
        try:
            if file.stat().st_size > LARGEST:
                raise ValueError
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            problem = both(f"{file}: nicht lesbar ({os_reason(error)})", f"{file}: can't be read ({error.strerror})")
            return self._kept(newest, name, (problem,))
        except ValueError:
            problem = both(f"{file}: ist keine Textdatei in UTF-8", f"{file}: is not a text file in UTF-8")
            return self._kept(newest, name, (problem,))
        sheet, mistakes = _checked(text, self._config, name)
        if sheet is None or mistakes:
            return self._kept(newest, name, tuple(mistakes), text)
        if newest is None or newest.text != text:
            newest = self._noticed(name, text, newest)
        return InForce(name, sheet, newest.version, text)

    def _kept(
        self, newest: SheetVersion | None, name: str = "", problems: tuple[str, ...] = (), text: str | None = None
    ) -> InForce:
        """What the store has of a sheet, while its file does not count."""
        if newest is None or not newest.text:
            return InForce(name, None, 0, "", problems)
        stale = text is not None and text != newest.text
        sheet, mistakes = _checked(newest.text, self._config, newest.name) if text is None or stale else (None, [])
        return InForce(newest.name, None if mistakes else sheet, newest.version, newest.text, problems, stale)

    def _noticed(self, name: str, text: str, newest: SheetVersion | None) -> SheetVersion:
        """A change that somebody made in the folder becomes a version, once, whoever notices it."""
        reason = "changed in the folder" if text else "taken out of the folder"

        def job(connection: Connection) -> SheetVersion:
            last = newest_sheet(connection, name)
            if last is not None and last.text == text:
                return last
            return _add(connection, name, text, FILE, reason, last)

        done: SheetVersion = self._store.submit(job).result()
        return done

    def _swap(
        self,
        connection: Connection,
        name: str,
        text: str,
        actor: str,
        reason: str,
        expected: int | None,
        before: _Mark,
        temporary: Path | None,
    ) -> list[str]:
        """In the store's transaction, where nobody else writes: version and file. The file goes last: should the commit
        fail then, the text is a version of the next look's."""
        last = newest_sheet(connection, name)
        version = last.version if last is not None and last.text else 0
        file = self.path(name)
        if (expected is not None and version != expected) or self._mark(file) != before:
            return [_overtaken(last)]
        text = "" if temporary is None else text
        if last is None or last.text != text:
            _add(connection, name, text, actor, reason, last)
        if temporary is None:
            file.unlink(missing_ok=True)
        else:
            temporary.replace(file)
        with suppress(OSError):  # the name, too, is on disk
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return []

    def _write(self, name: str, text: str) -> Path:
        """A new file beside the sheet's, on disk."""
        make_folder(self.folder)
        with tempfile.NamedTemporaryFile(
            "w", dir=self.folder, prefix=f".{name}-", delete=False, encoding="utf-8"
        ) as it:
            it.write(text)
            it.flush()
            os.fchmod(it.fileno(), 0o644)
            os.fsync(it.fileno())
            return Path(it.name)

    def _remade(self) -> str:
        """The folder is gone: all that is in force is written anew, or its absence would end the other rules."""
        if self.folder.exists():
            return self.trouble
        try:
            make_folder(self.folder)
        except OSError as error:
            return _no_write(self.folder, error)
        try:
            for one in self._versions().values():
                if one.text:
                    self._write(one.name, one.text).replace(self.path(one.name))
        except OSError as error:
            return _no_write(self.folder, error)
        return ""


def _fresh(mark: _Mark, settled: float) -> bool:
    """Whether somebody may still be writing."""
    return bool(settled) and mark is not None and 0 <= time.time() - mark[0] / 1e9 < settled


def _checked(text: str, config: Config, name: str) -> tuple[Sheet | None, list[str]]:
    from .reading import read

    return read(text, config, name)


def _add(
    connection: Connection, name: str, text: str, actor: str, reason: str, last: SheetVersion | None
) -> SheetVersion:
    number = 1 if last is None else last.version + 1
    version = SheetVersion(name, number, text, actor, reason, int(time.time() * 1000))
    add_sheet(connection, version)
    action = "put in force" if text else "taken out of force"
    audit.enter(connection, version.at, actor, action, f"sheet {name}", {"version": number, "reason": reason})
    return version


def _overtaken(last: SheetVersion | None) -> str:
    who, version = (last.actor, last.version) if last is not None else (FILE, 0)
    return both(
        f"Inzwischen gibt es Fassung {version} von {who}: das Blatt neu öffnen und es dort noch einmal ändern.",
        f"Meanwhile there is version {version} by {who}: open the sheet again and make the change there.",
    )


def _no_write(folder: Path, error: OSError) -> str:
    return both(
        f"{folder}: dort lässt sich nicht schreiben ({os_reason(error)}); die Rechte des Ordners ändern.",
        f"{folder} can't be written to ({error.strerror}); change the folder's rights.",
    )


def _lost(folder: Path) -> str:
    return both(
        f"{folder}: den Ordner der Regelblätter gibt es nicht mehr; es gelten die bisherigen.",
        f"{folder}: the folder of the rule sheets is gone; those in force stay.",
    )
