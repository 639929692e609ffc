"""What the drivers of magnetometers under parking bays share: when they sample and report, and the baseline's file."""

import asyncio

from bordstein.sensors.shared import numbers
from bordstein.sensors.shared.bay import Bay, distance

_MOVED_NT = 500  # write the baseline down again when it went that far from what is in the file
_FAILURES = 10  # in a row, until wait() gives up
_AWAY_MS = 60000


class BayDriver:
    """A driver without its chip: that adds CHIP, ADDRESS, `async _find()` -> registers and `async _measure(registers)`
    -> field in nT."""

    CHIP = ""
    ADDRESS = 0

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._address = options.get("address", self.ADDRESS)
        self._sample_ms = options.get("sample_ms", 1000)
        self._file = "%s-%s-%02x.txt" % (self.CHIP.lower(), options["bus"].get("id", 0), self._address)
        self._written = None
        self._reported = None
        self._sampled = None  # uptime in ms
        self._slept = False  # since then, and the votes are still good: it was to look only now
        self._registers = None
        self._lock = asyncio.Lock()
        self.bay = Bay(options.get("threshold_nt", 6000))

    async def _find(self):
        raise NotImplementedError

    async def _measure(self, registers):
        raise NotImplementedError

    async def setup(self):
        registers = await self._find()
        if self._registers is None:
            self._written = numbers.load(self._file, 3)
            self.bay = Bay(self.bay.threshold_nt, self._written)
        self._registers = registers

    def keep(self):
        return [self._sampled, self._reported, self.bay.keep()]

    def resume(self, kept):
        self._sampled, self._reported, bay = kept
        self.bay.resume(bay)
        self._slept = True

    async def read(self):
        await self._sample()
        state = self._reported = self.bay.state
        if state is None:
            return []
        values = [("parking_bay_occupied", state)]
        if self._options.get("deviation"):
            values.append(("magnetic_flux_density", self.bay.deviation))
        return values

    async def wait(self):
        """Samples the field until the bay's state differs from what was last read."""
        failures = 0
        while self.bay.state is self._reported:
            await asyncio.sleep_ms(self._sample_ms)
            try:
                await self._sample()
                failures = 0
            except (OSError, ValueError):
                failures += 1
                if failures >= _FAILURES:
                    raise

    async def _sample(self):
        """Measures once and feeds the bay, unless the last sample is still fresh."""
        from bordstein import clock

        registers = self._registers
        if registers is None:
            raise OSError(self.CHIP + ": not set up yet")
        async with self._lock:
            now = clock.uptime_ms()
            elapsed = self._sample_ms if self._sampled is None else now - self._sampled
            if elapsed * 2 < self._sample_ms:
                return
            field = await self._measure(registers)
            self._sampled = now
            if elapsed > _AWAY_MS and elapsed > 10 * self._sample_ms and not self._slept:
                # Nobody saw what came or went meanwhile: that is to be decided anew.
                self.bay = Bay(self.bay.threshold_nt, self.bay.baseline)
            self._slept = False
            self.bay.feed(field, elapsed)
            baseline = self.bay.baseline
            if baseline and self.bay.state is False:
                if self._written is None or distance(baseline, self._written) > _MOVED_NT:
                    self._written = baseline
                    numbers.store(self._file, baseline)

    async def calibrate(self, what):
        """`baseline`: learn the field of the empty bay anew."""
        if what != "baseline":
            raise ValueError(self.CHIP + ": it can calibrate its `baseline`, with the bay empty")
        if self._registers is None:
            raise OSError(self.CHIP + ": not set up yet")
        from bordstein.sensors.shared import calibration

        async with self._lock:
            bay = await calibration.still_field(lambda: self._measure(self._registers), self.bay.threshold_nt)
            numbers.store(self._file, bay.baseline)
            self._written = bay.baseline
            self.bay = bay
        return {"baseline_nt": bay.baseline}

    def describe(self):
        return {"chip": self.CHIP, "address": self._address, "baseline_nt": self.bay.baseline}
