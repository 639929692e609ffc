"""The stand-in for a SensorThings server takes Observations by MQTT, too: from a real Mosquitto, saying nothing.

What comes is put in before the next HTTP request, as a server does it in a thread of its own a little later. `fault`:
"deaf" takes nothing, "half" every other Observation.
"""

import getpass
import json
import re
import socket
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.street.processes import Process, free_port
from tests.street.sensorthings_model import Refusal
from tests.street.sensorthings_server import Server
from tests.street.servers import mosquitto_path

_TOPIC = re.compile(r"v1\.1/Datastreams\((\d+)\)/Observations")


class OpenBroker(Process):
    """A real broker for everybody on this machine."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        conf = folder / "open-broker.conf"
        conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser {getpass.getuser()}\n")
        super().__init__("open-broker", [mosquitto_path(), "-c", conf], folder / "open-broker.log")

    def start(self) -> None:
        super().start()
        self.wait_ready(self._answers, 20)

    def section(self) -> dict[str, Any]:
        """[forward.….mqtt]"""
        return {"host": "127.0.0.1", "port": self.port, "tls": False}

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False


class ListeningServer:
    """An ASGI application: the stand-in, which listens at the broker as well. `taken`: Observations by MQTT."""

    def __init__(self, server: Server, broker: OpenBroker) -> None:
        self.server = server
        self.fault: str | None = None
        self.taken = 0
        self.topics: list[str] = []
        self._app = server.app()
        self._waiting: list[tuple[str, bytes]] = []
        self._subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_message = lambda _c, _d, message: self._waiting.append((message.topic, message.payload))
        self._client.on_connect = lambda *_: self._client.subscribe("v1.1/#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert self._subscribed.wait(20)

    def stop(self) -> None:
        """No longer listen."""
        self._client.disconnect()
        self._client.loop_stop()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while self._waiting:
            self._take(*self._waiting.pop(0))
        await self._app(scope, receive, send)

    def _take(self, topic: str, payload: bytes) -> None:
        self.topics.append(topic)
        found = _TOPIC.fullmatch(topic)
        if found is None or self.fault == "deaf" or (self.fault == "half" and len(self.topics) % 2):
            return
        try:
            self.server.model.create("Observations", json.loads(payload), {"Datastream": int(found[1])})
            self.taken += 1
        except (Refusal, KeyError, ValueError):
            pass  # nobody is told
