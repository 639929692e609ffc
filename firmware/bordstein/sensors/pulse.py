"""Counts pulses on a pin (light barrier, reed contact, people counter) over the reporting interval.

Options: `pin`; `property` (pedestrian_count by default); `debounce_ms` (50): edges closer together than that are one
pulse's contact bouncing; `edge`: "falling" (default: contact to ground with the pin's pull-up) or "rising"; `wake`: a
pulse wakes the board from deep sleep.
"""

from bordstein.sensors.shared.pulses import PulseDriver


class Driver(PulseDriver):
    OPTIONS = (
        "pin pin in !\nproperty one pedestrian_count\ndebounce_ms int 0 10000\nedge one rising falling\n"
        "suppress_below int 2 1000\nwake bool"
    )
    PROPERTIES = ("pedestrian_count",)
    WARM_UP_S = 0
    INTERVAL_S = 300

    async def read(self):
        return [(self._options.get("property", self.PROPERTIES[0]), self._take())]

    def describe(self):
        return {"chip": "pulse", "pin": self._options["pin"]}
