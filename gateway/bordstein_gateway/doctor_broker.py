"""Asks a running broker, as the gateway would connect to it, what would lose data.

It connects under names of its own, so a gateway that is running is not disturbed. Tried out, with messages to a device
that does not exist: subscribing, sending a receipt, and how many messages wait for a client that is away.
"""

import contextlib
import re
import ssl
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from . import broker_words
from .config import Mqtt
from .config_files import secret
from .finding import Finding, fine, loses, loses_by, note

_WAIT_S = 10.0
# More than the 1,000 messages that Mosquitto's default lets wait.
_PROBE = 1500
_TOO_NEW = "Unsupported protocol version"
_NOBODY = "000000000000"
_SAFE = (2, 0, 13)
_SYS = "$SYS/broker/"
_SYS_WANTED = ("version", "publish/messages/dropped")


class _Ended(ConnectionError):
    """The broker ended the connection before it answered."""


class _Client:
    """A short-lived connection; each step waits for the broker's answer or raises TimeoutError."""

    def __init__(self, mqtt: Mqtt, purpose: str, *, keep: bool = False) -> None:
        self.mqtt = mqtt
        self.messages: dict[str, bytes] = {}
        self.count = 0
        self.changed = threading.Condition()
        self.connack: Any = None
        self.closed = False
        self.suback: list[Any] | None = None
        self.pubacks: list[Any] = []
        self._keep = keep
        five = mqtt.protocol == 5
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            f"{mqtt.client_id}-doctor-{purpose}",
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
            raise _Ended

    def subscribe(self, topic: str) -> Any:
        self.suback = None
        self.client.subscribe(topic, qos=1)
        self.wait(lambda: self.suback is not None)
        return self.suback[0] if self.suback else None

    def publish(self, topic: str, payloads: list[bytes]) -> list[Any]:
        """The reasons of the PUBACKs."""
        self.pubacks = []
        for payload in payloads:
            self.client.publish(topic, payload, qos=1)
        self.wait(lambda: len(self.pubacks) >= len(payloads))
        return self.pubacks

    def wait(self, done: Any, seconds: float = _WAIT_S) -> None:
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
        self.count += 1
        self._tell()


def tls_context(mqtt: Mqtt) -> ssl.SSLContext:
    """TLS as [mqtt] says: certificate and host name of the broker are checked, always."""
    context = ssl.create_default_context(cafile=mqtt.ca)
    if mqtt.cert and mqtt.key:
        context.load_cert_chain(mqtt.cert, mqtt.key)
    return context


def broker(mqtt: Mqtt, *, probe: bool = True) -> Iterator[Finding]:
    """What the broker says of itself and does. Without a connection: the one sentence why."""
    where = f"{mqtt.host}:{mqtt.port}"
    # In MQTT 5 a broker says what it refuses; in 3.1.1 it says yes and throws away.
    wanted, mqtt = mqtt, msgspec.structs.replace(mqtt, protocol=5)
    client = _Client(mqtt, "look")
    try:
        client.connect(clean=True)
        if client.connack[0].getName() == _TOO_NEW and wanted.protocol != 5:
            client.close()
            mqtt = wanted
            client = _Client(mqtt, "look")
            client.connect(clean=True)
            yield note(
                f"Der Broker {where} spricht kein MQTT 5: was seine Zugriffsliste verbietet, ist nicht zu sehen.",
                f"The broker {where} does not speak MQTT 5: what its access list forbids can't be seen.",
            )
        reason, properties = client.connack
        if reason.is_failure:
            yield loses_by(broker_words.refused(str(reason), where))
            return
        yield fine(f"Der Broker {where} antwortet.", f"The broker {where} answers.")
        yield from _granted(mqtt, properties)
        yield from _rights(client, mqtt)
        yield from _about_itself(client)
        if probe:
            yield from _queue(mqtt)
    except _Ended:
        yield loses_by(broker_words.disconnected("", None, where, came_up=False))
    except (OSError, ValueError) as error:
        yield loses_by(broker_words.connect_error(error, where))
    finally:
        client.close()


def _granted(mqtt: Mqtt, properties: Any) -> Iterator[Finding]:
    """MQTT 5: what the broker grants less of than asked for (CONNACK properties)."""
    if getattr(properties, "MaximumQoS", 2) < 1:
        yield loses("Der Broker kann kein QoS 1.", "The broker does not do QoS 1.")
    if getattr(properties, "RetainAvailable", 1) == 0:
        yield note(
            "Der Broker hebt keine Nachrichten auf (retain): der Zustand der Geräte fehlt nach einem Neustart.",
            "The broker retains no messages: the boards' states are missing after a restart.",
        )
    expiry = getattr(properties, "SessionExpiryInterval", None)
    if expiry is not None and 0 < expiry < mqtt.session_expiry:
        yield loses(
            f"Der Broker hebt Nachrichten nur {expiry} Sekunden auf statt {mqtt.session_expiry}.",
            f"The broker keeps messages for {expiry} seconds only instead of {mqtt.session_expiry}.",
        )


