"""The low level of the 1-wire line, with the functions of MicroPython's built-in `_onewire`, on the simulated line."""

from simulated import world
from simulated.onewire_line import crc8  # noqa: F401  (part of the module's interface)


def reset(pin):
    return world.onewire_line(pin.number).reset()


def readbit(pin):
    return world.onewire_line(pin.number).read_bit()


def readbyte(pin):
    line = world.onewire_line(pin.number)
    value = 0
    for i in range(8):
        value |= line.read_bit() << i
    return value


def writebit(pin, bit):
    world.onewire_line(pin.number).write_bit(bit)


def writebyte(pin, value):
    line = world.onewire_line(pin.number)
    for i in range(8):
        line.write_bit(value >> i & 1)
