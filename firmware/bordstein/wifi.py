"""Keeps the board on one of its Wi-Fi networks. Nothing here blocks, and no password is ever printed."""

import asyncio

from micropython import const

from bordstein import platform
from bordstein.log import say

_JOIN_LIMIT_MS = const(20000)
_TURN_MS = const(200)
_LOOK_MS = const(5000)
_LONGEST_PAUSE_S = const(60)


async def join(station, network):
    """Try one network ({"ssid", "password"}); True when connected within the limit."""
    station.connect(network["ssid"], network.get("password"))
    for _ in range(_JOIN_LIMIT_MS // _TURN_MS):
        if station.isconnected():
            return True
        await asyncio.sleep_ms(_TURN_MS)
    return False


async def run(networks):
    """For ever: connect to the first of the networks that lets us in, and again when it is gone."""
    station = platform.wlan()
    if station is None:
        say("wifi: this board has none; network.wifi in the configuration is not used")
        return
    pause = 1
    while True:
        if station.isconnected():
            pause = 1
            await asyncio.sleep_ms(_LOOK_MS)
            continue
        for network in networks:
            try:
                joined = await join(station, network)
            except OSError as error:
                say("wifi:", error)
                joined = False
            if joined:
                say("wifi: connected to", network["ssid"])
                break
            say("wifi: no connection to", network["ssid"])
            # The driver may hang in a half-made connection; off and on clears it.
            station.active(False)
            station.active(True)
        else:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
