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
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from ..texts import Problem
from . import issued, keyfiles, pki
from .pki import Authority
from .validity import BACKDATED

LIST = "ca.crl.pem"
_FIELDS = ("serial", "kind", "name", "revoked")


class Unknown(Problem):
    """The authority never issued anything of that name."""


@dataclass(frozen=True)
class Revoked:
    """A certificate; serial: in hex, since: when it was revoked (ISO 8601)."""

    serial: str
    kind: str
    name: str
    since: str


def revoke(authority: Authority, wanted: str) -> list[Revoked]:
    """Revoke all certificates of a name (device id in any spelling, gateway, broker), or the one of a serial number.

    Returns those that were valid until now; Unknown when nothing was ever issued so. The list is written in any case.
    """
    known = issued.rows(authority.directory / issued.REVOKED)
    found = [row for row in issued.rows(authority.directory / issued.FILE) if issued.is_meant(wanted, *row[:3])]
    if not found:
        nothing = issued.nothing_of(wanted, authority.directory)
        raise Unknown(nothing.de, nothing.en)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    before = {row[0] for row in known}
    new = [Revoked(row[0], row[1], row[2], now) for row in found if row[0] not in before]
    rows = known + [(one.serial, one.kind, one.name, one.since) for one in new]
    text = io.StringIO()
    csv.writer(text).writerows([_FIELDS, *rows])
    keyfiles.replace(authority.directory / issued.REVOKED, text.getvalue().encode())
    keyfiles.replace(authority.directory / LIST, _list(authority, rows))
    return new


def counts(directory: Path, certificate: x509.Certificate) -> bool:
    """Would the town's broker still believe it: is it of this authority, and not revoked? True where there is none
    here, so that nobody can say. Problem: the list is damaged."""
    try:
        authority = pki.certificate(directory)
    except Problem:
        return True
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return f"{certificate.serial_number:x}" not in {row[0] for row in issued.rows(directory / issued.REVOKED)}


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
