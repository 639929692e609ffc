"""Faults of simulated chips: what goes wrong, when, how often, and reproducibly so.

A fault is a dict: {"chip": name, "kind": kind, "from_s": 0, "until_s": null, "probability": 1.0, "seed": 1}.
`from_s` and `until_s` count from the scenario's start; `probability` is per transfer or frame.
"""

KINDS = (
    "nack",  # the chip doesn't acknowledge: OSError on I2C, no presence pulse on 1-wire
    "flip",  # one bit of the transfer is the other way round
    "truncate",  # the rest of the frame is missing (I2C and 1-wire: reads as ones)
    "stuck",  # the value stays what it was when the fault began
    "dead",  # no sign of life
    "noise",  # UART: random bytes between frames; pulse: a bouncing contact
    "power_on",  # DS18B20: the conversion doesn't happen and 85 °C stays
    "busy",  # chips that say when they are ready: the measurement never ends
)


class Generator:
    """Pseudo-random numbers of our own (xorshift), the same on every run."""

    def __init__(self, seed):
        self._state = (seed * 2654435761 + 1) & 0xFFFFFFFF or 1

    def below(self, limit):
        x = self._state
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self._state = x
        return x % limit

    def chance(self, probability):
        return probability >= 1 or self.below(1000000) < probability * 1000000

    def bytes(self, count):
        return bytes(self.below(256) for _ in range(count))


class Faults:
    def __init__(self, specs, elapsed_ms):
        """specs: fault dicts of one chip. elapsed_ms: function, milliseconds since the scenario's start."""
        for spec in specs:
            if spec["kind"] not in KINDS:
                raise ValueError("fault kind %r: one of %s" % (spec["kind"], ", ".join(KINDS)))
        self._specs = [(spec, Generator(spec.get("seed", 1))) for spec in specs]
        self._elapsed_ms = elapsed_ms
        self.random = Generator(len(specs) + 77)

    def on(self, kind):
        """Does a fault of this kind hit now? Rolls the dice of faults with a probability."""
        if not self._specs:
            return False
        seconds = self._elapsed_ms() / 1000
        for spec, generator in self._specs:
            until = spec.get("until_s")
            if (
                spec["kind"] == kind
                and spec.get("from_s", 0) <= seconds
                and (until is None or seconds < until)
                and generator.chance(spec.get("probability", 1))
            ):
                return True
        return False

    def flipped(self, data):
        """The data with one bit the other way round."""
        data = bytearray(data)
        if data:
            bit = self.random.below(8 * len(data))
            data[bit >> 3] ^= 1 << (bit & 7)
        return bytes(data)

    def transfer(self, data):
        """What a chip on I2C sends as it arrives: perhaps cut off (the pull-up reads as ones) or with a flipped bit."""
        if self.on("truncate"):
            keep = self.random.below(len(data))
            data = data[:keep] + b"\xff" * (len(data) - keep)
        if self.on("flip"):
            data = self.flipped(data)
        return data

    def line(self, frame):
        """A serial frame as it arrives: perhaps noise before it, cut off, or with a flipped bit."""
        if self.on("truncate"):
            frame = frame[: self.random.below(len(frame))]
        if self.on("flip"):
            frame = self.flipped(frame)
        if self.on("noise"):
            frame = self.random.bytes(1 + self.random.below(12)) + frame
        return frame
