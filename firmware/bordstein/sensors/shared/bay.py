"""Is there a car in the bay? From the field that its steel bends. Pure.

A car changes the earth's field by some 10 µT. `Bay` compares with the field of the empty bay, its baseline:
* the baseline follows slow drift (temperature, ageing), only while the bay is free and quiet: no parked car is learned;
* occupied from `threshold_nt` on, free again below half of it, and only when 4 of the last 5 samples agree;
* nothing is reported until that was decided once. The baseline is kept in a file over restarts; without one (first
  start) it is learned from a still field, so the bay has to be empty then.
"""

from bordstein.sensors.shared.votes import Votes

_LEARN = 10  # still samples that make a baseline
_FOLLOW_MS = 600000  # time constant with which the baseline follows


def distance(a, b):
    """Length of the difference of two field vectors, in their unit."""
    return int(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2) ** 0.5)


class Bay:
    """Occupancy from field vectors in nT. Pure: feed it samples, look at `state` (None unknown, False free, True)."""

    def __init__(self, threshold_nt=6000, baseline=None):
        self.threshold_nt = threshold_nt
        self.state = None
        self.deviation = None  # nT, of the last sample
        self._baseline = [axis * 256 for axis in baseline or ()]  # 1/256 nT; empty: not known
        self._still = []
        self._votes = Votes()

    @property
    def baseline(self):
        return tuple(axis >> 8 for axis in self._baseline) or None

    def keep(self):
        """What resume() takes after deep sleep."""
        return [self._baseline, self._votes.keep(), self._still]

    def resume(self, kept):
        self._baseline, votes, self._still = kept
        self._votes.resume(votes)
        self.state = self._votes.state

    def feed(self, field, elapsed_ms):
        """Takes one sample, elapsed_ms after the one before; True when the state changed."""
        if not self._baseline:
            self._learn(field)
            return False
        self.deviation = distance(field, self.baseline)
        if self.deviation >= self.threshold_nt:
            vote = True
        elif self.deviation < self.threshold_nt // 2:
            vote = False
        else:
            vote = None  # between the thresholds nothing is decided
        before = self.state
        self.state = self._votes.feed(vote)
        if self.state is False and self.deviation < self.threshold_nt // 4:
            self._follow(field, elapsed_ms)
        return self.state is not before

    def _learn(self, field):
        self._still = self._still[1 - _LEARN :] + [field]
        middle = tuple(sum(sample[i] for sample in self._still) // len(self._still) for i in range(3))
        if len(self._still) == _LEARN and all(distance(s, middle) < self.threshold_nt // 8 for s in self._still):
            self._baseline = [axis * 256 for axis in middle]
            self._still = []

    def _follow(self, field, elapsed_ms):
        elapsed_ms = min(elapsed_ms, _FOLLOW_MS // 10)
        for i in range(3):
            self._baseline[i] += (field[i] * 256 - self._baseline[i]) // 64 * elapsed_ms // (_FOLLOW_MS // 64)
