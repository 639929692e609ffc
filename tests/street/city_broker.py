"""A broker of the town's own, to which readings are republished: a real Mosquitto with a listener that wants a
certificate and one that wants a password; only what lies below stadt/ may be written."""

import getpass
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.street.processes import Process, free_port, until
from tests.street.servers import Town, mosquitto_path

USER, PASSWORD = "republisher", "a town's password"


class CityBroker(Process):
    """`port`: TLS and a certificate; `plain`: a user with a password."""

    def __init__(self, town: Town, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port, self.plain = free_port(), free_port()
        server = town.broker()
        passwords, acl, conf = folder / "passwords", folder / "acl", folder / "city.conf"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, USER, PASSWORD], check=True, capture_output=True)
        acl.write_text("pattern readwrite stadt/#\n")
        for file in (passwords, acl):
            file.chmod(0o600)
        conf.write_text(
            "per_listener_settings true\n"
            f"listener {self.port} 127.0.0.1\ncafile {server.ca}\ncertfile {server.certificate}\n"
            f"keyfile {server.key}\nrequire_certificate true\nuse_identity_as_username true\nacl_file {acl}\n"
            f"listener {self.plain} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nacl_file {acl}\n"
            f"user {getpass.getuser()}\nlog_dest stderr\nmax_queued_messages 0\n"
        )
        self.password_file = folder / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.password_file.chmod(0o600)
        super().__init__("city-broker", [mosquitto_path(), "-c", conf], folder / "city.log")

    def start(self) -> None:
        super().start()
        self.wait_ready(lambda: self._answers(self.port) and self._answers(self.plain), 20)

    def section(self) -> dict[str, Any]:
        """[forward.….broker] with the password."""
        return {
            "host": "localhost",
            "port": self.plain,
            "tls": False,
            "username": USER,
            "password_file": str(self.password_file),
        }

    @staticmethod
    def _answers(port: int) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return True
        except OSError:
            return False


class Listener:
    """A client that keeps what it hears: (topic, payload, retained) in the order of arrival."""

    def __init__(self, broker: CityBroker, topic: str = "stadt/#") -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self._subscribed = threading.Event()
        client = self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.username_pw_set(USER, PASSWORD)
        client.on_message = lambda _c, _d, message: self.heard.append(
            (message.topic, bytes(message.payload), message.retain)
        )
        client.on_connect = lambda *_: client.subscribe(topic, qos=1)
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.connect("127.0.0.1", broker.plain)
        client.loop_start()

    def __enter__(self) -> "Listener":
        assert self._subscribed.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def until(self, enough: Callable[[list[tuple[str, bytes, bool]]], object]) -> list[tuple[str, bytes, bool]]:
        """What was heard, once that is enough."""
        assert until(lambda: enough(self.heard), 20), self.heard[-5:]
        return list(self.heard)
