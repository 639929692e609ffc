"""What runs in an interrupt must not allocate: the heap may be in the middle of a change. For MicroPython."""
# again: single, 31-bit

import micropython

from bordstein.sensors.shared import pulses


class Pin:
    IRQ_RISING, IRQ_FALLING = 1, 2

    def irq(self, handler, trigger):
        self.handler = handler


class Platform:
    @staticmethod
    def pin(number, mode, pull):
        return Pin()


def edges(counter, number):
    """That many edges with the heap locked, as in an interrupt."""
    handler = counter.pin.handler
    micropython.heap_lock()
    try:
        for _ in range(number):
            handler(None)
    finally:
        micropython.heap_unlock()


def test_edges_are_counted_without_memory():
    counter = pulses.listen(Platform, {"pin": 27, "debounce_ms": 0}, 50)
    edges(counter, 100)
    assert counter.take() == 100
    bouncing = pulses.listen(Platform, {"pin": 27}, 10000)
    edges(bouncing, 100)
    assert bouncing.take() == 1


def test_edges_are_counted_without_memory_also_when_the_counter_begins_anew():
    counter = pulses.listen(Platform, {"pin": 27, "debounce_ms": 0}, 50)
    counter._count = counter._taken = pulses._RING - 50
    edges(counter, 100)
    assert counter.take() == 100 and counter._count == 49
