"""Serial ports that boards are on: which there are, and in a sentence why one cannot be used."""

import errno
import getpass
import os
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serial  # type: ignore[import-untyped]
from serial.tools import list_ports  # type: ignore[import-untyped]

from ..texts import Problem, reason

# USB vendor ids, from the makers' drivers; the C3's and S3's own USB is Espressif's.
MAKERS = {0x10C4: "CP210x", 0x1A86: "CH340/CH9102", 0x0403: "FTDI", 0x303A: "Espressif"}
BAUD = 460800
"""At which a chip's flash is written."""
BROKEN = (OSError, struct.error, ValueError, TypeError)
"""What pyserial raises of a port that goes away; the latter two in the middle of a call."""
_LEAVES_S = 2
_LOOK_S = 0.05


@dataclass(frozen=True)
class Port:
    """device: what esptool and mpremote open. what: its USB chip. serial_number: the chip's, if it says one."""

    device: str
    what: str
    serial_number: str = ""

    @property
    def vanishes(self) -> bool:
        """Is it the chip's own USB, which may go at a reset and come back, under the same or another name?"""
        return self.what == MAKERS[0x303A]


def found() -> list[Port]:
    """The serial ports that look like boards, by their USB vendor."""
    known = [port for port in list_ports.comports() if port.vid in MAKERS]
    return [Port(port.device, MAKERS[port.vid], port.serial_number or "") for port in sorted(known)]


def choose(wanted: str | None = None) -> str:
    """The wanted port, a device or a URL of pyserial, or else the only one that looks like a board. Raises Problem."""
    if wanted:
        return wanted
    there = found()
    if not there:
        raise Problem(
            "Kein Gerät gefunden: Das Kabel einstecken (eines mit Datenleitungen, kein reines Ladekabel), oder den "
            "Anschluss mit --port angeben.",
            "No board found: plug the cable in (one with data lines, not a charging cable), or name the port with "
            "--port.",
        )
    if len(there) > 1:
        names = ", ".join(port.device for port in there)
        raise Problem(
            f"Mehrere Geräte gefunden ({names}): Mit --port angeben, welches gemeint ist.",
            f"Several boards found ({names}): say with --port which one is meant.",
        )
    return there[0].device


def at(device: str) -> Port:
    """What is known of a port now, for again() to find the board by. Unknown ones have no serial number."""
    # /dev/serial/by-id/… of Linux; /dev/tty.… of macOS, where the same board is listed as /dev/cu.…
    names = (device, os.path.realpath(device), device.replace("/dev/tty.", "/dev/cu."))
    return next((port for port in found() if port.device in names), Port(device, ""))


def left(port: Any, hear: Callable[[bytes], object] = lambda data: None) -> bool:
    """Does an open port go, after its board was told to restart? Waits two seconds for it. hear: gets what came."""
    end = time.monotonic() + _LEAVES_S
    try:
        while time.monotonic() < end:
            waiting = port.in_waiting
            data = port.read(waiting) if waiting else b""
            hear(data)
            if len(data) < waiting:  # so the port of a serial server ends
                return True
            time.sleep(_LOOK_S)
    except BROKEN:
        return True
    return False


def again(known: Port, seconds: float) -> str:
    """The device of a board that went away at a reset, once it is there again and may be used. Problem: it is not.

    known: as at() gave it before. Found by its serial number, else by its name.
    """
    end = time.monotonic() + seconds
    while True:
        missing = problem(known.device, FileNotFoundError(errno.ENOENT, ""))
        if not known.serial_number and "://" in known.device:
            return known.device
        for port in found():
            same = port.serial_number == known.serial_number if known.serial_number else port.device == known.device
            if same:
                try:
                    check(port.device)
                except Problem as not_yet:  # whoever may use it is set a moment later
                    missing = not_yet
                else:
                    return port.device
        if time.monotonic() > end:
            raise missing
        time.sleep(_LOOK_S)


