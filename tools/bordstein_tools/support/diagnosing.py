"""One zip for support: what is on a board and on this computer, without secrets.

Each part is gathered by itself: what cannot be had is named with its reason, and the rest is there all the same.
"""

import datetime as dt
import importlib.metadata
import io
import json
import platform
import struct
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..board import images, ports
from ..board import report as board_report
from ..board.cable import Cable, OnBoard, digest
from ..config import mistakes as config_mistakes
from ..keys import keyfiles
from ..texts import Problem, pick
from . import computer as checking_computer
from .redacting import Redactor, hidden, in_text

PACKAGES = ("esptool", "mpremote", "pyserial", "cryptography", "typer", "rich")
_CONFIGS = ("config.json", "config.new.json")
_STATE = ("version", "trial", "begun", "failed", "problems")
# A digest of a password or PIN soon gives it away; only what holds none has its digest in the list.
_DIGESTED = ("bordstein/", "a/", "b/", "boot.py", "main.py", "release.pub")
_MOST_LINES = 2000
_BAUD = 115200


@dataclass
class Bundle:
    """Gathered: files by name (text, or values for JSON), secrets that must not be in them, what is missing and why."""

    files: dict[str, Any] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    missing: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    device: str = ""

    def part(self, name: str, work: Callable[[], Any]) -> None:
        """Add a file; what failed on the board is a reason, a connection that broke ends the board's part."""
        try:
            self.files[name] = work()
        except OnBoard as problem:
            self.missing[name] = str(problem)


def diagnose(
    port: str | None, config: Path, computer: checking_computer.Computer, seconds: int, step: Callable[[str, str], None]
) -> Bundle:
    """Everything. The board is interrupted and restarted.

    port: as in ports.choose(). config: the configuration on this computer. seconds: for so long the start is listened
    to. step: gets what is done now, German and English.
    """
    bundle = Bundle()
    step("Diesen Computer ansehen", "looking at this computer")
    bundle.files["computer/computer.json"] = _computer()
    bundle.files["computer/doctor.json"] = [one._asdict() for one in checking_computer.check(computer)]
    if config.exists():
        with suppress(Problem):
            _configuration(
                bundle, "computer", config.name, keyfiles.read(config, "Die Konfiguration", "the configuration")
            )
    device = ""
    try:
        device = ports.choose(port)
        step("Das Gerät lesen", "reading the board")
        with Cable.open(device) as cable:
            try:
                _board(bundle, cable)
            except Problem:
                with suppress(Problem):  # it shall work on, if there is still a connection
                    cable.reset()
                raise
            step(f"{seconds} s dem Start zuhören", f"listening to the start for {seconds} s")
            cable.reset()
            end = time.monotonic() + seconds
            bundle.files["board/console.txt"] = _listened(cable, end)
    except Problem as problem:
        bundle.missing["board"] = str(problem)
        if device and "board/console.txt" not in bundle.files:
            step(f"{seconds} s zuhören", f"listening for {seconds} s")
            with suppress(Problem, OSError, ValueError):
                bundle.files["board/console.txt"] = _heard(device, seconds)
    return bundle


def _computer() -> dict[str, Any]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = ""
    return {
        "bordstein": __version__,
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "packages": versions,
        "ports": [{**vars(port), "users": ports.users(port.device)} for port in ports.found()],
        "images": [{"name": one.path.name, "chip": one.chip, "sound": one.sound} for one in images.listed()],
    }


def _configuration(bundle: Bundle, folder: str, name: str, content: bytes) -> None:
    """Its secrets are noted before anything of it can be written."""
    text = content.decode("utf-8-sig", "replace")
    bundle.secrets |= in_text(text)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = getattr(error, "lineno", 0)
        bundle.missing[f"{folder}/{name}"] = pick(f"kein JSON (Zeile {where})", f"not JSON (line {where})")
        return
    clean, secrets = hidden(found)
    bundle.secrets |= secrets
    bundle.files[f"{folder}/{name}"] = clean
    bundle.files[f"{folder}/{name}.check.txt"] = "\n".join(config_mistakes.problems(found))


def _board(bundle: Bundle, cable: Cable) -> None:
    for name in _CONFIGS:  # first: from here on their secrets are known
        with suppress(OnBoard):
            if cable.exists(name):
                _configuration(bundle, "board", name, cable.read(name))
    bundle.part("board/log.txt", lambda: "\n".join(cable.log()))
    bundle.part("board/show.json", lambda: board_report.collect(cable))
    shown = bundle.files.get("board/show.json", {})
    bundle.device = str(shown.get("device", ""))
    if shown.get("config"):
        shown["config"] = hidden(shown["config"])[0]
    bundle.part("board/files.json", lambda: _files(bundle, cable))
    bundle.part("board/state.json", lambda: _state(cable))
    bundle.part("board/crash.txt", lambda: _read(cable, "crash").decode(errors="replace").replace("\0", "\n"))


