"""A chip on a cable, through esptool as a library: which it is, and MicroPython written onto it.

Through the chip's own loader, compressed: so the same way works on every chip, and in the tests on virtual ones.
"""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from esp_pylib.logger import EspLog, EspLogBase
from serial import SerialException  # type: ignore[import-untyped]

from .. import boards
from ..texts import Problem
from . import ports

Progress = Callable[[int, int], None]
_START_BAUD = 115200
_BACK_S = 10
_TIMEOUT_S = 3  # esptool's own for a command: kept on the port, it is not set anew at each one


@dataclass(frozen=True)
class Chip:
    """kind: family as esptool calls it (esp32, esp32c3, …). mac: base MAC, the device id.

    flash_size: bytes; 0: unknown.
    """

    kind: str
    description: str
    mac: str
    flash_size: int


class _Quiet(EspLogBase):
    """Takes what esptool would print. The progress of writing goes on, for each thread to its own callback."""

    def __init__(self) -> None:
        self.thread = threading.local()

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def err(self, *args: Any, suggestion: str | None = None) -> None:
        """Nothing."""

    def warn(self, *args: Any, suggestion: str | None = None) -> None:
        """Nothing."""

    def note(self, *args: Any) -> None:
        """Nothing."""

    hint = debug = warning = error = note  # the last two are esptool's own names

    def set_verbosity(self, mode: int | str) -> None:
        """Nothing."""

    def progress_bar(
        self, cur_iter: int, total_iters: int, prefix: str = "", suffix: str = "", bar_length: int = 30
    ) -> None:
        progress: Progress | None = getattr(self.thread, "progress", None)
        if progress is not None:
            progress(cur_iter, total_iters)


# Before esptool is imported: parts of it keep the logger that they find then.
_quiet = EspLog.instance = _Quiet()

from esptool import cmds  # type: ignore[import-untyped]  # noqa: E402
from esptool.util import FatalError  # type: ignore[import-untyped]  # noqa: E402


class Board:
    """A chip whose loader answers. Made by connected()."""

    def __init__(self, loader: Any, at: ports.Port) -> None:
        self._loader, self._at = loader, at
        self.chip = Chip(
            kind=re.sub(r"[^a-z0-9]", "", loader.CHIP_NAME.lower()),
            description=loader.get_chip_description(),
            mac="".join(f"{byte:02x}" for byte in loader.read_mac()),
            flash_size=_bytes(cmds.detect_flash_size(loader)),
        )

    def write(self, image: bytes, offset: int, progress: Progress, baud: int = ports.BAUD) -> None:
        """Write an image and compare it with what is then in flash; what is there already is not written again.

        progress: (done, total) in bytes on the wire. Raises Problem; the same again then finishes it.
        """
        _quiet.thread.progress = progress
        try:
            with _said(_while_writing):
                # esptool would write, and the chip never start it
                if self._loader.get_secure_boot_enabled() or self._loader.get_flash_encryption_enabled():
                    raise _locked()
                if baud != _START_BAUD:
                    self._loader.change_baud(baud)
                self._loader.WRITE_FLASH_ATTEMPTS = 1  # a pulled cable is said at once
                cmds.write_flash(self._loader, [(offset, image)], compress=True, skip_flashed=True)
        finally:
            _quiet.thread.progress = None

    def restart(self) -> str:
        """Out of the loader, into what is in flash. Without effect where the port has no reset line.

        The device that the board is at then; where the port goes and returns, the old one is closed. Raises Problem.
        """
        port = self._loader._port
        try:
            with _said(_while_writing):
                cmds.reset_chip(self._loader, "hard-reset")
            gone = self._at.vanishes and ports.left(port)
        except Problem:
            gone = self._at.vanishes
            if not gone:
                raise
        if not gone:
            return self._at.device
        with contextlib.suppress(*ports.BROKEN):
            port.close()
        return ports.again(self._at, _BACK_S)


@contextlib.contextmanager
def connected(device: str, board: dict[str, Any] | None = None, attempts: int = 3) -> Iterator[Board]:
    """The chip on a port, in its loader. Raises Problem.

    device: as ports.choose() gives it. board: its board file, for the names of its buttons. attempts: how often it is
    reset before it counts as silent.
    """
    at = ports.at(device)
    port = ports.opened(device, baudrate=_START_BAUD, timeout=_TIMEOUT_S)
    try:
        with _said(lambda text: _while_connecting(device, text, board)):
            loader = cmds.detect_chip(port, connect_attempts=attempts)
            if loader.secure_download_mode:
                raise _locked()
            cmds.attach_flash(loader)
            found = Board(loader, at)
        yield found
    finally:
        with contextlib.suppress(*ports.BROKEN):  # the cable is out
            port.close()


