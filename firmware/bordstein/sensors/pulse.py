"""Counts pulses on a pin (light barrier, reed contact, people counter) over the reporting interval.

Options: `pin`; `property` (pedestrian_count by default); `debounce_ms` (50): edges closer together than that are one
pulse's contact bouncing; `edge`: "falling" (default: contact to ground with the pin's pull-up) or "rising".
"""

from bordstein.sensors.shared.pulses import listen


class Driver:
    OPTIONS = (
        "pin pin in !\nproperty one pedestrian_count\ndebounce_ms int 0 10000\nedge one rising falling\n"
        "suppress_below int 2 1000"
    )
    PROPERTIES = ("pedestrian_count",)
    WARM_UP_S = 0
    INTERVAL_S = 300

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._property = options.get("property", self.PROPERTIES[0])
        self._counter = None

    async def setup(self):
        if self._counter is None:  # a new counter would lose what was counted
            self._counter = listen(self._platform, self._options, 50)

    async def read(self):
        if self._counter is None:
            raise OSError("pulse counter: not set up yet")
        return [(self._property, self._counter.take())]

    def describe(self):
        return {"chip": "pulse", "pin": self._options["pin"]}
