"""`bordstein ca …`: the town's own authority, and what it signs."""

import getpass
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..keys import validity
from ..keys.keyfiles import read
from ..texts import Problem, pick
from .commands import FLAG, group, verb
from .output import answer, failed, misuse

if TYPE_CHECKING:
    from ..keys import pki

SHORTEST_PASSPHRASE = 12

app = group("Die eigene Zertifizierungsstelle der Stadt.", "The town's own certificate authority.")
issue = group("Zertifikate für Broker, Gateway und Geräte.", "Certificates for broker, gateway and devices.")
app.add_typer(issue, name="issue")

FOLDER, FILE, NAME = pick("ORDNER", "FOLDER"), pick("DATEI", "FILE"), "NAME"
CaFolder = Annotated[
    Path,
    typer.Option("--ca", metavar=FOLDER, help=pick("Ordner der Zertifizierungsstelle.", "The authority's folder.")),
]
OutFolder = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar=FOLDER,
        help=pick(
            "Zielordner; sonst unter dem Ordner der Zertifizierungsstelle.",
            "Target; else below the authority's folder.",
        ),
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        metavar=FILE,
        help=pick(
            "Datei, deren erste Zeile die Passphrase des CA-Schlüssels ist; sonst wird gefragt.",
            "File whose first line is the CA key's passphrase; asked for otherwise.",
        ),
    ),
]
Days = Annotated[
    int,
    typer.Option(
        min=1, max=36500, metavar=pick("TAGE", "DAYS"), help=pick("Gültigkeit in Tagen.", "Validity in days.")
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", metavar=FLAG, help=pick("Antwort als JSON-Objekt.", "Answer as a JSON object.")),
]

DEFAULT_CA = Path("bordstein-ca")


@verb(app, "Eine Zertifizierungsstelle anlegen.", "Make an authority.")
def init(
    ca: CaFolder = DEFAULT_CA,
    name: Annotated[
        str, typer.Option(metavar=NAME, help=pick("Name im CA-Zertifikat.", "Name in the CA certificate."))
    ] = ("Bordstein CA"),
    passphrase_file: PassphraseFile = None,
    no_passphrase: Annotated[
        bool,
        typer.Option(
            "--no-passphrase",
            metavar=FLAG,
            help=pick("Den CA-Schlüssel unverschlüsselt ablegen.", "Store the CA key without encryption."),
        ),
    ] = False,
    days: Days = validity.AUTHORITY_DAYS,
    as_json: Json = False,
) -> None:
    refuse_both(no_passphrase, passphrase_file)
    from ..keys import pki  # takes its time to load, here and below

    try:
        pki.refuse_second(ca)  # before anybody thinks of a passphrase
        passphrase = None
        if not no_passphrase:
            passphrase = new_passphrase(
                passphrase_file, "Neue Passphrase für den CA-Schlüssel", "New passphrase for the CA key"
            )
        authority = pki.create(ca, name, passphrase, days=days)
    except Problem as problem:
        failed(problem, as_json)
    end = authority.certificate.not_valid_after_utc
    answer(
        as_json,
        {
            "kind": "ca",
            "name": name,
            "directory": str(ca),
            "certificate": str(ca / "ca.pem"),
            "key": str(ca / "ca.key.pem"),
            "encrypted": passphrase is not None,
            "not_after": end.isoformat(timespec="seconds"),
        },
        f"Zertifizierungsstelle „{name}“ liegt in {ca}, gültig bis {end:%d.%m.%Y}. Wer {ca / 'ca.key.pem'} hat, kann "
        "Geräte zulassen. Bewahren Sie die Datei auf einem USB-Stick im Tresor auf, eine zweite Kopie an einem anderen "
        "Ort, und keine auf Broker oder Gateway.",
        f'authority "{name}" is in {ca}, valid until {end:%Y-%m-%d}. Who has {ca / "ca.key.pem"} can admit devices: '
        "keep it on a USB stick in the safe, a second copy elsewhere, and not on the broker or the gateway.",
    )


@verb(issue, "Serverzertifikat für den Broker.", "Server certificate for the broker.")
def broker(
    hosts: Annotated[
        list[str],
        typer.Argument(
            metavar=NAME,
            help=pick(
                "Namen und IP-Adressen, unter denen Geräte und Gateway den Broker erreichen.",
                "Names and IP addresses under which devices and gateway reach the broker.",
            ),
        ),
    ],
    ca: CaFolder = DEFAULT_CA,
    out: OutFolder = None,
    passphrase_file: PassphraseFile = None,
    days: Days = validity.SERVER_DAYS,
    as_json: Json = False,
) -> None:
    _issue(lambda authority: authority.issue_broker(hosts, out=out, days=days), ca, passphrase_file, as_json)


@verb(issue, "Client-Zertifikat für ein Gateway.", "Client certificate for a gateway.")
def gateway(
    name: Annotated[
        str, typer.Argument(metavar=NAME, help=pick("MQTT-Benutzername.", "MQTT user name."))
    ] = "bordstein-gateway",
    ca: CaFolder = DEFAULT_CA,
    out: OutFolder = None,
    passphrase_file: PassphraseFile = None,
    days: Days = validity.SERVER_DAYS,
    as_json: Json = False,
) -> None:
    _issue(lambda authority: authority.issue_gateway(name, out=out, days=days), ca, passphrase_file, as_json)


@verb(issue, "Client-Zertifikat für ein Gerät.", "Client certificate for a device.")
def device(
    mac: Annotated[
        str,
        typer.Argument(
            metavar="MAC", help=pick("Basis-MAC, zum Beispiel 24:A1:60:12:34:56.", "Base MAC, e.g. 24:A1:60:12:34:56.")
        ),
    ],
    ca: CaFolder = DEFAULT_CA,
    out: OutFolder = None,
    passphrase_file: PassphraseFile = None,
    days: Days = validity.CLIENT_DAYS,
    as_json: Json = False,
) -> None:
    _issue(lambda authority: authority.issue_device(mac, out=out, days=days), ca, passphrase_file, as_json)


@verb(app, "Zertifikate sperren.", "Revoke certificates.")
def revoke(
    name: Annotated[
        str,
        typer.Argument(
            metavar=NAME,
            help=pick(
                "MAC eines Geräts, Name eines Gateways oder Brokers, oder eine Seriennummer aus issued.csv.",
                "A device's MAC, the name of a gateway or broker, or a serial number from issued.csv.",
            ),
        ),
    ],
    ca: CaFolder = DEFAULT_CA,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    from ..keys import revocation

    try:
        revoked = revocation.revoke(opened(ca, passphrase_file), name)
    except Problem as problem:
        failed(problem, as_json)
    path = ca / "ca.crl.pem"
    count = len(revoked)
    de, en = f"„{name}“ war schon gesperrt", f'"{name}" was already revoked'
    if revoked:
        de = f"{count} Zertifikat{'e' if count > 1 else ''} von „{name}“ gesperrt"
        en = f'{count} certificate{"s" if count > 1 else ""} of "{name}" revoked'
    answer(
        as_json,
        {"name": name, "revoked": [one.serial for one in revoked], "list": str(path)},
        f"{de}. Die Liste {path} gehört auf den Broker (crlfile in mosquitto.conf); sie gilt, sobald er neu startet.",
        f"{en}. The list {path} belongs on the broker (crlfile in mosquitto.conf) and counts as soon as that restarts.",
    )


def opened(ca: Path, passphrase_file: Path | None) -> "pki.Authority":
    from ..keys import pki

    return pki.load(ca, _passphrase(passphrase_file) if pki.is_encrypted(ca) else None)


def _issue(
    sign: "Callable[[pki.Authority], pki.Issued]", ca: Path, passphrase_file: Path | None, as_json: bool
) -> None:
    try:
        issued = sign(opened(ca, passphrase_file))
    except Problem as problem:
        failed(problem, as_json)
    answer(
        as_json,
        {
            "kind": issued.kind,
            "name": issued.name,
            "serial": issued.serial,
            "directory": str(issued.directory),
            "ca": str(issued.ca),
            "certificate": str(issued.certificate),
            "key": str(issued.key),
            "not_after": issued.not_after.isoformat(timespec="seconds"),
        },
        f"Zertifikat für „{issued.name}“ liegt in {issued.directory}, gültig bis {issued.not_after:%d.%m.%Y}.",
        f'certificate for "{issued.name}" is in {issued.directory}, valid until {issued.not_after:%Y-%m-%d}.',
    )


def _passphrase(file: Path | None) -> bytes:
    if file is None:
        return _typed("Passphrase des CA-Schlüssels", "Passphrase of the CA key")
    return read(file, "Die Passphrase-Datei", "the passphrase file").split(b"\n", 1)[0].rstrip(b"\r")


def refuse_both(no_passphrase: bool, passphrase_file: Path | None) -> None:
    """Misuse: of a new key either is said, a passphrase or none."""
    if no_passphrase and passphrase_file is not None:
        misuse(
            "--no-passphrase und --passphrase-file schließen sich aus; bitte nur eines angeben.",
            "--no-passphrase and --passphrase-file exclude each other; give only one.",
        )


def new_passphrase(file: Path | None, de: str, en: str) -> bytes:
    """The passphrase for a new key, from the file's first line or asked for twice with a question in both languages.

    Problem: it is too short, or not the same twice.
    """
    if file is None:
        passphrase = _typed(de, en)
        if passphrase != _typed("Zur Sicherheit noch einmal", "Once more, to be sure"):
            raise Problem(
                "Die beiden Passphrasen sind verschieden; nichts wurde angelegt.",
                "the two passphrases differ; nothing was made.",
            )
    else:
        passphrase = _passphrase(file)
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise Problem(
            f"Die Passphrase ist zu kurz; bitte mindestens {SHORTEST_PASSPHRASE} Zeichen.",
            f"the passphrase is too short; use at least {SHORTEST_PASSPHRASE} characters.",
        )
    return passphrase


def _typed(de: str, en: str) -> bytes:
    """What is typed at the terminal, unseen. Without a terminal getpass would show it: rather nothing then."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(pick(de, en) + ": ").encode()
        except getpass.GetPassWarning:
            misuse("Kein Terminal: --passphrase-file angeben.", "no terminal: give --passphrase-file.")
