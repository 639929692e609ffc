"""The MQTT link: one connection to the broker, kept up for years. The bytes are mqtt.py's, the socket stream.py's.

What is published is in flight until the broker's PUBACK, over any number of connections: after a reconnect it goes
out again first, with DUP and its old number (MQTT 3.1.1 section 4.4). Every wait has a limit, also that for a PUBACK;
between tries there is a pause with full jitter, so that a whole street does not come back in the same second.
"""

import asyncio
import random

from micropython import const

from bordstein import clock, mqtt
from bordstein.log import say
from bordstein.stream import Stream, limited

WINDOW = const(4)  # messages in flight
_SHORTEST_MS = const(1000)
_LONGEST_MS = const(300000)
_LASTED_S = const(60)  # a connection that lived that long was a good one
_READ = const(512)
_LONGEST = const(4352)  # a configuration of 4096 bytes with its version and topic
_REFUSED = (
    "it does not speak MQTT 3.1.1",
    "it does not take this client id",
    "it is not available",
    "wrong user or password",
    "this board may not connect; is its certificate known there?",
)


class _Message:
    def __init__(self, number, packet):
        self.number = number
        self.packet = packet
        self.connection = 0  # the one on which it was sent last; 0: none yet
        self.sent = 0  # ticks
        self.acknowledged = asyncio.Event()


