"""What the tests of drivers share: simulated chips in virtual time that starts just before the ticks of an ESP32 wrap.

For MicroPython; to be imported before anything of the firmware.
"""

import asyncio

import virtual_time

virtual = virtual_time.install(virtual_time.WRAP - 5000)

from simulated import world  # noqa: E402

from bordstein import platform  # noqa: E402

I2C = {"type": "i2c", "id": 0, "scl": 22, "sda": 21, "freq": 100000}
UART = {"type": "uart", "id": 1, "tx": 17, "rx": 16}
ONEWIRE = {"type": "onewire", "pin": 4}


def build(*chips, faults=()):
    world.load({"chips": list(chips), "faults": list(faults)})
    return world.chips[0] if chips else None


def ready(module, platform=platform, **options):
    driver = module.Driver(options, platform)
    asyncio.run(driver.setup())
    return driver


def read(driver):
    return dict(asyncio.run(driver.read()))


def refused(call, *words):
    """The sentence with which call() is refused; it names all words, and no bare error number."""
    try:
        value = call()
    except (OSError, ValueError) as error:
        text = str(error)
        assert not text.startswith("[Errno"), text
        for word in words:
            assert word in text, text
        return text
    raise AssertionError("not refused but " + repr(value))


def one_bit_off(data):
    for bit in range(8 * len(data)):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        yield bytes(wrong)


async def _sleep(seconds):
    await asyncio.sleep(seconds)


def pass_time(seconds):
    asyncio.run(_sleep(seconds))


def right_or_refused(driver, wanted, reads=60):
    """Reads again and again on a bad line; how often it gave the right values. Anything else must be a sentence."""
    good = 0
    for _ in range(reads):
        try:
            got = read(driver)
            assert got == wanted, got
            good += 1
        except (OSError, ValueError) as error:
            assert not str(error).startswith("[Errno"), error
        pass_time(6)
    return good
