"""Small files of whole numbers that a sensor keeps over restarts: a baseline, a calibration. Pure."""

from bordstein import platform


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
    platform.replace(path, " ".join(str(number) for number in numbers + (sum(numbers),)))
