"""Is this board good? Its own application runs, started as it starts by itself, and is judged by what it does: what the
sensors read, how far it gets on the way to the gateway, and whether a reading of this start came back with a receipt.

What failed is told with the board's own sentence, which is English, and a hint (check_hints.py).
"""

import time
from collections.abc import Callable

from ..board.cable import Cable
from ..config import configuring
from . import board as check_board
from . import sensors as check_sensors
from . import way as check_way
from .observing import Seen, observe
from .result import BAD, Result, complaints

_TRIES = 2  # failures of a sensor, or of the network, until it is judged
_READ_S = 20  # from the end of a warm-up to the first reading
_HOPELESS_S = 15  # the connection has failed in the same way for so long

__all__ = ["BAD", "Result", "run"]


def run(
    cable: Cable,
    wait_s: float,
    step: Callable[[str, str], None],
    waited: Callable[[int, int], None] = lambda seconds, most: None,
) -> list[Result]:
    """All items of a board, which is at its prompt then; reset() lets it work on. Problem: it cannot be tested.

    wait_s: how long its readings may take to the gateway and back; a sensor that has to warm up for longer gets that.
    step: gets what is done now, German and English. waited: for how many seconds so far, and for how many at most.
    """
    cable.take()
    step("Was auf dem Gerät ist", "looking at what is on the board")
    config = configuring.on_board(cable) or {}
    results = [check_board.certificate(cable, config), check_board.room(*cable.free())]
    step("Die Software des Geräts starten und ihr zusehen", "starting the board's software and watching it")
    seen = _watched(cable, wait_s, waited)
    return [
        *check_sensors.configuration(seen),
        *check_sensors.sensors(seen),
        *check_way.way(seen, config),
        check_board.clock(seen),
        check_board.spool(seen),
        *check_board.supply(seen, config),
    ] + [result for result in results if result]


def _watched(cable: Cable, wait_s: float, waited: Callable[[int, int], None]) -> Seen:
    """What came until everything is known, or the time was over."""
    seen, begun, failing = Seen(), 0.0, ("", 0.0)  # begun: when its software was there

    def going_on() -> bool:
        nonlocal begun, failing
        if seen.status is None:
            return True
        now, problem = time.monotonic(), seen.status["problem"]
        begun = begun or now
        if problem != failing[0]:
            failing = (problem, now)
        cold = [sensor.warm_up_s for sensor in seen.sensors.values() if sensor.warm_up_s and not sensor.attempts]
        most = max([wait_s, *(warm_up_s + _READ_S for warm_up_s in cold)])
        waited(min(int(now - begun), int(most)), int(most))
        if now - begun > most:
            return False
        hopeless = bool(problem) and now - failing[1] > _HOPELESS_S
        return not (_all_tried(seen) and (_is_confirmed(seen) or hopeless or _without_network(seen)))

    for event in observe(cable, going_on):
        if event:
            seen.take(event)
    return seen


def _all_tried(seen: Seen) -> bool:
    return all(
        sensor.failures >= _TRIES or (sensor.attempts and not sensor.failures) for sensor in seen.sensors.values()
    )


def _is_confirmed(seen: Seen) -> bool:
    return seen.status is not None and seen.status["receipt"] is not None and seen.status["clock"] == "set"


def _without_network(seen: Seen) -> bool:
    status = seen.status
    return bool(status and status["way"] and not status["up"] and len(complaints(seen, status["way"])) >= _TRIES)
