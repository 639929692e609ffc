"""How fast a level rises. Pure."""

_POINTS = 30  # of a line that a slope is taken from


class Rise:
    """How fast a level rises, in mm/h, from (time in s, level in mm)."""

    def __init__(self, span_s):
        self._span_s = span_s
        self._points = []

    def keep(self):
        """What resume() takes after deep sleep."""
        return self._points

    def resume(self, kept):
        self._points = kept

    def feed(self, now, level):
        """Takes a level; returns the slope, or None until the levels of half the time are known."""
        points = self._points
        while points and now - points[0][0] > self._span_s:
            points.pop(0)
        slope = None
        if points and now - points[0][0] >= self._span_s // 2:
            slope = _slope(points + [(now, level)])
        if not points or now - points[-1][0] >= self._span_s // _POINTS:
            points.append((now, level))
        return slope


def _slope(points):
    # Least squares, from the first point on, so that the numbers stay small.
    begin, zero = points[0]
    times = [time - begin for time, _ in points]
    levels = [level - zero for _, level in points]
    count = len(points)
    above = count * sum(times[i] * levels[i] for i in range(count)) - sum(times) * sum(levels)
    below = count * sum(time * time for time in times) - sum(times) ** 2
    return (above * 7200 + below) // (2 * below)
