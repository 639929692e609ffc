"""Time, all of it: ticks, uptime and UTC, in integers. Nothing else in the firmware asks `time`.

* ticks_ms, ticks_add, ticks_diff: wrap after 2**30 ms (12.4 days) on an ESP32; for pauses and limits only.
* uptime(): seconds since the start, deep sleep included, which do not wrap as long as somebody asks at least every six
  days (app does).
* now(): UTC in Unix seconds (1970, whatever the port's epoch is). Never goes backwards, but when an estimate is
  replaced by the true time, or a time that was wrong by more than JUMP_S by a right one.
* quality(): "set", "estimated" (went on from what an earlier start knew) or "unset" (the build time is all there is).

The UTC of the start of each boot is kept in a file, so that times taken before the clock was set are put right also
after a restart: `birth(boot)`. There, too, stands a time that now() has not reached; after a power cut an estimate
begins with it, so that no time is used twice. It lies ahead by about as long as the board has run, an hour at most:
many short starts do not carry the estimate away.
"""

import time

from micropython import const

from bordstein import log, platform
from bordstein.log import say

BUILD_TIME = 1795478400  # no clock of ours is ever behind it; tools/dev/mpy.py writes the build's own time here
JUMP_S = const(300)
_FILE = "clock"
_HOUR = const(3600)
_LEAST_AHEAD_S = const(60)
_SLACK_S = const(5)  # what a receipt may be wrong by
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
_zero = 0  # the system clock at uptime 0; it differs from _offset by what was too little to set it
_said = 0  # the largest now() so far
_ahead = 0  # what stands in the file: a time that now() has not reached
_source = ""
_boot = 0
_births = []  # type: ignore[var-annotated]  # [boot, UTC of its uptime 0], oldest first
on_set = None  # function(UTC) for each time from outside: a clock chip follows


def start(boot, slept=None):
    """Begin: uptime 0 is now, in boot number `boot`. Takes over the system clock where that is known to be right.

    slept: what rest() gave before deep sleep: boot and uptime go on, by the system clock.
    """
    global _last, _ms, _offset, _quality, _said, _boot, _births, _source, _ahead, _zero
    _last = ticks_ms()
    _ms = _said = 0
    _boot = boot
    _source = "system"
    log.stamp = uptime
    known, _births = _load()
    system = platform.rtc_utc()
    if slept:
        _offset, before, _quality, _zero = slept
        _ms = max(system - _zero, before + 1) * 1000
        _said = _offset + before
        _ahead = known
        return
    if system > BUILD_TIME and not _system_is_estimate():
        _offset = system
        _quality = "set"
        _births.append([boot, system])
        _zero = system
    else:
        # An estimate that went on through a reset has said nothing later than itself, but for a second's rounding.
        _offset = system + 2 if system > BUILD_TIME else max(BUILD_TIME, known)
        _quality = "estimated" if known > BUILD_TIME else "unset"
        _mark_system(True)
        platform.set_rtc(_offset)
        _zero = _offset
    _save()


def rest():
    """What is to be given to start() as `slept` after deep sleep."""
    return _offset, uptime(), _quality, _zero


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
    if _said >= _ahead:
        _save()
    return _said


def quality():
    """How good now() is: "set", "estimated" or "unset"."""
    return _quality


def set_utc(seconds, source):
    """Take UTC from outside. source: "sntp", "ds3231" (a clock chip), or "receipt", which may be a few seconds off and
    never corrects SNTP.

    Returns whether it was taken; a time before the build time is refused: certificates would not be valid.
    """
    global _offset, _quality, _source, _said, _zero
    change = seconds - uptime() - _offset
    first = _quality != "set"
    if seconds < BUILD_TIME:
        return False
    if source == "receipt" and not first and (_source == "sntp" or -_SLACK_S <= change <= _SLACK_S):
        return False
    wrong = change < -JUMP_S or change > JUMP_S
    _offset = seconds - uptime()
    _quality = "set"
    _source = source
    if first or wrong:
        # What was said with an estimate, or with a wrong clock, does not count as UTC.
        _said = 0
        _births[:] = [pair for pair in _births if pair[0] != _boot]
        _births.append([_boot, _offset])
        _save()
    if first or change < -1 or change > 1:
        say("clock: set by %s, %+d s" % (source, change))
        platform.set_rtc(seconds)
        _zero = _offset
        _mark_system(False)
    if on_set and source != "ds3231":
        on_set(seconds)
    return True


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
    """To be called at least every few hours: keeps uptime from wrapping, and the file ahead of the time."""
    now()


def last_boot():
    """The newest boot number that the file knows, 0 if none."""
    return max([number for number, _ in _load()[1]] + [0])


# The file: a time not yet reached in the first line, then a line a boot: number and UTC of its start.


def _load():
    try:
        with open(_FILE) as file:
            known = int(file.readline())
            births = [[int(word) for word in line.split()] for line in file]
        return known, [pair for pair in births if len(pair) == 2]
    except (OSError, ValueError):
        return 0, []


def _save():
    global _ahead
    passed = uptime()
    _ahead = max(_said, passed + _offset) + min(max(passed, _LEAST_AHEAD_S), _HOUR)
    del _births[:-_KEEP]
    try:
        platform.replace(_FILE, "".join(["%d\n" % _ahead] + ["%d %d\n" % (number, utc) for number, utc in _births]))
    except OSError as error:
        say("clock: the time can't be kept in flash:", error)


# The system clock outlives a reset, so it must be known whether it holds a real time or only an estimate: the first
# byte of RTC memory says so. (Both are gone after a power cut.)


def _system_is_estimate():
    return platform.rtc_memory()[:1] not in (b"", b"\0")  # a mark with a wrong bit is one, too


def _mark_system(estimate):
    memory = platform.rtc_memory()
    platform.rtc_memory(bytes((_ESTIMATE_MARK if estimate else 0,)) + memory[1:])
