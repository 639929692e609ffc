"""Renewed certificates as files: whose each is, and whether a broker would take it."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from ..cli.common import Failed
from ..config.check import unreadable
from ..config.config import Mqtt
from ..texts import pick
from .devices import is_board


class Renewed:
    """A certificate in a file. Failed: it is none, or not a board's."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            content = file.read_bytes()
        except OSError as error:
            raise Failed(f"{file}: {unreadable(error)}") from None
        try:
            pem = content.startswith(b"-----")
            self.found = x509.load_pem_x509_certificate(content) if pem else x509.load_der_x509_certificate(content)
            self.device = str(self.found.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
        except (ValueError, IndexError):
            self.device = ""
        if not is_board(self.device):
            raise Failed(
                pick(
                    f"{file} ist kein Zertifikat eines Geräts; „bordstein ca renew“ stellt es aus",
                    f'{file} is no certificate of a board; "bordstein ca renew" makes it',
                )
            )

    def check(self, mqtt: Mqtt) -> None:
        """Failed: no broker would take it, so no board has to try."""
        end = self.found.not_valid_after_utc
        if end <= datetime.now(UTC):
            raise Failed(
                pick(
                    f"{self.file} ist am {end:%d.%m.%Y} abgelaufen; „bordstein ca renew“ stellt ein neues aus",
                    f'{self.file} expired on {end:%Y-%m-%d}; "bordstein ca renew" makes a new one',
                )
            )
        if mqtt.ca and not any(map(self._is_signed_by, _authorities(Path(mqtt.ca)))):
            raise Failed(
                pick(
                    f"{self.file} ist nicht von der Zertifizierungsstelle in {mqtt.ca}; kein Gerät bekommt es",
                    f"{self.file} is not signed by the authority in {mqtt.ca}; no board gets it",
                )
            )

    def _is_signed_by(self, authority: x509.Certificate) -> bool:
        try:
            self.found.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def command(self, number: str) -> bytes:
        """What the board is told."""
        der = base64.b64encode(self.found.public_bytes(Encoding.DER)).decode()
        return json.dumps({"id": number, "do": "certificate", "der": der}).encode()


def _authorities(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Failed(
            pick(
                f"{path} (mqtt.ca) ist nicht lesbar: {error}",
                f"{path} (mqtt.ca) can't be read: {error}",
            )
        ) from None


def of_folder(folder: Path) -> list[Renewed]:
    """All certificates (*.der) of a folder. Failed: there is none."""
    files = sorted(folder.glob("*.der"))
    if not files:
        raise Failed(
            pick(f"{folder}: hier liegt kein Zertifikat (*.der)", f"{folder}: there is no certificate here (*.der)")
        )
    return [Renewed(file) for file in files]
