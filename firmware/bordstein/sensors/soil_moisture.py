"""Capacitive soil moisture probe on an analogue pin, calibrated at two points; for several depths one sensor each.

Source: such probes give the less voltage the wetter the soil; how much depends on probe and soil, so there is no data
sheet's curve: `raw_dry` and `raw_wet` are the millivolts measured in dry soil and in soil that holds no more water, and
what is reported is the share between them. `raw` reports the millivolts, to find both; or the command `calibrate` takes
what is measured now for one of them.

Options: `pin` (of ADC1), `raw_dry`, `raw_wet` (mV), `raw` (true: report `voltage` too).
"""

import asyncio
import os

from bordstein.sensors.shared.serial import median

_SAMPLES = 15
_SAMPLE_MS = 10
_BEYOND = 250  # thousandths outside of the calibration that are its error; what is farther out is a fault


def share(millivolts, dry, wet):
    """mV -> thousandths from dry to wet; ValueError when no soil gives that."""
    found = (dry - millivolts) * 1000 // (dry - wet)
    if not -_BEYOND <= found <= 1000 + _BEYOND:
        text = "soil moisture: %d mV is far outside of dry (%d) and wet (%d): cable off, or calibrate again"
        raise ValueError(text % (millivolts, dry, wet))
    return min(max(found, 0), 1000)


class Driver:
    OPTIONS = "pin pin adc !\nraw_dry int 0 3300 !\nraw_wet int 0 3300 !\nraw bool"
    PROPERTIES = ("soil_moisture", "voltage")
    WARM_UP_S = 1
    INTERVAL_S = 900

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._file = "soil-%s.txt" % options["pin"]
        self._points = options
        self._adc = None

    async def setup(self):
        self._adc = self._platform.adc(self._options["pin"])
        if self._file in os.listdir():
            from bordstein.sensors.shared import calibration

            self._points = calibration.calibrated(self._file, self._options, calibration.SOIL)
        if abs(self._points["raw_dry"] - self._points["raw_wet"]) < 100:
            raise ValueError("soil moisture: `raw_dry` and `raw_wet` are almost the same: calibrate again")

    async def read(self):
        millivolts = await self._millivolts()
        values = [("voltage", millivolts)] if self._options.get("raw") else []
        try:
            values.append(("soil_moisture", share(millivolts, self._points["raw_dry"], self._points["raw_wet"])))
        except ValueError:
            if not values:  # with `raw` someone is about to calibrate it
                raise
        return values

    async def calibrate(self, what):
        """`dry` or `wet`: the soil is so now."""
        if what not in ("dry", "wet"):
            raise ValueError("soil moisture: it can calibrate `dry` and `wet`, in such soil")
        from bordstein.sensors.shared import calibration

        key = "raw_" + what
        millivolts = await self._millivolts()
        calibration.keep(self._file, self._options, calibration.SOIL, key, millivolts)
        self._points = calibration.calibrated(self._file, self._options, calibration.SOIL)
        return {key: millivolts}

    async def _millivolts(self):
        if self._adc is None:
            raise OSError("soil moisture: not set up yet")
        samples = []
        for _ in range(_SAMPLES):
            samples.append(self._adc.read_uv() // 1000)
            await asyncio.sleep_ms(_SAMPLE_MS)
        return median(samples)

    def describe(self):
        return {"chip": "soil moisture", "pin": self._options["pin"]}