def _rights(client: _Client, mqtt: Mqtt) -> Iterator[Finding]:
    """Whether the access list lets the gateway do its work."""
    for kind in ("readings", "health", "state", "command/result"):
        topic = f"{mqtt.topic}/+/{kind}"
        if client.subscribe(topic).is_failure:
            yield loses(f"Das Gateway darf {topic} nicht lesen.", f"The gateway may not read {topic}.")
    topic = f"{mqtt.topic}/{_NOBODY}/receipt"
    if client.publish(topic, [b"{}"])[0].is_failure:
        yield loses(
            f"Das Gateway darf {topic} nicht schreiben: ohne Quittung senden die Geräte alles immer wieder.",
            f"The gateway may not write {topic}: without receipts the boards send everything again and again.",
        )


def _about_itself(client: _Client) -> Iterator[Finding]:
    """Version and counters, where the broker tells them ($SYS, Mosquitto)."""
    for name in _SYS_WANTED:
        client.subscribe(_SYS + name)
    with contextlib.suppress(TimeoutError):
        client.wait(lambda: all(_SYS + name in client.messages for name in _SYS_WANTED), 2)
    text = client.messages.get(_SYS + "version", b"").decode(errors="replace")
    found = re.search(r"mosquitto version (\d+)\.(\d+)\.(\d+)", text)
    if found is None:
        yield note(
            "Der Broker nennt seine Version nicht ($SYS/broker/version): sie ist ungeprüft.",
            "The broker does not tell its version ($SYS/broker/version): it is unchecked.",
        )
    elif tuple(map(int, found.groups())) < _SAFE:
        # No more than a note: the gateway reads from the connection only what it stores at once.
        yield note(
            f"Mosquitto {'.'.join(found.groups())} hält das Sendefenster nicht ein (ab 2.0.13 behoben). Das Gateway "
            "nimmt trotzdem nur an, was es gleich speichert: es geht nichts verloren.",
            f"Mosquitto {'.'.join(found.groups())} does not keep to its in-flight window (2.0.13 and later do). The "
            "gateway still takes only what it stores at once: nothing is lost.",
        )
    else:
        yield fine(f"{text} ist neu genug.", f"{text} is new enough.")
    dropped = client.messages.get(_SYS + "publish/messages/dropped", b"").decode(errors="replace")
    if dropped.isdigit() and int(dropped) > 0:
        yield loses(
            f"Der Broker hat seit seinem Start {dropped} Nachrichten weggeworfen, für welchen Empfänger auch immer.",
            f"The broker has thrown away {dropped} messages since its start, for whatever receiver.",
        )


def _queue(mqtt: Mqtt) -> Iterator[Finding]:
    """Sends messages to a client that is away and counts what arrives when it is back."""
    purpose = uuid.uuid4().hex[:8]
    topic = f"{mqtt.topic}/{_NOBODY}/receipt"
    away, sender = _Client(mqtt, purpose, keep=True), _Client(mqtt, purpose + "-sender")
    try:
        away.connect(clean=True)
        if away.subscribe(topic).is_failure:
            return
        away.close()
        sender.connect(clean=True)
        if any(reason.is_failure for reason in sender.publish(topic, [b"{}"] * _PROBE)):
            return
        away.connect(clean=False)
        with contextlib.suppress(TimeoutError):
            while away.count < _PROBE:
                seen = away.count
                away.wait(lambda seen=seen: away.count > seen, 2)
        if away.count < _PROBE:
            yield loses(
                f"Von {_PROBE} Nachrichten an einen Empfänger, der nicht da war, kamen {away.count} an: "
                "max_queued_messages ist zu klein.",
                f"Of {_PROBE} messages to a receiver that was away, {away.count} arrived: "
                "max_queued_messages is too small.",
            )
        else:
            yield fine(
                f"{_PROBE} Nachrichten an einen Empfänger, der nicht da war, kamen alle an.",
                f"{_PROBE} messages to a receiver that was away all arrived.",
            )
    finally:
        sender.close()
        away.close()
        with contextlib.suppress(OSError, TimeoutError):  # leaves no session behind
            tidy = _Client(mqtt, purpose)
            tidy.connect(clean=True)
            tidy.close()
