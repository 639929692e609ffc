"""`esp32` of a virtual board: what the firmware asks of the chip itself."""

import gc

from simulated import board

HEAP_DATA, HEAP_EXEC = 4, 1


def idf_heap_info(capabilities):
    """One region: (total, free, largest free block, least free ever), taken from this process's heap."""
    free = gc.mem_free()
    return [(free + gc.mem_alloc(), free, free, free)]


WAKEUP_ALL_LOW, WAKEUP_ANY_HIGH = False, True
_RTC_PINS = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27) + tuple(range(32, 40))


def wake_on_ext0(pin, level):
    if pin is not None and pin.number not in _RTC_PINS:
        raise ValueError("invalid pin")
    board.wake_pin = None if pin is None else (pin.number, 1 if level else 0)


def raw_temperature():
    return 113  # °F


def mcu_temperature():
    return 45
