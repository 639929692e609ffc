"""What a virtual board is besides its chips: reset and its cause, RTC, watchdog, pin levels. One board a process.

How the process ends: code 42 after `machine.reset()` (start it again), SIGALRM when the watchdog bit (start it again
with `--cause watchdog`), SIGKILL from outside for a power cut. RTC memory and clock are kept in the scenario's `rtc`
file; they outlive a reset and the watchdog, not a power cut.
"""

import os
import sys

import utime as time  # the host's, which counts from 1970 whatever the board's does

RESET_CODE = 42
_CAUSES = {"power-on": 1, "hard": 2, "watchdog": 3, "deep-sleep": 4, "soft": 5}
_YEAR_2000 = 946684800

TIMER, PIN = 4, 2  # what ended deep sleep, by the numbers of ESP-IDF
_LOOK_MS = 50

pause = time.sleep_ms  # virtual_time replaces this, too

cause = _CAUSES["power-on"]
cause_name = "power-on"
rtc_memory = b""
levels = {}  # pin number -> 0 or 1
wake_pin = None  # (number, level) that ends deep sleep
woken_by = 0  # TIMER or PIN; 0: this start ends no deep sleep
_rtc_file = None


def host_seconds():
    """The host's clock (virtual_time replaces this)."""
    return int(time.time())


_rtc_offset = _YEAR_2000 - host_seconds()  # RTC minus the host's clock, in seconds

try:
    import ffi

    _libc = ffi.open("libc.so.6")
    alarm = _libc.func("I", "alarm", "I")
    _exit = _libc.func("v", "_exit", "i")
except (ImportError, OSError):  # an interpreter built without ffi: no watchdog, and `finally` blocks run on a reset
    _exit = sys.exit

    def alarm(seconds):
        return 0


def start(scenario, given_cause=None):
    """Settles why the board starts, and what of its RTC is left. given_cause: None = as the last process left it."""
    global cause, cause_name, rtc_memory, _rtc_file, _rtc_offset, woken_by
    _rtc_file = scenario.get("rtc")
    left, memory, offset, woken_by = _load()
    cause_name = given_cause or left or "power-on"
    cause = _CAUSES[cause_name]
    if cause_name == "power-on":
        memory, offset = b"", None
    if cause_name != "deep-sleep":
        woken_by = 0
    rtc_memory = memory
    # A clock that was never set runs from 2000-01-01 on.
    _rtc_offset = _YEAR_2000 - host_seconds() if offset is None else offset
    _store("")


def restart(reason):
    """Ends the process as a reset would: at once, nothing is tidied up."""
    restarts_by(next(name for name, number in _CAUSES.items() if number == reason))
    _exit(RESET_CODE)


def restarts_by(name):
    """The cause that the next start finds."""
    _store(name)


def sleep(ms):
    """Deep sleep, for ever without ms. A pulse of the chip on the waking pin ends it, or that pin's level."""
    global woken_by
    alarm(0)  # the watchdog sleeps, too
    woken_by = TIMER
    if wake_pin is None:
        pause(ms)
    while wake_pin is not None and (ms is None or ms > 0):
        if _pulled():
            woken_by = PIN
            break
        pause(_LOOK_MS)
        ms = ms and ms - _LOOK_MS
    restart(_CAUSES["deep-sleep"])


def _pulled():
    from simulated import world

    number, level = wake_pin
    if levels.get(number, 1) == level:
        return True
    return level == 0 and any(chip.edges() for chip in world.chips_on("pin:%d" % number))


def days(year, month, day):
    """Days from 1970-01-01 to a date (the port's own mktime counts in local time)."""
    count = 0
    for y in range(1970, year):
        count += 366 if _is_leap(y) else 365
    for m in range(1, month):
        count += (31, 29 if _is_leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[m - 1]
    return count + day - 1


def _is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def rtc_seconds():
    return host_seconds() + _rtc_offset


def set_rtc(seconds):
    global _rtc_offset
    _rtc_offset = seconds - host_seconds()
    _store("")


def keep_rtc_memory(data):
    global rtc_memory
    rtc_memory = data
    _store("")


def _load():
    """(cause the last process left or "", RTC memory, offset, what ended deep sleep) from the file; blank when there is
    none."""
    try:
        with open(_rtc_file or "", "rb") as file:
            name, offset, woken = file.readline().decode().rstrip("\n").split(" ")
            return name, file.read(), int(offset), int(woken)
    except (OSError, ValueError):
        return "", b"", None, 0


def _store(name):
    if _rtc_file is not None:
        with open(_rtc_file + ".new", "wb") as file:
            file.write(b"%s %d %d\n" % (name.encode(), _rtc_offset, woken_by))
            file.write(rtc_memory)
        os.rename(_rtc_file + ".new", _rtc_file)
