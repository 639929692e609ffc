"""The load: many boards' packs, pushed over many plain TCP connections in a process of its own.

    python -m tests.bench.load PORT PACKETS

Everything is encoded before the clock starts: 500 devices, packs of four readings, times one minute apart. 50
connections share the devices, each sends QoS 1 PUBLISH packets and keeps at most 100 unacknowledged.
"""

import asyncio
import sys
import time

from bordstein_gateway.decode.normalise import device_name

DEVICES = 500
CONNECTIONS = 50
WINDOW = 100


def payload(device: str, seq: int, base: int) -> bytes:
    """A pack as a board sends it."""
    return (
        f'[{{"bn":"{device_name(device)}","bt":{base + 60 * seq},"n":"boot","v":1}},{{"n":"seq","v":{seq}}},'
        f'{{"n":"air/air_temperature","u":"Cel","v":{8 + seq % 100 / 100}}},'
        f'{{"n":"air/relative_humidity","u":"%RH","v":{60 + seq % 300 / 10}}},'
        f'{{"n":"air/air_pressure","u":"Pa","v":{100400 + seq % 500}}},'
        f'{{"n":"dust/pm10","u":"ug/m3","v":{4 + seq % 90 / 10}}}]'
    ).encode()


def _length(number: int) -> bytes:
    out = bytearray()
    while True:
        number, digit = number >> 7, number & 127
        out.append(digit | (128 if number else 0))
        if not number:
            return bytes(out)


def publish(topic: str, content: bytes, number: int) -> bytes:
    """A PUBLISH packet with QoS 1 (MQTT 3.1.1 section 3.3)."""
    head = len(topic).to_bytes(2, "big") + topic.encode() + number.to_bytes(2, "big")
    return b"\x32" + _length(len(head) + len(content)) + head + content


async def _board(port: int, name: str, packets: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name.encode()
    writer.write(b"\x10" + _length(len(body)) + body)
    await reader.readexactly(4)
    waiting = sent = acknowledged = 0
    while acknowledged < len(packets):
        while sent < len(packets) and waiting < WINDOW:
            writer.write(packets[sent])
            sent += 1
            waiting += 1
        await writer.drain()
        data = await reader.read(4096)
        if not data:
            raise ConnectionError("the broker closed a connection")
        while len(data) % 4:
            data += await reader.readexactly(4 - len(data) % 4)
        acknowledged += len(data) // 4
        waiting -= len(data) // 4
    writer.close()


async def _all(port: int, count: int) -> None:
    base = int(time.time()) // 60 * 60 - 60 * (count // DEVICES + 2)
    names = [f"24a16{number:07x}" for number in range(DEVICES)]
    packets: list[list[bytes]] = [[] for _ in range(CONNECTIONS)]
    for number in range(count):
        seq, place = divmod(number, DEVICES)
        line = packets[place % CONNECTIONS]
        topic = f"bordstein/v1/{names[place]}/readings"
        line.append(publish(topic, payload(names[place], seq, base), len(line) % 65535 + 1))
    print("ready", flush=True)
    sys.stdin.readline()
    await asyncio.gather(*(_board(port, f"load-{number}", line) for number, line in enumerate(packets)))
    print("sent", flush=True)


if __name__ == "__main__":
    asyncio.run(_all(int(sys.argv[1]), int(sys.argv[2])))
