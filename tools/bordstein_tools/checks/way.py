"""The way of a board to the gateway, judged in its order: network, name, TLS, receipt. What comes behind a failure
could not be tried, and says so."""

from collections.abc import Iterator
from typing import Any

from ..texts import pick
from . import hints as check_hints
from .observing import Seen, Status
from .result import BAD, OK, WARN, Result, State, complaints

_RSSI = {"wifi": (-75, -85), "mobile": (-97, -107)}  # dBm below which it is weak, and too weak


def way(seen: Seen, config: dict[str, Any]) -> Iterator[Result]:
    status = seen.status
    if status is None:
        yield Result(
            "network", pick("Netz", "network"), BAD, pick("die Software schweigt", "the software is silent"), ""
        )
        return
    network = _network(seen, status)
    if network:
        yield network
    yield from _to_the_broker(seen, status, config)


def way_name(way: str | None) -> str:
    """What people call a network interface of the board."""
    known = {"wifi": pick("WLAN", "Wi-Fi"), "ethernet": "Ethernet", "mobile": pick("Mobilfunk", "mobile network")}
    return known.get(way or "", pick("Netz", "network"))


def _network(seen: Seen, status: Status) -> Result | None:
    way = status["way"]
    name = way_name(way)
    if way is None:
        if status["connected"] or status["idle"]:
            return None
        hint = pick("In config.json unter „network“ eintragen.", 'Name it in config.json, "network".')
        return Result("network", name, BAD, pick("keines konfiguriert", "none configured"), hint)
    if not status["up"]:
        said = complaints(seen, way)
        value = said[-1] if said else pick("keine Verbindung", "no connection")
        return Result("network", name, BAD, value, check_hints.network(value))
    rssi = status["rssi"]
    if rssi is None:
        return Result("network", name, OK, pick("verbunden", "connected"))
    weak, too_weak = _RSSI.get(way, (-999, -999))
    state: State = BAD if rssi < too_weak else WARN if rssi < weak else OK
    hint = pick(
        "Schwaches Signal: Antenne prüfen und anders ausrichten, das Gerät oder den Zugangspunkt versetzen.",
        "Weak signal: check the antenna and turn it, move the board or the access point.",
    )
    return Result("network", name, state, f"{rssi} dBm", hint if state != OK else "")


def _to_the_broker(seen: Seen, status: Status, config: dict[str, Any]) -> Iterator[Result]:
    mqtt = config.get("mqtt")
    if not isinstance(mqtt, dict):
        mqtt = {}
    host, port = str(mqtt.get("host", "")), mqtt.get("port", 8883)
    names = (
        pick("Name des Brokers", "the broker's name"),
        pick("Broker (TLS)", "broker (TLS)"),
        pick("Quittung", "receipt"),
    )
    if status["idle"]:
        yield Result(
            "tls",
            names[1],
            BAD,
            pick("keiner", "none"),
            pick("„mqtt“ in config.json prüfen.", 'Check "mqtt" in config.json.'),
        )
        return
    problem, address, later = status["problem"], status["address"], pick("nicht geprüft", "not tried")
    first = pick("Erst das davor in Ordnung bringen.", "First put right what stands before.")
    if address:
        yield Result("name", names[0], OK, f"{host} → {address}")
    elif problem:
        yield Result("name", names[0], BAD, problem, check_hints.link(problem))
    else:
        yield Result("name", names[0], WARN, later, first)
    if status["connected"] and mqtt.get("tls", True):
        yield Result("tls", names[1], OK, pick(f"{host}:{port}, geprüft", f"{host}:{port}, verified"))
    elif status["connected"]:
        hint = pick("Nur für Versuche: „tls“ wieder einschalten.", 'For experiments only: switch "tls" on again.')
        yield Result(
            "tls", names[1], WARN, pick(f"{host}:{port}, unverschlüsselt", f"{host}:{port}, not encrypted"), hint
        )
    elif address:
        value = problem or pick("keine Verbindung", "no connection")
        yield Result("tls", names[1], BAD, f"{host}:{port}: {value}", check_hints.link(value))
    else:
        yield Result("tls", names[1], WARN, later, first)
    yield _receipt(status, names[2], later, first)


def _receipt(status: Status, name: str, later: str, first: str) -> Result:
    boot, receipt = status["boot"], status["receipt"]
    if receipt is not None:
        return Result(
            "receipt",
            name,
            OK,
            pick(
                f"Paket {receipt} von Start {boot} ist im Gateway", f"pack {receipt} of start {boot} is in the gateway"
            ),
        )
    if not status["connected"]:
        return Result("receipt", name, WARN, later, first)
    if not status["sampled"]:
        return Result(
            "receipt",
            name,
            WARN,
            pick("kein Messwert zum Senden", "no reading to send"),
            pick("Erst die Sensoren in Ordnung bringen.", "First put the sensors right."),
        )
    return Result(
        "receipt",
        name,
        BAD,
        pick("keine", "none"),
        pick(
            "Der Broker hat die Messwerte, das Gateway bestätigt sie nicht: Läuft es, und mit diesem Broker? "
            "„bordstein-gateway doctor“ auf dem Server sagt mehr. Verloren geht nichts.",
            "The broker has the readings, the gateway does not confirm them: does it run, and with this broker? "
            '"bordstein-gateway doctor" on the server says more. Nothing is lost.',
        ),
    )
