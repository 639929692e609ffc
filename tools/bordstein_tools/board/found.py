"""What answers on a board's buses, and whether it is what the configuration expects there."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ..config import firmware_rules
from ..texts import pick

if TYPE_CHECKING:
    from .cable import Cable

_LOOK = """
def _b_look(buses,power):
 import machine,time
 for p in power:machine.Pin(p,machine.Pin.OUT,value=1)
 if power:time.sleep_ms(300)
 for name,b in buses:
  try:
   if b['type']=='i2c':
    found=machine.I2C(b['id'],scl=machine.Pin(b['scl']),sda=machine.Pin(b['sda']),freq=b.get('freq',100000)).scan()
   else:
    import onewire
    found=[hexlify(rom).decode() for rom in onewire.OneWire(machine.Pin(b['pin'])).scan()]
   print(json.dumps([name,found]))
  except Exception as e:print(json.dumps([name,None]))
"""


class Chip(NamedTuple):
    """bus: its name. address: of I2C, or the ROM of 1-wire in hex; "" for a bus that could not be looked at. sensors:
    what is configured there, or the drivers of what may be there. state: found, missing, unknown (not configured)."""

    bus: str
    address: str
    sensors: list[str]
    state: str


def look(board: "Cable", config: dict[str, Any] | None) -> list[Chip]:
    """On I2C and 1-wire: a UART and a pin do not tell who is there. The board's software must not run. Problem."""
    buses = [
        (name, bus)
        for name, bus in ((config or {}).get("buses") or {}).items()
        if isinstance(bus, dict) and bus.get("type") in ("i2c", "onewire")
    ]
    if not buses:
        return []
    sensors = [one for one in (config or {}).get("sensors", {}).values() if isinstance(one, dict)]
    power = sorted({one["power"] for one in sensors if isinstance(one.get("power"), int)})
    said = board.run(f"{_LOOK}\n_b_look(json.loads({json.dumps(json.dumps(buses))}),{power!r})", 30)
    there = dict(json.loads(line) for line in said.splitlines() if line.startswith("["))
    return [chip for name, bus in buses for chip in _compared(name, bus["type"], there.get(name), config or {})]


def sentence(chips: list[Chip]) -> str:
    """For people, in one line."""
    words = []
    for chip in chips:
        if not chip.address:
            words.append(pick(f"{chip.bus}: nicht prüfbar", f"{chip.bus}: can't be looked at"))
            continue
        names = ", ".join(chip.sensors)
        if chip.state == "missing":
            names += pick(" FEHLT", " MISSING")
        elif chip.state == "unknown":
            names = pick("nicht konfiguriert", "not configured") + (f", {names}?" if names else "")
        words.append(f"{chip.bus} {chip.address} {names}")
    return "; ".join(words) or pick("keine auf I2C und 1-Wire", "none on I2C and 1-wire")


def _compared(bus: str, kind: str, there: list[Any] | None, config: dict[str, Any]) -> Iterator[Chip]:
    if there is None:
        yield Chip(bus, "", [], "unknown")
        return
    addresses = [f"0x{one:02x}" for one in there] if kind == "i2c" else [str(one) for one in there]
    wanted: dict[str, list[str]] = {}
    somewhere = []  # DS18B20 that may be any on the line
    for name, sensor in config.get("sensors", {}).items():
        if not isinstance(sensor, dict) or sensor.get("bus") != bus:
            continue
        title = f"{name} ({sensor.get('driver')})"
        if kind == "i2c":
            address = sensor.get("address", _default(str(sensor.get("driver"))))
            wanted.setdefault(f"0x{address:02x}" if isinstance(address, int) else "?", []).append(title)
        elif sensor.get("rom"):
            wanted.setdefault(str(sensor["rom"]), []).append(title)
        else:
            somewhere.append(title)
    for address in addresses:
        if address in wanted:
            yield Chip(bus, address, wanted[address], "found")
        elif somewhere:
            yield Chip(bus, address, [somewhere.pop(0)], "found")
        else:
            yield Chip(bus, address, _drivers(address) if kind == "i2c" else [], "unknown")
    for address, titles in wanted.items():
        if address not in addresses:
            yield Chip(bus, address, titles, "missing")
    for title in somewhere:
        yield Chip(bus, "?", [title], "missing")


def _default(driver: str) -> int | None:
    """The I2C address of a driver that names none."""
    if driver not in firmware_rules.Drivers.names():
        return None
    for line in firmware_rules.Drivers.load(driver).OPTIONS.split("\n"):
        words = line.split()
        if words[:2] == ["address", "address"] and words[-1].startswith("="):
            return int(words[-1][1:])
    return None


def _drivers(address: str) -> list[str]:
    return [name for name in firmware_rules.Drivers.names() if _default(name) == int(address, 16)]
