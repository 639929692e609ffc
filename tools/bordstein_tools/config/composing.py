"""A board's configuration out of a few answers, the town's lists and the board's file."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import boards as kinds
from ..texts import Problem
from . import firmware_rules
from .town import Town

OWN_KEYS = {"ca": "ca.der", "cert": "device.der", "key": "device.key.der"}
"""What the files are called on a board."""
_BUSES = ("i2c", "uart", "onewire")


@dataclass(frozen=True)
class Answers:
    """site, asset (number) and place: what is noted. network: a name of the town's, `ethernet`, or a Wi-Fi network,
    which has a password. sensors: a kit of the town's, or drivers: `bme280, ds18b20:road_surface_temperature`."""

    site: str = ""
    asset: str = ""
    place: str = ""
    network: str = ""
    password: str = ""
    sensors: str = ""


def compose(
    answers: Answers,
    town: Town,
    base: Mapping[str, Any] | None,
    chip: str,
    board: str | None,
    brokers: Iterable[str],
) -> dict[str, Any]:
    """The content of config.json. Problem: what is missing, or not known.

    base: a configuration that the answers are put into; brokers: hosts that the authority issued a certificate to.
    """
    config = copy.deepcopy(dict(base or {}))
    kit = copy.deepcopy(town.kits.get(answers.sensors, {}))
    kit.pop("title", None)
    name = board or kit.get("board") or config.get("board")
    network = _network(answers, town) if answers.network else config.get("network", {})
    kind = _kind(name, chip, network)
    if kind and network == {"ethernet": {}}:
        network = {"ethernet": _ethernet(kind)}
    if answers.place.strip():
        config["name"] = answers.place.strip()
    if kind:
        config["board"] = kind["name"]
    if network:
        config["network"] = network
    if "mqtt" not in config:
        config["mqtt"] = {**_broker(town, brokers), **({} if town.mqtt.get("tls") is False else OWN_KEYS), **town.mqtt}
    if kit:
        config.update({key: value for key, value in kit.items() if key != "board"})
    elif answers.sensors.strip():
        config["sensors"] = _sensors(answers.sensors, kind or {})
    if base is None and "sensors" not in config:
        raise Problem(
            "Welche Sensoren hängen am Gerät? --sensors nennt sie, oder eine --config.",
            "Which sensors are on the board? --sensors names them, or a --config.",
        )
    if base is None and not network:
        raise Problem(
            "In welches Netz gehört das Gerät? --network nennt es, oder eine --config.",
            "Which network does the board belong to? --network names it, or a --config.",
        )
    buses = config.get("buses", {})
    if isinstance(buses, dict):  # else the checker says so
        config["buses"] = {**_used(config.get("sensors"), kind or {}), **buses}
    return config


def brokers(authority: Path) -> list[str]:
    """The hosts that the authority in this folder issued a broker's certificate to."""
    try:
        return sorted(path.name for path in (authority / "brokers").iterdir() if path.is_dir())
    except OSError:
        return []


def _network(answers: Answers, town: Town) -> dict[str, Any]:
    if known := town.networks.get(answers.network):
        return {key: value for key, value in copy.deepcopy(known).items() if key != "title"}
    if answers.network.lower() == "ethernet":
        return {"ethernet": {}}
    wifi = {"ssid": answers.network, "password": answers.password} if answers.password else {"ssid": answers.network}
    return {"wifi": [wifi]}


def _kind(name: Any, chip: str, network: Mapping[str, Any]) -> dict[str, Any] | None:
    """The board file: the named one, or the only one with this chip and this way into the network. Problem."""
    from ..board import micropython  # takes its time to load

    if name:
        known = kinds.known()
        if name not in known:
            raise Problem(
                f"Ein Gerät {name} ist nicht bekannt; bekannt sind {', '.join(known)}.",
                f"no board {name} is known; known are {', '.join(known)}.",
            )
        return micropython.match(chip, known[name])
    way = "ethernet" if "ethernet" in network else "modem" if "ppp" in network else None
    fitting = [
        what
        for what in kinds.with_chip(chip)
        if (way in what if way else "ethernet" not in what and "modem" not in what)
    ]
    return fitting[0] if len(fitting) == 1 else micropython.match(chip, None)


