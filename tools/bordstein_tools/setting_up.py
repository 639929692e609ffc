"""From a blank board on a cable to one that reports. Each step looks first at what is there, so that the whole can be
repeated after a pulled cable, and a second run does nothing but look. Nothing is printed or asked for here: several
boards can be set up side by side, a thread each."""

import datetime as dt
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509

from . import boards, configuring, deploying, label, micropython, pki, registering
from .cable import Cable
from .composing import OWN_KEYS
from .software import Software
from .texts import pick

REPORTS = "uplink: the gateway has the first readings"
"""What the firmware says once a start when its first receipt has come (firmware/bordstein/uplink.py)."""
_COMPLAINTS = ("config:", "link:", "sensor ", "wifi:", "ethernet:", "mobile:", "time:", "uplink:", "app:", "guard:")


class Told(Protocol):
    """Whom to tell how far it is. Called from the thread that sets the board up."""

    def step(self, de: str, en: str) -> None:
        """What is done now."""

    def bar(self, de: str, en: str) -> micropython.OpenBar:
        """A progress bar for it."""


@dataclass
class Wanted:
    """What a board is to become. config: the whole of it; keys: lines for its release.pub; authority: opens it, if
    something is to be signed; image: file of MicroPython, else out of stock; wait_s: how long it may take until its
    first readings are in the gateway."""

    config: dict[str, Any]
    asset: str
    site: str
    software: Software
    keys: bytes | None
    authority: Callable[[], pki.Authority]
    image: Path | None = None
    owner: str = ""
    register: Path | None = None
    label: Path | None = None
    wait_s: float = 120


@dataclass
class Verdict:
    """ready: its readings are in the gateway. complaints: what it said of itself meanwhile."""

    device: str
    ready: bool
    complaints: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def prepare(port: str, compose: Callable[[str], Wanted], told: Told) -> Verdict:
    """All of it. compose: gets the chip's family, and may ask people. Problem: the same once more goes on."""
    found = micropython.look(port)
    return make_ready(port, found, compose(found.chip), told)


def make_ready(port: str, found: micropython.Found, wanted: Wanted, told: Told) -> Verdict:
    """All of it on a board that was looked at already. Problem: the same once more goes on."""
    configuring.check(wanted.config)
    if not found.fits:
        told.step("MicroPython aufspielen", "putting MicroPython on")
        kind = boards.known().get(wanted.config.get("board", ""))
        port = micropython.put_on(port, kind, wanted.image, told.bar("Schreiben", "Writing"))["port"]
    return set_up(port, wanted, told)


def set_up(port: str, wanted: Wanted, told: Told) -> Verdict:
    """Software, identity and configuration onto a board with MicroPython; then wait for its first readings. Problem."""
    with Cable.open(port) as cable:
        device = str(cable.facts()["device"])
        told.step("Software aufspielen", "putting the software on")
        with told.bar("Software", "Software")() as sent:
            deploying.deploy(cable, wanted.software, wanted.keys, sent)
        config = wanted.config
        content = (json.dumps(config, ensure_ascii=False, indent=2) + "\n").encode()
        made: dict[str, bytes] = {}
        if not _has_identity(cable, config["mqtt"], device):
            told.step("Schlüssel und Zertifikat ausstellen", "issuing key and certificate")
            # The key is in memory for so long only, and on the board then, and nowhere else.
            files = wanted.authority().device_files(device)
            made = {config["mqtt"][key]: files[file] for key, file in OWN_KEYS.items() if key in config["mqtt"]}
        told.step("Konfiguration schreiben", "writing the configuration")
        configuring.apply(cable, config, content, (), keys=made)
        told.step("Auf die ersten Messwerte im Gateway warten", "waiting for its first readings in the gateway")
        cable.reset()
        with told.bar("Warten, höchstens", "Waiting, at most")() as waited:
            ready, complaints = _listen(cable, wanted.wait_s, waited)
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
    if ready:
        if wanted.register:
            registering.note(wanted.register, facts)
        if wanted.label:
            label.make(wanted.label, device, (wanted.asset, facts["place"], wanted.owner))
    return Verdict(device, ready, complaints, facts)


def _has_identity(cable: Cable, mqtt: dict[str, Any], device: str) -> bool:
    """Are the certificates there, and this board's? A key that is there is never read back: without a configuration
    nobody knows whether it belongs to them, as a cable may have been pulled."""
    names = [mqtt[key] for key in OWN_KEYS if key in mqtt]
    if names and not all(cable.exists(name) for name in (configuring.CONFIG, *names)):
        return False
    try:
        certificate = x509.load_der_x509_certificate(cable.read(mqtt["cert"]))
    except (KeyError, ValueError):
        return "cert" not in mqtt
    [name] = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return name.value == device and certificate.not_valid_after_utc > dt.datetime.now(dt.UTC)


def _listen(cable: Cable, seconds: float, waited: Callable[[int, int], None]) -> tuple[bool, list[str]]:
    """(has the gateway its readings?, what it complained of), from what the board says on its console."""
    complaints: list[str] = []
    start = time.monotonic()

    def going_on() -> bool:
        passed = time.monotonic() - start
        waited(min(int(passed), int(seconds)), int(seconds))
        return passed < seconds

    for line in cable.lines(going_on):
        if REPORTS in line:
            return True, complaints
        if line.startswith(_COMPLAINTS) and line not in complaints:
            complaints.append(line)
    return False, complaints


def sentence(verdict: Verdict) -> str:
    """The verdict for people."""
    said = "".join(f"\n  {line}" for line in verdict.complaints)
    if verdict.ready:
        ready = pick(
            f"Gerät {verdict.device}: bereit zur Montage, seine Messwerte sind im Gateway.",
            f"device {verdict.device}: ready to mount, its readings are in the gateway.",
        )
        return ready + (pick("\nUnterwegs meldete es:", "\nOn the way it said:") + said if said else "")
    return pick(
        f"Gerät {verdict.device}: NICHT bereit. Im Gateway kam nichts an."
        + (f" Das Gerät meldet:{said}" if said else " Das Gerät meldet keinen Fehler; läuft das Gateway?"),
        f"device {verdict.device}: NOT ready. Nothing arrived in the gateway."
        + (f" The board says:{said}" if said else " The board says nothing of a mistake; does the gateway run?"),
    )
