"""Publishes to a broker with QoS 1: publish() returns once the broker has acknowledged every message.

paho's client with a thread of its own; one connection at a time, made when it is needed. A client is used for one
connection only: paho would send again by itself what the last one did not see through, behind the outbox's back.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ...boards.visitor import tls_context
from ...config.files import secret
from ...ingest.broker_words import connect_error, disconnected, refused
from ...texts import both
from ..target import Retry
from .settings import Broker

_AT_ONCE = 500
"""Messages under way; the broker may want fewer."""


class Message(NamedTuple):
    """One message to publish."""

    topic: str
    payload: bytes
    retain: bool = False


class Publisher:
    """One broker. `client_id`: for where the settings name none. `timeout`: seconds for connecting, and for a batch.

    `begun`: whether the broker may have messages of the last publish(), even of one that failed.
    """

    def __init__(self, broker: Broker, client_id: str, timeout: float) -> None:
        self.where = broker.shown
        self._broker = broker
        self._client_id = broker.client_id or client_id
        self._timeout = timeout
        self._connection: _Connection | None = None
        self.begun = False

    async def publish(self, messages: Sequence[Message]) -> dict[int, str]:
        """In their order. What the broker refused: place in `messages` -> reason (MQTT 5). Retry, with a sentence."""
        answers: dict[int, str] = {}
        self.begun = False
        try:
            while places := [place for place in range(len(messages)) if place not in answers]:
                connection = await self._connected()
                self.begun = True
                async with asyncio.timeout(self._timeout):
                    got = await connection.send([messages[place] for place in places])
                answers |= {places[number]: why for number, why in got.items()}
                # Mosquitto 2.0.11 says what it refuses and then ends the connection: the rest goes over the next one.
                if len(got) < len(places) and not any(got.values()):
                    raise connection.broken or Retry(connect_error(TimeoutError(), self.where, at=""))
        except TimeoutError:
            await self.close()
            raise Retry(
                both(
                    f"Der Broker {self.where} hat nicht rechtzeitig bestätigt; ist er überlastet?",
                    f"The broker {self.where} did not acknowledge in time; is it busy?",
                )
            ) from None
        except BaseException:
            # Also when cancelled: what is under way must not go on behind the caller's back.
            await self.close()
            raise
        return {place: why for place, why in answers.items() if why}

    async def reach(self) -> None:
        """Connect once. Retry. With a client id of its own, as a broker ends the older of two with the same."""
        connection = _Connection(self._broker, f"{self._client_id}-doctor", self.where)
        try:
            await connection.open(self._timeout)
        finally:
            await asyncio.to_thread(connection.end)

    async def close(self) -> None:
        """DISCONNECT; the next publish() connects again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await asyncio.to_thread(connection.end)

    async def _connected(self) -> "_Connection":
        if self._connection is not None and self._connection.broken is None:
            return self._connection
        await self.close()
        connection = self._connection = _Connection(self._broker, self._client_id, self.where)
        await connection.open(self._timeout)
        return connection


class _Connection:
    """From CONNECT to DISCONNECT. paho's thread only writes what has come and wakes the loop."""

    def __init__(self, broker: Broker, client_id: str, where: str) -> None:
        self.broken: Retry | None = None
        self._broker = broker
        self._where = where
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._connack: tuple[Any, Any] | None = None
        self._acknowledged: dict[int, str] = {}  # mid -> why it was refused, or empty
        self._awaited = 0
        self._most = _AT_ONCE
        five = broker.protocol == 5
        client = self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if five else True,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        # send() keeps to the limit; with one of its own paho goes through all messages at each acknowledgement.
        client.max_inflight_messages_set(0)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish

    async def open(self, timeout: float) -> None:
        """Retry: there is no connection."""
        try:
            async with asyncio.timeout(timeout):
                await asyncio.to_thread(self._connect, timeout)
                while self._connack is None and self.broken is None:
                    await self._news()
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            raise self._ended(Retry(connect_error(error, self._where, at=""))) from None
        if self._connack is None:
            assert self.broken is not None  # noqa: S101  (one of the two was waited for)
            raise self.broken
        reason, properties = self._connack
        if reason.is_failure:
            raise self._ended(Retry(refused(str(reason), self._where, at="")))
        self._most = min(_AT_ONCE, getattr(properties, "ReceiveMaximum", _AT_ONCE))

    async def send(self, messages: Sequence[Message]) -> dict[int, str]:
        """What the broker said of them, by place: why it refused one, or nothing. Not all, if the connection breaks."""
        self._acknowledged = {}
        mids: list[int] = []
        while len(self._acknowledged) < len(messages) and self.broken is None:
            # paho only puts them into a queue; the next ones follow when half of those under way are acknowledged.
            mids += self._publish_all(messages[len(mids) : len(self._acknowledged) + self._most])
            self._awaited = len(messages) if len(mids) == len(messages) else len(mids) - self._most // 2
            while len(self._acknowledged) < self._awaited and self.broken is None:
                await self._news()
        return {place: self._acknowledged[mid] for place, mid in enumerate(mids) if mid in self._acknowledged}

    def end(self) -> None:
        """Close it; in a thread, as paho's own is waited for."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connect(self, timeout: float) -> None:
        broker, client = self._broker, self._client
        options: dict[str, Any] = {}
        if broker.username is not None:
            client.username_pw_set(broker.username, secret(broker.password_file) if broker.password_file else None)
        if broker.tls:
            client.tls_set_context(tls_context(broker))
        if broker.protocol == 5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0
            options = {"clean_start": True, "properties": properties}
        client.connect_timeout = timeout
        client.connect(broker.host, broker.port, broker.keepalive, **options)
        client.loop_start()

    def _publish_all(self, messages: Sequence[Message]) -> list[int]:
        mids = []
        for message in messages:
            info = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
            if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
                raise ValueError(f"{message.topic}: {info.rc}")
            mids.append(info.mid)
        return mids

    async def _news(self) -> None:
        """Wait for something to come."""
        await self._changed.wait()
        self._changed.clear()

    def _ended(self, why: Retry) -> Retry:
        self.broken = self.broken or why
        return why

    # What paho calls, in its thread

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        self._connack = (reason, properties)
        self._wake()

    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        self._acknowledged[mid] = str(reason) if reason.is_failure else ""
        if len(self._acknowledged) >= self._awaited:
            self._wake()

    def _on_disconnect(self, _client: Client, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        said = str(reason) if flags.is_disconnect_packet_from_server else ""
        came_up = self._connack is not None
        self._ended(Retry(disconnected(said, None, self._where, came_up=came_up, at="")))
        self._wake()
