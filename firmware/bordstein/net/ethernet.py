"""Ethernet by the ESP32's own MAC and a PHY on RMII (LAN8720 on an Olimex ESP32-POE-ISO, and the like).

Options `network.ethernet`: `phy`, `address` (of the PHY), `mdc`, `mdio`, `power` (pin that switches the PHY on),
`clock` (pin of the 50 MHz clock) and `clock_out` (the ESP32 gives it, it does not take it).
"""

import asyncio

from micropython import const

from bordstein import net, platform

_LINK_MS = const(15000)


def _lan(options):
    network, pin = platform.network, platform.machine.Pin
    if not hasattr(network, "LAN"):
        raise OSError("this board's MicroPython has none; network.ethernet in the configuration is not used")
    given = {name: pin(options[name]) for name in ("mdc", "mdio", "power") if name in options}  # type: dict
    if "clock" in options:
        given["ref_clk"] = pin(options["clock"])
        given["ref_clk_mode"] = pin.OUT if options.get("clock_out") else pin.IN
    kind = getattr(network, "PHY_" + options["phy"].upper())
    return network.LAN(phy_type=kind, phy_addr=options.get("address", 0), **given)  # type: ignore[union-attr]


class Interface:
    name = "ethernet"

    def __init__(self, options):
        self._options = options
        self._lan = None

    async def connect(self):
        if self._lan is None:
            lan = _lan(self._options["ethernet"])
            lan.active(True)
            net.use_address(lan, self._options)
            self._lan = lan
        if not await net.wait_up(self, _LINK_MS):
            raise OSError("no connection: check the cable, the switch, and that it gives out addresses (DHCP)")

    def isup(self):
        return self._lan is not None and self._lan.isconnected()

    async def restart(self):
        if self._lan is not None:
            self._lan.active(False)
            await asyncio.sleep_ms(1000)
            self._lan.active(True)

    async def off(self):
        if self._lan is not None:
            self._lan.active(False)
            self._lan = None

    def dns(self):
        return net.dns_of(self._lan)

    def rssi(self):
        return None
