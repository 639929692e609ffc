"""What a driver takes for its calibration on the spot, and the file that keeps it. Loaded when there is any.

It counts as long as the configuration says what it said when it was made: who changes the values there wants those.
"""

import asyncio

from bordstein.sensors.shared import numbers
from bordstein.sensors.shared.bay import Bay

SOIL = ("raw_dry", "raw_wet")
DISTANCE = ("zero_mm", "depth_mm")
_LOOKS = 30  # at a field that has to be still
_LOOK_MS = 500


def calibrated(path, options, keys):
    """Options with what was calibrated in place of these keys."""
    told = _told(options, keys)
    found = numbers.load(path, 2 * len(keys))
    if not found or found[: len(keys)] != told:
        return options
    options = dict(options)
    options.update({key: found[len(keys) + at] for at, key in enumerate(keys) if key in options})
    return options


def keep(path, options, keys, key, value):
    """Keep a value that was calibrated."""
    now = dict(calibrated(path, options, keys))
    now[key] = value
    numbers.store(path, _told(options, keys) + _told(now, keys))


def _told(options, keys):
    return tuple(options.get(key, 0) for key in keys)


async def still_field(measure, threshold_nt):
    """The Bay with the baseline of a field that does not move; measure: coroutine function. ValueError."""
    bay = Bay(threshold_nt)
    for _ in range(_LOOKS):
        bay.feed(await measure(), _LOOK_MS)
        if bay.baseline:
            return bay
        await asyncio.sleep_ms(_LOOK_MS)
    raise ValueError("the field is not still; is something moving in the bay? Nothing was changed")
