"""Asks a running broker, as the gateway would connect to it, what would lose data.

It connects under names of its own, so a gateway that is running is not disturbed. Tried out, with messages to a device
that does not exist: subscribing, sending a receipt, and how many messages wait for a client that is away.
"""

import contextlib
import re
import ssl
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..boards.visitor import TOO_NEW, Ended, Visitor
from ..config.config import Mqtt
from ..decode.messages import KINDS
from ..ingest import broker_words
from .finding import Finding, expiry, fine, loses, loses_by, note

# More than the 1,000 messages that Mosquitto's default lets wait.
_PROBE = 1500
_NOBODY = "000000000000"
_SAFE = (2, 0, 13)
_SYS = "$SYS/broker/"
_SYS_WANTED = ("version", "publish/messages/dropped")


def broker(mqtt: Mqtt, *, probe: bool = True) -> Iterator[Finding]:
    """What the broker says of itself and does. Without a connection: the one sentence why."""
    where = f"{mqtt.host}:{mqtt.port}"
    # In MQTT 5 a broker says what it refuses; in 3.1.1 it says yes and throws away.
    wanted, mqtt = mqtt, msgspec.structs.replace(mqtt, protocol=5)
    client = Visitor(mqtt, "doctor-look")
    try:
        client.connect(clean=True)
        if client.connack[0].getName() == TOO_NEW and wanted.protocol != 5:
            client.close()
            mqtt = wanted
            client = Visitor(mqtt, "doctor-look")
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
        yield from _certificate(client, where)
        yield from _granted(mqtt, properties)
        yield from _rights(client, mqtt)
        yield from _about_itself(client)
        if probe:
            yield from _queue(mqtt)
    except Ended:
        yield loses_by(broker_words.disconnected("", None, where, came_up=False))
    except (OSError, ValueError) as error:
        yield loses_by(broker_words.connect_error(error, where))
    finally:
        client.close()


def _certificate(client: Visitor, where: str) -> Iterator[Finding]:
    """How long what the broker shows boards and gateway is good for."""
    wire = client.client.socket()
    shown = wire.getpeercert() if isinstance(wire, ssl.SSLSocket) else None
    if shown:
        end = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
        de, en = f"Das Zertifikat des Brokers {where}", f"The certificate of the broker {where}"
        yield expiry(de, end, datetime.now(UTC), en)


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


def _rights(client: Visitor, mqtt: Mqtt) -> Iterator[Finding]:
    """Whether the access list lets the gateway do its work."""
    for kind in KINDS:
        topic = f"{mqtt.topic}/+/{kind}"
        if client.subscribe(topic).is_failure:
            yield loses(f"Das Gateway darf {topic} nicht lesen.", f"The gateway may not read {topic}.")
    topic = f"{mqtt.topic}/{_NOBODY}/receipt"
    if client.publish(topic, [b"{}"])[0].is_failure:
        yield loses(
            f"Das Gateway darf {topic} nicht schreiben: ohne Quittung senden die Geräte alles immer wieder.",
            f"The gateway may not write {topic}: without receipts the boards send everything again and again.",
        )


def _about_itself(client: Visitor) -> Iterator[Finding]:
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
    purpose = "doctor-" + uuid.uuid4().hex[:8]
    topic = f"{mqtt.topic}/{_NOBODY}/receipt"
    away, sender = Visitor(mqtt, purpose, keep=True), Visitor(mqtt, purpose + "-sender")
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
            tidy = Visitor(mqtt, purpose)
            tidy.connect(clean=True)
            tidy.close()
