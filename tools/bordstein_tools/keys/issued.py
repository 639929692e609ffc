"""What an authority has signed, beside its key: `issued.csv`, `revoked.csv`, and copies of all certificates (`issued`).

A copy is public and tells nothing of the key. It is what a device's certificate is renewed from.
"""

import csv
import datetime as dt
import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ..texts import Problem, reason
from . import keyfiles, names

FILE, REVOKED, COPIES = "issued.csv", "revoked.csv", "issued"
_FIELDS = ("serial", "kind", "name", "not_after")
# What is taken back of the list is its end: until then nobody else may write there.
_noting = threading.Lock()


@dataclass(frozen=True)
class Entry:
    """A certificate; serial: in hex; current: the newest of its name that counts."""

    serial: str
    kind: str
    name: str
    end: dt.datetime
    revoked: bool
    current: bool


def listed(directory: Path) -> list[Entry]:
    """All that was signed, in that order. Problem: a list is damaged."""
    revoked = {row[0] for row in rows(directory / REVOKED)}
    found = []
    newest: dict[tuple[str, str], str] = {}
    for number, (serial, kind, name, end) in enumerate(rows(directory / FILE), 2):
        try:
            found.append((serial, kind, name, _aware(end)))
        except ValueError:
            raise _damaged(directory / FILE, number) from None
        if serial not in revoked:
            newest[kind, name] = serial
    return [Entry(*one, one[0] in revoked, newest.get(one[1:3]) == one[0]) for one in found]


def _aware(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def is_meant(wanted: str, serial: str, kind: str, name: str) -> bool:
    """Does somebody who writes `wanted` (a serial number, a name, a device id in any spelling) mean this one?"""
    if wanted.lower() == serial:
        return True
    if kind != "device":
        return wanted == name
    try:
        return names.device_id(wanted) == name
    except Problem:
        return False


def nothing_of(wanted: str, directory: Path) -> Problem:
    """That nobody was given a certificate of that name."""
    return Problem(
        f"Für „{wanted}“ hat diese Zertifizierungsstelle nichts ausgestellt; was sie ausgestellt hat, steht in "
        f"{directory / FILE}.",
        f'this authority issued nothing for "{wanted}"; what it issued stands in {directory / FILE}.',
    )


def copy(directory: Path, entry: Entry) -> x509.Certificate | None:
    """The certificate itself; None: it was issued before copies were kept, or the copy is gone."""
    for path in (
        directory / COPIES / f"{entry.serial}.der",
        directory / f"{entry.kind}s" / entry.name.replace(":", "-") / f"{entry.kind}.der",
    ):
        try:
            found = x509.load_der_x509_certificate(path.read_bytes())
        except (OSError, ValueError):
            continue
        if f"{found.serial_number:x}" == entry.serial:
            return found
    return None


@contextmanager
def noted(directory: Path, kind: str, name: str, certificate: x509.Certificate) -> Iterator[None]:
    """Remember what is signed: without its serial number a certificate could never be revoked.

    Line and copy are on the disk before there is a key that could be used, and are taken back if none gets written.
    """
    with _noting:
        yield from _noted(directory, kind, name, certificate)


def _noted(directory: Path, kind: str, name: str, certificate: x509.Certificate) -> Iterator[None]:
    path = directory / FILE
    end = certificate.not_valid_after_utc
    row = (f"{certificate.serial_number:x}", kind, name, end.isoformat(timespec="seconds"))
    size = path.stat().st_size if path.exists() else 0
    try:
        with path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([row] if size else [_FIELDS, row])
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):  # half a line would make the list useless
            os.truncate(path, size)
        raise Problem(
            f"{path} ist nicht schreibbar ({reason(error)}); nichts wurde ausgestellt.",
            f"{path} cannot be written ({error.strerror}); nothing was issued.",
        ) from None
    copied = f"{row[0]}.der"
    try:
        content = certificate.public_bytes(serialization.Encoding.DER)
        keyfiles.write_new(directory / COPIES, {copied: (content, keyfiles.PUBLIC)})
        yield
    except Problem:
        os.truncate(path, size)
        (directory / COPIES / copied).unlink(missing_ok=True)
        raise


def rows(path: Path) -> list[tuple[str, ...]]:
    """The rows of a list, without its head; none where there is no such file."""
    if not path.exists():
        return []
    text = keyfiles.read(path, "Die Liste", "the list").decode("utf-8", "replace")
    found = [tuple(row) for row in csv.reader(io.StringIO(text)) if row][1:]
    for number, row in enumerate(found, 2):
        if len(row) != 4 or row[0].strip("0123456789abcdef"):
            raise _damaged(path, number)
    return found


def _damaged(path: Path, line: int) -> Problem:
    return Problem(
        f"{path}, Zeile {line}: unbrauchbar; bitte die Sicherungskopie einspielen.",
        f"{path}, line {line}: of no use; restore the file from its backup.",
    )
