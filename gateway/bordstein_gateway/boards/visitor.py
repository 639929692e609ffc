"""A short-lived connection to the broker beside the running gateway's, with a client id of its own."""

import ssl
import threading
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ..config.config import Mqtt
from ..config.files import secret
from ..forward.mqtt.settings import Broker

TOO_NEW = "Unsupported protocol version"
WAIT_S = 10.0


class Ended(ConnectionError):
    """The broker ended the connection before it answered."""


class Visitor:
    """A short-lived connection; each step waits for the broker's answer or raises TimeoutError."""

    def __init__(self, mqtt: Mqtt, purpose: str, *, keep: bool = False) -> None:
        self.mqtt = mqtt
        self.messages: dict[str, bytes] = {}
        self.heard: list[tuple[str, bytes]] = []
        self.changed = threading.Condition()
        self.connack: Any = None
        self.closed = False
        self.suback: list[Any] | None = None
        self.pubacks: list[Any] = []
        self._keep = keep
        five = mqtt.protocol == 5
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            f"{mqtt.client_id}-{purpose}",
            clean_session=None if five else not keep,
            protocol=paho.MQTTv5 if five else paho.MQTTv311,
            reconnect_on_failure=False,
        )
        self.client.max_inflight_messages_set(1000)
        if mqtt.username:
            password = secret(mqtt.password_file) if mqtt.password_file else None
            self.client.username_pw_set(mqtt.username, password)
        if mqtt.tls:
            self.client.tls_set_context(tls_context(mqtt))
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_publish = self._on_publish
        self.client.on_message = self._on_message

    @property
    def count(self) -> int:
        """Messages that came."""
        return len(self.heard)

    def connect(self, *, clean: bool) -> None:
        options: dict[str, Any] = {}
        if self.mqtt.protocol == 5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = self.mqtt.session_expiry if self._keep else 0
            options = {"clean_start": clean, "properties": properties}
        self.connack = None
        self.closed = False  # before connect(): a broker that refuses the certificate may end it in there
        self.client.connect(self.mqtt.host, self.mqtt.port, keepalive=60, **options)
        self.client.loop_start()
        self.wait(lambda: self.connack is not None or self.closed)
        if self.connack is None:
            raise Ended

    def subscribe(self, topic: str) -> Any:
        self.suback = None
        self.client.subscribe(topic, qos=1)
        self.wait(lambda: self.suback is not None)
        return self.suback[0] if self.suback else None

    def publish(self, topic: str, payloads: list[bytes], *, retain: bool = False) -> list[Any]:
        """The reasons of the PUBACKs."""
        self.pubacks = []
        for payload in payloads:
            self.client.publish(topic, payload, qos=1, retain=retain)
        self.wait(lambda: len(self.pubacks) >= len(payloads))
        return self.pubacks

    def wait(self, done: Any, seconds: float = WAIT_S) -> None:
        with self.changed:
            if not self.changed.wait_for(done, seconds):
                raise TimeoutError

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _tell(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        self.connack = (reason, properties)
        self._tell()

    def _on_disconnect(self, *_arguments: Any) -> None:
        self.closed = True
        self._tell()

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        self.suback = list(reasons)
        self._tell()

    def _on_publish(self, _client: Any, _data: Any, _mid: int, reason: Any, _properties: Any) -> None:
        self.pubacks.append(reason)
        self._tell()

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        self.messages[message.topic] = message.payload
        self.heard.append((message.topic, message.payload))
        self._tell()


def tls_context(mqtt: Mqtt | Broker) -> ssl.SSLContext:
    """TLS as a section says: certificate and host name of the broker are checked, always."""
    context = ssl.create_default_context(cafile=mqtt.ca)
    if mqtt.cert and mqtt.key:
        context.load_cert_chain(mqtt.cert, mqtt.key)
    return context
