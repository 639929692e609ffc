"""Time, all of it: ticks, uptime and UTC, in integers. Nothing else in the firmware asks `time`.

* ticks_ms, ticks_add, ticks_diff: wrap after 2**30 ms (12.4 days) on an ESP32; for pauses and limits only.
* uptime(): seconds since the start, which do not wrap as long as somebody asks at least every six days (app does).
* now(): UTC in Unix seconds (1970, whatever the port's epoch is). Never goes backwards, but for the one moment in
  which an estimate is replaced by the true time.
* quality(): "set", "estimated" (went on from what an earlier start knew) or "unset" (the build time is all there is).

The UTC of the start of each boot is kept in a file, so that times taken before the clock was set are put right also
after a restart: `birth(boot)`. The last known time is written there once an hour; an estimate begins beyond anything
the board may have said since, so that no time is used twice.
"""

import os
import time

from micropython import const

from bordstein import platform

BUILD_TIME = 1795478400  # 2026-11-24; no clock of ours is ever behind it
_FILE = "clock"
_HOUR = const(3600)
_KEEP = const(8)  # boots whose start is remembered
_ESTIMATE_MARK = const(0xE5)

# These three are replaced in tests that need their own time.
ticks_ms = time.ticks_ms
ticks_add = time.ticks_add
ticks_diff = time.ticks_diff
sleep_ms = time.sleep_ms

_last = ticks_ms()  # at the last look
_ms = 0  # milliseconds since the start, up to the last look
_offset = BUILD_TIME  # UTC minus uptime
_quality = "unset"
_said = 0  # the largest now() so far
_boot = 0
_births = []  # type: ignore[var-annotated]  # [boot, UTC of its uptime 0], oldest first
_written = 0  # uptime at which the file was last written


def start(boot):
    """Begin: uptime 0 is now, in boot number `boot`. Takes over the system clock where that is known to be right."""
    global _last, _ms, _offset, _quality, _said, _boot, _births
    _last = ticks_ms()
    _ms = _said = 0
    _boot = boot
    known, _births = _load()
    system = platform.rtc_utc()
    if system > BUILD_TIME and not _system_is_estimate():
        _offset = system
        _quality = "set"
        _births.append([boot, system])
    else:
        _offset = max(BUILD_TIME, known + _HOUR + 60 if known else 0)
        _quality = "estimated" if known > BUILD_TIME else "unset"
        _mark_system(True)
        platform.set_rtc(_offset)
    _save()


def uptime():
    """Seconds since the start."""
    return uptime_ms() // 1000


def uptime_ms():
    """Milliseconds since the start."""
    global _last, _ms
    ticks = ticks_ms()
    passed = ticks_diff(ticks, _last)
    if passed > 0:
        _ms += passed
        _last = ticks
    return _ms


def now():
    """UTC in Unix seconds; an estimate as long as quality() is not "set". Never less than it was before."""
    global _said
    _said = max(_said, uptime() + _offset)
    return _said


def quality():
    """How good now() is: "set", "estimated" or "unset"."""
    return _quality


def set_utc(seconds, source):
    """Take UTC from outside. source: "sntp" (also corrects a set clock) or "receipt" (only sets an unset one).

    Returns whether it was taken; a time before the build time is refused: certificates would not be valid.
    """
    global _offset, _quality
    if seconds < BUILD_TIME or (source == "receipt" and _quality == "set"):
        return False
    first = _quality != "set"
    change = seconds - now()
    _offset = seconds - uptime()
    _quality = "set"
    if first:
        _births.append([_boot, _offset])
        _rewind()
        _save()
    if first or abs(change) > 1:
        print("clock: set by %s, %+d s" % (source, change))
        platform.set_rtc(seconds)
        _mark_system(False)
    return True


def _rewind():
    # An estimate may have run ahead of the real time; nothing that was said with it counts as UTC.
    global _said
    _said = 0


def boot():
    """The number of this boot."""
    return _boot


def birth(boot):
    """UTC of uptime 0 in that boot, or None if its clock was never set."""
    for number, utc in _births:
        if number == boot:
            return utc
    return None


def utc_of(uptime_s):
    """UTC of a moment of this boot given by its uptime: always the same answer once the clock is set."""
    begin = birth(_boot)
    return (_offset if begin is None else begin) + uptime_s


def poll():
    """To be called at least every few hours: keeps uptime from wrapping, and the last known time on file."""
    if uptime() - _written >= _HOUR:
        _save()


def last_boot():
    """The newest boot number that the file knows, 0 if none."""
    return max([number for number, _ in _load()[1]] + [0])


# The file: the last known time in the first line, then a line a boot: number and UTC of its start.


def _load():
    try:
        with open(_FILE) as file:
            known = int(file.readline())
            births = [[int(word) for word in line.split()] for line in file]
        return known, [pair for pair in births if len(pair) == 2]
    except (OSError, ValueError):
        return 0, []


def _save():
    global _written
    _written = uptime()
    del _births[:-_KEEP]
    try:
        with open(_FILE + ".new", "w") as file:
            file.write("%d\n" % now())
            for number, utc in _births:
                file.write("%d %d\n" % (number, utc))
        os.rename(_FILE + ".new", _FILE)
    except OSError as error:
        print("clock: the time can't be kept in flash:", error)


# The system clock outlives a reset, so it must be known whether it holds a real time or only an estimate: the first
# byte of RTC memory says so. (Both are gone after a power cut.)


def _system_is_estimate():
    return platform.rtc_memory()[:1] == bytes((_ESTIMATE_MARK,))


def _mark_system(estimate):
    memory = platform.rtc_memory()
    platform.rtc_memory(bytes((_ESTIMATE_MARK if estimate else 0,)) + memory[1:])
