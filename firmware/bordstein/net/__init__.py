"""The board's way into the network, behind one interface: net/wifi.py, net/ethernet.py or net/ppp.py.

    Interface(options)   stores only; options: the section `network` of the configuration
    name                 for the log
    await connect()      one try, ends within a limit; the network's name where it has one; OSError with a sentence that
                         says what to look at
    isup()               is there a connection at this moment?
    await restart()      hard: the radio, the chip or the modem off and on again; OSError
    await off()          before deep sleep: off, until connect(); OSError
    dns()                addresses of the name servers that the network gave us
    rssi()               signal strength in dBm, or None

Nothing here blocks, and no password or PIN is ever said.
"""

import asyncio
import random

from micropython import const

from bordstein import clock
from bordstein.log import say

KINDS = ("wifi", "ethernet", "ppp")
_LOOK_MS = const(5000)
_TURN_MS = const(200)
_LONGEST_PAUSE_S = const(60)
_HARD = const(5)  # failed tries until the radio is switched off and on
_STUCK_S = const(1800)  # connected, and the broker silent for so long: then too

current = None  # the Interface that keep() keeps


def make(options):
    """The Interface of a `network` section; None when it names none."""
    for kind in KINDS:
        if options.get(kind):
            return __import__("bordstein.net." + kind, None, None, ("Interface",)).Interface(options)
    return None


def dns_servers():
    """Addresses of the name servers, none without a connection."""
    return current.dns() if current else []


def rssi():
    """Signal strength in dBm, or None."""
    try:
        return current.rssi() if current and current.isup() else None
    except (OSError, ValueError):
        return None


async def keep(interface, silent_s):
    """As long as it is `current`: connect, and again when it is gone.

    silent_s(): for how many seconds the broker has not answered.
    """
    global current
    current = interface
    pause = 1
    failures = 0
    restarted = clock.uptime()
    while current is interface:
        if interface.isup():
            pause = 1
            failures = 0
            if min(silent_s(), clock.uptime() - restarted) > _STUCK_S:
                restarted = clock.uptime()
                await _restart(interface, "connected, but nobody answers")
            await asyncio.sleep_ms(_LOOK_MS)
            continue
        try:
            where = await interface.connect()
            say("%s: connected" % interface.name, "to " + where if where else "")
            continue
        except OSError as error:
            say("%s: %s" % (interface.name, error))
        failures += 1
        if failures % _HARD == 0:
            await _restart(interface, "%d tries failed" % failures)
        # Full jitter: after a power cut a whole street comes back at once.
        await asyncio.sleep_ms(500 + (random.getrandbits(10) * pause * 1000 >> 10))
        pause = min(2 * pause, _LONGEST_PAUSE_S)


async def _restart(interface, why):
    say("%s: %s; off and on again" % (interface.name, why))
    try:
        await interface.restart()
    except OSError as error:
        say("%s: %s" % (interface.name, error))


async def wait_up(interface, limit_ms):
    """Wait until an interface is up; whether it is, after limit_ms at most."""
    for _ in range(limit_ms // _TURN_MS):
        if interface.isup():
            return True
        await asyncio.sleep_ms(_TURN_MS)
    return interface.isup()


def use_address(nic, options):
    """Give a network interface its fixed address, where the configuration has one; else DHCP does."""
    address = options.get("address")
    if address:
        nic.ifconfig((address["ip"], address["mask"], address["gateway"], address["dns"]))


def dns_of(nic):
    """The name server of a network interface, as a list."""
    server = nic.ifconfig()[3] if nic and nic.isconnected() else ""
    return [server] if server and server != "0.0.0.0" else []
