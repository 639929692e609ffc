"""From a blank board on a cable to one that reports. Each step looks first at what is there, so that the whole can be
repeated after a pulled cable, and a second run does nothing but look. Nothing is printed or asked for here: several
boards can be set up side by side, a thread each."""

import contextlib
import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509

from .. import boards
from ..board import deploying, micropython
from ..board.cable import Cable
from ..board.software import Software
from ..checks import selftest
from ..checks.result import BAD, OK, Result
from ..config import configuring
from ..config.composing import OWN_KEYS
from ..keys import pki
from ..texts import Problem, pick
from . import label, registering

_STARTED = ", started by "  # in what a board says first (firmware/bordstein/app.py)
_START_S = 15


class Told(Protocol):
    """Whom to tell how far it is. Called from the thread that sets the board up."""

    def step(self, de: str, en: str) -> None:
        """What is done now."""

    def bar(self, de: str, en: str) -> micropython.OpenBar:
        """A progress bar for it."""


@dataclass
class Wanted:
    """What a board is to become. config: the whole of it; keys: lines for its release.pub; authority: opens it, if
    something is to be signed; image: file of MicroPython, else out of stock; register: CSV file that it is entered
    into; gateway: URL of the one that it is registered with, with the token in token_file; wait_s: how long it may take
    until its first readings are in the gateway; counts: is a certificate that the board has one of the town's still?"""

    config: dict[str, Any]
    asset: str
    site: str
    software: Software
    keys: bytes | None
    authority: Callable[[], pki.Authority]
    image: Path | None = None
    owner: str = ""
    register: Path | None = None
    gateway: str | None = None
    token_file: Path | None = None
    label: Path | None = None
    wait_s: float = 120
    counts: Callable[[x509.Certificate], bool] = lambda certificate: True


@dataclass
class Verdict:
    """ready: it passed the self-test, so its readings are in the gateway, and started by itself. port: where it is now.
    facts: of the board, for its entry in the register; registered: what became of that."""

    device: str
    ready: bool
    port: str
    results: list[Result]
    facts: dict[str, str]
    registered: registering.Registered = field(default_factory=lambda: registering.Registered(""))

    @property
    def complaints(self) -> list[str]:
        """What is not as it should be, a line each."""
        return [
            f"{result.name}: {result.value}" + (f" → {result.hint}" if result.hint else "")
            for result in self.results
            if result.state != OK
        ]


def prepare(port: str, compose: Callable[[str], Wanted], told: Told, kind: str | None = None) -> Verdict:
    """All of it. compose: gets the chip's family, and may ask people. kind: of board, where that is known already.
    Problem: the same once more goes on."""
    told.step("Nachsehen, was angeschlossen ist", "looking at what is on the cable")
    found = micropython.look(port, kind)
    with _let_run(port, found):
        wanted = compose(found.chip)
    return make_ready(port, found, wanted, told)


def make_ready(port: str, found: micropython.Found, wanted: Wanted, told: Told) -> Verdict:
    """All of it on a board that was looked at already. Problem: the same once more goes on."""
    kind = boards.known().get(wanted.config.get("board", ""))
    with _let_run(port, found):
        configuring.check(wanted.config)
        if wanted.label:  # that it fits shall not be known only at the end
            label.of("0" * 12, _on_label(wanted))
        if not found.fits:
            micropython.image(kind, wanted.image)
        if found.silent and "key" in wanted.config["mqtt"]:
            wanted.authority()  # a wrong passphrase is said before the chip is written
    if not found.fits:
        told.step("MicroPython aufspielen", "putting MicroPython on")
        port = micropython.put_on(port, kind, wanted.image, told.bar("Schreiben", "Writing"))["port"]
    return set_up(port, wanted, told)


@contextlib.contextmanager
def _let_run(port: str, found: micropython.Found) -> Iterator[None]:
    """A board that was looked at stands at its prompt, or in its loader: who gives up, at a question too, lets it
    go."""
    try:
        yield
    except BaseException:
        micropython.let_run(port, found)
        raise