def _bytes(size: str | None) -> int:
    """esptool's «4MB» in bytes."""
    if not size:
        return 0
    return int(size[:-2]) << {"KB": 10, "MB": 20}[size[-2:]]


@contextlib.contextmanager
def _said(meant: Callable[[str], Problem]) -> Iterator[None]:
    """What esptool and the port complain of, as a Problem with its cure."""
    try:
        yield
    except FatalError as error:
        raise meant(str(error)) from None
    except (SerialException, OSError):
        raise Problem(
            "Die Verbindung ist abgerissen: Kabel prüfen, wieder einstecken, denselben Befehl noch einmal ausführen.",
            "The connection broke: check the cable, plug it in again and run the same command once more.",
        ) from None


def _while_connecting(device: str, text: str, board: dict[str, Any] | None) -> Problem:
    boot, reset = boards.buttons((board or {}).get("name"))
    if "TX path" in text:
        return Problem(
            f"Das Gerät an {device} hört nicht, was gesendet wird: anderes Kabel nehmen, und was an den Pins der "
            "seriellen Schnittstelle hängt, abnehmen.",
            f"The board at {device} does not hear what is sent: take another cable, and unplug what hangs on the pins "
            "of its serial port.",
        )
    if "autodetect" in text or "Unexpected chip" in text:
        return Problem(
            f"Den Chip an {device} kennt diese Version nicht; eine neuere von bordstein vielleicht.",
            f"This version does not know the chip at {device}; a newer one of bordstein may.",
        )
    if "Wrong boot mode" in text:
        return Problem(
            f"Das Gerät an {device} startet sein Programm statt des Laders: Taste {boot} gedrückt halten, Taste "
            f"{reset} kurz drücken, {boot} loslassen und denselben Befehl noch einmal ausführen. Hilft das nicht, ist "
            "der Lader in diesem Chip für immer abgeschaltet.",
            f"The board at {device} starts its program, not its loader: hold the button {boot}, press {reset} shortly, "
            f"let {boot} go, and run the same command once more. If that does not help, the loader of this chip is "
            "switched off for ever.",
        )
    return Problem(
        f"Das Gerät an {device} antwortet nicht: Taste {boot} gedrückt halten, Taste {reset} kurz drücken, {boot} "
        "loslassen und denselben Befehl noch einmal ausführen.",
        f"The board at {device} does not answer: hold the button {boot}, press {reset} shortly, let {boot} go, and run "
        "the same command once more.",
    )


def _locked() -> Problem:
    return Problem(
        "Dieser Chip nimmt nur signierte oder verschlüsselte Software an; er lässt sich nicht bespielen.",
        "This chip takes signed or encrypted software only; it cannot be written.",
    )


def _while_writing(text: str) -> Problem:
    if "MD5" in text or "empty" in text:
        return Problem(
            "Was im Flash steht, ist nicht, was geschrieben wurde: noch einmal mit --baud 115200 und einem kürzeren "
            "Kabel; bleibt es dabei, ist der Flash-Baustein defekt.",
            "What is in flash is not what was written: once more with --baud 115200 and a shorter cable; if it stays "
            "so, the flash chip is broken.",
        )
    if "will not fit" in text:
        return Problem(
            "Das Image ist größer als der Flash dieses Chips: ein kleineres mit --image angeben.",
            "The image is larger than this chip's flash: name a smaller one with --image.",
        )
    if "not an ESP" in text or "does not contain an ESP" in text:
        return Problem(
            "Das Image ist für einen anderen Chip: das richtige mit --image angeben.",
            "The image is for another chip: name the right one with --image.",
        )
    if "requires chip revision" in text:
        return Problem(
            "Das Image braucht eine neuere Revision dieses Chips: ein anderes mit --image angeben.",
            "The image needs a newer revision of this chip: name another one with --image.",
        )
    if "Secure Boot" in text or "encryption" in text:
        return _locked()
    return Problem(
        "Das Gerät ist beim Schreiben verstummt: Kabel prüfen, direkt am Computer statt an einem Hub anstecken und "
        "denselben Befehl noch einmal ausführen, sonst mit --baud 115200.",
        "The board fell silent while it was written: check the cable, plug it into the computer, not into a hub, and "
        "run the same command once more, else with --baud 115200.",
    )
