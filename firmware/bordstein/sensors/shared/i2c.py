"""Chips on an I2C bus: registers, and check sums, with failures in sentences."""


def crc8(data, polynomial, crc):
    """CRC-8, most significant bit first; crc: what it starts from. 0 over data with its CRC."""
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ polynomial) & 0xFF if crc & 0x80 else crc << 1
    return crc


class Chip:
    """A chip at an address of an I2C bus; every failure names the chip and says what to look at."""

    def __init__(self, i2c, address, chip):
        self._i2c = i2c
        self._address = address
        self._chip = chip

    def send(self, data):
        try:
            self._i2c.writeto(self._address, data)
        except OSError:
            raise OSError(self.says("no answer: check power, wires and the address"))

    def receive(self, length):
        try:
            return self._i2c.readfrom(self._address, length)
        except OSError:
            raise OSError(self.says("no answer: check power, wires and the address"))

    def says(self, problem):
        return "%s at 0x%02x: %s" % (self._chip, self._address, problem)


class Registers(Chip):
    """A chip with registers."""

    def read(self, register, length):
        try:
            return self._i2c.readfrom_mem(self._address, register, length)
        except OSError:
            raise OSError(self.says("no answer: check power, wires and the address"))

    def write(self, register, data):
        try:
            self._i2c.writeto_mem(self._address, register, data)
        except OSError:
            raise OSError(self.says("no answer: check power, wires and the address"))