class Link:
    """host, port: the broker; device: client id; tls_context: of make_context, or None for plain TCP; will: (topic,
    payload); on_message(topic, payload): function, called before the message is acknowledged, payload None for one
    that was too long; resolver: coroutine function from a host name to a numeric address.
    """

    idle = False
    step_ms = 20000  # the limit for connecting, the TLS handshake, CONNACK, one write
    puback_ms = 60000

    def __init__(
        self,
        *,
        host,
        port,
        device,
        tls_context=None,
        keepalive_s=60,
        will=None,
        subscriptions=(),
        on_message=None,
        resolver=None,
    ):
        self._host = host
        self._port = port
        self._device = device
        self._tls = tls_context
        self._keepalive_s = keepalive_s
        self._will = will
        self._subscriptions = list(subscriptions)
        self._on_message = on_message
        self._resolver = resolver
        self._stream = None
        self._parser = mqtt.Parser(_LONGEST)
        self._buffer = bytearray(_READ)
        self.flight = []  # messages that the broker has not acknowledged
        self._number = 0
        self._lock = asyncio.Lock()  # one writer at a time
        self._up = asyncio.Event()
        self._room = asyncio.Event()
        self._awaiting_ping = False
        self._inbox = []  # type: list[tuple]  # packets that came and were not looked at yet
        self._serving = None
        self._broken = None
        self._closed = False
        self.on_connect = []  # functions, called with «session present» on each new connection
        self.connected = False
        self.session = 0  # counts connections
        self.last_contact = clock.ticks_ms()  # when the broker last said something
        self.problem = ""  # why there is no connection, one sentence
        self._touched = 0  # uptime at which run() last did something

    def silent_s(self):
        """For how many seconds the broker has said nothing (for days it may be too few: ticks wrap)."""
        return clock.ticks_diff(clock.ticks_ms(), self.last_contact) // 1000

    def alive(self):
        """Does run() make progress, whatever comes of it?"""
        return clock.uptime() - self._touched < self._keepalive_s + 2 * _LONGEST_MS // 1000

    async def wait_connected(self):
        """Wait until there is a connection."""
        await self._up.wait()

    async def publish(self, topic, payload, retain=False):
        """QoS 1: returns when the broker has acknowledged it, however many connections that takes."""
        while len(self.flight) >= WINDOW:
            self._room.clear()
            await self._room.wait()
        number = self._next_number()
        message = _Message(number, mqtt.publish(topic, payload, number, retain))
        self.flight.append(message)
        try:
            if self.connected:
                try:
                    await self._send(message)
                except OSError:
                    pass  # that was the end of this connection; it goes out again on the next one
            await message.acknowledged.wait()
        finally:
            if message in self.flight:  # whoever published was cancelled
                self.flight.remove(message)
            self._room.set()

    async def close(self):
        """Say goodbye: the broker then does not publish the will. run() ends."""
        self._closed = True
        if self.connected:
            await self._write(mqtt.DISCONNECT_PACKET)
        self._hang_up()

    async def run(self):
        """Connect, serve, connect again; until close()."""
        pause = _SHORTEST_MS
        while not self._closed:
            begun = self._touched = clock.uptime()
            try:
                self._broken = None
                self._serving = asyncio.create_task(self._connection())
                await self._serving
            except asyncio.CancelledError:
                if self._broken is None:
                    raise  # run() itself was cancelled
                self._say(self._broken)
            except (OSError, ValueError, mqtt.MQTTError) as error:
                self._say(error)
            finally:
                self._hang_up()
            if clock.uptime() - begun >= _LASTED_S:
                pause = _SHORTEST_MS
            if not self._closed:
                await asyncio.sleep_ms(random.getrandbits(20) * pause >> 20)
                pause = min(2 * pause, _LONGEST_MS)

    async def _connection(self):
        address = self._host
        if self._resolver:
            address = await limited(self._resolver(address), self.step_ms, "%s: no name server answered" % self._host)
        self._stream = Stream(address, self._port, self._tls, self._host)
        where = "%s:%d" % (self._host, self._port)
        await limited(self._stream.connected(), self.step_ms, "%s can't be reached" % where)
        hello = mqtt.connect(self._device, self._keepalive_s, will=self._will)
        await limited(self._stream.greet(hello), self.step_ms, "%s: the handshake takes too long" % where)
        self._parser = mqtt.Parser(_LONGEST)
        self._inbox = []
        self._awaiting_ping = False
        present = await limited(self._connack(), self.step_ms, "%s does not answer" % where)
        self.session += 1
        await self._write(mqtt.subscribe(self._next_number(), self._subscriptions))
        while True:  # what is published meanwhile joins in
            waiting = [message for message in self.flight if message.connection != self.session]
            if not waiting:
                break
            await self._send(waiting[0])
        self.connected = True
        self.problem = ""
        self._up.set()
        for function in self.on_connect:
            function(present)
        await self._serve()

    async def _connack(self):
        """Whether the broker still has this board's session. Raises OSError."""
        while True:
            await self._receive()
            while self._inbox:  # behind it comes at once what the session kept
                packet = self._inbox.pop(0)
                if packet[0] == mqtt.CONNACK:
                    if packet[2]:
                        why = _REFUSED[packet[2] - 1] if packet[2] <= len(_REFUSED) else "code %d" % packet[2]
                        raise OSError("the broker refuses the connection: %s" % why)
                    return packet[1]

    async def _serve(self):
        """Take packets until the connection ends. Silence for half the keep-alive asks for a sign of life."""
        while True:
            self._touched = clock.uptime()
            while self._inbox:
                await self._take(self._inbox.pop(0))
            for message in self.flight:
                if clock.ticks_diff(clock.ticks_ms(), message.sent) > self.puback_ms:
                    raise OSError("the broker acknowledged nothing for %d s" % (self.puback_ms // 1000))
            patience_ms = self._keepalive_s * 500
            if self.flight:
                patience_ms = min(patience_ms, self.puback_ms)
            try:
                await asyncio.wait_for_ms(self._receive(), patience_ms)
            except asyncio.TimeoutError:
                # Something may have come in the very moment in which the time was over.
                if clock.ticks_diff(clock.ticks_ms(), self.last_contact) < patience_ms // 2:
                    continue
                if self._awaiting_ping:
                    raise OSError("the broker has been silent for %d s" % self._keepalive_s)
                self._awaiting_ping = True
                await self._write(mqtt.PINGREQ_PACKET)

    async def _receive(self):
        """Wait for bytes; whole packets go to the inbox, where they are safe from a cancelled wait."""
        count = await self._stream.readinto(self._buffer)
        if not count:
            raise OSError("the broker closed the connection")
        self._awaiting_ping = False
        self.last_contact = clock.ticks_ms()
        self._inbox.extend(self._parser.feed(memoryview(self._buffer)[:count]))

    async def _take(self, packet):
        if packet[0] == mqtt.PUBACK:
            for message in self.flight:
                if message.number == packet[1]:
                    self.flight.remove(message)
                    message.acknowledged.set()
                    break
        elif packet[0] == mqtt.PUBLISH:
            _, quality, _, _, number, topic, payload = packet
            if payload is None:
                say("link: a message on %s is too long for this board" % topic)
            if self._on_message:
                self._on_message(topic, payload)
            if quality:
                await self._write(mqtt.puback(number))
        elif packet[0] == mqtt.SUBACK and max(packet[2]) > 1:
            raise OSError("the broker refuses a subscription; look at its access list")

    async def _send(self, message):
        if message.connection:
            mqtt.mark_duplicate(message.packet)
        message.connection = self.session
        message.sent = clock.ticks_ms()
        await self._write(message.packet)

    async def _write(self, data):
        async with self._lock:
            stream = self._stream
            if stream is None:
                raise OSError("there is no connection")
            whole = False
            try:
                await limited(stream.write(data), self.step_ms, "the broker takes no bytes")
                whole = True
            finally:
                if not whole:
                    self._give_up()

    def _give_up(self):
        """Half a packet may be out, also when whoever wrote was cancelled: nothing may follow it."""
        self._hang_up()
        if self._serving is not asyncio.current_task():
            self._broken = OSError("the broker takes no bytes")
            self._serving.cancel()

    def _next_number(self):
        taken = [message.number for message in self.flight]
        while True:
            self._number = self._number % 65535 + 1
            if self._number not in taken:
                return self._number

    def _hang_up(self):
        self.connected = False
        self._up.clear()
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _say(self, error):
        problem = _sentence(error)
        if problem != self.problem:
            say("link:", problem)
        self.problem = problem


def _sentence(error):
    """What went wrong; an OSError of the network says it by number only."""
    arguments = error.args
    if len(arguments) == 1 and isinstance(arguments[0], int):
        return "no connection to the broker (%r)" % error
    return " ".join(str(arguments[-1]).split()) if arguments else repr(error)
