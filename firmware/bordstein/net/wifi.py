"""Wi-Fi: the first of the networks of the configuration that lets the board in. WPA2 and WPA3 as the image can."""

import asyncio

from micropython import const

from bordstein import net, platform

_JOIN_MS = const(20000)
_WHY = {
    200: "it went silent",
    201: "there is no such network here",
    202: "wrong password",
    203: "it refuses the board",
    204: "wrong password",  # a handshake that nobody answers
}


class Interface:
    name = "wifi"

    def __init__(self, options):
        self._options = options
        self._station = None

    async def connect(self):
        if self._station is None:
            self._station = platform.wlan()
        station = self._station
        if station is None:
            raise OSError("this board has none; network.wifi in the configuration is not used")
        refused = []
        for network in self._options["wifi"]:
            net.use_address(station, self._options)
            station.connect(network["ssid"], network.get("password"))
            if await net.wait_up(self, _JOIN_MS):
                return network["ssid"]
            refused.append("%s (%s)" % (network["ssid"], _WHY.get(station.status(), "no connection")))
            # The driver may hang in a half-made connection.
            await self.restart()
        raise OSError("; ".join(refused))

    def isup(self):
        return self._station is not None and self._station.isconnected()

    async def restart(self):
        self._station.active(False)  # type: ignore[union-attr]
        await asyncio.sleep_ms(200)
        self._station.active(True)  # type: ignore[union-attr]

    async def off(self):
        if self._station is not None:
            self._station.active(False)
            self._station = None

    def dns(self):
        return net.dns_of(self._station)

    def rssi(self):
        return self._station.status("rssi")  # type: ignore[union-attr]
