"""Is this computer fit for field work? Port, permission, images, keys, clock, disk; no network."""

import datetime as dt
import getpass
import importlib
import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .. import boards
from ..board import images, ports
from ..texts import Problem, reason
from . import linux as checking_linux
from .finding import Finding, bad, good, look
from .keys import authority, newest_file, signing_key

_PACKAGES = ("esptool", "mpremote", "serial", "cryptography")
_ROOM = 100 << 20


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Computer:
    """What is looked at.

    ca: the authority's folder. public: the release.pub. root: where proc, sys, etc, usr and run lie. user: who works
    here, with uid and groups. folder: where files are written. now: what the clock says. packages: what has to load.
    """

    ca: Path
    public: Path
    platform: str = sys.platform
    root: Path = Path("/")
    found_ports: Callable[[], list[ports.Port]] = ports.found
    user: str = field(default_factory=getpass.getuser)
    uid: int = field(default_factory=lambda: os.getuid() if hasattr(os, "getuid") else 0)
    groups: frozenset[int] = field(
        default_factory=lambda: frozenset(os.getgroups() if hasattr(os, "getgroups") else ())
    )
    folder: Path = Path()
    now: Callable[[], dt.datetime] = _now
    packages: tuple[str, ...] = _PACKAGES


def check(computer: Computer) -> list[Finding]:
    """Everything, one sentence each."""
    there = computer.found_ports()
    found = [*_ports(computer, there)]
    if computer.platform == "linux":
        found += checking_linux.check(computer.root, there, computer.user, computer.uid, computer.groups)
    found += [*_images(), *authority(computer.ca, computer.now()), *signing_key(computer.public)]
    return [*found, *_clock(computer), *_packages(computer.packages), *_disk(computer)]


def _ports(computer: Computer, there: list[ports.Port]) -> Iterator[Finding]:
    for port in there:
        users = ports.users(port.device, computer.root / "proc") if computer.platform == "linux" else []
        if users:
            yield bad(
                "port",
                f"{port.device} ({port.what}) wird von {' und '.join(users)} benutzt; das bitte beenden.",
                f"{port.device} ({port.what}) is in use by {' and '.join(users)}; end it, please.",
            )
            continue
        try:
            ports.check(port.device)
            yield good("port", f"An {port.device} steckt {port.what}.", f"{port.what} is on {port.device}.")
        except Problem as problem:
            yield bad("port", problem.de, problem.en)
    if not there:
        yield look("port", *_no_port(computer))


def _no_port(computer: Computer) -> tuple[str, str]:
    if computer.platform == "win32":
        return (
            "Kein Gerät gefunden: Ist es eingesteckt (Kabel mit Datenleitungen), fehlt meist der Treiber, „CP210x "
            "Universal Windows Driver“ von Silicon Labs oder „CH341SER“ von WCH; es heißt danach COM3 oder ähnlich.",
            'No board found: if one is plugged in (cable with data lines), mostly its driver is missing, "CP210x '
            'Universal Windows Driver" of Silicon Labs or "CH341SER" of WCH; it is called COM3 or similar then.',
        )
    if computer.platform == "darwin":
        return (
            "Kein Gerät gefunden: Kabel mit Datenleitungen? macOS 12 und neuer haben die Treiber; der Anschluss heißt "
            "/dev/cu.usbserial-… oder /dev/cu.wchusbserial…, nicht /dev/tty.….",
            "No board found: a cable with data lines? macOS 12 and newer have the drivers; the port is called "
            "/dev/cu.usbserial-… or /dev/cu.wchusbserial…, not /dev/tty.….",
        )
    chips = sorted({ports.MAKERS[vendor] for vendor in checking_linux.plugged(computer.root)})
    if chips:
        names = ", ".join(chips)
        return (
            f"{names} steckt am USB, aber ohne Anschluss: Kabel neu einstecken; bleibt es so, fehlt dem System der "
            "Treiber (cp210x, ch341, ftdi_sio oder cdc_acm).",
            f"{names} is on the USB, but has no port: plug the cable in anew; if that does not help the system lacks "
            "the driver (cp210x, ch341, ftdi_sio or cdc_acm).",
        )
    return (
        "Kein Gerät gefunden: Das Kabel einstecken (eines mit Datenleitungen, kein reines Ladekabel).",
        "No board found: plug the cable in (one with data lines, not a charging cable).",
    )


