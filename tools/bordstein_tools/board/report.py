"""What is on a board: gathered over the cable, and as lines for people. No secret is among it."""

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from ..config import configuring
from ..texts import pick
from . import found

if TYPE_CHECKING:
    from .cable import Cable

_CAUSES = {1: "power-on", 2: "hard", 3: "watchdog", 4: "deep-sleep", 5: "soft"}
_GERMAN = {
    "power-on": "Einschalten",
    "hard": "Neustart",
    "watchdog": "Watchdog",
    "deep-sleep": "Aufwachen",
    "soft": "von Hand",
}
_LOG_LINES = 10


def collect(board: "Cable") -> dict[str, Any]:
    """Plain values for JSON: who the board is (device, machine, micropython, software, slot, reset), what it has
    (config, certificate_until, sensors, files, volume, spool), and its last words (log)."""
    facts = board.facts()
    files = {name: file.size for name, file in board.tree("", hashed=False).items()}
    free, total = board.free()
    config = configuring.on_board(board)
    spool = [size for name, size in files.items() if name.startswith("spool/") and not name.startswith("spool/state")]
    return {
        "port": board.port,
        **{key: facts[key] for key in ("device", "machine", "micropython", "software", "slot", "heap")},
        "reset": _CAUSES.get(facts["reset"], "unknown"),
        "config": config,
        "certificate_until": until.isoformat() if (until := certificate_until(board, config)) else None,
        "sensors": [chip._asdict() for chip in found.look(board, config)],
        "files": files,
        "volume": {"free": free, "size": total},
        "spool": {"files": len(spool), "bytes": sum(spool)},
        "log": board.log()[-_LOG_LINES:],
    }


def as_text(config: dict[str, Any]) -> str:
    """The configuration as people write it."""
    return json.dumps(config, ensure_ascii=False, indent=2)


def lines(facts: dict[str, Any]) -> str:
    """The same for people, in their language."""
    none = pick("keine", "none")
    software = facts["software"] or none
    if facts["slot"] != "-":
        software += pick(f", aus der Ferne ({facts['slot']})", f", from afar ({facts['slot']})")
    loose = {name: size for name, size in facts["files"].items() if not name.startswith(("bordstein/", "a/", "b/"))}
    volume, spool = facts["volume"], facts["spool"]
    rows = [
        (pick("Gerät", "device"), facts["device"]),
        ("Chip", facts["machine"]),
        ("MicroPython", facts["micropython"]),
        (pick("Software", "software"), software),
        (pick("letzter Start", "last start"), pick(_GERMAN.get(facts["reset"], "unbekannt"), facts["reset"])),
        (pick("Zertifikat gültig bis", "certificate valid until"), facts["certificate_until"] or none),
        (
            pick("Speicher", "flash"),
            pick(
                f"{volume['free'] // 1024} von {volume['size'] // 1024} kB frei",
                f"{volume['free'] // 1024} of {volume['size'] // 1024} kB free",
            ),
        ),
        (
            pick("wartende Messwerte", "readings that wait"),
            pick(f"{spool['files']} Dateien, {spool['bytes']} Byte", f"{spool['files']} files, {spool['bytes']} bytes"),
        ),
        (pick("Sensoren gefunden", "sensors found"), found.sentence([found.Chip(**one) for one in facts["sensors"]])),
        (pick("Dateien", "files"), ", ".join(f"{name} ({size})" for name, size in sorted(loose.items())) or none),
    ]
    text = [f"{title + ':':<25}{value}" for title, value in rows]
    text += [pick("Konfiguration:", "configuration:"), as_text(facts["config"]) if facts["config"] else none]
    text += [pick("Protokoll:", "log:"), *(facts["log"] or [pick("leer", "empty")])]
    return "\n".join(text)


def certificate_until(board: "Cable", config: dict[str, Any] | None) -> dt.date | None:
    """The day on which the board's certificate ends; None: it has none that can be read."""
    mqtt = (config or {}).get("mqtt")
    name = mqtt.get("cert") if isinstance(mqtt, dict) else None
    if not isinstance(name, str) or not board.exists(name):
        return None
    from cryptography import x509  # takes its time to load

    try:
        return x509.load_der_x509_certificate(board.read(name)).not_valid_after_utc.date()
    except ValueError:
        return None
