"""How the board itself is: a SenML pack on `health`, every health_s seconds. Not spooled: it is about now."""

import asyncio

from bordstein import clock, net, platform, senml
from bordstein.properties import row

_heap_low = 0  # the least that was free so far


def low(known=None):
    """The least that was free so far, in bytes; known: what it was before a sleep."""
    global _heap_low
    _heap_low = known or _heap_low
    return _heap_low


def payload(spool, sampler, device):
    """The pack (bytes). No time while the clock is not set: then it is about the moment it arrives."""
    global _heap_low
    free = platform.heap_free()
    _heap_low = min(_heap_low or free, free)
    parts = ['[{"bn":"' + senml.base_name(device) + '"']
    if clock.quality() == "set":
        parts.append(',"bt":%d' % clock.now())
    parts.append(',"n":"boot","v":%d}' % spool.boot)
    values = [
        ("uptime", clock.uptime()),
        ("heap_free", free),
        ("heap_low", _heap_low),
        ("rssi", net.rssi()),
        ("voltage", platform.voltage()),
        ("spool_packs", spool.packs),
        ("spool_dropped", spool.dropped),
        ("spool_corrupt", spool.corrupt),
        ("readings_lost", sampler.lost),
        ("taken", spool.taken),
    ]
    for name, value in values:
        if value is not None:
            unit, decimals = row(name)
            parts.append("," + senml.record("health/" + name, senml.decimal(value, decimals), unit))
    unit = row("errors")[0]
    for name, count in sampler.errors().items():
        parts.append("," + senml.record("health/errors/" + name, str(count), unit))
    parts.append("]")
    return "".join(parts).encode()


async def run(spool, sampler, link, state, device, topic, interval_s):
    """Publish health and, with it, the state with its numbers; for ever."""
    while True:
        await link.wait_connected()
        await link.publish(topic, payload(spool, sampler, device))
        state.refresh()
        await asyncio.sleep(interval_s)
