"""Maxim DS18B20 temperature sensor on a 1-wire line: road surface, soil, water, air, a bin that may burn.

Source: Maxim DS18B20 data sheet (scratchpad, conversion times). The line itself is spoken by MicroPython's own
modules `onewire` and `ds18x20`, which stock images have on board.

Options: `property` (what it measures: road_surface_temperature by default), `rom` (16 hex digits, needed only when
several sensors share the line).
"""

import asyncio

_CONVERT_MS = 750  # 12 bits
_POWER_ON = 0x0550  # 85 °C: what the scratchpad holds from power-on until the first conversion
_FAMILIES = (0x22, 0x28)  # DS1822, DS18B20: same scratchpad


def crc8(data):
    """Dallas/Maxim CRC-8 (polynomial x^8+x^5+x^4+1, least significant bit first); 0 over data with its CRC."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8C if crc & 1 else crc >> 1
    return crc


def parse(scratchpad, before=None):
    """9 bytes of scratchpad -> hundredths of a °C; ValueError with the reason.

    85.00 °C is refused as the power-on value when byte 6 still has its power-on content too, unless `before`, the
    reading before (hundredths), shows that it is really that hot.
    """
    if len(scratchpad) != 9 or crc8(scratchpad):
        raise ValueError("DS18B20: wrong check sum: cable too long or disturbed, pull-up (4.7 kΩ) missing?")
    if not any(scratchpad):
        raise ValueError("DS18B20: only zeros: the line has a short to ground")
    raw = scratchpad[0] | scratchpad[1] << 8
    if raw == _POWER_ON and scratchpad[6] == 0x0C and (before is None or abs(before - 8500) > 500):
        raise ValueError("DS18B20: 85 °C is its power-on value: no conversion happened, check its power")
    if raw & 0x8000:
        raw -= 0x10000
    hundredths = (raw * 100 + 8) >> 4
    if not -5500 <= hundredths <= 12500:
        raise ValueError("DS18B20: %d °C is outside of -55 to 125 °C: read wrong" % (hundredths // 100))
    return hundredths


class Driver:
    OPTIONS = (
        "bus onewire !\n"
        "property one road_surface_temperature soil_temperature water_temperature air_temperature "
        "container_temperature\n"
        "rom rom"
    )
    PROPERTIES = (
        "road_surface_temperature",
        "soil_temperature",
        "water_temperature",
        "air_temperature",
        "container_temperature",
    )
    WARM_UP_S = 0
    INTERVAL_S = 60

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._property = options.get("property", self.PROPERTIES[0])
        self._chips = None
        self._rom = None
        self._before = None

    async def setup(self):
        import ds18x20

        chips = ds18x20.DS18X20(self._platform.onewire(self._options["bus"]))
        found = [bytes(rom) for rom in chips.scan() if rom[0] in _FAMILIES and not crc8(rom)]
        wanted = self._options.get("rom")
        if wanted is not None:
            wanted = bytes(int(wanted[i : i + 2], 16) for i in range(0, 16, 2))
            found = [rom for rom in found if rom == wanted]
        if not found:
            raise OSError("DS18B20: not found on the line: check power, wires, pull-up (4.7 kΩ) and `rom`")
        if len(found) > 1:
            roms = ", ".join(_hex(rom) for rom in found)
            raise ValueError("DS18B20: several sensors on the line, set `rom` to one of: " + roms)
        self._rom = found[0]
        self._chips = chips

    async def read(self):
        if self._chips is None:
            raise OSError("DS18B20: not set up yet")
        try:
            self._chips.convert_temp()
            await asyncio.sleep_ms(_CONVERT_MS)
            scratchpad = self._chips.read_scratch(self._rom)
        except Exception as error:  # noqa: BLE001  (the stock modules raise bare Exception and OneWireError)
            if "CRC" in str(error):
                raise ValueError("DS18B20: wrong check sum: cable too long or disturbed, pull-up (4.7 kΩ) missing?")
            raise OSError("DS18B20: no answer on the line: check power and wires")
        value = parse(scratchpad, self._before)
        self._before = value
        return [(self._property, value)]

    def describe(self):
        return {"chip": "DS18B20", "rom": None if self._rom is None else _hex(self._rom)}


def _hex(data):
    return "".join("%02x" % byte for byte in data)
