"""The town's own certificate authority: P-256 keys, X.509 certificates (RFC 5280).

One authority signs the broker's server certificate and the client certificates of gateways and devices. The
common name of a client certificate is its MQTT user name: a device's is its device id, so that one pattern in
the broker's access list keeps every device below its own topic.

A board whose clock is not set yet knows only the build date of its software, and TLS checks dates. So every
certificate is valid from two years before the day it was made; how long it is valid counts from that day.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..texts import Problem
from . import issued, keyfiles, names
from .validity import AUTHORITY_DAYS, BACKDATED, CLIENT_DAYS, SERVER_DAYS


@dataclass(frozen=True)
class Issued:
    """What was issued, and where it lies. `key` and `key_der` are paths; key material itself is never passed on."""

    kind: str
    name: str
    serial: str
    not_after: dt.datetime
    directory: Path
    ca: Path
    certificate: Path
    key: Path
    ca_der: Path
    certificate_der: Path
    key_der: Path


class Authority:
    """An unlocked authority. `directory` holds ca.pem, ca.der, ca.key.pem, and what it signed (issued.py)."""

    def __init__(self, directory: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.directory = directory
        self.certificate = certificate
        self._key = key

    def issue_broker(self, hosts: Sequence[str], *, out: Path | None = None, days: int = SERVER_DAYS) -> Issued:
        """A server certificate for the host names and IP addresses under which boards and gateway reach the broker."""
        if not hosts:
            raise Problem(
                "Für den Broker fehlt der Rechnername; bitte mindestens einen Namen oder eine IP-Adresse angeben.",
                "the broker's host name is missing; give at least one name or IP address.",
            )
        checked = list(dict.fromkeys(names.host(host) for host in hosts))
        alternative = x509.SubjectAlternativeName(
            [x509.DNSName(host) if isinstance(host, str) else x509.IPAddress(host) for host in checked]
        )
        return self._issue("broker", str(checked[0]), out, days, [alternative])

    def issue_gateway(self, name: str, *, out: Path | None = None, days: int = SERVER_DAYS) -> Issued:
        """A client certificate for a gateway; its name is the MQTT user name in the broker's access list."""
        return self._issue("gateway", names.gateway_name(name), out, days)

    def issue_device(self, device: str, *, out: Path | None = None, days: int = CLIENT_DAYS) -> Issued:
        """A client certificate for a board; `device` is its base MAC in any usual spelling."""
        return self._issue("device", names.device_id(device), out, days)

    def device_files(self, device: str, *, days: int = CLIENT_DAYS) -> dict[str, bytes]:
        """The same as what goes onto the board, and no key on the disk here: ca.der, device.der, device.key.der.

        The key among them is for the board only.
        """
        name = names.device_id(device)
        certificate, files = self._made("device", name, days)
        with issued.noted(self.directory, "device", name, certificate):
            return {file: content for file, (content, _) in files.items() if file.endswith(".der")}

    def _issue(
        self,
        kind: str,
        name: str,
        out: Path | None,
        days: int,
        extensions: Iterable[x509.ExtensionType] = (),
    ) -> Issued:
        if out is None:
            out = self.directory / f"{kind}s" / name.replace(":", "-")
        certificate, files = self._made(kind, name, days, extensions)
        with issued.noted(self.directory, kind, name, certificate):
            keyfiles.write_new(out, files)
        return Issued(
            kind=kind,
            name=name,
            serial=f"{certificate.serial_number:x}",
            not_after=certificate.not_valid_after_utc,
            directory=out,
            ca=out / "ca.pem",
            certificate=out / f"{kind}.pem",
            key=out / f"{kind}.key.pem",
            ca_der=out / "ca.der",
            certificate_der=out / f"{kind}.der",
            key_der=out / f"{kind}.key.der",
        )

    def _made(
        self, kind: str, name: str, days: int, extensions: Iterable[x509.ExtensionType] = ()
    ) -> tuple[x509.Certificate, dict[str, tuple[bytes, int]]]:
        """A new key's certificate, and the files of both with their modes."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.sign(kind, name, key.public_key(), days, extensions)
        return certificate, {
            f"{kind}.key.pem": (_private(key, serialization.Encoding.PEM), keyfiles.PRIVATE),
            f"{kind}.key.der": (_private(key, serialization.Encoding.DER), keyfiles.PRIVATE),
            **_both(kind, certificate),
            **_both("ca", self.certificate),
        }

    def refuse_expired(self) -> None:
        """Problem: it can sign nothing any more."""
        end = self.certificate.not_valid_after_utc
        if end <= dt.datetime.now(dt.UTC):
            raise Problem(
                f"Die Zertifizierungsstelle in {self.directory} ist am {end:%d.%m.%Y} abgelaufen; bitte mit "
                "„bordstein ca init“ eine neue anlegen.",
                f"the authority in {self.directory} expired on {end:%Y-%m-%d}; make a new one with "
                '"bordstein ca init".',
            )

    def sign(
        self,
        kind: str,
        name: str,
        key: CertificatePublicKeyTypes,
        days: int,
        extensions: Iterable[x509.ExtensionType] = (),
    ) -> x509.Certificate:
        """A certificate for somebody's public key, noted nowhere; kind: broker, gateway or device. Problem: the
        authority itself has expired."""
        self.refuse_expired()
        now, end = dt.datetime.now(dt.UTC), self.certificate.not_valid_after_utc
        usage = ExtendedKeyUsageOID.SERVER_AUTH if kind == "broker" else ExtendedKeyUsageOID.CLIENT_AUTH
        # A host name may be longer than a common name; clients look at the alternative names only (RFC 9525).
        subject = _name(name if len(name) <= 64 else kind)
        builder = _builder(key, subject, self.certificate.subject, min(end, now + dt.timedelta(days=days)))
        builder = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(_authority_identifier(self.certificate), critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def sign_list(self, builder: x509.CertificateRevocationListBuilder) -> x509.CertificateRevocationList:
        """A revocation list of this authority."""
        identifier = _authority_identifier(self.certificate)
        return builder.add_extension(identifier, critical=False).sign(self._key, hashes.SHA256())


def refuse_second(directory: Path) -> None:
    """Problem where there is an authority already: a second one would lock out every board of the first."""
    if any((directory / name).exists() for name in ("ca.key.pem", "ca.pem")):
        raise Problem(
            f"Die Zertifizierungsstelle in {directory} gibt es schon; weiter mit „bordstein ca issue“. Eine zweite: "
            "--ca ORDNER.",
            f'the authority in {directory} is already there; go on with "bordstein ca issue". A second one: '
            "--ca FOLDER.",
        )


def create(directory: Path, name: str, passphrase: bytes | None, *, days: int = AUTHORITY_DAYS) -> Authority:
    """Make an authority and write it to directory. passphrase None leaves its key file unencrypted."""
    refuse_second(directory)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    certificate = (
        _builder(key.public_key(), subject, subject, dt.datetime.now(dt.UTC) + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        encryption = serialization.BestAvailableEncryption(passphrase)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    keyfiles.write_new(directory, {"ca.key.pem": (private, keyfiles.PRIVATE), **_both("ca", certificate)})
    return Authority(directory, certificate, key)


def is_encrypted(directory: Path) -> bool:
    """Whether the authority's key asks for a passphrase (PKCS #8 says so in its PEM label)."""
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in _key_file(directory)


