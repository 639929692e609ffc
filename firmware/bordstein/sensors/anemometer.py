"""Cup anemometer with a reed contact on a pin: mean wind speed and strongest gust since the reading before.

Source: makers' sheets of the usual cups (one pulse a second is 2.4 km/h, that is 667 mm of wind a pulse); WMO guide
No. 8: a gust is the highest mean of 3 s.

Options: `pin`, `pulse_mm` (mm of wind a pulse; 667), `debounce_ms` (4), `edge` (falling).
"""

import asyncio

from bordstein.sensors.shared.pulses import listen

_DEBOUNCE_MS = 4  # 100 m/s would be 150 pulses a second
_GUST_MS = 3000
_MOST = 1000  # tenths of a m/s


class Wind:
    """Pulses to speeds in tenths of a m/s. Pure."""

    def __init__(self, pulse_mm):
        self._pulse_mm = pulse_mm
        self._clear()

    def _clear(self):
        self._way = 0  # mm
        self._elapsed = 0
        self._gust = 0

    def feed(self, pulses, elapsed_ms):
        """What was counted in the last elapsed_ms."""
        way = pulses * self._pulse_mm
        self._way += way
        self._elapsed += elapsed_ms
        # A short piece would say a gust that is none.
        self._gust = max(self._gust, _tenths(way, max(elapsed_ms, _GUST_MS)))

    def take(self):
        """(mean, gust) since the last take."""
        mean, gust = _tenths(self._way, self._elapsed), self._gust
        self._clear()
        if gust > _MOST:
            raise ValueError("anemometer: more than 100 m/s: the contact bounces, a longer `debounce_ms` helps")
        return mean, max(mean, gust)


def _tenths(way, elapsed_ms):
    return (way * 10 + elapsed_ms // 2) // elapsed_ms if elapsed_ms else 0  # mm/ms is m/s


class Driver:
    OPTIONS = "pin pin in !\npulse_mm int 1 10000 =667\ndebounce_ms int 0 1000\nedge one rising falling"
    PROPERTIES = ("wind_speed", "wind_gust")
    WARM_UP_S = 9  # no mean of less than three gusts
    RESETS = True  # what is counted begins with the setup
    INTERVAL_S = 600

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._wind = Wind(options.get("pulse_mm", 667))
        self._counter = None
        self._fed = 0

    async def setup(self):
        from bordstein import clock

        if self._counter is None:
            self._counter = listen(self._platform, self._options, _DEBOUNCE_MS)
            self._fed = clock.uptime_ms()
            asyncio.create_task(self._look())

    async def read(self):
        if self._counter is None:
            raise OSError("anemometer: not set up yet")
        self._feed()
        mean, gust = self._wind.take()
        return [("wind_speed", mean), ("wind_gust", gust)]

    async def _look(self):
        while True:
            await asyncio.sleep_ms(_GUST_MS)
            self._feed()

    def _feed(self):
        from bordstein import clock

        now = clock.uptime_ms()
        self._wind.feed(self._counter.take(), now - self._fed)  # type: ignore[union-attr]
        self._fed = now

    def describe(self):
        return {"chip": "anemometer", "pin": self._options["pin"]}
