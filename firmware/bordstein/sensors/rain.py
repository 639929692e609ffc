"""Tipping-bucket rain gauge on a pin: precipitation in mm since the reading before.

Source: makers' sheets of the usual gauges (0.2794 mm a tip with 55 cm² of funnel, 0.2 or 0.1 mm with larger ones). The
contact closes for some 100 ms a tip and bounces; a bucket can't tip more than twice a second.

Options: `pin`, `tip_nm` (a tip's rain in millionths of a mm; 279400), `debounce_ms` (300), `edge` (falling).
"""

from bordstein.sensors.shared.pulses import listen

_DEBOUNCE_MS = 300
_MOST = 20000  # hundredths of a mm in one reading: more does not fall


class Rain:
    """Tips to hundredths of a mm; what rounding left over goes into the next reading. Pure."""

    def __init__(self, tip_nm):
        self._tip_nm = tip_nm
        self._rest = 0

    def fell(self, tips):
        total = tips * self._tip_nm + self._rest
        self._rest = total % 10000
        if total // 10000 > _MOST:
            raise ValueError("rain gauge: more than 200 mm in one reading: the contact is loose, or someone shook it")
        return total // 10000


class Driver:
    OPTIONS = "pin pin in !\ntip_nm int 1000 10000000 =279400\ndebounce_ms int 0 10000\nedge one rising falling"
    PROPERTIES = ("precipitation",)
    WARM_UP_S = 0
    INTERVAL_S = 300

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._rain = Rain(options.get("tip_nm", 279400))
        self._counter = None

    async def setup(self):
        if self._counter is None:  # a new counter would lose what was counted
            self._counter = listen(self._platform, self._options, _DEBOUNCE_MS)

    async def read(self):
        if self._counter is None:
            raise OSError("rain gauge: not set up yet")
        return [("precipitation", self._rain.fell(self._counter.take()))]

    def describe(self):
        return {"chip": "rain", "pin": self._options["pin"]}
