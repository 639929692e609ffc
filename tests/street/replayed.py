"""Devices that replay three days of a town in half a minute, for the rule sheets: through the real broker, with the
packs, numbers and receipts of a board.

    replay = Replay(town, broker, seconds=30)
    replay.start(); …; replay.done()          # whether each pack has its receipt
    replay.taken                              # (device, series, ms) -> value of all that was handed over

A pack that gets no receipt goes out again, as from a board's flash.
"""

import json
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from bordstein_gateway.decode.normalise import device_name
from tests.street.account import Key, Value
from tests.street.servers import Mosquitto, Town

HOURS = 72
_STEP_H = 1 / 6
_AGAIN_S = 5.0
_AT_ONCE = 30
Values = dict[str, float | bool]


@dataclass(frozen=True)
class Station:
    """One device. `groups`: of the register; `sensors`: names, for the sites of bays."""

    device: str
    name: str
    latitude: float
    longitude: float
    groups: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()

    def section(self) -> dict[str, Any]:
        """[[device]]"""
        place = {"id": self.device, "name": self.name, "latitude": self.latitude, "longitude": self.longitude}
        return {**place, "groups": list(self.groups)} if self.groups else place


BIN = Station("24a1600000a1", "Papierkorb Domplatz", 51.9629, 7.6255)
ROAD = Station("24a1600000a2", "Brücke Hafenweg", 51.9490, 7.6400)
GULLY = Station("24a1600000a3", "Einlauf Kreuzbach", 51.9800, 7.6300)
RAIN = Station("24a1600000a4", "Regenmesser Kreuzviertel", 51.9750, 7.6250)
LANE = Station("24a1600000a5", "Feuerwehrzufahrt Stadttheater", 51.9650, 7.6270, ("feuerwehrzufahrt",), ("bay1",))
TREE = Station("24a1600000a6", "Messbaum Promenade", 51.9640, 7.6180)
LAMP_1 = Station("24a1600000a7", "Laterne Hansaring 3", 51.9515, 7.6390, ("kreis-12",))
LAMP_2 = Station("24a1600000a8", "Laterne Hansaring 9", 51.9518, 7.6399, ("kreis-12",))
BATTERY = Station("24a1600000a9", "Wetterstation Friedhof", 51.9700, 7.5900)
STATIONS = (BIN, ROAD, GULLY, RAIN, LANE, TREE, LAMP_1, LAMP_2, BATTERY)


def _measured(step: int, local_hour: float) -> Iterator[tuple[Station, Values]]:
    """What is measured in a step of ten minutes, counted from the beginning. local_hour: of the day, about."""
    hour = step * _STEP_H
    wet = 40 <= hour < 43
    night = math.cos((local_hour - 5) / 24 * 2 * math.pi)  # 1 at five in the morning
    if step % 3 == 0:
        yield RAIN, {"rain/precipitation": 4.0 if wet else 0.0}
    if step % 6 == 0:
        since = hour % 40  # emptied every forty hours
        yield BIN, {"bin/fill_level": round(min(0.93, 0.1 + since * 0.024), 3), "bin/container_temperature": 12.5}
        yield BATTERY, {"health/voltage": round(3.42 - hour * 0.004, 3), "air/air_temperature": 9.5}
    if step % 2 == 0:
        surface = round(2.5 - 4.0 * night, 2)
        yield ROAD, {"road/road_surface_temperature": surface, "air/dew_point": 0.8}
        dark = not 7 <= local_hour < 16.5
        for lamp in (LAMP_1, LAMP_2):
            yield lamp, {"lamp/illuminance": 1.0 if dark else 4000.0}
    if step % 3 == 0 or wet:
        level = 0.08 if not wet else 0.1 + 0.35 * (hour - 40) if hour < 42.6 else 0.6
        yield GULLY, {"level/water_level": round(0.26 if hour > 58 else level, 3)}
    if step % 6 == 1:
        yield LANE, {"bay1/parking_bay_occupied": hour % 24 < 4 or hour > 70}
    if step % 12 == 2:
        yield TREE, {"soil/soil_moisture": round(0.19 - hour * 0.0015, 4)}


@dataclass
class _Link:
    """A device's connection and what it has not been told of yet."""

    station: Station
    client: mqtt.Client
    waiting: dict[int, str] = field(default_factory=dict)
    """seq -> payload."""
    sent: dict[int, float] = field(default_factory=dict)
    seq: int = 0