def _images() -> Iterator[Finding]:
    try:
        there = images.listed()
    except OSError as error:
        yield bad(
            "images",
            f"Die Images in {images.folder()} sind nicht lesbar ({reason(error)}).",
            f"the images in {images.folder()} cannot be read ({error.strerror}).",
        )
        return
    for image in there:
        if not image.sound:
            yield bad(
                "images",
                f"{image.path} ist beschädigt: löschen und mit „bordstein images fetch“ neu holen.",
                f'{image.path} is damaged: delete it and get it anew with "bordstein images fetch".',
            )
    sound = {image.path.name for image in there if image.sound}
    known = {name: what["image"]["name"] for name, what in boards.known().items() if "image" in what}
    covered = sorted(name for name, image in known.items() if image in sound)
    lacking = sorted(set(known) - set(covered))
    if covered:
        yield good(
            "images", f"MicroPython ist da für {', '.join(covered)}.", f"MicroPython is here for {', '.join(covered)}."
        )
    if lacking:
        yield look(
            "images",
            f"MicroPython fehlt für {', '.join(lacking)}: mit Internet „bordstein images fetch“ ausführen.",
            f'MicroPython is missing for {", ".join(lacking)}: run "bordstein images fetch" where there is internet.',
        )


def _clock(computer: Computer) -> Iterator[Finding]:
    """Boards check the dates of certificates, and they are dated by this clock."""
    now = computer.now()
    newest, file = max(
        (newest_file(folder) for folder in (computer.ca, images.folder(), Path(__file__).parents[1])),
        key=lambda it: it[0],
    )
    said = f"{now.astimezone():%d.%m.%Y %H:%M}", f"{now.astimezone():%Y-%m-%d %H:%M}"
    if newest > now + dt.timedelta(days=1):
        yield bad(
            "clock",
            f"Die Uhr geht nach: sie sagt {said[0]}, {file} ist aber vom {newest:%d.%m.%Y}; Geräte würden ihre "
            "Zertifikate ablehnen, bitte stellen.",
            f"the clock is behind: it says {said[1]}, but {file} is of {newest:%Y-%m-%d}; boards would refuse their "
            "certificates, set it.",
        )
    elif now > newest + dt.timedelta(days=3650):
        yield bad(
            "clock",
            f"Die Uhr sagt {said[0]}, zehn Jahre nach der Software; Geräte würden ihre Zertifikate ablehnen, bitte "
            "stellen.",
            f"the clock says {said[1]}, ten years after the software; boards would refuse their certificates, set it.",
        )
    else:
        yield good("clock", f"Die Uhr sagt {said[0]}; stimmt das?", f"the clock says {said[1]}; is that right?")


def _packages(names: tuple[str, ...]) -> Iterator[Finding]:
    lacking = []
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001  (whatever a half installation raises)
            lacking.append(f"{name} ({type(error).__name__})")
    if lacking:
        yield bad(
            "packages",
            f"Es fehlt {', '.join(lacking)}: das Programm neu installieren, siehe tools/README.md.",
            f"{', '.join(lacking)} is missing: install the program anew, see tools/README.md.",
        )
    else:
        yield good("packages", f"{', '.join(names)}: geladen.", f"{', '.join(names)}: loaded.")


def _disk(computer: Computer) -> Iterator[Finding]:
    for folder in (computer.folder.absolute(), _there(images.folder())):
        try:
            with tempfile.NamedTemporaryFile(dir=folder):
                pass
            free = shutil.disk_usage(folder).free
        except OSError as error:
            yield bad(
                "disk",
                f"In {folder} lässt sich nicht schreiben ({reason(error)}).",
                f"{folder} cannot be written ({error.strerror}).",
            )
            continue
        if free < _ROOM:
            yield look(
                "disk",
                f"In {folder} sind nur {free >> 20} MB frei; bitte Platz schaffen.",
                f"only {free >> 20} MB are free in {folder}; make room.",
            )
        else:
            yield good("disk", f"{folder} ist beschreibbar.", f"{folder} can be written.")


def _there(folder: Path) -> Path:
    """The folder, or the nearest one above that exists."""
    return next(one for one in (folder, *folder.parents) if one.exists())
