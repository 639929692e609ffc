"""`time` of a board on a cable: counts from 2000, as an ESP32's, and a Ctrl-C ends a pause."""

import serial_line
from utime import *  # noqa: F403

_YEAR_2000 = 946684800
_seconds, _gmtime, _mktime = time, gmtime, mktime  # noqa: F405
sleep_ms = serial_line.sleep_ms


def sleep(seconds):
    sleep_ms(seconds * 1000)


def time():
    return int(_seconds()) - _YEAR_2000


def gmtime(seconds=None):
    return _gmtime(_seconds() if seconds is None else seconds + _YEAR_2000)


def localtime(seconds=None):
    return gmtime(seconds)


def mktime(moment):
    return int(_mktime(moment)) - _YEAR_2000
