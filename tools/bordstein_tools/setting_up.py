"""From a blank board on a cable to one that reports. Each step looks first at what is there, so that the whole can be
repeated after a pulled cable, and a second run does nothing but look."""

import csv
import datetime as dt
import io
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509

from . import configuring, deploying, keyfiles, label, pki
from .cable import Cable
from .software import Software
from .texts import Problem, pick

REPORTS = "uplink: the gateway has the first readings"
"""What the firmware says once a start when its first receipt has come (firmware/bordstein/uplink.py)."""
_OLDEST = (1, 25)
_COMPLAINTS = ("config:", "link:", "sensor ", "wifi:", "ethernet:", "mobile:", "time:", "uplink:", "app:", "guard:")
_REGISTER = ("device", "urn", "asset", "place", "board", "software", "set_up")


@dataclass
class Wanted:
    """What a board is to become. config: without the name; keys: lines for its release.pub; authority: opens
    it, if something is to be signed; wait_s: how long it may take until its first readings are in the gateway."""

    config: dict[str, Any]
    place: str
    asset: str
    software: Software
    keys: bytes | None
    authority: Callable[[], pki.Authority]
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


def has_micropython(port: str) -> bool:
    """Does the board answer with a MicroPython that the software runs on?"""
    try:
        with Cable.open(port, patience_s=4) as cable:
            version = str(cable.facts()["micropython"]).split(".")
            return tuple(int(part) for part in version[:2]) >= _OLDEST
    except (Problem, ValueError):
        return False


def set_up(
    port: str,
    wanted: Wanted,
    step: Callable[[str, str], None],
    progress: Callable[[], AbstractContextManager[Callable[[int, int], None]]],
) -> Verdict:
    """Software, identity and configuration onto a board with MicroPython; then wait for its first readings.

    step: gets what is done now, German and English. progress: opens a bar, which gets bytes done and in all. Problem:
    the same command once more goes on.
    """
    with Cable.open(port) as cable:
        device = str(cable.facts()["device"])
        step("Software aufspielen", "putting the software on")
        with progress() as sent:
            deploying.deploy(cable, wanted.software, wanted.keys, sent)
        config = {**wanted.config, **({"name": wanted.place} if wanted.place.strip() else {})}
        content = (json.dumps(config, ensure_ascii=False, indent=2) + "\n").encode()
        with tempfile.TemporaryDirectory() as folder:
            if not _has_identity(cable, config["mqtt"], device):
                step("Schlüssel und Zertifikat ausstellen", "issuing key and certificate")
                _issue(wanted.authority(), device, config["mqtt"], Path(folder))
            step("Konfiguration schreiben", "writing the configuration")
            # The key lies here for so long only, and is on the board then, and nowhere else.
            configuring.apply(cable, config, content, [Path(folder)])
        step("Auf die ersten Messwerte im Gateway warten", "waiting for its first readings in the gateway")
        cable.reset()
        ready, complaints = _listen(cable, wanted.wait_s)
    facts = {
        "device": device,
        "urn": label.urn(device),
        "asset": wanted.asset,
        "place": wanted.place,
        "board": str(config.get("board", "")),
        "software": wanted.software.version,
        "set_up": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
    if ready:
        if wanted.register:
            _note(wanted.register, facts)
        if wanted.label:
            label.make(wanted.label, device, (wanted.asset, wanted.place))
    return Verdict(device, ready, complaints, facts)


def _has_identity(cable: Cable, mqtt: dict[str, Any], device: str) -> bool:
    """Are the certificates there, and this board's? A key that is there is never read back."""
    names = [mqtt[key] for key in ("ca", "cert", "key") if key in mqtt]
    if not all(cable.exists(name) for name in names):
        return False
    try:
        certificate = x509.load_der_x509_certificate(cable.read(mqtt["cert"]))
    except (KeyError, ValueError):
        return "cert" not in mqtt
    [name] = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return name.value == device and certificate.not_valid_after_utc > dt.datetime.now(dt.UTC)


def _issue(authority: pki.Authority, device: str, mqtt: dict[str, Any], folder: Path) -> None:
    issued = authority.issue_device(device, out=folder / "issued")
    for key, path in (("ca", issued.ca_der), ("cert", issued.certificate_der), ("key", issued.key_der)):
        if key in mqtt:
            path.rename(folder / mqtt[key])


def _listen(cable: Cable, seconds: float) -> tuple[bool, list[str]]:
    """(has the gateway its readings?, what it complained of), from what the board says on its console."""
    complaints: list[str] = []
    end = time.monotonic() + seconds
    for line in cable.lines(lambda: time.monotonic() < end):
        if REPORTS in line:
            return True, complaints
        if line.startswith(_COMPLAINTS) and line not in complaints:
            complaints.append(line)
    return False, complaints


def _note(path: Path, facts: dict[str, Any]) -> None:
    """One line a board, the newest for each; to be imported where the town keeps its devices."""
    rows = []
    if path.exists():
        text = keyfiles.read(path, "Das Verzeichnis", "the register").decode("utf-8", "replace")
        rows = [row for row in csv.reader(io.StringIO(text)) if row and row[0] not in ("device", facts["device"])]
    made = io.StringIO()
    csv.writer(made).writerows([_REGISTER, *rows, [facts[name] for name in _REGISTER]])
    keyfiles.replace(path, made.getvalue().encode())


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