def load(directory: Path, passphrase: bytes | None) -> Authority:
    """Open the authority in directory; Problem if it is not there, damaged, or the passphrase is wrong."""
    private = _key_file(directory)
    public = _certificate_file(directory)
    try:
        certificate = x509.load_pem_x509_certificate(public)
        key = serialization.load_pem_private_key(private, passphrase)
    except (ValueError, TypeError):
        if b"ENCRYPTED" in private:
            raise Problem(
                f"{directory / 'ca.key.pem'} lässt sich mit dieser Passphrase nicht öffnen; bitte die richtige.",
                f"{directory / 'ca.key.pem'} cannot be opened with this passphrase; give the right one.",
            ) from None
        raise Problem(
            f"{directory} enthält keine brauchbare Zertifizierungsstelle (ca.pem oder ca.key.pem ist beschädigt); "
            "bitte die Sicherungskopie einspielen.",
            f"{directory} holds no usable authority (ca.pem or ca.key.pem is damaged); restore it from its backup.",
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise Problem(
            f"ca.pem und ca.key.pem in {directory} gehören nicht zusammen; bitte die Sicherungskopie einspielen.",
            f"ca.pem and ca.key.pem in {directory} do not belong together; restore them from their backup.",
        )
    return Authority(directory, certificate, key)


def certificate(directory: Path) -> x509.Certificate:
    """The authority's own certificate, for which nothing has to be unlocked. Problem: it is not there, or damaged."""
    try:
        return x509.load_pem_x509_certificate(_certificate_file(directory))
    except ValueError:
        raise Problem(
            f"{directory / 'ca.pem'} ist beschädigt; bitte die Sicherungskopie einspielen.",
            f"{directory / 'ca.pem'} is damaged; restore it from its backup.",
        ) from None


def _certificate_file(directory: Path) -> bytes:
    if not (directory / "ca.pem").exists():
        raise _no_authority(directory, "ca.pem")
    return keyfiles.read(directory / "ca.pem", "Das CA-Zertifikat", "the CA certificate")


def _key_file(directory: Path) -> bytes:
    if not (directory / "ca.key.pem").exists():
        raise _no_authority(directory, "ca.key.pem")
    return keyfiles.read(directory / "ca.key.pem", "Der CA-Schlüssel", "the CA key")


def _no_authority(directory: Path, missing: str) -> Problem:
    return Problem(
        f"In {directory} liegt keine Zertifizierungsstelle ({missing} fehlt); „bordstein ca init“ legt eine an.",
        f'there is no authority in {directory} (no {missing}); "bordstein ca init" makes one.',
    )


def _name(common_name: str) -> x509.Name:
    try:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    except ValueError:
        raise Problem(
            f"Der Name „{common_name}“ passt nicht in ein Zertifikat: erlaubt sind 1 bis 64 Zeichen.",
            f'the name "{common_name}" does not fit into a certificate: 1 to 64 characters are allowed.',
        ) from None


def _builder(
    key: CertificatePublicKeyTypes, subject: x509.Name, issuer: x509.Name, end: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime.now(dt.UTC) - BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    """An authority signs certificates and revocation lists; everybody else signs the handshake (ECDHE-ECDSA)."""
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_identifier(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _both(stem: str, certificate: x509.Certificate) -> dict[str, tuple[bytes, int]]:
    """PEM for servers, DER for boards (smaller, and parsed without a base64 copy in memory)."""
    return {
        f"{stem}.pem": (certificate.public_bytes(serialization.Encoding.PEM), keyfiles.PUBLIC),
        f"{stem}.der": (certificate.public_bytes(serialization.Encoding.DER), keyfiles.PUBLIC),
    }


def _private(key: ec.EllipticCurvePrivateKey, encoding: serialization.Encoding) -> bytes:
    return key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
