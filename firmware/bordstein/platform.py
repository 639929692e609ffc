"""The board as the rest of the firmware sees it. The only module that imports machine, network and esp32.

Where a part is missing (no Wi-Fi, no RTC memory, no supply pin) the function says so with None or an empty value.
"""

import gc
import os
import time

try:
    import machine
except ImportError:
    machine = None  # type: ignore[assignment]
try:
    import esp32
except ImportError:
    esp32 = None  # type: ignore[assignment]
try:
    import network
except ImportError:
    network = None  # type: ignore[assignment]

RTC_BYTES = 2048
_EPOCH_2000 = 946684800  # 2000-01-01 in Unix seconds

_led = None
_supply = None
_buses = {}  # type: ignore[var-annotated]
_memory = b""  # stands in for RTC memory where there is none


def device_id():
    """The base MAC as 12 lower-case hex digits."""
    return "".join("%02x" % byte for byte in machine.unique_id()[:6])


def reset_cause():
    """Why the board started: power-on (a brown-out too), hard, watchdog, deep-sleep, soft or unknown."""
    cause = machine.reset_cause()
    for name, word in (
        ("PWRON_RESET", "power-on"),
        ("HARD_RESET", "hard"),
        ("WDT_RESET", "watchdog"),
        ("DEEPSLEEP_RESET", "deep-sleep"),
        ("SOFT_RESET", "soft"),
    ):
        if cause == getattr(machine, name, None):
            return word
    return "unknown"


def reset():
    """Restart the board; does not return."""
    machine.reset()


def watchdog(limit_ms):
    """The chip's watchdog: restarts the board when feed() was not called for limit_ms. Nothing ends it again."""
    machine.Timer(0).deinit()  # of prompt.hold_watchdog()
    return machine.WDT(timeout=limit_ms)


def deep_sleep(ms, wake=None):
    """Sleep, then start anew, with the cause deep-sleep; does not return. wake: (pin object, level) that ends it.

    Only pins of the RTC can (an ESP32's 0, 2, 4, 12-15, 25-27, 32-39); can_wake() says which.
    """
    if wake:
        esp32.wake_on_ext0(wake[0], esp32.WAKEUP_ANY_HIGH if wake[1] else esp32.WAKEUP_ALL_LOW)
    machine.deepsleep(ms)


def can_wake(number):
    """Can this pin end the chip's deep sleep? None of an ESP32-C3 can with MicroPython."""
    try:
        esp32.wake_on_ext0(machine.Pin(number), esp32.WAKEUP_ALL_LOW)
        esp32.wake_on_ext0(None, esp32.WAKEUP_ALL_LOW)
    except (AttributeError, ValueError):
        return False
    return True


def woken_by_pin():
    """Did a pin end deep sleep, and not the time?"""
    return reset_cause() == "deep-sleep" and machine.wake_reason() == machine.PIN_WAKE


def heap_free():
    """Bytes free in the Python heap, after a collection."""
    gc.collect()
    return gc.mem_free()


# Pins and buses


def pin(number, mode="in", pull=None):
    """A machine.Pin. mode: in, out; pull: None, up, down."""
    pin = machine.Pin
    pulls = {"up": pin.PULL_UP, "down": pin.PULL_DOWN}
    direction = pin.OUT if mode == "out" else pin.IN
    return pin(number, direction, pulls[pull]) if pull else pin(number, direction)


def adc(number):
    """A machine.ADC on a pin, for up to about 2.5 V. ValueError: this chip's pin can't."""
    # Without the attenuator an ESP32 measures no more than about 1 V.
    return machine.ADC(machine.Pin(number), atten=machine.ADC.ATTN_11DB)


def i2c(bus):
    """The machine.I2C of a bus in the configuration; one object a bus, however many chips share it."""
    key = ("i2c", bus["id"])
    if key not in _buses:
        _buses[key] = machine.I2C(
            bus["id"], scl=machine.Pin(bus["scl"]), sda=machine.Pin(bus["sda"]), freq=bus.get("freq", 100000)
        )
    return _buses[key]


def uart(bus, baudrate):
    """The machine.UART of a bus, non-blocking, with room for what arrives between two turns of the loop."""
    key = ("uart", bus["id"])
    settings = {"rxbuf": 512, "timeout": 0}
    for name in ("tx", "rx"):
        if name in bus:
            settings[name] = bus[name]
    if key in _buses:
        _buses[key].init(baudrate, **settings)
    else:
        _buses[key] = machine.UART(bus["id"], baudrate, **settings)
    return _buses[key]


def onewire(bus):
    """The 1-wire bus (stock module `onewire`) of a bus in the configuration."""
    import onewire

    key = ("onewire", bus["pin"])
    if key not in _buses:
        _buses[key] = onewire.OneWire(machine.Pin(bus["pin"]))
    return _buses[key]


def use_led(number):
    """From now on led() drives this pin; None: the board has no LED. ValueError: this chip's pin can't."""
    global _led
    _led = None
    if number is not None:
        _led = pin(number, "out")


def led(on):
    """Switch the LED, if there is one."""
    if _led is not None:
        _led.value(1 if on else 0)


def use_supply(number, factor):
    """From now on voltage() reads this pin; factor: thousandths by which the divider in front of it divides.

    ValueError: this chip's pin can't.
    """
    global _supply
    _supply = (adc(number), factor)


def voltage():
    """Supply voltage in mV, or None where nothing measures it (on the pins of ADC2 nothing does beside Wi-Fi)."""
    if _supply is None:
        return None
    adc, factor = _supply
    try:
        return adc.read_uv() // 1000 * factor // 1000
    except (OSError, ValueError):
        return None


# Network


def wlan():
    """The Wi-Fi station, switched on; None on a board without Wi-Fi."""
    if network is None or not hasattr(network, "WLAN"):
        return None
    station = network.WLAN(network.STA_IF)
    if not station.active():
        station.active(True)
    return station


# What outlives a reset


def replace(name, data):
    """A file with this content (bytes or text) in its place, or what was there before: littlefs renames whole or not
    at all, also when the power goes. Durable on return; OSError."""
    with open(name + ".new", "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)
    os.rename(name + ".new", name)


def rtc_memory(data=None):
    """Read (no argument) or write the up to RTC_BYTES bytes that outlive resets and sleep, but not a power cut."""
    global _memory
    if hasattr(machine, "RTC") and hasattr(machine.RTC, "memory"):
        if data is None:
            return machine.RTC().memory()
        machine.RTC().memory(data)
        return None
    if data is None:
        return _memory
    _memory = bytes(data)
    return None


def rtc_utc():
    """The system clock in Unix seconds; it starts at 2000-01-01 after a power cut and outlives a reset."""
    if not hasattr(machine, "RTC"):
        # time.time() counts from 2000 on some ports, from 1970 on others.
        return int(time.time()) + (_EPOCH_2000 if time.gmtime(0)[0] == 2000 else 0)
    year, month, day, _, hour, minute, second, _ = machine.RTC().datetime()
    return (days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second


def set_rtc(utc):
    """Set the system clock (TLS checks certificates' dates by it) to Unix seconds."""
    if not hasattr(machine, "RTC"):
        return
    year, month, day, hour, minute, second, weekday = time.gmtime(
        utc - (_EPOCH_2000 if time.gmtime(0)[0] == 2000 else 0)
    )[:7]
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))


def days(year, month, day):
    """Days from 1970-01-01 to a date, in the Gregorian calendar."""
    # Years begin in March here, so that the leap day is the last day of a year.
    if month < 3:
        year -= 1
        month += 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469
