"""The connection to the broker: paho-mqtt with manual acknowledgement, driven by one thread that waits for the socket.

Nothing here blocks but close(); connecting (name look-up, TCP, TLS) runs in a thread of its own, in which nothing else
touches the client. A connection that is away is a state with a sentence, never an exception.
"""

import random
import select
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ..config.config import Mqtt
from ..config.files import secret
from ..texts import Sentence, both
from .broker_words import connect_error, disconnected, refused, subscription_refused, thrown_off
from .buffered_client import BufferedClient

OnMessage = Callable[[bytes, bytes, bool], None]
"""(topic, payload, retained); the acknowledgement is noted before."""

_SHORTEST_S, _LONGEST_S = 0.5, 30.0
_ANSWER_S = 20.0
_SHORT_S = 10.0
_SHORT_ONES = 3
_MOST_OUT = 500
_PUBACK = struct.Struct("!BBH")

log = structlog.get_logger(__name__)


class Broker:
    """One client of the broker. Belongs to the ingest thread; `wake` may be called from others."""

    def __init__(self, mqtt: Mqtt, topics: Iterable[str], on_message: OnMessage, wake: Callable[[], None]) -> None:
        self.mqtt = mqtt
        self.where = f"{mqtt.host}:{mqtt.port}"
        self.up = False
        """Subscribed: messages come."""
        self.trouble: str = both(
            f"Noch keine Verbindung zum Broker {self.where}.", f"Not connected to the broker {self.where} yet."
        )
        """Why no messages come, or why they will not for long."""
        self.connections = 0
        self.unacknowledged: list[int] = []
        """Packet ids of THIS connection's messages, in the order of arrival. A lost connection empties it: on the next
        one the same numbers mean other messages."""
        self._topics = [(topic, 1) for topic in topics]
        self._on_message = on_message
        self._wake = wake
        self._client = self._make_client()
        self._opening: threading.Thread | None = None
        self._opened: Exception | bool | None = None
        self._open = False
        self._since = 0.0
        self._next_try = 0.0
        self._pause = _SHORTEST_S
        self._misc = 0.0
        self._short_ones = 0  # connections in a row that came up and broke soon, with a broker that took the next
        self._told = ""
        self._why: Sentence | None = None  # we end the connection, for this reason
        self._context: ssl.SSLContext | None = None
        self._outgoing = 0  # our messages that the broker has not acknowledged
        self._most_out = _MOST_OUT  # of them; the broker may want fewer
        self._again: deque[tuple[str, bytes, bool]] = deque()  # those that the last connection took with it
        self._tail = bytearray()  # PUBACKs on their way
        self._in_tail = False  # a part of them is sent, so nothing else may be sent in between

    # What the ingest thread calls

    def socket(self) -> Any:
        """What to wait for; None: there is no connection."""
        return self._client.socket() if self._open else None

    @property
    def holds(self) -> bool:
        """Messages can be read without waiting."""
        return self._open and self._client.holds

    @property
    def wants_write(self) -> bool:
        """Whether to wait for the socket to take more."""
        return self._open and (bool(self._tail) or self._client.want_write())

    def turn(self, now: float, *, wanted: bool = True) -> None:
        """What has to be done now and then: connect, keep alive. `wanted`: whether a connection should be made."""
        if self._opening is not None:
            if self._opened is not None:
                self._take_over(now)
        elif not self._open:
            if wanted and now >= self._next_try:
                self._start_opening()
        elif not self.up and now - self._since > _ANSWER_S:
            self._lost(connect_error(TimeoutError(), self.where))
        else:
            while self._again and self.up and self._outgoing < self._most_out:
                self.publish(*self._again.popleft())
            if now - self._misc >= 1:
                self._misc = now
                if self._short_ones and self.up and now - self._since > _SHORT_S:
                    self._short_ones = 0
                    if self.trouble:
                        self._well()
                self._client.loop_misc()

    def age(self, now: float) -> float:
        """Seconds since the connection was made."""
        return now - self._since

    def read(self) -> bool:
        """Take one packet in, if one is there; False: nothing more to read for now."""
        client = self._client
        client.got = False
        client.loop_read()
        return client.got and self._open

    def acknowledge(self) -> int:
        """PUBACK everything in `unacknowledged`: it is stored. Bytes go out with the next write()."""
        mids, self.unacknowledged = self.unacknowledged, []
        if self._open and mids:
            self._tail += b"".join([_PUBACK.pack(0x40, 2, mid) for mid in mids])
        return len(mids)

    @property
    def takes_messages(self) -> bool:
        """Whether publish() may be called; False while too many of ours are under way."""
        return self.up and not self._again and self._outgoing < self._most_out

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """QoS 1; survives a reconnect, not a restart."""
        self._client.publish(topic, payload, qos=1, retain=retain)
        self._outgoing += 1

    def write(self) -> None:
        """Send what the socket takes."""
        client = self._client
        if not self._open:
            return
        if not self._in_tail and client.want_write():
            client.loop_write()
            if client.want_write():
                return
        sock = client.socket()
        while self._tail and sock is not None:
            try:
                sent = sock.send(self._tail)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._in_tail = True  # TLS may have begun a record with it
                return
            except OSError:
                return  # reading sees it too
            del self._tail[:sent]
            self._in_tail = bool(self._tail)
        if client.want_write():
            client.loop_write()

    def leave(self, why: Sentence, now: float) -> None:
        """Let go of the connection; the broker keeps what is not acknowledged and sends it again."""
        if self._open:
            self._why = why
            self._client.disconnect()
            self.write()
            if self._open:
                self._lost(why)
        self._next_try = now

    def close(self, seconds: float = 2.0) -> None:
        """Send what is left and DISCONNECT; waits at most so long."""
        if self._opening is not None:
            self._opening.join(seconds)
        end = time.monotonic() + seconds
        if self._open:
            while self._outgoing and self._open and time.monotonic() < end:
                self._block(end)
            if self._open:
                self._why = both("Das Gateway wird beendet.", "The gateway stops.")
                self._told = self._why
                self._client.disconnect()
                while self.wants_write and time.monotonic() < end:
                    self._block(end)
        self._open = self.up = False

    # Inside

    def _make_client(self) -> BufferedClient:
        mqtt = self.mqtt
        five = mqtt.protocol == 5
        client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            mqtt.client_id,
            clean_session=None if five else False,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.max_inflight_messages_set(_MOST_OUT)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_paho_message
        # With this set, paho queues what it has to send until loop_write() instead of sending each packet at once.
        client.on_socket_register_write = lambda *_: None
        return client

    def _start_opening(self) -> None:
        self._opened = None
        self._opening = threading.Thread(target=self._connect, name="connect", daemon=True)
        self._opening.start()

    def _connect(self) -> None:
        """In its own thread; the ingest thread waits for `_opened`."""
        mqtt = self.mqtt
        options: dict[str, Any] = {}
        try:
            client = self._client
            client.reset()
            if mqtt.tls:
                self._prepare_tls()
            if mqtt.username:
                client.username_pw_set(mqtt.username, secret(mqtt.password_file) if mqtt.password_file else None)
            if mqtt.protocol == 5:
                properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
                properties.SessionExpiryInterval = mqtt.session_expiry
                properties.ReceiveMaximum = mqtt.receive_maximum
                options = {"clean_start": False, "properties": properties}
            client.connect(mqtt.host, mqtt.port, mqtt.keepalive, **options)
            sock = client.socket()
            if isinstance(sock, socket.socket):
                with suppress(OSError):  # acknowledgements are small and urgent
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._opened = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the next attempt follows
            self._opened = error
        self._wake()

    def _prepare_tls(self) -> None:
        """The certificate is read for each connection, so that a renewed one needs no restart."""
        mqtt = self.mqtt
        if self._context is None:
            context = ssl.create_default_context(cafile=mqtt.ca)  # host name and certificate are checked
            if mqtt.cert:
                context.load_cert_chain(mqtt.cert, mqtt.key)
            self._client.tls_set_context(context)
            self._context = context
        elif mqtt.cert:
            self._context.load_cert_chain(mqtt.cert, mqtt.key)

    def _take_over(self, now: float) -> None:
        opened, self._opening, self._opened = self._opened, None, None
        if isinstance(opened, Exception):
            self._short_ones = 0
            self._lost(connect_error(opened, self.where))
            return
        self._open = True
        self._why = None
        self._since = self._misc = now
        self.connections += 1

    def _lost(self, why: Sentence) -> None:
        """The connection's end, whatever it was."""
        was_open = self._open
        self._open = self.up = False
        if was_open and self._client.socket() is not None:
            # No public way to drop a connection without a word; a socket that is shut down ends it as a broken one.
            with suppress(OSError):
                self._client.socket().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        self.unacknowledged.clear()
        self._tail.clear()
        self._in_tail = False
        self.trouble = why
        self._next_try = time.monotonic() + self._pause * random.uniform(0.5, 1)  # noqa: S311
        self._pause = min(_LONGEST_S, self._pause * 2)
        if why != self._told:
            self._told = why
            log.warning("no connection to the broker", reason=why)

    def _block(self, end: float) -> None:
        """Only for close(): wait for the socket a little, then read and write."""
        sock = self._client.socket()
        if sock is None:
            self._open = False
            return
        select.select([sock], [sock] if self.wants_write else [], [], max(0.0, min(0.1, end - time.monotonic())))
        self.write()
        while self.read():
            pass

    # What paho calls, in the ingest thread, from within read() and turn()

    def _on_connect(
        self, client: Client, _data: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._lost(refused(str(reason), self.where))
            return
        self._most_out = min(_MOST_OUT, getattr(properties, "ReceiveMaximum", _MOST_OUT))
        # paho would send all of them at once, and a broker that wants fewer would end the connection, again and again.
        self._again.extend(
            (message.topic, bytes(message.payload), message.retain) for message in client.drop_out_messages()
        )
        self._outgoing = 0
        client.subscribe(self._topics)
        log.debug("connected", broker=self.where, session_present=flags.session_present)

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        for (topic, _), reason in zip(self._topics, reasons, strict=False):
            if reason.is_failure:
                self._lost(subscription_refused(topic, str(reason), self.where))
                return
        self.up = True
        self._pause = _SHORTEST_S
        if self._short_ones < _SHORT_ONES:
            self._well()

    def _well(self) -> None:
        self.trouble = self._told = ""
        log.info("takes messages", broker=self.where)

    def _on_disconnect(
        self, client: Client, _data: Any, flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if self._open:
            said = str(reason) if flags.is_disconnect_packet_from_server else ""
            self._lost(self._why or self._why_it_ended(said))

    def _why_it_ended(self, said: str) -> Sentence:
        """MQTT 3.1.1 has no word for another client with our id: the broker only ends the older connection."""
        if "taken over" in said.lower():
            self._short_ones = _SHORT_ONES
        elif self.up and time.monotonic() - self._since < _SHORT_S:
            self._short_ones += 1
        if self._short_ones >= _SHORT_ONES:
            return thrown_off(self.mqtt.client_id, self.where)
        return disconnected(said, self._client.error, self.where, came_up=self.up)

    def _on_publish(
        self, _client: Client, _data: Any, _mid: int, _reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._outgoing -= 1

    def _on_paho_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if message.qos:
            self.unacknowledged.append(message.mid)
        self._on_message(message._topic, bytes(message.payload), message.retain)
