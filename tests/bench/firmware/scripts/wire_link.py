"""The firmware's link sends packs and waits for the gateway's receipt after each. For MicroPython."""

import asyncio
import json

from bordstein import clock, mqtt, senml
from bordstein.link import Link
from bordstein.stream import make_context

_ROOT = "bordstein/v1/"
_READINGS = (
    ("air/air_temperature", 815),
    ("air/relative_humidity", 7967),
    ("air/air_pressure", 99621),
    ("dust/pm10", 84),
    ("dust/pm2_5", 61),
    ("air/dew_point", 483),
    ("road/road_surface_temperature", 1463),
    ("level/water_level", 1284),
    ("lamp/illuminance", 4120),
    ("noise/sound_level_laeq", 613),
)


def _pack(device, size, boot, seq):
    measurements = [senml.measurement(*reading) for reading in _READINGS[:size]]
    return senml.expand(senml.pack(measurements, clock.now()), device, boot, seq)


def publication(device, size, boot, seq, number):
    """The packet (bytes) of a pack with so many readings, the clock set."""
    return mqtt.publish(_ROOT + device + "/readings", _pack(device, size, boot, seq), number)


async def _send(told):
    clock.start(told["boot"])
    clock.set_utc(told["time"], "sntp")
    topics = _ROOT + told["device"] + "/"
    settled = asyncio.Event()

    async def resolver(host):
        return "127.0.0.1"

    def take(topic, payload):
        if topic.endswith("/receipt") and json.loads(payload)["boot"] == told["boot"]:
            settled.set()

    link = Link(
        host=told["host"],
        port=told["port"],
        device=told["device"],
        tls_context=make_context(told["ca"], told["cert"], told["key"]),
        will=(topics + "state", b'{"state":"lost","boot":%d}' % told["boot"]),
        subscriptions=[topics + name for name in ("receipt", "command", "config", "release", "release/data")],
        on_message=take,
        resolver=resolver,
    )
    running = asyncio.create_task(link.run())
    await link.wait_connected()
    for seq in range(told["packs"]):
        settled.clear()
        await link.publish(topics + "readings", _pack(told["device"], told["size"], told["boot"], seq))
        await settled.wait()
    await link.close()
    await running


def run(told):
    """told: host, port, device, ca, cert, key (files), boot, time (UTC), packs, and size: readings in each."""
    asyncio.run(asyncio.wait_for(_send(told), 60))
