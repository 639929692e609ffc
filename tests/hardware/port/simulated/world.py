"""The world round one virtual board: its time, its chips and which bus they hang on.

`load(scenario)` builds it; machine.py and network.py ask it. One board a process, so this is module state.
"""

import utime as time  # the host's, which counts from 1970 whatever the board's does

from simulated.faults import Faults
from simulated.replay import Replay

scenario = {}
chips = []
_uart_lines = {}
_onewire_lines = {}

ticks_ms = time.ticks_ms  # virtual_time replaces these two
ticks_diff = time.ticks_diff

_elapsed = 0
_last = None


def elapsed_ms():
    """Milliseconds since the scenario's start; never wraps."""
    global _elapsed, _last
    now = ticks_ms()
    if _last is not None:
        _elapsed += ticks_diff(now, _last)
    _last = now
    return _elapsed


def load(description):
    """Builds the chips of a scenario (a dict; see README.md). A `start` in Unix seconds keeps replays and faults going
    over a restart of the process, as the real world does."""
    global scenario, _elapsed, _last
    scenario = description
    chips.clear()
    _uart_lines.clear()
    _onewire_lines.clear()
    _last = None
    _elapsed = 0
    if "start" in description:
        _elapsed = max(0, time.time_ns() // 1000000 - int(description["start"] * 1000))
    known = []
    for index, spec in enumerate(description.get("chips", ())):
        name = spec.get("name", "%s%d" % (spec["chip"], index))
        known.append(name)
        faults = [fault for fault in description.get("faults", ()) if fault["chip"] == name]
        module = __import__("simulated." + spec["chip"], None, None, ("Chip",))
        chips.append(module.Chip(spec, name, Faults(faults, elapsed_ms)))
    for fault in description.get("faults", ()):
        if fault["chip"] not in known:
            raise ValueError("fault for chip %r, but there are only: %s" % (fault["chip"], ", ".join(known)))


def chips_on(bus):
    """The chips on a bus, for example "i2c:0", "uart:1", "onewire:4" (pin 4), "pin:27"."""
    return [chip for chip in chips if chip.bus == bus]


def uart_line(number):
    from simulated.uart import Line

    if number not in _uart_lines:
        _uart_lines[number] = Line(chips_on("uart:%d" % number))
    return _uart_lines[number]


def onewire_line(pin):
    from simulated.onewire_line import Line

    if pin not in _onewire_lines:
        _onewire_lines[pin] = Line(chips_on("onewire:%d" % pin))
    return _onewire_lines[pin]


class Source:
    """What a chip is to measure: from a replay, or fixed values, with the fault `stuck`."""

    def __init__(self, spec, faults):
        self._fixed = spec.get("values", {})
        self._replays = []
        replay = spec.get("replay")
        if replay:
            self._replays.append(
                (
                    replay["columns"],
                    Replay(
                        replay["file"],
                        replay["columns"],
                        replay.get("step_s", 1),
                        replay.get("first_row", 0),
                        replay.get("interpolate", False),
                    ),
                )
            )
        self._faults = faults
        self._held = {}

    def __call__(self, quantity):
        if quantity in self._held and self._faults.on("stuck"):
            return self._held[quantity]
        value = self._fixed.get(quantity)
        for columns, replay in self._replays:
            if quantity in columns:
                value = replay.value(quantity, elapsed_ms())
        self._held[quantity] = value
        return value


class BaseChip:
    """Base of all simulated chips. QUANTITIES names what it measures, in the units its module says."""

    QUANTITIES = ()

    def __init__(self, spec, name, faults):
        self.spec = spec
        self.name = name
        self.bus = spec["bus"]
        self.faults = faults
        self.wanted = Source(spec, faults)

    def alive(self):
        """False when a fault has killed it or the replay has no value now."""
        return not self.faults.on("dead") and all(self.wanted(quantity) is not None for quantity in self.QUANTITIES)