def _ethernet(kind: Mapping[str, Any]) -> Any:
    if "ethernet" not in kind:
        raise Problem(f"{kind['name']} hat kein Ethernet.", f"{kind['name']} has no Ethernet.")
    return copy.deepcopy(kind["ethernet"])


def _broker(town: Town, brokers: Iterable[str]) -> dict[str, str]:
    if "host" in town.mqtt:
        return {}
    hosts = list(brokers)
    if len(hosts) == 1:
        return {"host": hosts[0]}
    if not hosts:
        raise Problem(
            "Wie heißt der Broker? Er steht als [mqtt] host in bordstein.toml; „bordstein ca issue broker NAME“ stellt "
            "sein Zertifikat aus.",
            'What is the name of the broker? It stands as [mqtt] host in bordstein.toml; "bordstein ca issue broker '
            'NAME" issues its certificate.',
        )
    raise Problem(
        f"Welcher Broker von {', '.join(hosts)}? Bitte als [mqtt] host in bordstein.toml angeben.",
        f"Which broker of {', '.join(hosts)}? Give it as [mqtt] host in bordstein.toml.",
    )


def _sensors(text: str, kind: Mapping[str, Any]) -> dict[str, Any]:
    """`air=bme280, ds18b20:road_surface_temperature` with buses and pins of the board. Problem."""
    drivers, sensors = firmware_rules.Drivers.names(), dict[str, Any]()
    free = {bus: [name for name, what in kind.get("buses", {}).items() if what["type"] == bus] for bus in _BUSES}
    pins = list(kind.get("pins", {}).get("free", []))
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, _, rest = word.rpartition("=")
        driver, _, measured = rest.partition(":")
        if driver not in drivers:
            raise Problem(
                f"Einen Sensor oder Bausatz {driver} gibt es nicht; bekannt sind {', '.join(drivers)}.",
                f"there is no sensor or kit {driver}; known are {', '.join(drivers)}.",
            )
        options: dict[str, Any] = {"driver": driver}
        for line in firmware_rules.Drivers.load(driver).OPTIONS.split("\n"):
            key, of, *limits = line.split()
            if "!" not in limits:
                continue
            if of in _BUSES:
                options[key] = _bus(driver, of, free)
            elif of == "pin":
                fitting = [pin for pin in pins if "adc" not in limits or pin in kind["pins"]["adc"]]
                if not fitting:
                    raise _no_place(driver, "Pin", "pin")
                options[key] = fitting[0]
                pins.remove(fitting[0])
            else:
                raise Problem(
                    f"{driver} braucht {key}: bitte in bordstein.toml als Bausatz ([kits…]) oder in einer --config.",
                    f"{driver} needs {key}: put it into bordstein.toml as a kit ([kits…]), or into a --config.",
                )
        if measured:
            options["property"] = measured
        sensors[_name(name or driver, sensors)] = options
    return sensors


def _bus(driver: str, of: str, free: dict[str, list[str]]) -> str:
    if not free[of]:
        raise _no_place(driver, f"{of}-Bus", f"{of} bus")
    # Several chips share I2C and 1-wire; a UART is one sensor's.
    return free[of].pop(0) if of == "uart" else free[of][0]


def _no_place(driver: str, de: str, en: str) -> Problem:
    return Problem(
        f"Für {driver} ist an diesem Gerät kein {de} mehr frei.", f"this board has no {en} left for {driver}."
    )


def _name(wanted: str, sensors: Mapping[str, Any]) -> str:
    if wanted not in sensors:
        return wanted
    return next(name for number in range(2, 100) if (name := f"{wanted}_{number}") not in sensors)


def _used(sensors: Any, kind: Mapping[str, Any]) -> dict[str, Any]:
    """The board's buses that the sensors name."""
    named = (
        [what.get("bus") for what in sensors.values() if isinstance(what, dict)] if isinstance(sensors, dict) else []
    )
    return {name: copy.deepcopy(bus) for name, bus in kind.get("buses", {}).items() if name in named}
