"""New certificates for the keys that devices have already, to be sent to them over their running connection."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from ..texts import Problem
from . import issued, keyfiles
from .pki import Authority
from .validity import CLIENT_DAYS


@dataclass(frozen=True)
class Renewed:
    """A device's new certificate, in a file as the board takes it (DER); before: serial number of the one it has."""

    name: str
    serial: str
    before: str
    not_after: dt.datetime
    certificate: Path


def due(directory: Path, wanted: Sequence[str], within: int | None) -> list[issued.Entry]:
    """The certificates of devices that are to be renewed: the current ones of these, of all that end within so many
    days, or of these that do. A serial number means that one, current or not.

    Problem: nothing was issued for a device, or all of it is revoked.
    """
    known = [entry for entry in issued.listed(directory) if entry.kind == "device"]
    found = [_one(directory, known, device) for device in wanted]
    if not wanted:
        found = [entry for entry in known if entry.current]
    last = dt.datetime.now(dt.UTC) + dt.timedelta(days=within) if within is not None else None
    return list(dict.fromkeys(entry for entry in found if last is None or entry.end <= last))


def _one(directory: Path, known: list[issued.Entry], device: str) -> issued.Entry:
    meant = [entry for entry in known if issued.is_meant(device, entry.serial, entry.kind, entry.name)]
    if not meant:
        raise issued.nothing_of(device, directory)
    for entry in meant:
        if not entry.revoked and (entry.current or len(meant) == 1):
            return entry
    raise Problem(
        f"Alle Zertifikate von „{device}“ sind gesperrt und werden nicht erneuert; am Kabel bekommt das Gerät mit "
        "„bordstein ca issue device“ und „bordstein configure apply“ einen neuen Schlüssel.",
        f'all certificates of "{device}" are revoked and are not renewed; on the cable the board gets a new key with '
        '"bordstein ca issue device" and "bordstein configure apply".',
    )


def renew(
    authority: Authority, entries: Iterable[issued.Entry], out: Path | None = None, days: int = CLIENT_DAYS
) -> tuple[list[Renewed], list[Problem]]:
    """Sign the same keys once more; a new certificate goes to `<device>.der` in `out`, else in `renewed` beside the
    authority's key.

    Returns what was renewed, and why others were not: an old certificate is not here, a new one would not last longer.
    """
    made, left = [], []
    for entry in entries:
        try:
            made.append(_renew(authority, entry, authority.directory / "renewed" if out is None else out, days))
        except Problem as problem:
            left.append(problem)
    return made, left


def _renew(authority: Authority, entry: issued.Entry, folder: Path, days: int) -> Renewed:
    old = issued.copy(authority.directory, entry)
    if old is None:
        raise Problem(
            f"Vom Zertifikat {entry.serial} des Geräts {entry.name} gibt es hier keine Kopie: es lässt sich nur am "
            "Kabel ersetzen, mit „bordstein ca issue device“ und „bordstein configure apply“.",
            f"there is no copy of certificate {entry.serial} of device {entry.name} here: it can only be replaced on "
            'the cable, with "bordstein ca issue device" and "bordstein configure apply".',
        )
    certificate = authority.sign("device", entry.name, old.public_key(), days)
    end = certificate.not_valid_after_utc
    if end <= old.not_valid_after_utc:
        raise Problem(
            f"Ein neues Zertifikat für {entry.name} würde nicht länger gelten als das alte (bis {entry.end:%d.%m.%Y}); "
            f"die Zertifizierungsstelle selbst gilt bis {authority.certificate.not_valid_after_utc:%d.%m.%Y}.",
            f"a new certificate for {entry.name} would not last longer than the old one (until {entry.end:%Y-%m-%d}); "
            f"the authority itself is valid until {authority.certificate.not_valid_after_utc:%Y-%m-%d}.",
        )
    keyfiles.make_folder(folder)
    path = folder / f"{entry.name}.der"
    with issued.noted(authority.directory, "device", entry.name, certificate):
        keyfiles.replace(path, certificate.public_bytes(serialization.Encoding.DER))
    return Renewed(entry.name, f"{certificate.serial_number:x}", entry.serial, end, path)
