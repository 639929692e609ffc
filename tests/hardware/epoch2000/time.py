"""`time` of a port that counts from 2000, as an ESP32's; for the front of MICROPYPATH. The host's own is `utime`."""

import utime
from utime import sleep, sleep_ms, sleep_us, ticks_add, ticks_cpu, ticks_diff, ticks_ms, ticks_us  # noqa: F401

_SHIFT = 946684800  # Unix seconds of 2000-01-01


def time():
    return int(utime.time()) - _SHIFT


def time_ns():
    return utime.time_ns() - _SHIFT * 1000000000


def gmtime(seconds=None):
    return utime.gmtime() if seconds is None else utime.gmtime(seconds + _SHIFT)


def localtime(seconds=None):
    return utime.localtime() if seconds is None else utime.localtime(seconds + _SHIFT)


def mktime(moment):
    return utime.mktime(moment) - _SHIFT
