"""What would lose data: looks at broker, disk, clock, certificates and targets, and says each in a sentence.

findings(config, conf=None)   all of them, the broker's own first
"""

import os
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx2
import msgspec
from cryptography import x509

from ..cli.common import Failed, open_store
from ..config.config import Config, Http
from ..config.types import Forward, HttpForward
from ..config.words import is_here
from ..store import Postgres, StoreError
from ..texts import os_reason, said
from ..web.app import SERVICE
from ..web.listen import NoAddress, listen
from . import rules as doctor_rules
from . import store as doctor_store
from .broker import broker
from .finding import Finding, expiry, fine, loses, loses_by, note
from .mosquitto import mosquitto_conf

# No clock is right that is before this: the month this check was written.
_NOT_BEFORE = datetime(2026, 11, 1, tzinfo=UTC)
# Once it has ended somebody has to drive there; and some boards sleep for long.
_DRIVE = timedelta(days=90)
_FREE_BYTES = 1 << 30
_CLOCK_OFF_S = 30
_ANSWER_S = 10


def findings(config: Config, conf: Path | None = None, *, probe: bool = True) -> Iterator[Finding]:
    """Everything that is seen. `conf`: Mosquitto's own configuration; `probe`: try the broker's queue out."""
    yield from broker(config.mqtt, probe=probe)
    if conf is not None:
        yield from mosquitto_conf(conf)
    yield from disk(Path(config.gateway.data) if config.store.url else config.store_path.parent)
    if isinstance(config.store_place, Postgres):
        yield from doctor_store.database(config.store_place)
    yield from pages(config.http)
    yield from readers(config)
    yield from clock(datetime.now(UTC))
    yield from certificates(config, datetime.now(UTC))
    yield from boards(config, datetime.now(UTC))
    yield from doctor_rules.sheets(config)
    yield from doctor_rules.keeping_up(config)
    for name, target in config.forward.items():
        if not isinstance(target, HttpForward):
            yield connection(name, config)
        elif target.url:
            yield from forwarder(name, target)


def disk(folder: Path) -> Iterator[Finding]:
    """Room, and whether what is written there stays."""
    if not _there(folder):
        yield _new(folder)
        return
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield loses(
            f"In {folder} lässt sich nicht schreiben ({os_reason(error)}): Messwerte können nicht gespeichert werden.",
            f"{folder} can't be written to ({error.strerror}): no reading can be stored.",
        )
        return
    if free < _FREE_BYTES:
        yield loses(
            f"In {folder} sind nur noch {free >> 20} MB frei: ist der Platz voll, werden Messwerte nicht angenommen.",
            f"Only {free >> 20} MB are free in {folder}: once it is full, readings are refused.",
        )
    else:
        yield fine(f"In {folder} sind {free >> 30} GB frei.", f"{folder} has {free >> 30} GB free.")


def _new(folder: Path) -> Finding:
    """Whether a folder that is not there can be made: tried out in the nearest one that is."""
    above = next(parent for parent in folder.parents if _there(parent))
    try:
        with tempfile.TemporaryDirectory(dir=above, prefix=".doctor-"):
            pass
    except PermissionError:
        return note(
            f"{folder} gibt es noch nicht, und nur der Dienst oder root kann den Ordner anlegen.",
            f"{folder} is not there yet, and only the service or root can make the folder.",
        )
    except OSError as error:
        return loses(
            f"{folder} gibt es nicht und lässt sich nicht anlegen ({os_reason(error)}); gateway.data ändern.",
            f"{folder} is not there and can't be made ({error.strerror}); change gateway.data.",
        )
    return note(
        f"{folder} gibt es noch nicht: der Dienst legt den Ordner beim ersten Start an.",
        f"{folder} is not there yet: the service makes the folder when it first starts.",
    )


def _there(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError:  # nobody may look; writing will say why
        return True


def pages(http: Http) -> Iterator[Finding]:
    """Whether the gateway's pages can be served where they should be; without them it does not start."""
    where = f"http://{http.host}:{http.port}/"
    try:
        for one in listen(http):
            one.close()
    except NoAddress as error:
        if not (error.taken and _gateway_answers(where)):
            yield loses_by(error)
            return
        yield note(
            f"Unter {where} antwortet schon ein Gateway von Bordstein: dieses oder ein zweites.",
            f"A Bordstein gateway answers at {where} already: this one or a second.",
        )
        return
    yield fine(f"Die Adresse der Seiten, {where}, ist frei.", f"The pages' address, {where}, is free.")


def readers(config: Config) -> Iterator[Finding]:
    """Whether everybody in a network reads everything: without [publish] and logins the pages are not closed."""
    if not is_here(config.http.host) and config.publish is None:
        yield note(
            f'Unter {config.http.host} liest jeder im Netz alle Werte ohne Anmeldung; besser host = "127.0.0.1" und '
            "davor ein Proxy mit TLS, mit [publish] und readers_file.",
            f"At {config.http.host} everybody in the network reads all values without a login; better "
            'host = "127.0.0.1" with a TLS proxy in front, [publish] and readers_file.',
        )


def _gateway_answers(where: str) -> bool:
    try:
        with httpx2.Client(timeout=5, trust_env=False) as client:
            return bool(client.get(f"{where}healthz").json()["service"] == SERVICE)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, TypeError):
        return False


