"""Floats as an ESP32 has them, of 32 bits; what single_precision.py puts into the copy of the firmware calls this.

For MicroPython. Integers and everything else stay as they are. As on a board, an integer that meets a float becomes one
of 32 bits first, and what is too large is infinite.
"""

import json as _json
import math as _math
import struct

_room = bytearray(4)


def single(number):
    """A number as a float of 32 bits."""
    struct.pack_into("f", _room, 0, number)
    return struct.unpack_from("f", _room, 0)[0]


def rounded(value):
    """The value, a float of 32 bits if it is one; in lists and dicts, however deep, they are changed in their place."""
    if type(value) is float:
        return single(value)
    left = [value]
    while left:
        inner = left.pop()
        kind = type(inner)
        if kind is list or kind is dict:
            for key in list(inner) if kind is dict else range(len(inner)):
                if type(inner[key]) is float:
                    inner[key] = single(inner[key])
                else:
                    left.append(inner[key])
    return value


def _arithmetic(operate):
    def operation(a, b):
        result = operate(a, b)
        return single(operate(single(a), single(b))) if type(result) is float else result

    return operation


def _comparison(compare):
    def comparison(a, b):
        return compare(single(a), single(b)) if float in (type(a), type(b)) else compare(a, b)

    return comparison


add = _arithmetic(lambda a, b: a + b)
sub = _arithmetic(lambda a, b: a - b)
mult = _arithmetic(lambda a, b: a * b)
div = _arithmetic(lambda a, b: a / b)
floordiv = _arithmetic(lambda a, b: a // b)
mod = _arithmetic(lambda a, b: a % b)
pow = _arithmetic(lambda a, b: a**b)
lt = _comparison(lambda a, b: a < b)
lte = _comparison(lambda a, b: a <= b)
gt = _comparison(lambda a, b: a > b)
gte = _comparison(lambda a, b: a >= b)


def added(a, b):
    """`a += b` for its new value: a list is made longer in its place."""
    if type(a) in (int, float):
        return add(a, b)
    a += b
    return a


def sum(values, start=0):
    for value in values:
        start = add(start, value)
    return start


class _Module:
    """A module whose functions give floats of 32 bits, and take their arguments through `before`."""

    def __init__(self, module, before):
        self._module = module
        self._before = before

    def __getattr__(self, name):
        found = getattr(self._module, name)
        if not callable(found):
            return rounded(found)
        return lambda *given: rounded(found(*[self._before(value) for value in given]))


math = _Module(_math, single)
json = _Module(_json, lambda value: value)
