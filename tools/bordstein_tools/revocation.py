"""The list of certificates that count no more (RFC 5280 section 5), for the broker's `crlfile`.

`revoked.csv` beside the authority's key says which and since when; `ca.crl.pem` is made from it, whole, each time. A
broker that has a list refuses everybody once the list itself has expired, so it is valid as long as the authority.
"""

import csv
import datetime as dt
import io
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from . import keyfiles, names
from .pki import BACKDATED, Authority
from .texts import Problem

_FIELDS = ("serial", "kind", "name", "revoked")


@dataclass(frozen=True)
class Revoked:
    """A certificate; serial: in hex, since: when it was revoked (ISO 8601)."""

    serial: str
    kind: str
    name: str
    since: str


def revoke(authority: Authority, wanted: str) -> list[Revoked]:
    """Revoke all certificates of a name (device id in any spelling, gateway, broker), or the one of a serial number.

    Returns those that were valid until now; Problem when nothing was ever issued so. The list is written in any case.
    """
    issued = _read(authority.directory / "issued.csv")
    known = _read(authority.directory / "revoked.csv")
    found = [row for row in issued if wanted.lower() == row[0] or _same(wanted, row[1], row[2])]
    if not found:
        raise Problem(
            f"Für „{wanted}“ hat diese Zertifizierungsstelle nichts ausgestellt; was sie ausgestellt hat, steht in "
            f"{authority.directory / 'issued.csv'}.",
            f'this authority issued nothing for "{wanted}"; what it issued stands in '
            f"{authority.directory / 'issued.csv'}.",
        )
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    before = {row[0] for row in known}
    new = [Revoked(row[0], row[1], row[2], now) for row in found if row[0] not in before]
    rows = known + [(one.serial, one.kind, one.name, one.since) for one in new]
    text = io.StringIO()
    csv.writer(text).writerows([_FIELDS, *rows])
    keyfiles.replace(authority.directory / "revoked.csv", text.getvalue().encode())
    keyfiles.replace(authority.directory / "ca.crl.pem", _list(authority, rows))
    return new


def _list(authority: Authority, rows: list[tuple[str, ...]]) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(dt.datetime.now(dt.UTC) - BACKDATED)  # the broker's clock may be behind
        .next_update(authority.certificate.not_valid_after_utc)
    )
    for serial, _, _, since in rows:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(int(serial, 16))
            .revocation_date(dt.datetime.fromisoformat(since))
            .build()
        )
    return authority.sign_list(builder).public_bytes(serialization.Encoding.PEM)


def _same(wanted: str, kind: str, name: str) -> bool:
    if kind != "device":
        return wanted == name
    try:
        return names.device_id(wanted) == name
    except Problem:
        return False


def _read(path: Path) -> list[tuple[str, ...]]:
    """The rows of a list, without its head; none where there is no such file."""
    if not path.exists():
        return []
    text = keyfiles.read(path, "Die Liste", "the list").decode("utf-8", "replace")
    rows = [tuple(row) for row in csv.reader(io.StringIO(text)) if row][1:]
    for number, row in enumerate(rows, 2):
        if len(row) != 4 or row[0].strip("0123456789abcdef"):
            raise Problem(
                f"{path}, Zeile {number}: unbrauchbar; bitte die Sicherungskopie einspielen.",
                f"{path}, line {number}: of no use; restore the file from its backup.",
            )
    return rows
