"""Keys and certificates as files: made once, never overwritten, keys readable for their owner only."""

import contextlib
import errno
import os
from collections.abc import Mapping
from pathlib import Path

from ..texts import Problem, reason

PRIVATE = 0o600
PUBLIC = 0o644


def write_new(directory: Path, files: Mapping[str, tuple[bytes, int]]) -> None:
    """Write all files (name → content, mode) into directory, or none of them.

    Raises Problem if one of them is there already (a public one may be, with the same content) or the directory
    cannot be written. The content is on the disk when this returns (fsync), because a lost key makes its
    certificate useless.
    """
    try:
        _write_new(directory, files)
    except OSError as error:
        raise Problem(
            f"In {directory} lässt sich nicht schreiben ({reason(error)}).",
            f"{directory} cannot be written ({error.strerror}).",
        ) from None


def _write_new(directory: Path, files: Mapping[str, tuple[bytes, int]]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    missing = {}
    for name, (content, mode) in files.items():
        if not (directory / name).exists():
            missing[name] = (content, mode)
        elif mode == PRIVATE or (directory / name).read_bytes() != content:
            refuse_existing(directory / name)
    written: list[Path] = []
    try:
        for name, (content, mode) in missing.items():
            path = directory / name
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            written.append(path)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
    except OSError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def refuse_existing(path: Path) -> None:
    """Problem: a file that is not overwritten is there."""
    if path.exists():
        raise Problem(
            f"{path} gibt es schon und wird nicht überschrieben; bitte die Datei wegräumen oder mit --out einen "
            "anderen Ordner wählen.",
            f"{path} is already there and will not be overwritten; move it away or choose another folder with --out.",
        )


def make_folder(folder: Path) -> None:
    """A folder that is there afterwards. Problem."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(
            f"Den Ordner {folder} anzulegen ging nicht ({reason(error)}).",
            f"the folder {folder} cannot be made ({error.strerror}).",
        ) from None


def replace(path: Path, content: bytes) -> None:
    """Write a public file in place of what is there: after a power cut it is the old or the new one. Problem."""
    new = path.with_name(path.name + ".new")
    try:
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise _unwritable(path, error) from None


def check_target(path: Path) -> None:
    """Problem where a file could not be made: to be said before the work whose result it is to hold."""
    why = 0
    if not path.parent.is_dir():
        why = errno.ENOENT
    elif path.is_dir():
        why = errno.EISDIR
    elif not os.access(path.parent, os.W_OK):
        why = errno.EACCES
    if why:
        raise _unwritable(path, OSError(why, os.strerror(why)))


def _unwritable(path: Path, error: OSError) -> Problem:
    if error.errno == errno.ENOENT:
        return Problem(
            f"{path} lässt sich nicht schreiben: den Ordner {path.parent} gibt es nicht.",
            f"{path} cannot be written: there is no folder {path.parent}.",
        )
    return Problem(
        f"{path} lässt sich nicht schreiben ({reason(error)}).", f"{path} cannot be written ({error.strerror})."
    )


def text(path: Path, de: str, en: str) -> str:
    """The same as read() of a text in UTF-8, however an editor has marked it as such."""
    try:
        return read(path, de, en).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(f"{path}: bitte als UTF-8 speichern.", f"{path}: save it as UTF-8.") from None


def read(path: Path, de: str, en: str) -> bytes:
    """The file's content; Problem (with what the file is, in both languages) if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Problem(
            f"{de} {path} ist nicht lesbar ({reason(error)}).", f"{en} {path} cannot be read ({error.strerror})."
        ) from None
