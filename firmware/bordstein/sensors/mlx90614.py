"""Melexis MLX90614: temperature of a surface from its infrared light, without touching it: road; I2C address 0x5A.

Source: Melexis data sheet MLX90614 (memory, SMBus with its check sum PEC). 1 count is 0.02 K. The bus
must not be faster than 100 kHz. Asphalt radiates 0.93 to 0.96 of what a black body would: `emissivity`; it is written
into the chip's EEPROM once, when it differs.

Options: `property` (road_surface_temperature), `address` (90, for chips that were given another), `emissivity`
(thousandths; without it the chip keeps what it has, from the factory 1000), `housing` (true: report the chip's own
temperature too, as air_temperature).
"""

import asyncio

from bordstein.sensors.shared.i2c import Registers, crc8

_AMBIENT = 0x06
_OBJECT = 0x07
_EMISSIVITY = 0x24
_ERROR = 0x8000
_EEPROM_MS = 10


def check_sum(address, register, data):
    """The PEC of a read of that register; `data`: the two bytes that came, low byte first."""
    return crc8(bytes((address << 1, register, address << 1 | 1)) + data, 0x07, 0)


def parse(address, register, data):
    """Two bytes and their PEC -> word; ValueError with the reason."""
    if len(data) != 3 or check_sum(address, register, data[:2]) != data[2]:
        raise ValueError("MLX90614: wrong check sum, the data were damaged on the line: shorter cable or lower `freq`")
    return data[0] | data[1] << 8


def convert(raw):
    """A temperature's word -> hundredths of a °C; ValueError outside of what the chip can measure."""
    if raw & _ERROR:
        raise ValueError("MLX90614: the chip says that this measurement failed")
    celsius = 2 * raw - 27315
    if not -7000 <= celsius <= 38220:
        raise ValueError("MLX90614: %d °C is outside of -70 to 382 °C: read wrong" % (celsius // 100))
    return celsius


class Driver:
    OPTIONS = (
        "bus i2c !\naddress address 8 119 =90\nproperty one road_surface_temperature water_temperature\n"
        "emissivity int 100 1000\nhousing bool"
    )
    PROPERTIES = ("road_surface_temperature", "water_temperature", "air_temperature")
    WARM_UP_S = 1
    INTERVAL_S = 60
    STUCK_AFTER = 240

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._address = options.get("address", 0x5A)
        self._property = options.get("property", self.PROPERTIES[0])
        self._registers = None

    async def setup(self):
        registers = Registers(self._platform.i2c(self._options["bus"]), self._address, "MLX90614")
        thousandths = self._options.get("emissivity")
        now = self._word(registers, _EMISSIVITY)
        if thousandths is not None:
            wanted = (thousandths * 65535 + 500) // 1000
            if now != wanted:
                for value in (0, wanted):  # a cell has to be erased before it is written
                    data = bytes((value & 0xFF, value >> 8))
                    pec = crc8(bytes((self._address << 1, _EMISSIVITY)) + data, 0x07, 0)
                    registers.write(_EMISSIVITY, data + bytes((pec,)))
                    await asyncio.sleep_ms(_EEPROM_MS)
                if self._word(registers, _EMISSIVITY) != wanted:
                    raise OSError(registers.says("does not keep its emissivity: supply too low, or damaged chip"))
        self._registers = registers

    async def read(self):
        if self._registers is None:
            raise OSError("MLX90614: not set up yet")
        values = [(self._property, convert(self._word(self._registers, _OBJECT)))]
        if self._options.get("housing"):
            values.append(("air_temperature", convert(self._word(self._registers, _AMBIENT))))
        return values

    def _word(self, registers, register):
        return parse(self._address, register, registers.read(register, 3))

    def describe(self):
        return {"chip": "MLX90614", "address": self._address}
