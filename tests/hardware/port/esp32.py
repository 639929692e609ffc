"""`esp32` of a virtual board: what the firmware asks of the chip itself."""

import gc

HEAP_DATA, HEAP_EXEC = 4, 1


def idf_heap_info(capabilities):
    """One region: (total, free, largest free block, least free ever), taken from this process's heap."""
    free = gc.mem_free()
    return [(free + gc.mem_alloc(), free, free, free)]


def raw_temperature():
    return 113  # °F


def mcu_temperature():
    return 45
