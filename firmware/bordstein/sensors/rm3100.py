"""PNI RM3100 magnetometer under a parking bay: is there a car? I2C address 0x20..0x23.

Source: PNI RM3100 user manual R07 (registers, cycle counts and gain, single measurement by POLL).
A car's steel bends the earth's field by some 10 µT. `Bay` compares with the field of the empty bay, its baseline:
* the baseline follows slow drift (temperature, ageing), only while the bay is free and quiet: no parked car is learned;
* occupied from `threshold_nt` on, free again below half of it, and only when 4 of the last 5 samples agree;
* nothing is reported until that was decided once. The baseline is kept in a file over restarts; without one (first
  start) it is learned from a still field, so the bay has to be empty then.

Options: `threshold_nt` (6000), `sample_ms` (1000), `deviation` (true: report `magnetic_flux_density` too, the
deviation from the baseline).
"""

import asyncio

from bordstein.sensors import Registers

_REG_POLL = 0x00
_REG_CMM = 0x01
_REG_CYCLES = 0x04
_REG_FIELD = 0x24
_REG_STATUS = 0x34
_REG_REVISION = 0x36
_REVISION = 0x22
_ALL_AXES = 0x70
_READY = 0x80
_CYCLES = b"\x00\xc8\x00\xc8\x00\xc8"  # 200 for each axis: 75 counts per µT, about 7 ms
_POLLS = 20
_POLL_MS = 5

_RANGE_NT = 800000  # end of the measuring range
_LEARN = 10  # still samples that make a baseline
_WINDOW = 5
_AGREE = 4
_FOLLOW_MS = 600000  # time constant with which the baseline follows
_MOVED_NT = 500  # write the baseline down again when it went that far from what is in the file
_FAILURES = 10  # in a row, until wait() gives up
_AWAY_MS = 60000


def parse(data):
    """9 bytes from 0x24 on, 200 cycle counts -> (x, y, z) in nT; ValueError when that can't be a field."""
    field = tuple(_nanotesla(data[i] << 16 | data[i + 1] << 8 | data[i + 2]) for i in (0, 3, 6))
    if max(field) > _RANGE_NT or min(field) < -_RANGE_NT:
        raise ValueError("RM3100: field beyond 800 µT, the end of its range: a magnet beside it, or read wrong")
    if max(field) < 1000 and min(field) > -1000:
        raise ValueError("RM3100: no field at all, not even the earth's: the coils are not connected or broken")
    return field


def _nanotesla(raw):
    if raw & 0x800000:
        raw -= 0x1000000
    return (raw * 40 + 1) // 3  # 75 counts per µT


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
        self._votes = []

    @property
    def baseline(self):
        return tuple(axis >> 8 for axis in self._baseline) or None

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
        self._votes = self._votes[1 - _WINDOW :] + [vote]
        before = self.state
        for state in (False, True):
            if self._votes.count(state) >= _AGREE:
                self.state = state
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


class Driver:
    PROPERTIES = ("parking_bay_occupied", "magnetic_flux_density")
    WARM_UP_S = 0
    INTERVAL_S = 900  # the heartbeat; changes are reported by wait()

    def __init__(self, options, platform):
        self._options = options
        self._platform = platform
        self._address = options.get("address", 0x20)
        self._sample_ms = options.get("sample_ms", 1000)
        self._file = "rm3100-%s-%02x.txt" % (options["bus"].get("id", 0), self._address)
        self._written = None
        self._reported = None
        self._sampled = None
        self._registers = None
        self._lock = asyncio.Lock()
        self.bay = Bay(options.get("threshold_nt", 6000))

    async def setup(self):
        registers = Registers(self._platform.i2c(self._options["bus"]), self._address, "RM3100")
        revision = registers.read(_REG_REVISION, 1)[0]
        if revision != _REVISION:
            raise ValueError(registers.says("revision 0x%02x instead of 0x22, this is another chip" % revision))
        registers.write(_REG_CMM, b"\x00")
        registers.write(_REG_CYCLES, _CYCLES)
        if registers.read(_REG_CYCLES, 6) != _CYCLES:
            raise OSError(registers.says("does not keep its settings: bad wiring or damaged chip"))
        if self._registers is None:
            self._written = load_baseline(self._file)
            self.bay = Bay(self.bay.threshold_nt, self._written)
        self._registers = registers

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
            raise OSError("RM3100: not set up yet")
        async with self._lock:
            now = clock.uptime_ms()
            elapsed = self._sample_ms if self._sampled is None else now - self._sampled
            if elapsed * 2 < self._sample_ms:
                return
            field = parse(await self._measure(registers))
            self._sampled = now
            if elapsed > _AWAY_MS and elapsed > 10 * self._sample_ms:
                # Nobody saw what came or went meanwhile: that is to be decided anew.
                self.bay = Bay(self.bay.threshold_nt, self.bay.baseline)
            self.bay.feed(field, elapsed)
            baseline = self.bay.baseline
            if baseline and self.bay.state is False:
                if self._written is None or distance(baseline, self._written) > _MOVED_NT:
                    self._written = baseline
                    store_baseline(self._file, baseline)

    async def _measure(self, registers):
        registers.write(_REG_POLL, bytes((_ALL_AXES,)))
        for _ in range(_POLLS):
            await asyncio.sleep_ms(_POLL_MS)
            if registers.read(_REG_STATUS, 1)[0] & _READY:
                return registers.read(_REG_FIELD, 9)
        raise OSError(registers.says("busy for more than %d ms: the chip hangs" % (_POLLS * _POLL_MS)))

    def describe(self):
        return {"chip": "RM3100", "address": self._address, "baseline_nt": self.bay.baseline}


def load_baseline(path):
    """The three numbers in the file, or None when it is missing or damaged."""
    try:
        with open(path) as file:
            values = tuple(int(word) for word in file.read().split())
    except (OSError, ValueError):
        return None
    if len(values) != 4 or sum(values[:3]) != values[3]:
        return None
    return values[:3]


def store_baseline(path, baseline):
    """Writes x, y, z and their sum; whole or not at all, even when the power goes."""
    import os

    with open(path + ".new", "w") as file:
        file.write("%d %d %d %d" % (baseline + (sum(baseline),)))
    os.rename(path + ".new", path)
