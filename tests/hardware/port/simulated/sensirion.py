"""A chip with Sensirion's I2C protocol: commands of one or two bytes, words with a CRC-8 each."""

import errno
import struct

from simulated.world import BaseChip


def crc8(data):
    """Polynomial x^8+x^5+x^4+1, from 0xFF, as a division bit by bit."""
    register = 0xFF
    for byte in data:
        for bit in range(7, -1, -1):
            feedback = (register >> 7) ^ (byte >> bit & 1)
            register = register << 1 & 0xFF
            if feedback:
                register ^= 0x31
    return register


def packed(words):
    data = b""
    for word in words:
        data += word.to_bytes(2, "big") + bytes((crc8(word.to_bytes(2, "big")),))
    return data


def floats(*values):
    """Words of single-precision numbers."""
    return struct.unpack(">%dH" % (2 * len(values)), struct.pack(">%df" % len(values), *values))


def ticks(value, zero, span):
    """The word that stands for a value on a scale of 65535."""
    return min(max(int((value - zero) * 65535 / span + 0.5), 0), 65535)


class SensirionChip(BaseChip):
    WIDTH = 2  # bytes of a command

    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        self.address = spec.get("address", self.ADDRESS)
        self._answer = None
        self.power_on()

    def power_on(self):
        """The state after power-on."""

    def command(self, command, arguments):
        """What it answers to a command: a list of words, a function that gives it when it is fetched, or None."""
        raise NotImplementedError

    def i2c_write(self, data):
        arguments = []
        for i in range(self.WIDTH, len(data), 3):
            if crc8(data[i : i + 2]) != data[i + 2]:
                raise OSError(errno.EIO)
            arguments.append(data[i] << 8 | data[i + 1])
        self._answer = self.command(int.from_bytes(data[: self.WIDTH], "big"), arguments)

    def i2c_read(self, count):
        answer = self._answer() if callable(self._answer) else self._answer
        if answer is None:
            raise OSError(errno.ENODEV)  # nothing to fetch: it does not acknowledge
        self._answer = None
        data = (packed(answer) + b"\xff" * count)[:count]
        return self.faults.transfer(data)