def clock(now: datetime, synchronised: bool | None = None) -> Iterator[Finding]:
    """Whether this machine knows the time: relative times and receipts go by it."""
    if now < _NOT_BEFORE:
        yield loses(
            f"Die Uhr dieses Rechners geht falsch ({now:%Y-%m-%d}): Zertifikate gelten nicht, Zeiten werden falsch.",
            f"This machine's clock is wrong ({now:%Y-%m-%d}): certificates are refused and times get wrong.",
        )
        return
    known = _synchronised() if synchronised is None else synchronised
    if known is False:
        yield note(
            "Die Uhr dieses Rechners folgt keinem Zeitserver: Zeiten von Geräten ohne Uhr werden ungenau.",
            "This machine's clock follows no time server: times of boards without a clock become inexact.",
        )
    elif known:
        yield fine("Die Uhr dieses Rechners ist gestellt.", "This machine's clock is set by a time server.")


def _synchronised() -> bool | None:
    program = shutil.which("timedatectl")
    if program is None:
        return None
    command = [program, "show", "--property=NTPSynchronized", "--value"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(answer.stdout.strip())


def certificates(config: Config, now: datetime) -> Iterator[Finding]:
    """Files of keys and certificates: how long they are good for, and who can read the secret ones."""
    for path in filter(None, (config.mqtt.ca, config.mqtt.cert)):
        try:
            found = x509.load_pem_x509_certificates(Path(path).read_bytes())
        except (OSError, ValueError) as error:
            yield loses(f"{path} ist nicht lesbar: {error}", f"{path} can't be read: {error}")
            continue
        yield expiry(path, min(certificate.not_valid_after_utc for certificate in found), now)
        if max(certificate.not_valid_before_utc for certificate in found) > now:
            yield loses(
                f"{path} gilt noch nicht: die Uhr dieses Rechners geht nach, oder es wurde zu früh eingespielt.",
                f"{path} is not valid yet: this machine's clock is behind, or it was installed too early.",
            )
    for path in config.secret_files:
        mode = Path(path).stat().st_mode & 0o777
        if mode & 0o077:
            yield note(
                f"{path} ist für andere lesbar (Rechte {mode:o}): chmod 600 {path}",
                f"{path} can be read by others (mode {mode:o}): chmod 600 {path}",
            )


def boards(config: Config, now: datetime) -> Iterator[Finding]:
    """How long the certificates are good for that the boards show, as they say themselves."""
    try:
        with open_store(config) as store:
            known = store.configs()
    except (Failed, StoreError, OSError):  # what is wrong with the store, others say
        return
    ends = sorted((one.certificate, one.device) for one in known.values() if one.certificate)
    late = [(end, device) for end, device in ends if date.fromisoformat(end) - now.date() <= _DRIVE]
    for end, device in late:
        yield loses(
            f"Das Zertifikat des Geräts {device} gilt nur bis {date.fromisoformat(end):%d.%m.%Y}. Ein neues: "
            f"„bordstein ca renew {device}“, dann „bordstein-gateway board certificate“.",
            f"The certificate of board {device} is only valid until {end}. A new one: "
            f'"bordstein ca renew {device}", then "bordstein-gateway board certificate".',
        )
    if ends and not late:
        yield fine(
            f"Die Zertifikate der Geräte gelten mindestens bis {date.fromisoformat(ends[0][0]):%d.%m.%Y}.",
            f"The boards' certificates are valid until {ends[0][0]} at least.",
        )


def forwarder(name: str, target: HttpForward) -> Iterator[Finding]:
    """Whether a town's system answers, and whether its clock agrees with ours. Nothing is lost if not: it waits."""
    where = target.shown
    try:
        context = ssl.create_default_context()
        if target.ca:  # beside the system's authorities
            context.load_verify_locations(target.ca)
        with httpx2.Client(verify=context, timeout=_ANSWER_S) as client:
            answer = client.head(target.url)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, OSError) as error:
        yield note(
            f"forward.{name}: {where} antwortet nicht ({error}); Messwerte warten, bis es wieder geht.",
            f"forward.{name}: {where} does not answer ({error}); readings wait until it does.",
        )
        return
    yield fine(f"forward.{name}: {where} antwortet.", f"forward.{name}: {where} answers.")
    try:
        theirs = parsedate_to_datetime(answer.headers["Date"])
        off = abs((theirs - datetime.now(UTC)).total_seconds())
    except (KeyError, ValueError, TypeError):
        return
    if off > _CLOCK_OFF_S:
        yield note(
            f"forward.{name}: die Uhr dort und die hier unterscheiden sich um {off:.0f} Sekunden.",
            f"forward.{name}: its clock and this one differ by {off:.0f} seconds.",
        )


def connection(name: str, config: Config) -> Finding:
    """Whether a target that is not reached by HTTP, a broker or a database, lets the gateway in."""
    from ..forward.trying import reached

    target: Forward = config.forward[name]
    brief = msgspec.structs.replace(target, timeout=min(target.timeout, _ANSWER_S))
    changed = msgspec.structs.replace(config, forward={name: brief})
    answers, sentence = reached(changed, name)
    de, en = (f"forward.{name}: {said(sentence, language)}" for language in ("de", "en"))
    if answers:
        return fine(de, en)
    return note(f"{de} Messwerte warten, bis es wieder geht.", f"{en} Readings wait until it works again.")