def _files(bundle: Bundle, cable: Cable) -> dict[str, int]:
    there = cable.tree("", hashed=False)
    folders = [name for name in _DIGESTED if any(file.startswith(name) for file in there)]
    bundle.digests = {
        name: file.digest for name, file in cable.tree(*(name.rstrip("/") for name in folders)).items() if file.digest
    }
    return {name: file.size for name, file in there.items()}


def _read(cable: Cable, name: str) -> bytes:
    return cable.read(name) if cable.exists(name) else b""


def _state(cable: Cable) -> dict[str, Any]:
    """Small files that say how far the board is, of firmware/boot.py, configstate.py, spoolstate.py. No secret."""
    state: dict[str, Any] = {"slot": _read(cable, "slot")[:3].decode("ascii", "replace")}
    with suppress(ValueError, TypeError):
        found = json.loads(_read(cable, "config.state"))
        state["config"] = {key: found[key] for key in _STATE if key in found}
    with suppress(struct.error):
        _, _, *numbers = struct.unpack("<2sHIIII", _read(cable, "spool/state")[:20])
        state["spool"] = dict(zip(("boot", "dropped", "taken", "first"), numbers, strict=True))
    return state


def _listened(cable: Cable, end: float) -> str:
    lines: list[str] = []
    for line in cable.lines(lambda: time.monotonic() < end):
        lines.append(line)
        if len(lines) >= _MOST_LINES:
            break
    return "\n".join(lines)


def _heard(device: str, seconds: int) -> str:
    """What a board says that does not answer, after a reset where the port has the lines for one."""
    port = ports.opened(device, baudrate=_BAUD, timeout=0.2)
    with port:
        with suppress(OSError):
            port.dtr, port.rts = False, True
            time.sleep(0.1)
            port.rts = False
        end, said = time.monotonic() + seconds, b""
        while time.monotonic() < end and len(said) < _MOST_LINES * 80:
            said += port.read(4096)
    return said.decode(errors="replace").replace("\r", "")


def write(bundle: Bundle, path: Path, now: dt.datetime) -> list[str]:
    """The zip, redacted; the names of its files. Problem: it cannot be written."""
    redactor = Redactor(bundle.secrets)
    texts: dict[str, str] = {}
    for name, content in bundle.files.items():
        clean = redactor.value(content, blind=name.startswith("board/"))
        if name == "board/files.json":
            clean = {file: {"size": size} for file, size in clean.items()}
            for file, found in bundle.digests.items():
                clean.setdefault(file, {})["sha256"] = found
        texts[redactor.text(name)] = (
            clean if isinstance(clean, str) else json.dumps(clean, ensure_ascii=False, indent=2)
        ) + "\n"
    missing = redactor.value(bundle.missing)
    texts["README.txt"] = _readme(missing)
    texts["manifest.json"] = json.dumps(
        {
            "made": now.isoformat(timespec="seconds"),
            "bordstein": __version__,
            "device": bundle.device,
            "missing": missing,
            "files": {
                name: {"size": len(text.encode()), "sha256": digest(text.encode())}
                for name, text in sorted(texts.items())
            },
        },
        ensure_ascii=False,
        indent=2,
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(texts):
            archive.writestr(name, texts[name])
    keyfiles.replace(path, made.getvalue())
    return sorted(texts)


def _readme(missing: dict[str, str]) -> str:
    lines = [
        "Bordstein: Diagnose für die Unterstützung / diagnosis for support",
        "",
        "manifest.json            was hier liegt, was fehlt / what is here, what is missing",
        "computer/computer.json   Programm, Pakete, System, Anschlüsse, Images / program, packages, system, …",
        'computer/doctor.json     was „bordstein doctor“ sagt / what "bordstein doctor" says',
        "computer/config.json     Konfiguration auf dem Computer / configuration on the computer",
        'board/show.json          was „bordstein show“ sagt / what "bordstein show" says',
        "board/log.txt, crash.txt Protokoll, letzter Absturz / log, last crash",
        "board/console.txt        was das Gerät beim Start sagt / what the board says at its start",
        "board/config.json        Konfiguration auf dem Gerät / configuration on the board",
        "  ….check.txt            ihre Fehler, leer: keine / its mistakes, empty: none",
        "board/files.json         Dateien, Größe, Prüfsumme / files, size, digest",
        "board/state.json         Software-Platz, Konfigurationsstand, Spool / slot, configuration's state, spool",
        "",
        "Passwörter, PINs und Schlüssel sind herausgenommen, auch was nur so aussieht (•••).",
        "Ortsnamen, WLAN-Namen und Rechnernamen stehen darin.",
        "Passwords, PINs and keys are taken out, and what only looks like one (•••).",
        "Names of places, Wi-Fi networks and hosts are in it.",
        "",
        *([pick("Es fehlt:", "missing:")] if missing else []),
        *(f"  {name}: {why}" for name, why in missing.items()),
    ]
    return "\n".join(lines) + "\n"
