"""Tipping-bucket rain gauge on a pin: precipitation in mm since the reading before.

Source: makers' sheets of the usual gauges (0.2794 mm a tip with 55 cm² of funnel, 0.2 or 0.1 mm with larger ones). The
contact closes for some 100 ms a tip and bounces; a bucket can't tip more than twice a second.

Options: `pin`, `tip_nm` (a tip's rain in millionths of a mm; 279400), `debounce_ms` (300), `edge` (falling), `wake`
(a tip wakes the board from deep sleep; without it only those are counted that come while it is awake).
"""

from bordstein.sensors.shared.pulses import PulseDriver

_MOST = 20000  # hundredths of a mm in one reading: more does not fall


class Rain:
    """Tips to hundredths of a mm; what rounding left over goes into the next reading. Pure."""

    def __init__(self, tip_nm):
        self._tip_nm = tip_nm
        self.rest = 0

    def fell(self, tips):
        total = tips * self._tip_nm + self.rest
        self.rest = total % 10000
        if total // 10000 > _MOST:
            raise ValueError("rain gauge: more than 200 mm in one reading: the contact is loose, or someone shook it")
        return total // 10000


class Driver(PulseDriver):
    OPTIONS = (
        "pin pin in !\ntip_nm int 1000 10000000 =279400\ndebounce_ms int 0 10000\nedge one rising falling\nwake bool"
    )
    PROPERTIES = ("precipitation",)
    WARM_UP_S = 0
    INTERVAL_S = 300

    DEBOUNCE_MS = 300

    def __init__(self, options, platform):
        super().__init__(options, platform)
        self._rain = Rain(options.get("tip_nm", 279400))

    async def read(self):
        return [("precipitation", self._rain.fell(self._take()))]

    def keep(self):
        return super().keep() + [self._rain.rest]

    def resume(self, kept):
        super().resume(kept)
        self._rain.rest = kept[2]

    def describe(self):
        return {"chip": "rain", "pin": self._options["pin"]}
