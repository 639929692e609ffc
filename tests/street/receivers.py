"""The receiving servers of a virtual street, each a process of its own: a SensorThings server, an NGSI-LD broker and a
webhook."""

import json
import secrets
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.street import (
    engine_server,
    ngsi_ld_server,
    open311_server,
    opensensemap_server,
    present,
    sensorthings_server,
)
from tests.street.account import Key, Place, Value, examine
from tests.street.processes import Process, free_port
from tests.street.servers import Gateway


class Receiver(Process):
    """A server that takes readings, counts them and misbehaves when it is told to."""

    faults_known: tuple[str, ...] = ()
    patience = 1
    """Seconds that a test gives a request."""

    def __init__(self, name: str, folder: Path, module: str, *arguments: object) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", module, "--port", self.port, *arguments]
        super().__init__(name, command, folder / f"{name}.log")

    def start(self) -> None:
        super().start()
        self.wait_ready(self._answers, 20)

    def section(self) -> dict[str, Any]:
        """Its [forward.…] section in gateway.toml."""
        raise NotImplementedError

    def account(self, stored: Mapping[Key, Value], gateway: Gateway) -> Place:
        """What it holds, against what has to be there of what the gateway stored."""
        return examine(self.name, stored, {}, self.arrived())

    def arrived(self) -> list[tuple[Key, Value]]:
        """Every reading it holds, as often as it holds it."""
        rows: list[list[Any]] = self._ask("/_dump")
        return [((_device(device), series, time), value) for device, series, time, value in rows]

    def counts(self) -> dict[str, int]:
        """How many different readings of each device it holds; empty while it does not answer."""
        try:
            devices: dict[str, int] = self.statistics()["devices"]
        except OSError:
            return {}
        return {_device(name): count for name, count in devices.items()}

    def faults(self) -> list[tuple[str, Callable[[], None]]]:
        """What it can be made to do wrong: name and switch."""
        return [(fault, lambda fault=fault: self.fault(fault)) for fault in self.faults_known]

    def fault(self, name: str | None) -> None:
        """Switch one on; None: behave."""
        self._ask("/_control", {"fault": name})

    def mend(self) -> None:
        self.fault(None)

    def statistics(self) -> dict[str, Any]:
        counts: dict[str, Any] = self._ask("/_stats")
        return counts

    def _answers(self) -> bool:
        try:
            self._ask("/_stats")
        except OSError:
            return False
        return True

    def _ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data), timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None


class SensorThings(Receiver):
    """The strict stand-in for a SensorThings server."""

    faults_known = (*sensorthings_server.FAULTS[:4], "busy")  # "rows" refuses for good, which is another matter

    def __init__(self, folder: Path, *arguments: object) -> None:
        super().__init__("sensorthings", folder, "tests.street.sensorthings_server", *arguments)
        if "--without-data-array" in arguments:  # there are no halves of a single Observation
            self.faults_known = tuple(fault for fault in self.faults_known if fault != "half")

    def section(self) -> dict[str, Any]:
        return {"kind": "sensorthings", "url": self.url + sensorthings_server.ROOT, "timeout": 3}


class NgsiLd(Receiver):
    """The strict stand-in for an NGSI-LD broker. `contexts`: where it reaches the gateway's /contexts."""

    faults_known = tuple(
        fault for fault in ngsi_ld_server.FAULTS if fault not in ("partial", "whole")
    )  # which refuse for good

    def __init__(
        self, folder: Path, contexts: str = "https://gateway.example.org/contexts", *arguments: object
    ) -> None:
        super().__init__("ngsi_ld", folder, "tests.street.ngsi_ld_server", *arguments)
        self.contexts = contexts

    def section(self) -> dict[str, Any]:
        return {"kind": "ngsi-ld", "url": self.url, "context_url": self.contexts, "town": "musterstadt", "timeout": 3}

    def arrived(self) -> list[tuple[Key, Value]]:
        """A broker has no readings, only what is so now: entities() has it."""
        raise NotImplementedError

    def account(self, stored: Mapping[Key, Value], gateway: Gateway) -> Place:
        """It has the newest of each series."""
        counts = self.statistics()
        place = present.state(self.name, stored, self.entities().values(), counts["updates"])
        if counts["backward"]:
            place.changed.append((("", "an older value came after a newer one", 0), None, None))
        return place

    def entities(self) -> dict[str, dict[str, Any]]:
        """All it has, by id."""
        return {entity["id"]: entity for entity in self._ask("/_dump")}


