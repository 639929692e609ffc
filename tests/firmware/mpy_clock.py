"""The clock: wraps, epochs, setting, and what is kept over restarts. For MicroPython."""
# again: single, 31-bit, 2000

import os
import time as unix

import flash

from bordstein import clock, platform, senml

WRAP = 1 << 30


class Time:
    """Ticks and a system clock that the test moves; the system clock is 2000-01-01 as after a power cut."""

    def __init__(self, ticks=WRAP - 1500):
        self.ms = ticks
        self.system = 946684800
        clock.ticks_ms = lambda: self.ms & (WRAP - 1)
        clock.ticks_diff = lambda a, b: ((a - b + WRAP // 2) & (WRAP - 1)) - WRAP // 2
        platform.rtc_utc = lambda: self.system
        platform.set_rtc = self._set
        platform.rtc_memory(b"")

    def _set(self, utc):
        self.system = utc

    def pass_s(self, seconds):
        self.ms += seconds * 1000
        self.system += seconds

    def power_cut(self):
        self.system = 946684800
        platform.rtc_memory(b"")


def test_uptime_goes_on_over_the_wrap_of_ticks():
    flash.mount()
    time = Time()
    clock.start(1)
    for second in range(1, 6):
        time.pass_s(1)
        assert clock.uptime() == second


def test_uptime_of_years_needs_only_to_be_looked_at_now_and_then():
    flash.mount()
    time = Time()
    clock.start(1)
    for hours in range(0, 3 * 365 * 24, 100):
        assert clock.uptime() == hours * 3600
        time.pass_s(100 * 3600)


def test_a_clock_that_was_never_set_says_so_and_is_not_behind_the_build():
    flash.mount()
    time = Time()
    clock.start(1)
    assert clock.quality() == "unset"
    assert clock.now() >= clock.BUILD_TIME
    assert time.system >= clock.BUILD_TIME  # TLS asks the system clock


def test_a_system_clock_that_is_right_is_taken_over():
    flash.mount()
    time = Time()
    time.system = clock.BUILD_TIME + 1000
    clock.start(1)
    time.pass_s(5)
    assert clock.quality() == "set" and clock.now() == clock.BUILD_TIME + 1005


def test_an_estimate_in_the_system_clock_is_not_taken_for_the_time_after_a_reset():
    flash.mount()
    time = Time()
    clock.start(1)
    time.pass_s(100)
    clock.start(2)
    assert clock.quality() != "set"


def test_time_set_from_outside_outlives_a_reset():
    flash.mount()
    time = Time()
    clock.start(1)
    assert clock.set_utc(clock.BUILD_TIME + 5000, "receipt")
    assert clock.quality() == "set"
    time.pass_s(60)
    clock.start(2)
    assert clock.quality() == "set" and clock.now() == clock.BUILD_TIME + 5060


def test_a_receipt_sets_a_clock_and_corrects_it_when_it_is_well_off():
    flash.mount()
    Time()
    clock.start(1)
    assert not clock.set_utc(clock.BUILD_TIME - 1, "sntp")
    assert clock.quality() == "unset"
    assert clock.set_utc(clock.BUILD_TIME + 100, "receipt")
    assert not clock.set_utc(clock.BUILD_TIME + 104, "receipt")
    assert clock.now() == clock.BUILD_TIME + 100
    assert clock.set_utc(clock.BUILD_TIME + 107, "receipt")
    assert clock.now() == clock.BUILD_TIME + 107


def test_sntp_corrects_everything_and_no_receipt_corrects_sntp():
    flash.mount()
    Time()
    clock.start(1)
    assert clock.set_utc(clock.BUILD_TIME + 100, "receipt")
    assert clock.set_utc(clock.BUILD_TIME + 102, "sntp")
    assert not clock.set_utc(clock.BUILD_TIME + 900, "receipt")
    assert clock.now() == clock.BUILD_TIME + 102


def test_a_wrong_time_far_ahead_is_left_again_with_all_that_hangs_on_it():
    flash.mount()
    time = Time()
    clock.start(1)
    wrong = clock.BUILD_TIME + 5 * 365 * 86400
    right = clock.BUILD_TIME + 1000
    clock.set_utc(wrong, "sntp")
    time.pass_s(100)
    assert clock.now() == wrong + 100
    clock.set_utc(right, "sntp")
    assert clock.now() == right and clock.utc_of(clock.uptime()) == right and time.system == right
    time.power_cut()
    clock.start(2)
    assert right < clock.now() < right + 4000


def test_many_short_starts_do_not_carry_the_estimate_away():  # once
    flash.mount()
    time = Time()
    clock.start(1)
    clock.set_utc(clock.BUILD_TIME + 1000, "sntp")
    time.power_cut()
    clock.start(2)
    begin = clock.now()
    said = begin
    for boot in range(3, 1003):
        for _ in range(6):
            time.pass_s(5)
            assert clock.now() >= said
            said = clock.now()
        if boot % 2:
            time.power_cut()
        clock.start(boot)
        assert clock.now() > said and clock.quality() == "estimated"
        said = clock.now()
    assert said - begin < 2 * 30 * 1000, said - begin  # 30,000 s have passed


def test_now_never_goes_backwards():
    flash.mount()
    time = Time()
    clock.start(1)
    clock.set_utc(clock.BUILD_TIME + 1000, "sntp")
    before = clock.now()
    clock.set_utc(clock.BUILD_TIME + 990, "sntp")
    seen = []
    for _ in range(20):
        seen.append(clock.now())
        time.pass_s(1)
    assert seen == sorted(seen) and seen[0] == before
    assert seen[-1] == clock.BUILD_TIME + 990 + 19


def test_an_estimate_begins_after_everything_that_was_said_before():
    flash.mount()
    time = Time()
    clock.start(1)
    clock.set_utc(clock.BUILD_TIME + 100000, "sntp")
    for _ in range(600):
        time.pass_s(60)
        clock.poll()
    last = clock.now()
    for boot in (2, 3, 4):
        time.power_cut()
        clock.start(boot)
        assert clock.quality() == "estimated"
        assert clock.now() > last, boot
        time.pass_s(1000)
        last = clock.now()


def test_a_time_before_the_clock_was_set_is_put_right_also_after_a_restart():
    flash.mount()
    time = Time()
    clock.start(4)
    time.pass_s(100)
    line = senml.pack(["air/air_temperature=8.15"], clock.utc_of(100), clock.uptime())
    true = clock.BUILD_TIME + 777777
    time.pass_s(50)
    clock.set_utc(true, "receipt")
    wanted = b'"bt":%d,' % (true - 50)
    assert wanted in senml.expand(line, "24a160123456", 4, 0)
    clock.set_utc(true + 3, "sntp")  # a later correction must not give the same reading another time
    assert wanted in senml.expand(line, "24a160123456", 4, 0)
    time.power_cut()
    clock.start(5)
    assert wanted in senml.expand(line, "24a160123456", 4, 0)


def test_a_damaged_clock_file_is_as_good_as_none():
    flash.mount()
    Time()
    for text in ("", "x", "12\n3 4 5\nz", "\n\n"):
        with open("clock", "w") as file:
            file.write(text)
        clock.start(1)
        assert clock.quality() in ("unset", "estimated")
        assert clock.now() >= clock.BUILD_TIME


def test_the_file_keeps_the_last_boots_only():
    flash.mount()
    time = Time()
    for boot in range(1, 40):
        time.power_cut()
        clock.start(boot)
        clock.set_utc(clock.BUILD_TIME + boot * 1000, "sntp")
    assert clock.birth(39) == clock.BUILD_TIME + 39000 and clock.birth(1) is None
    assert clock.last_boot() == 39
    assert os.stat("clock")[6] < 300


def test_days_are_right_through_leap_years():
    for year, month, day, number in (
        (1970, 1, 1, 0), (2000, 1, 1, 10957), (2000, 2, 29, 11016), (2024, 3, 1, 19783), (2025, 11, 24, 20416),
        (2099, 12, 31, 47481),
    ):  # fmt: skip
        assert platform.days(year, month, day) == number, (year, month, day)


def test_the_system_clock_is_the_same_on_ports_that_count_from_2000():  # once
    class Counted:
        """`time` of a port whose epoch is 2000."""

        def gmtime(self, seconds=None):
            return unix.gmtime((seconds or 0) + 946684800)

        def time(self):
            return 1763990000 - 946684800

    class Rtc:
        kept = None

        def datetime(self, moment=None):
            if moment is None:
                return self.kept
            Rtc.kept = moment

    class Machine:
        RTC = Rtc

    platform.time, before, platform.machine, machine = Counted(), platform.time, Machine, platform.machine
    try:
        platform.set_rtc(1763990000)
        assert Rtc.kept[:3] == (2025, 11, 24) and Rtc.kept[4:7] == (13, 13, 20), Rtc.kept
        assert platform.rtc_utc() == 1763990000
        platform.machine = None
        assert platform.rtc_utc() == 1763990000
    finally:
        platform.time, platform.machine = before, machine
