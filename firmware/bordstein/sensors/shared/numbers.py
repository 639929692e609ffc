"""Small files of whole numbers that a sensor keeps over restarts: a baseline, a calibration. Pure.

A calibration counts as long as the configuration says what it said when it was made: who changes the values there wants
those.
"""

import os


def load(path, count):
    """So many numbers from a file, or None when it is missing or damaged."""
    try:
        with open(path) as file:
            values = tuple(int(word) for word in file.read().split())
    except (OSError, ValueError):
        return None
    if len(values) != count + 1 or sum(values[:count]) != values[count]:
        return None
    return values[:count]


def store(path, numbers):
    """Writes them and their sum; whole or not at all, even when the power goes."""
    with open(path + ".new", "w") as file:
        file.write(" ".join(str(number) for number in tuple(numbers) + (sum(numbers),)))
    os.rename(path + ".new", path)


def calibrated(path, options, keys):
    """Options with what was calibrated in place of these keys."""
    told = _told(options, keys)
    found = load(path, 2 * len(keys))
    if not found or found[: len(keys)] != told:
        return options
    options = dict(options)
    options.update({key: found[len(keys) + at] for at, key in enumerate(keys) if key in options})
    return options


def calibrate(path, options, keys, key, value):
    """Keep a value that was calibrated; the options with it."""
    now = dict(calibrated(path, options, keys))
    now[key] = value
    store(path, _told(options, keys) + _told(now, keys))
    return now


def _told(options, keys):
    return tuple(options.get(key, 0) for key in keys)
