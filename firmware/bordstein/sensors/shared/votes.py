"""A state that changes only when most of the last looks at it agree. Pure."""

_WINDOW = 5
_AGREE = 4


class Votes:
    """A state (None unknown, False, True) that changes when 4 of the last 5 votes agree. A vote may be None."""

    def __init__(self):
        self.state = None
        self._votes = []

    def keep(self):
        """What resume() takes after deep sleep."""
        return [self.state] + self._votes

    def resume(self, kept):
        self.state = kept[0]
        self._votes = kept[1:]

    def feed(self, vote):
        """Takes one vote; returns the state."""
        self._votes = self._votes[1 - _WINDOW :] + [vote]
        for state in (False, True):
            if self._votes.count(state) >= _AGREE:
                self.state = state
        return self.state
