"""Backups: one SQLite file, whatever the store is, whole at one moment, made while the gateway runs.

make(place, file)       writes it, verified, with its SHA-256 beside it
check(file)             whether a backup is sound
bring_back(file, place) puts it in a store's place
"""

import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from ..texts import both, os_reason
from .copying import Copying, Progress, is_empty
from .opening import opened
from .schema import APPLICATION_ID, TABLES, VERSION
from .sqlite.database import explain
from .sqlite.lock import only_writer
from .sqlite.owner import as_folder
from .types import StoreError
from .where import Where


class Made(NamedTuple):
    """A backup: how many readings are in it, up to which id, and its size in bytes."""

    readings: int
    last_id: int
    size: int


def digest_file(file: Path) -> Path:
    """Where a backup's SHA-256 stands, as sha256sum writes it."""
    return file.with_name(file.name + ".sha256")


def make(place: Where, file: Path, progress: Progress = lambda _, __: None) -> Made:
    """Write a backup of the store, as it is at one moment between now and the end. StoreError; nothing half is left."""
    part = file.with_name(file.name + ".part")
    try:
        _remove(part)
        if isinstance(place, Path):
            _vacuum(place, part)
        else:
            _copy(place, part, progress)
        part.chmod(0o600)
        made = _sound(part)
        digest = _sha256(part)
        digest_file(file).unlink(missing_ok=True)
        _keep(part, file)
        digest_file(file).write_text(f"{digest}  {file.name}\n", encoding="utf-8")
    except OSError as error:
        raise _no_file(error, file) from None
    finally:
        with suppress(OSError):
            _remove(part)
    return made


def check(file: Path) -> Made:
    """StoreError: it is no backup, or damaged, or of a newer program."""
    try:
        with suppress(FileNotFoundError):
            wanted = digest_file(file).read_text(encoding="utf-8").split()[:1]
            if wanted != [_sha256(file)]:
                raise _damaged(file, "SHA-256")
        return _sound(file)
    except OSError as error:
        raise _no_file(error, file) from None
    except UnicodeError:
        raise _damaged(file, "SHA-256") from None


def bring_back(
    file: Path, place: Where, *, force: bool = False, progress: Progress = lambda _, __: None
) -> Path | None:
    """Put a backup in the store's place; with `force` also where there is a store, whose file is laid aside: that one.

    StoreError: a gateway runs on it, something is there, or the backup is not sound.
    """
    check(file)
    try:
        if isinstance(place, Path):
            return _bring_file(file, place, force)
        with tempfile.TemporaryDirectory(prefix="bordstein-") as folder:  # a backup of an older version is made today's
            copy = Path(folder) / "backup.sqlite"
            shutil.copyfile(file, copy)
            with opened(copy) as source, opened(place, alone=True) as target:
                with target.reading() as reader:
                    if not force and not is_empty(reader):
                        raise _there(target.name)
                copying = Copying(source, target, replace=True)
                with source.snapshot() as connection:
                    copying.log(connection, progress)
                    copying.rest(connection)
        return None
    except OSError as error:
        raise _no_file(error, file) from None


def _bring_file(file: Path, place: Path, force: bool) -> Path | None:
    with only_writer(place):
        there = place.exists()
        if there:
            try:
                with opened(place) as database, database.reading() as reader:  # closing it empties its log into it
                    if not force and not is_empty(reader):
                        raise _there(str(place))
            except StoreError:
                if not force:
                    raise
        part = place.with_name(place.name + ".part")
        shutil.copyfile(file, part)
        part.chmod(0o600)
        as_folder(part)
        aside = place.with_name(f"{place.name}.{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
        for end in ("-wal", "-shm"):  # of a store that can't be opened: it must not meet the other file
            with suppress(FileNotFoundError):
                Path(f"{place}{end}").replace(f"{aside}{end}")
        if there:
            try:
                aside.hardlink_to(place)  # so that there is a store at every moment
            except OSError:
                place.replace(aside)
        _keep(part, place)
        return aside if there else None


def _vacuum(place: Path, part: Path) -> None:
    """SQLite's own way: one moment, without keeping the gateway from writing."""
    try:
        with closing(sqlite3.connect(f"{place.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as reader:
            reader.execute("VACUUM INTO ?", (str(part),))
    except sqlite3.Error as error:
        cause = getattr(error, "sqlite_errorname", "") or ""
        raise explain(error, part if cause.startswith(("SQLITE_FULL", "SQLITE_CANTOPEN")) else place) from error


def _copy(place: Where, part: Path, progress: Progress) -> None:
    with opened(place) as source, opened(part) as target:
        copying = Copying(source, target)
        with source.snapshot() as connection:
            copying.log(connection, progress)
            copying.rest(connection)
    with closing(sqlite3.connect(part)) as alone:
        alone.execute("PRAGMA journal_mode = DELETE")  # one file


def _sound(file: Path) -> Made:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if application != APPLICATION_ID:
                raise _damaged(file, "keine Sicherung von Bordstein", "no backup of Bordstein")
            if version > VERSION:
                raise _damaged(file, "von einer neueren Version", "of a newer version")
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if said != "ok":
                raise _damaged(file, said)
            readings, last = connection.execute("SELECT count(*), coalesce(max(id), 0) FROM reading").fetchone()
            if version == VERSION:
                for table in TABLES:
                    connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    except sqlite3.Error as error:
        raise _damaged(file, str(error)) from error
    return Made(readings, last, file.stat().st_size)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened_file:
        return hashlib.file_digest(opened_file, "sha256").hexdigest()


def _keep(part: Path, file: Path) -> None:
    """The file under its name, on disk for good."""
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.replace(file)
    folder = os.open(file.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove(part: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        Path(f"{part}{end}").unlink(missing_ok=True)


def _damaged(file: Path, de: str, en: str = "") -> StoreError:
    return StoreError(
        both(
            f"{file} ist als Sicherung nicht zu brauchen ({de}); eine andere nehmen.",
            f"{file} can't be used as a backup ({en or de}); take another one.",
        )
    )


def _there(name: str) -> StoreError:
    return StoreError(
        both(
            f"In {name} ist schon etwas; --force ersetzt es.",
            f"There is something in {name} already; --force replaces it.",
        )
    )


def _no_file(error: OSError, file: Path) -> StoreError:
    name = error.filename or file
    return StoreError(
        both(
            f"{name}: {os_reason(error)}; einen anderen Ort nennen.",
            f"{name}: {error.strerror or error}; name another place.",
        )
    )
