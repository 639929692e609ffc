"""Reads Mosquitto's configuration for settings that lose data. Source: mosquitto.conf(5) of 2.0 and 2.1."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from ..texts import os_reason
from .finding import SOON, Finding, fine, loses, note

_QUEUE = 100_000
_AUTOSAVE_S = 60


def mosquitto_conf(path: Path) -> Iterator[Finding]:
    """What in this file, and in the folders it includes, would lose data."""
    try:
        settings, broken = read(path)
    except OSError as error:
        yield loses(
            f"{path} ist nicht lesbar: {error.strerror}. Die Einstellungen des Brokers sind ungeprüft.",
            f"{path} can't be read: {error.strerror}. The broker's settings are unchecked.",
        )
        return
    found = [*broken, *_queue(settings), *_persistence(settings), *_access(settings), *_revoked(settings)]
    yield from found
    if not found:
        yield fine(f"{path}: keine Einstellung verliert Daten.", f"{path}: no setting loses data.")


def read(path: Path) -> tuple[dict[str, str], list[Finding]]:
    """The settings in effect (the last of each name), and findings about included folders that can't be read."""
    settings: dict[str, str] = {}
    broken: list[Finding] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.strip().partition(" ")
        if not name or name.startswith("#"):
            continue
        if name != "include_dir":
            settings[name] = value.strip()
            continue
        try:
            for file in sorted(Path(value.strip()).glob("*.conf")):
                inner, more = read(file)
                settings |= inner
                broken += more
        except OSError as error:
            broken.append(
                note(
                    f"{value.strip()} ist nicht lesbar: {error.strerror}",
                    f"{value.strip()} can't be read: {error.strerror}",
                )
            )
    return settings, broken


def _queue(settings: dict[str, str]) -> Iterator[Finding]:
    limit = _whole(settings.get("max_queued_messages"), 1000)
    if 0 < limit < _QUEUE:
        yield loses(
            f"max_queued_messages ist {limit}: was darüber wartet, wirft der Broker still weg. Besser 1000000.",
            f"max_queued_messages is {limit}: what waits beyond it, the broker silently throws away. Better 1000000.",
        )
    if limit == 0:
        yield note(
            "max_queued_messages ist 0 (ohne Grenze): Mosquitto 2.0.16 wirft damit alles weg. Besser 1000000.",
            "max_queued_messages is 0 (no limit): Mosquitto 2.0.16 throws everything away with it. Better 1000000.",
        )
    size = _whole(settings.get("max_queued_bytes"), 0)
    if 0 < size < 100 << 20:
        yield loses(
            f"max_queued_bytes ist {size}: was darüber wartet, wirft der Broker still weg. Besser 0 (ohne Grenze).",
            f"max_queued_bytes is {size}: what waits beyond it, the broker silently throws away. Better 0 (no limit).",
        )
    expiration = settings.get("persistent_client_expiration", "")
    if expiration.endswith(("h", "d")) and _whole(expiration[:-1], 0) * (24 if expiration[-1] == "d" else 1) < 24 * 7:
        yield loses(
            f"persistent_client_expiration ist {expiration}: nach so langem Ausfall vergisst der Broker, was wartet.",
            f"persistent_client_expiration is {expiration}: after so long an outage the broker forgets what waits.",
        )


def _persistence(settings: dict[str, str]) -> Iterator[Finding]:
    plugins = settings.get("plugin", "") + settings.get("global_plugin", "")
    if "persist" in plugins:
        return
    if settings.get("persistence", "false") != "true":
        yield loses(
            "persistence ist nicht true: startet der Broker neu, ist alles weg, was wartet.",
            "persistence is not true: when the broker restarts, all that waits is gone.",
        )
        return
    seconds = _whole(settings.get("autosave_interval"), 1800)
    if settings.get("autosave_on_changes", "false") != "true" and not 0 < seconds <= _AUTOSAVE_S:
        yield loses(
            f"autosave_interval ist {seconds} Sekunden: bei einem Absturz ist weg, was seither wartet. Besser 5.",
            f"autosave_interval is {seconds} seconds: a crash loses what has waited since. Better 5.",
        )


def _access(settings: dict[str, str]) -> Iterator[Finding]:
    if settings.get("allow_anonymous", "false") == "true":
        yield loses(
            "allow_anonymous ist true: jeder kann Messwerte im Namen jedes Geräts senden.",
            "allow_anonymous is true: anyone can send readings in any board's name.",
        )
    if "acl_file" not in settings and "plugin" not in settings and "auth_plugin" not in settings:
        yield loses(
            "Es gibt keine Zugriffsliste (acl_file): jedes Gerät kann im Namen jedes anderen senden.",
            "There is no access list (acl_file): each board can send in any other's name.",
        )
    if settings.get("per_listener_settings", "false") == "true":
        yield note(
            "per_listener_settings ist true: acl_file und allow_anonymous gelten nur für ihren listener; bitte prüfen.",
            "per_listener_settings is true: acl_file and allow_anonymous hold for their listener only; look at each.",
        )
    if "listener" in settings and settings.get("require_certificate", "false") != "true":
        yield note(
            "require_certificate ist nicht true: Geräte weisen sich nicht mit ihrem Zertifikat aus.",
            "require_certificate is not true: boards don't prove who they are with their certificate.",
        )


def _revoked(settings: dict[str, str], now: datetime | None = None) -> Iterator[Finding]:
    """A broker with a list of revoked certificates refuses everybody once the list itself is too old, or is gone."""
    if "crlfile" not in settings:
        return
    path = Path(settings["crlfile"])
    try:
        end = x509.load_pem_x509_crl(path.read_bytes()).next_update_utc
    except PermissionError as error:
        yield note(
            f"Die Sperrliste {path} ist nicht lesbar ({os_reason(error)}): wie lange sie gilt, ist ungeprüft.",
            f"The revocation list {path} can't be read ({error.strerror}): how long it is good for is unchecked.",
        )
        return
    except (OSError, ValueError) as error:
        why = os_reason(error) if isinstance(error, OSError) else "kein PEM"
        yield loses(
            f"Die Sperrliste {path} ist nicht brauchbar ({why}): so startet der Broker nicht.",
            f"The revocation list {path} is of no use ({getattr(error, 'strerror', 'no PEM')}): "
            "the broker does not start.",
        )
        return
    if end is not None and end - (now or datetime.now(UTC)) < SOON:
        yield loses(
            f"Die Sperrliste {path} gilt nur bis {end:%d.%m.%Y}: danach lässt der Broker niemanden mehr herein. "
            "„bordstein ca revoke“ schreibt sie neu.",
            f"The revocation list {path} is only good until {end:%Y-%m-%d}: after that the broker lets nobody in. "
            '"bordstein ca revoke" writes it anew.',
        )


def _whole(text: str | None, default: int) -> int:
    try:
        return int(text) if text is not None else default
    except ValueError:
        return default