class Webhook(Receiver):
    """The receiver of signed CloudEvents."""

    faults_known = ("hang", "after", "before", "busy")

    def __init__(self, folder: Path) -> None:
        self.secret_file = folder / "webhook.secret"
        self.secret_file.write_text(secrets.token_hex(32) + "\n")
        self.secret_file.chmod(0o600)
        super().__init__("webhook", folder, "tests.street.webhook_server", "--secret-file", self.secret_file)

    def section(self) -> dict[str, Any]:
        return {"kind": "webhook", "url": self.url + "/events", "secret_file": str(self.secret_file), "timeout": 3}


class OpenSenseMap(Receiver):
    """The stand-in for openSenseMap with its own decoder. `sensors`: of each device, the series of its box."""

    faults_known = opensensemap_server.FAULTS
    patience = 4  # its decoder is another process, and machines are busy

    def __init__(self, folder: Path, sensors: dict[str, list[str]]) -> None:
        self.boxes: list[dict[str, Any]] = []
        there = {}
        for number, (device, names) in enumerate(sensors.items(), 1):
            token = folder / f"box-{number}.token"
            token.write_text(secrets.token_hex(32) + "\n")
            ids = {f"{number:012x}{place:012x}": name for place, name in enumerate(names, 1)}
            box = {"id": f"{number:024x}", "device": device, "access_token_file": str(token)}
            self.boxes.append({**box, "sensors": {name: id for id, name in ids.items()}})
            there[box["id"]] = {"token": token.read_text().strip(), "device": device, "sensors": ids}
        super().__init__("opensensemap", folder, "tests.street.opensensemap_server", "--boxes", json.dumps(there))

    def section(self) -> dict[str, Any]:
        return {"kind": "opensensemap", "url": self.url, "api": self.url, "box": self.boxes, "timeout": 3}


class EventReceiver(Receiver):
    """One that is told of events. Of these statistics() counts what it holds and what of that is there twice."""

    counted: str
    """The count of these in statistics()."""
    when: Sequence[Mapping[str, Any]] = ({"property": "parking_bay_occupied", "equals": True},)

    def arrived(self) -> list[tuple[Key, Value]]:
        raise NotImplementedError("events are no readings")

    def held(self) -> int:
        """How many events it was told of."""
        count: int = self.statistics()[self.counted]
        return count


class Open311(EventReceiver):
    """The strict stand-in for an Open311 server."""

    counted = "open311"
    faults_known = ("hang", "after", "before", "busy")

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.key_file = folder / "open311.key"
        self.key_file.write_text(secrets.token_hex(16) + "\n")
        self.key_file.chmod(0o600)
        key = self.key_file.read_text().strip()
        super().__init__("open311", folder, "tests.street.open311_server", "--api-key", key, *arguments)

    def section(self) -> dict[str, Any]:
        return {
            "kind": "open311",
            "url": self.url + open311_server.BASE,
            "api_key_file": str(self.key_file),
            "email": "sensoren@musterstadt.de",
            "service_code": "0010",
            "timeout": 3,
            "when": list(self.when),
        }

    def account(self, stored: Mapping[Key, Value], gateway: Gateway) -> Place:
        """Each case is there once."""
        links = gateway.links(self.name)
        return present.cases(self.name, links, self._ask("/_dump"))


class Engine(EventReceiver):
    """The strict stand-in for a process engine; mode: camunda7 or flowable."""

    counted = "instances"
    faults_known = ("hang", "after", "before", "busy")

    def __init__(self, folder: Path, mode: str) -> None:
        self.mode = mode
        self.password_file = folder / f"{mode}.password"
        self.password_file.write_text(engine_server.PASSWORD + "\n")
        self.password_file.chmod(0o600)
        super().__init__(mode, folder, "tests.street.engine_server", "--mode", mode)

    def told(self) -> int:
        """How often a message reached an instance."""
        return sum(instance["told"] for instance in self._ask("/_dump"))

    def section(self) -> dict[str, Any]:
        return {
            "kind": self.mode,
            "url": self.url + engine_server.PREFIX[self.mode],
            "user": engine_server.USER,
            "password_file": str(self.password_file),
            "process": engine_server.PROCESS,
            "recovered_message": engine_server.WAITS_FOR,
            "timeout": 3,
            "when": list(self.when),
        }


def _device(name: str) -> str:
    """The device id in its URN (RFC 9039), or as it is."""
    mac = name.rpartition(":")[2]
    return mac[:6] + mac[10:] if len(mac) == 16 else mac
