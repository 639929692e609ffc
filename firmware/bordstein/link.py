"""asyncio MQTT link (fallback)."""
import asyncio, random
from bordstein import clock, mqtt
from bordstein.stream import Stream, limited
_W = 4
_LIMIT = 15000

def make_context(ca, cert=None, key=None):
    import tls
    ctx = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    ctx.verify_mode = tls.CERT_REQUIRED
    def rd(p):
        with open(p, "rb") as f: return f.read()
    ctx.load_verify_locations(rd(ca))
    if cert:
        ctx.load_cert_chain(rd(cert), rd(key))
    return ctx

class Link:
    def __init__(self, *, host, port, device, tls_context, keepalive_s=60, will=None, subscriptions=(), on_message=None, resolver=None):
        self.host, self.port, self.device, self.ctx = host, port, device, tls_context
        self.keepalive_s, self.will, self.subs, self.on_message = keepalive_s, will, list(subscriptions), on_message
        self.connected = False; self.session = 0; self.on_connect = []
        self._fl = []  # [id, packet, event]
        self._id = 0; self._stream = None; self._up = asyncio.Event(); self._room = asyncio.Event(); self._room.set()
        self._lock = asyncio.Lock(); self.last_contact = clock.ticks_ms()
    async def wait_connected(self):
        await self._up.wait()
    async def run(self):
        pause = 1
        while True:
            t = clock.uptime()
            try:
                await self._once()
            except (OSError, ValueError, mqtt.MQTTError) as e:
                print("link:", e)
            self._down()
            if clock.uptime() - t > 60: pause = 1
            await asyncio.sleep_ms(int(random.random() * pause * 1000) + 50)
            pause = min(pause * 2, 300)
    def _down(self):
        self.connected = False; self._up.clear()
        if self._stream: self._stream.close(); self._stream = None
    async def _once(self):
        addr = "127.0.0.1" if self.host == "localhost" else self.host
        s = self._stream = Stream(addr, self.port, self.ctx, self.host if self.ctx else None)
        await limited(s.connected(), _LIMIT, "no connection")
        await limited(s.greet(mqtt.connect(self.device, self.keepalive_s, False, self.will)), _LIMIT, "no handshake")
        self._p = mqtt.Parser(); self._buf = bytearray(512); self._q = []
        k = await limited(self._packet(), _LIMIT, "no CONNACK")
        if k[0] != mqtt.CONNACK or k[2]: raise OSError("broker refused: %s" % (k,))
        present = k[1]
        await self._write(mqtt.subscribe(self._next_id(), self.subs))
        for f in self._fl:
            mqtt.mark_duplicate(f[1]); await self._write(f[1])
        self.connected = True; self.session += 1; self._up.set()
        for c in self.on_connect: c(present)
        ping = asyncio.create_task(self._ping())
        try:
            while True:
                k = await limited(self._packet(), self.keepalive_s * 1500, "silent broker")
                self.last_contact = clock.ticks_ms()
                if k[0] == mqtt.PUBACK:
                    for f in self._fl:
                        if f[0] == k[1]:
                            self._fl.remove(f); f[2].set(); break
                    self._room.set()
                elif k[0] == mqtt.PUBLISH:
                    if k[6] is not None: self.on_message(k[5], k[6])
                    if k[1]: await self._write(mqtt.puback(k[4]))
        finally:
            ping.cancel()
    async def _packet(self):
        while not self._q:
            n = await self._stream.readinto(self._buf)
            if not n: raise OSError("broker closed")
            self._q.extend(self._p.feed(memoryview(self._buf)[:n]))
        return self._q.pop(0)
    async def _write(self, data):
        async with self._lock:
            if self._stream is None: raise OSError("not connected")
            await limited(self._stream.write(data), _LIMIT, "write stuck")
    async def _ping(self):
        while True:
            await asyncio.sleep(self.keepalive_s // 2)
            await self._write(mqtt.PINGREQ_PACKET)
    def _next_id(self):
        while True:
            self._id = self._id % 65535 + 1
            if not any(f[0] == self._id for f in self._fl): return self._id
    async def publish(self, topic, payload, retain=False):
        while len(self._fl) >= _W:
            self._room.clear(); await self._room.wait()
        i = self._next_id(); f = [i, mqtt.publish(topic, payload, i, retain), asyncio.Event()]
        self._fl.append(f)
        if self.connected:
            try: await self._write(f[1])
            except OSError: pass
        await f[2].wait()
    async def close(self):
        if self.connected: await self._write(mqtt.DISCONNECT_PACKET)
        self._down()
