"""What a board makes of its readings before it sends them: averages, changes only, no small counts. Pure.

Loaded only where a sensor's configuration asks for it. A sensor is then read each `sample_s`, and reported:
* each interval: averages (levels of sound by their energy), sums of what is counted, the last of what is true or false;
  with `statistics` the smallest and largest value and how many there were as well, as sensors NAME.min, .max, .count;
* at once what is true or false and changed;
* with `deadband` the newest values in place of averages, and at once when one moved farther than that.
`suppress_below`: counts from 1 to one less are not given, `count_withheld` in their place.
"""

import math

from bordstein.properties import row

_SUMMED = ("count", "mm")  # units of amounts


class Derived:
    def __init__(self, options):
        self._deadband = options.get("deadband")
        self._least = options.get("suppress_below", 0)
        self._statistics = options.get("statistics")
        self._slot = -1  # none yet
        self._kept = {}  # name: [how many, sum, smallest, largest, last] since the last report
        self._sent = {}  # name: what was last reported
        self.moved = False  # something was reported because it changed

    def take(self, values, slot, asked):
        """Takes a reading; returns what is to be reported now, often nothing.

        slot: number of the interval that the reading falls into; asked: report whatever the time.
        """
        for name, value in values:
            self._keep(name, value)
        moved = [(name, value) for name, value in values if self._moved(name, value)]
        found: list = []
        if asked or slot != self._slot:
            self.moved = self.moved or any(name in self._sent for name, _ in moved)
            self._slot = slot
            for name, kept in self._kept.items():
                found.extend(self._report(name, kept))
            if self._statistics and found:
                found.append((".count/taken", max(kept[0] for kept in self._kept.values())))
            self._kept = {}
        else:
            found = moved
            self.moved = self.moved or bool(found)
        self._sent.update(found)
        return found

    def keep(self):
        """What resume() takes after deep sleep."""
        return [self._slot, self._kept, self._sent]

    def resume(self, kept):
        self._slot, self._kept, self._sent = kept

    def _keep(self, name, value):
        amount = 10 ** (value / 100) if row(name)[0] == "dB" else value
        count, total, least, most, _ = self._kept.get(name, (0, 0, value, value, value))
        self._kept[name] = (count + 1, total + amount, min(least, value), max(most, value), value)

    def _moved(self, name, value):
        if isinstance(value, bool):
            return self._sent.get(name) is not value
        if self._deadband is None or row(name)[0] in _SUMMED:
            return False
        return name not in self._sent or abs(value - self._sent[name]) > self._deadband

    def _report(self, name, kept):
        count, total, least, most, value = kept
        if isinstance(value, bool):
            return [(name, value)]
        unit = row(name)[0]
        if unit in _SUMMED:
            if unit == "count" and 0 < total < self._least:
                return [("count_withheld", True)]
            return [(name, total)]
        if self._deadband is None:
            if name[-3:] == "min":
                value = least
            elif name[-3:] == "max" or name == "wind_gust":
                value = most
            elif unit == "dB":
                value = int(math.log10(total / count) * 100 + 0.5)
            else:
                value = (total * 2 + count) // (2 * count)
        if not self._statistics:
            return [(name, value)]
        return [(name, value), (".min/" + name, least), (".max/" + name, most)]