def set_up(port: str, wanted: Wanted, told: Told) -> Verdict:
    """Software, identity and configuration onto a board with MicroPython; then its self-test. Problem."""
    config = wanted.config
    with Cable.open(port, kind=config.get("board")) as cable, cable.working_on():
        device = str(cable.facts()["device"])
        identity = _has_identity(cable, config["mqtt"], device, wanted.counts)
        authority = None if identity else wanted.authority()  # what is wrong with it is said before anything changes
        told.step("Software aufspielen", "putting the software on")
        with told.bar("Software", "Software")() as sent:
            deploying.deploy(cable, wanted.software, wanted.keys, sent)
        content = (json.dumps(config, ensure_ascii=False, indent=2) + "\n").encode()
        made: dict[str, bytes] = {}
        if authority is not None:
            told.step("Schlüssel und Zertifikat ausstellen", "issuing key and certificate")
            # The key is in memory for so long only, and on the board then, and nowhere else.
            files = authority.device_files(device)
            made = {config["mqtt"][key]: files[file] for key, file in OWN_KEYS.items() if key in config["mqtt"]}
        told.step("Konfiguration schreiben", "writing the configuration")
        configuring.apply(cable, config, content, (), keys=made)
        results = _tested(cable, wanted.wait_s, told)
    facts = {
        "device": device,
        "urn": label.urn(device),
        "asset": wanted.asset,
        "site": wanted.site,
        "place": str(config.get("name", "")),
        "board": str(config.get("board", "")),
        "software": wanted.software.version,
        "set_up": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    verdict = Verdict(device, not any(result.state == BAD for result in results), cable.port, results, facts)
    if verdict.ready:
        try:
            verdict.registered = _registered(facts, wanted)
            if wanted.label:
                label.make(wanted.label, device, _on_label(wanted))
        except Problem as problem:
            raise _unwritten(device, problem) from None
    return verdict


def _tested(cable: Cable, wait_s: float, told: Told) -> list[Result]:
    """The self-test's results; at the end the board runs, and that it starts by itself is one of them."""
    told.step("Selbsttest", "self-test")
    with told.bar("Selbsttest, höchstens", "Self-test, at most")() as waited:
        results = selftest.run(cable, wait_s, lambda de, en: None, waited)
    told.step("Neu starten", "restarting")
    cable.reset()
    end = time.monotonic() + _START_S
    if not any(_STARTED in line for line in cable.lines(lambda: time.monotonic() < end)):
        hint = pick("„bordstein console“ zeigt, was es sagt.", '"bordstein console" shows what it says.')
        value = pick("das Gerät startet nicht von selbst", "the board does not start by itself")
        results.append(Result("start", pick("Start", "start"), BAD, value, hint))
    return results


def _registered(facts: dict[str, str], wanted: Wanted) -> registering.Registered:
    done = registering.register(facts, wanted.gateway, wanted.token_file, wanted.register)
    if wanted.register and done.at != str(wanted.register):
        registering.note(wanted.register, facts)  # the technician's own list has all of them
    return done


def _unwritten(device: str, problem: Problem) -> Problem:
    return Problem(
        f"Gerät {device} ist gut, aber noch nicht eingetragen: {problem.de} Danach denselben Befehl noch einmal geben.",
        f"device {device} is good, but not entered yet: {problem.en} Then give the same command once more.",
    )


def _on_label(wanted: Wanted) -> tuple[str, str, str]:
    return wanted.asset, str(wanted.config.get("name", "")), wanted.owner


def _has_identity(cable: Cable, mqtt: dict[str, Any], device: str, counts: Callable[[x509.Certificate], bool]) -> bool:
    """Are the certificates there, this board's, and the town's? A key that is there is never read back: without
    a configuration nobody knows whether it belongs to them, as a cable may have been pulled."""
    names = [mqtt[key] for key in OWN_KEYS if key in mqtt]
    if names and not all(cable.exists(name) for name in (configuring.CONFIG, *names)):
        return False
    try:
        certificate = x509.load_der_x509_certificate(cable.read(mqtt["cert"]))
    except (KeyError, ValueError):
        return "cert" not in mqtt
    [name] = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    in_time = certificate.not_valid_after_utc > dt.datetime.now(dt.UTC)
    return name.value == device and in_time and counts(certificate)


def sentence(verdict: Verdict) -> str:
    """The verdict for people."""
    said = "".join(f"\n  {line}" for line in verdict.complaints)
    if not verdict.ready:
        return pick(
            f"Gerät {verdict.device}: NICHT bereit zur Montage.{said}",
            f"device {verdict.device}: NOT ready to mount.{said}",
        )
    ready = pick(
        f"Gerät {verdict.device}: bereit zur Montage, seine Messwerte sind im Gateway.",
        f"device {verdict.device}: ready to mount, its readings are in the gateway.",
    )
    registered = f"\n{verdict.registered.sentence()}" if verdict.registered.sentence() else ""
    return ready + (pick("\nHinweise:", "\nRemarks:") + said if said else "") + registered
