"""What a board has: time, room, supply, and a certificate; judged."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from ..board import report as board_report
from ..board.cable import Cable
from ..properties import table
from ..texts import pick
from .observing import Seen
from .result import BAD, OK, WARN, Result, State, complaints

_FAR_OFF_S = 10  # what a clock that was set may be away from this computer's; a receipt may be 5 s late
_CERTIFICATE_DAYS = 60
_LITTLE_ROOM, _NO_ROOM = 256 * 1024, 32 * 1024  # bytes free: for new software from afar; for anything at all
_LOW_MV, _EMPTY_MV = 3200, 2900  # below: near the end, or too little for an ESP32


def clock(seen: Seen) -> Result:
    name = pick("Uhr", "clock")
    quality, off = (seen.status["clock"], round(seen.status.off_s)) if seen.status else ("unset", 0)
    if quality != "set":
        value = pick("geschätzt", "estimated") if quality == "estimated" else pick("nicht gestellt", "not set")
        said = complaints(seen, "time")
        hint = pick(
            "Sie stellt sich mit der ersten Quittung oder von time.servers; Messwerte bekommen ihre Zeit dann.",
            "It is set by the first receipt or from time.servers; readings get their times then.",
        )
        return Result("clock", name, WARN, f"{value} ({said[-1]})" if said else value, hint)
    value = pick(f"gestellt, {off:+d} s gegen diesen Computer", f"set, {off:+d} s against this computer")
    if abs(off) <= _FAR_OFF_S:
        return Result("clock", name, OK, value)
    hint = pick(
        "Eine von beiden Uhren geht falsch: die des Computers prüfen, dann die des Servers oder von time.servers.",
        "One of the two clocks is wrong: check the computer's, then that of the server or of time.servers.",
    )
    return Result("clock", name, WARN, value, hint)


def spool(seen: Seen) -> Result:
    name = pick("Wartende Messwerte", "readings that wait")
    facts = seen.status.facts if seen.status else {"packs": 0, "dropped": 0, "corrupt": 0, "lost": 0}
    value = pick(f"{facts['packs']} Pakete", f"{facts['packs']} packs")
    if facts["dropped"] or facts["corrupt"] or facts["lost"]:
        value += pick(
            f"; {facts['dropped']} verdrängt, {facts['corrupt']} beschädigt, {facts['lost']} nicht geschrieben",
            f"; {facts['dropped']} given up, {facts['corrupt']} damaged, {facts['lost']} not written",
        )
        hint = pick(
            "Der Speicher war voll oder ist schadhaft: War das Gateway lange nicht da? Sonst das Gerät tauschen.",
            "Flash was full, or is bad: was the gateway out of reach for long? Else change the board.",
        )
        return Result("spool", name, WARN, value, hint)
    return Result("spool", name, OK, value)


def supply(seen: Seen, config: dict[str, Any]) -> Iterator[Result]:
    if not config.get("supply") or seen.status is None:
        return
    name, volts = pick("Versorgung", "supply"), seen.status["volts"]
    if volts is None:
        hint = pick("Einen Pin von ADC1 nehmen: supply.pin prüfen.", "Take a pin of ADC1: check supply.pin.")
        yield Result("supply", name, BAD, pick("nicht messbar", "cannot be measured"), hint)
        return
    row = table()["voltage"]
    low = volts < _EMPTY_MV or not row.is_plausible(volts / 1000)
    state: State = BAD if low else WARN if volts < _LOW_MV else OK
    hint = pick(
        "Akku laden oder tauschen; sonst Spannungsteiler und supply.factor prüfen.",
        "Charge or change the battery; else check the divider and supply.factor.",
    )
    yield Result("supply", name, state, f"{row.shown(volts / 1000)} {row.symbol}", hint if state != OK else "")


def room(free: int, total: int) -> Result:
    value = pick(f"{free // 1024} von {total // 1024} kB frei", f"{free // 1024} of {total // 1024} kB free")
    state: State = BAD if free < _NO_ROOM else WARN if free < _LITTLE_ROOM else OK
    hint = pick(
        "„bordstein show“ zeigt, welche Dateien Platz brauchen; spool.max_kb verkleinern.",
        '"bordstein show" says which files take room; make spool.max_kb smaller.',
    )
    return Result("flash", pick("Speicher", "flash"), state, value, hint if state != OK else "")


def certificate(cable: Cable, config: dict[str, Any]) -> Result | None:
    name = pick("Zertifikat", "certificate")
    until = board_report.certificate_until(cable, config)
    if until is None:
        if not (config.get("mqtt") or {}).get("cert"):
            return None
        hint = pick("„bordstein setup“ stellt eines aus.", '"bordstein setup" issues one.')
        return Result("certificate", name, BAD, pick("fehlt oder ist unlesbar", "is missing or can't be read"), hint)
    left = (until - dt.datetime.now(dt.UTC).date()).days
    state: State = BAD if left < 0 else WARN if left < _CERTIFICATE_DAYS else OK
    hint = pick(
        "Mit „bordstein ca issue device“ ein neues ausstellen.", 'Issue a new one with "bordstein ca issue device".'
    )
    value = pick(f"gültig bis {until:%d.%m.%Y}", f"valid until {until}")
    return Result("certificate", name, state, value, hint if state != OK else "")