def check(device: str) -> None:
    """Raises Problem where a port is not there, not allowed, or in use. Does not open it: that could reset a board."""
    if "://" in device or os.name == "nt":
        return
    path = Path(device)
    if not path.exists():
        raise problem(device, FileNotFoundError(errno.ENOENT, ""))
    if not os.access(path, os.R_OK | os.W_OK):
        raise problem(device, PermissionError(errno.EACCES, ""))
    if users(device):
        raise problem(device, OSError(errno.EBUSY, ""))


def opened(device: str, **settings: Any) -> Any:
    """A port of pyserial, open and ours alone. Raises Problem. settings: as in serial.Serial."""
    check(device)
    try:
        port = serial.serial_for_url(device, do_not_open=True, exclusive=True, **settings)
        if sys.platform == "win32":  # there opening sets the lines one by one, which would reset a board
            port.rts = port.dtr = False
        port.open()
    except ValueError:
        raise Problem(
            f"{device} ist kein Anschluss; „bordstein ports“ zeigt, welche es gibt.",
            f'{device} is no port; "bordstein ports" shows which there are.',
        ) from None
    except OSError as error:
        raise problem(device, error) from None
    return port


def problem(device: str, error: OSError) -> Problem:
    """Why a port did not open, and the cure."""
    text = str(error)
    if "://" in device:
        return Problem(
            f"{device} antwortet nicht; läuft der Dienst dort, und ist das Gerät angesteckt?",
            f"{device} does not answer; does the service run there, and is the board plugged in?",
        )
    if error.errno == errno.ENOENT or "FileNotFoundError" in text:
        return Problem(
            f"Den Anschluss {device} gibt es nicht; steckt das Kabel? „bordstein ports“ zeigt, welche es gibt.",
            f'There is no port {device}; is the cable plugged in? "bordstein ports" shows which there are.',
        )
    busy = error.errno in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text
    if busy or (sys.platform == "win32" and "PermissionError" in text):  # Windows says this of a port in use
        programs = users(device)
        de = f"von {' und '.join(programs)}" if programs else "von einem anderen Programm"
        en = f"by {' and '.join(programs)}" if programs else "by another program"
        return Problem(
            f"Der Anschluss {device} wird gerade {de} benutzt; das bitte beenden.",
            f"The port {device} is in use {en}; end it, please.",
        )
    if error.errno in (errno.EACCES, errno.EPERM) and sys.platform != "win32":
        return _not_allowed(device)
    return Problem(
        f"Der Anschluss {device} lässt sich nicht öffnen ({reason(error)}); das Gerät neu anstecken.",
        f"The port {device} cannot be opened ({error.strerror or text}); plug the board in anew.",
    )


def _not_allowed(device: str) -> Problem:
    import grp  # not on Windows

    try:
        group = grp.getgrgid(Path(device).stat().st_gid)
    except (OSError, KeyError):
        name, members = "dialout", []
    else:
        name, members = group.gr_name, group.gr_mem
    if getpass.getuser() in members:
        return Problem(
            f"Die Gruppe {name}, die {device} benutzen darf, gilt erst nach neuem Anmelden: ab- und wieder anmelden.",
            f"The group {name}, which may use {device}, counts from the next login on: log out and in again.",
        )
    return Problem(
        f"Keine Berechtigung für {device}: „sudo usermod -aG {name} $USER“ ausführen, dann ab- und wieder anmelden.",
        f'No permission for {device}: run "sudo usermod -aG {name} $USER", then log out and in again.',
    )


def users(device: str, proc: Path = Path("/proc")) -> list[str]:
    """The other programs that have a port open, as «name (process id)»; only Linux says so, and of one's own only."""
    real = os.path.realpath(device)
    named = []
    for process in proc.glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            if any(os.readlink(descriptor) == real for descriptor in (process / "fd").iterdir()):  # noqa: PTH115
                named.append(f"{(process / 'comm').read_text().strip()} ({process.name})")
        except OSError:
            continue  # somebody else's, or over
    return sorted(named)