class Replay:
    """Publishes in a thread of its own. `seconds`: the three days take so long, more while a server is down."""

    def __init__(self, town: Town, broker: Mosquitto, seconds: float = 30.0) -> None:
        self.town = town
        self.broker = broker
        self.seconds = seconds
        self.taken: dict[Key, Value] = {}
        self.played = threading.Event()
        """All three days have been handed over."""
        self._links: dict[str, _Link] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)

    def start(self) -> None:
        for station in STATIONS:
            client = mqtt.Client(CallbackAPIVersion.VERSION2, station.device, clean_session=True)
            client.tls_set_context(self.town.context(self.town.device(station.device)))
            client.reconnect_delay_set(1, 2)
            client.on_connect = self._connected
            client.on_message = self._told
            self._links[station.device] = _Link(station, client)
            client.user_data_set(self._links[station.device])
            client.connect_async(self.broker.host, self.broker.port)
            client.loop_start()
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(20)
        for link in self._links.values():
            link.client.disconnect()
            link.client.loop_stop()

    def done(self) -> bool:
        """Each pack has its receipt. Sends again what has waited too long."""
        self._send_again()
        with self._lock:
            return self.played.is_set() and not any(link.waiting for link in self._links.values())

    def _run(self) -> None:
        begin = int(time.time()) - HOURS * 3600
        begun = time.monotonic()
        steps = int(HOURS / _STEP_H)
        for step in range(steps):
            due = begun + self.seconds * step / steps
            while (wait := due - time.monotonic()) > 0 or self._behind():
                if self._over.is_set():
                    return
                time.sleep(min(max(wait, 0.02), 0.2))
                self._send_again()
            at = begin + round(step * _STEP_H * 3600)
            local_hour = (at / 3600 + 1) % 24
            for station, values in _measured(step, local_hour):
                self._hand_over(self._links[station.device], at, values)
        self.played.set()

    def _behind(self) -> bool:
        """A device does not get through: the others wait, or their readings would come from another day."""
        with self._lock:
            return any(len(link.waiting) > _AT_ONCE for link in self._links.values())

    def _hand_over(self, link: _Link, at: int, values: Values) -> None:
        records: list[dict[str, Any]] = [
            {"n": series, "vb" if isinstance(value, bool) else "v": value} for series, value in values.items()
        ]
        records += [{"n": "boot", "v": 1}, {"n": "seq", "v": link.seq}]
        records[0] = {"bn": device_name(link.station.device), "bt": at, **records[0]}
        for series, value in values.items():
            if not series.startswith("health/"):
                self.taken[link.station.device, series, at * 1000] = value
        payload = json.dumps(records)
        with self._lock:
            link.waiting[link.seq] = payload
            link.sent[link.seq] = time.monotonic()
            link.seq += 1
        self._publish(link, payload)

    def _publish(self, link: _Link, payload: str) -> None:
        if link.client.is_connected():
            link.client.publish(f"bordstein/v1/{link.station.device}/readings", payload, qos=1)

    def _send_again(self) -> None:
        now = time.monotonic()
        for link in self._links.values():
            with self._lock:
                late = [seq for seq in link.waiting if now - link.sent[seq] > _AGAIN_S]
                link.sent.update(dict.fromkeys(late, now))
                payloads = [link.waiting[seq] for seq in late]
            for payload in payloads:
                self._publish(link, payload)

    def _connected(self, client: mqtt.Client, link: _Link, *_: Any) -> None:
        client.subscribe(f"bordstein/v1/{link.station.device}/receipt", qos=1)
        with self._lock:
            payloads = list(link.waiting.values())
        for payload in payloads:
            client.publish(f"bordstein/v1/{link.station.device}/readings", payload, qos=1)

    def _told(self, _: mqtt.Client, link: _Link, message: mqtt.MQTTMessage) -> None:
        receipt = json.loads(message.payload)
        ranges = [*receipt.get("more", ()), (receipt["boot"], receipt.get("from", 0), receipt["seq"])]
        with self._lock:
            for _, low, high in ranges:
                for seq in [seq for seq in link.waiting if low <= seq <= high]:
                    del link.waiting[seq], link.sent[seq]
