"""The platform on a virtual ESP32: what its pins can and can't do. For MicroPython."""
# again: 31-bit, 2000

import machine
import network
import utime
from simulated import world

from bordstein import platform, prompt


def test_supply_voltage_is_not_cut_off_at_the_first_volt():
    for volts in (2.5, 3.3, 4.9):
        world.scenario = {"supply_v": volts}
        platform.use_supply(35, 2000)
        assert abs(platform.voltage() - volts * 1000) <= 2, platform.voltage()


def test_adc_saturates_where_its_attenuation_ends():
    world.scenario = {"supply_v": 3.3}
    pin = machine.Pin(35)
    assert machine.ADC(pin).read_uv() == 1100000
    assert machine.ADC(pin, atten=machine.ADC.ATTN_11DB).read_uv() == 1650000
    world.scenario = {"supply_v": 12}
    assert machine.ADC(pin, atten=machine.ADC.ATTN_11DB).read_uv() == 3100000


def test_the_watchdog_is_held_for_an_hour_and_then_bites():
    fed = []

    class Dog:
        def __init__(self, id=0, timeout=5000):
            self.feed = lambda: fed.append(timeout)

    watchdog, machine.WDT = machine.WDT, Dog
    prompt.hold_watchdog()
    while machine.Timer.fire(0):
        pass
    assert len(fed) == 3600 // 30 and fed[0] == 120000
    prompt.hold_watchdog()
    platform.watchdog(60000).feed()
    assert fed[-1] == 60000 and not machine.Timer.fire(0)  # from then on only the application feeds it
    machine.WDT = watchdog


def test_voltage_is_none_while_the_radio_has_the_adc():
    platform.use_supply(25, 2000)
    assert platform.voltage() > 0
    network.WLAN(network.STA_IF).active(True)
    assert platform.voltage() is None


def test_a_pin_that_can_not_do_it_is_refused_and_stands_for_none():
    for pin in (34, 28):
        try:
            platform.use_led(pin)
            raise AssertionError
        except ValueError:
            platform.led(True)
    for pin in (5, 28):
        try:
            platform.use_supply(pin, 2000)
            raise AssertionError
        except ValueError:
            assert platform.voltage() is None
    platform.use_led(2)
    platform.led(True)
    assert machine.Pin(2).value() == 1


def test_the_system_clock_is_in_unix_seconds_whatever_time_counts_from():
    for utc, date in (
        (1795533000, (2026, 11, 24, 1, 15, 10, 0)),
        (1835481599, (2028, 2, 29, 1, 23, 59, 59)),
        (2145916799, (2037, 12, 31, 3, 23, 59, 59)),  # the last that a 32-bit host can tell
    ):
        platform.set_rtc(utc)
        year, month, day, weekday, hour, minute, second, _ = machine.RTC().datetime()
        assert (year, month, day, weekday, hour, minute, second) == date
        assert 0 <= platform.rtc_utc() - utc <= 1
    platform.machine = None  # a port without RTC
    assert 0 <= utime.time() - platform.rtc_utc() < 2
