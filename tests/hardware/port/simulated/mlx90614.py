"""MLX90614 on SMBus (Melexis data sheet): quantities object and ambient in °C; every word with its check sum PEC.

A cell of its EEPROM takes a value only after it was erased with 0; `writes` counts what was written.
"""

from simulated.world import BaseChip


def pec(data):
    """CRC-8 with x^8+x^2+x+1, as a division bit by bit."""
    register = 0
    for byte in data:
        for bit in range(7, -1, -1):
            feedback = (register >> 7) ^ (byte >> bit & 1)
            register = register << 1 & 0xFF
            if feedback:
                register ^= 0x07
    return register


class Chip(BaseChip):
    QUANTITIES = ("object", "ambient")

    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        self.address = spec.get("address", 0x5A)
        self.eeprom = {0x24: spec.get("emissivity", 0xFFFF)}
        self.writes = 0
        self._command = 0

    def i2c_write(self, data):
        self._command = data[0]
        if len(data) == 4 and pec(bytes((self.address << 1,)) + data[:3]) == data[3] and data[0] in self.eeprom:
            value = data[1] | data[2] << 8
            self.writes += 1
            if not value or not self.eeprom[data[0]]:
                self.eeprom[data[0]] = value

    def i2c_read(self, count):
        if self._command in self.eeprom:
            word = self.eeprom[self._command]
        else:
            kelvin = self.wanted("object" if self._command == 0x07 else "ambient") + 273.15
            word = 0x8000 if self.spec.get("broken") else int(kelvin * 50 + 0.5)
        data = word.to_bytes(2, "little")
        data += bytes((pec(bytes((self.address << 1, self._command, self.address << 1 | 1)) + data),))
        return self.faults.transfer((data + b"\xff" * count)[:count])
