"""What a distance to a surface means: a level and how fast it rises, how full a bin is, whether something stands there.
Pure.

Options, any of them together; without one the distance itself is reported:
* `zero_mm` (from the sensor to the level's zero): `water_level` = zero - distance, which may be negative; with `rise_s`
  also `water_level_rate`, the slope of the straight line through the levels of so many seconds;
* `depth_mm` (from the sensor to the bottom of the empty bin) and `blind_mm` (from the sensor to what counts as full):
  `fill_level`;
* `occupied_mm`: nearer than that something stands there, farther than that and a fifth nothing does; 4 of the last 5
  readings have to agree, and nothing is reported until that was decided once. Reported as `property`.
"""

from bordstein.sensors.shared.votes import Votes

_TOLERANCE = 10  # per cent of its depth by which a bin may seem deeper


def fill(distance, depth_mm, blind_mm):
    """Thousandths of a bin that are full; ValueError when the distance is no bin's."""
    if distance * 100 > depth_mm * (100 + _TOLERANCE):
        raise ValueError(
            "%d mm is more than the bin's %d mm: its lid is open, or `depth_mm` is wrong" % (distance, depth_mm)
        )
    full = (depth_mm - distance) * 1000 // (depth_mm - blind_mm)
    return min(max(full, 0), 1000)


class Meaning:
    """options: of the sensor; blind_mm: when they name none."""

    def __init__(self, options, blind_mm):
        self._zero = options.get("zero_mm")
        self._rise = None
        if "rise_s" in options:
            from bordstein.sensors.shared.rise import Rise

            self._rise = Rise(options["rise_s"])
        self._depth = options.get("depth_mm")
        self._blind = options.get("blind_mm", blind_mm)
        self._occupied = options.get("occupied_mm")
        self._property = options.get("property", "parking_bay_occupied")
        self._votes = Votes()
        if self._depth is not None and self._depth <= self._blind:
            raise ValueError("`depth_mm` has to be more than `blind_mm`, %d mm" % self._blind)

    def keep(self):
        """What resume() takes after deep sleep."""
        return [self._rise and self._rise.keep(), self._votes.keep()]

    def resume(self, kept):
        if self._rise and kept[0]:
            self._rise.resume(kept[0])
        self._votes.resume(kept[1])

    def readings(self, distance, now):
        """A distance in mm at a time in s -> list of (property, value)."""
        found: list = []
        if self._zero is not None:
            level = self._zero - distance
            found.append(("water_level", level))
            rate = self._rise.feed(now, level) if self._rise else None
            if rate is not None:
                found.append(("water_level_rate", rate))
        if self._depth is not None:
            found.append(("fill_level", fill(distance, self._depth, self._blind)))
        if self._occupied is not None:
            state = self._votes.feed(self._vote(distance))
            if state is not None:
                found.append((self._property, state))
        elif not found:
            found.append(("distance", distance))
        return found

    def _vote(self, distance):
        if distance < self._occupied:
            return True
        return False if distance * 5 > self._occupied * 6 else None
