"""Sensirion's I2C protocol, for their chips and for those that copied it: commands of one or two bytes, data in words
of two bytes, high byte first, each with a CRC-8.

Source: data sheets of SHT3x, SHT4x, SCD4x and SPS30 (polynomial 0x31, initial value 0xFF).
"""

import asyncio

from bordstein.sensors.shared.i2c import Chip, crc8

_POLYNOMIAL = 0x31
_INITIAL = 0xFF


def words(data):
    """Bytes with a CRC behind every two -> list of words; ValueError when one is damaged."""
    found = []
    for i in range(0, len(data), 3):
        if crc8(data[i : i + 3], _POLYNOMIAL, _INITIAL) or len(data) < i + 3:
            raise ValueError("wrong check sum, the data were damaged on the line: shorter cable or lower `freq`")
        found.append(data[i] << 8 | data[i + 1])
    return found


def word(value):
    """A word as it goes to a chip: two bytes and their CRC."""
    data = bytes((value >> 8, value & 0xFF))
    return data + bytes((crc8(data, _POLYNOMIAL, _INITIAL),))


def scaled(ticks, span, zero):
    """A word as a share of 65535 of `span`, on top of `zero`; rounded."""
    return zero + (ticks * span * 2 + 65535) // 131070


def real(high, low, factor):
    """Two words that are a single-precision number -> integer, `factor` times the number; no floats, so no rounding
    but the last one. ValueError for what is no number."""
    exponent = high >> 7 & 0xFF
    if exponent == 0xFF:
        raise ValueError("not a number")
    mantissa = ((high & 0x7F | (0x80 if exponent else 0)) << 16 | low) * factor
    shift = 150 - (exponent or 1)
    if shift <= 0:
        value = mantissa << -shift
    else:
        value = (mantissa + (1 << shift >> 1)) >> shift
    return -value if high & 0x8000 else value


class Commands(Chip):
    async def ask(self, command, count, wait_ms=1):
        """Send a command (bytes) and fetch `count` words of its answer, wait_ms later."""
        self.send(command)
        await asyncio.sleep_ms(wait_ms)
        return self.fetch(count)

    def fetch(self, count):
        try:
            return words(self.receive(3 * count))
        except ValueError as error:
            raise ValueError(self.says(error))

    async def until(self, command, mask, polls, poll_ms):
        """Ask for one word again and again until one of the bits in `mask` is set: the data are ready."""
        for _ in range(polls):
            if (await self.ask(command, 1))[0] & mask:
                return
            await asyncio.sleep_ms(poll_ms)
        raise OSError(self.says("no data within %d ms: the chip hangs" % (polls * poll_ms)))
