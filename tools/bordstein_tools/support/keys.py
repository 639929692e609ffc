"""The town's keys on this computer: are they there, kept safely, and not about to end? Nothing secret is read."""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

from ..texts import reason
from .finding import Finding, bad, good, look

_SOON = dt.timedelta(days=365)
_LIST_SOON = dt.timedelta(days=60)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def authority(folder: Path, now: dt.datetime) -> Iterator[Finding]:
    """The folder of `bordstein ca init`: files and their modes, its end, the revocation list's next update."""
    if not (folder / "ca.pem").exists():
        yield look(
            "authority",
            f"In {folder} liegt keine Zertifizierungsstelle; um Geräte einzurichten, den Ordner hierher kopieren "
            "oder mit --ca nennen.",
            f"there is no authority in {folder}; to set boards up copy the folder here or name it with --ca.",
        )
        return
    yield from _end(folder, now)
    yield from _list(folder, now)
    if not (folder / "ca.key.pem").exists():
        yield look(
            "authority",
            f"In {folder} fehlt ca.key.pem; neue Geräte bekommen hier kein Zertifikat.",
            f"ca.key.pem is missing in {folder}; new boards get no certificate here.",
        )
    yield from _modes(folder)


def _end(folder: Path, now: dt.datetime) -> Iterator[Finding]:
    from cryptography import x509

    try:
        end = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        yield bad(
            "authority",
            f"{folder / 'ca.pem'} ist nicht lesbar; bitte die Sicherungskopie einspielen.",
            f"{folder / 'ca.pem'} cannot be read; restore it from its backup.",
        )
        return
    if end <= now:
        yield bad(
            "authority",
            f"Die Zertifizierungsstelle in {folder} ist am {end:%d.%m.%Y} abgelaufen; „bordstein ca init --ca ORDNER“ "
            "legt eine neue an.",
            f'the authority in {folder} expired on {end:%Y-%m-%d}; "bordstein ca init --ca FOLDER" makes a new one.',
        )
    elif end <= now + _SOON:
        yield look(
            "authority",
            f"Die Zertifizierungsstelle in {folder} endet am {end:%d.%m.%Y}; rechtzeitig eine neue planen.",
            f"the authority in {folder} ends on {end:%Y-%m-%d}; plan a new one in time.",
        )
    else:
        yield good(
            "authority",
            f"Die Zertifizierungsstelle in {folder} gilt bis {end:%d.%m.%Y}.",
            f"the authority in {folder} is valid until {end:%Y-%m-%d}.",
        )


def _list(folder: Path, now: dt.datetime) -> Iterator[Finding]:
    from cryptography import x509

    path = folder / "ca.crl.pem"
    if not path.exists():
        return  # nothing was ever revoked
    try:
        until = x509.load_pem_x509_crl(path.read_bytes()).next_update_utc
    except (OSError, ValueError):
        yield bad(
            "revocation",
            f"{path} ist nicht lesbar; „bordstein ca revoke“ schreibt sie neu.",
            f'{path} cannot be read; "bordstein ca revoke" writes it anew.',
        )
        return
    if until is None or until > now + _LIST_SOON:
        until = until or dt.datetime.max
        yield good(
            "revocation",
            f"Die Sperrliste gilt bis {until:%d.%m.%Y}.",
            f"the revocation list counts until {until:%Y-%m-%d}.",
        )
    else:
        say, (de, en) = (
            (bad, ("ist abgelaufen", "has expired")) if until <= now else (look, ("endet bald", "ends soon"))
        )
        yield say(
            "revocation",
            f"Die Sperrliste {path} {de} ({until:%d.%m.%Y}), und dann lässt der Broker niemanden mehr ein: „bordstein "
            "ca revoke“ schreibt eine neue.",
            f'the revocation list {path} {en} ({until:%Y-%m-%d}), and then the broker lets nobody in: "bordstein ca '
            'revoke" writes a new one.',
        )


def _modes(folder: Path) -> Iterator[Finding]:
    if os.name == "nt":
        return  # there a folder's rights count, and a stick has none
    wide = [path for path in sorted(folder.rglob("*.key.*")) if path.stat().st_mode & 0o077]
    if wide:
        names = " ".join(str(path) for path in wide[:3]) + (" …" if len(wide) > 3 else "")
        yield bad(
            "keys",
            f"Andere dürfen Schlüssel lesen: „chmod 600 {names}“ ausführen.",
            f'others may read keys: run "chmod 600 {names}".',
        )
    elif (folder / "ca.key.pem").exists():
        yield good(
            "keys",
            f"Die Schlüssel in {folder} liest nur ihr Eigentümer.",
            f"only their owner may read the keys in {folder}.",
        )
    try:
        if (folder / "ca.key.pem").exists() and b"ENCRYPTED" not in (folder / "ca.key.pem").read_bytes()[:80]:
            yield look(
                "keys",
                f"{folder / 'ca.key.pem'} ist ohne Passphrase: wer die Datei hat, kann Geräte zulassen.",
                f"{folder / 'ca.key.pem'} has no passphrase: who has the file can admit devices.",
            )
    except OSError as error:
        yield bad(
            "keys",
            f"{folder / 'ca.key.pem'} ist nicht lesbar ({reason(error)}).",
            f"{folder / 'ca.key.pem'} cannot be read ({error.strerror}).",
        )


def signing_key(public: Path) -> Iterator[Finding]:
    """The key that releases are checked with."""
    from ..board import software

    try:
        count = software.count_keys(public.read_bytes())
    except OSError:
        yield look(
            "release",
            f"{public} fehlt: signierte Software wird dann nur mit --public oder dem Schlüssel des Geräts geprüft.",
            f"{public} is missing: signed software is then checked with --public or the board's own key only.",
        )
        return
    if count:
        yield good("release", f"{public} ist da.", f"{public} is there.")
    else:
        yield bad(
            "release",
            f"{public} enthält keinen Schlüssel; bitte noch einmal kopieren.",
            f"{public} holds no key; copy it once more.",
        )


def newest_file(folder: Path) -> tuple[dt.datetime, Path]:
    """When the newest file at or below a folder was written, and which it is; 1970 where there is none."""
    newest, which = 0.0, folder
    for path in folder.rglob("*") if folder.is_dir() else ():
        try:
            if path.is_file() and (written := path.stat().st_mtime) > newest:
                newest, which = written, path
        except OSError:
            continue
    return _EPOCH + dt.timedelta(seconds=newest), which
