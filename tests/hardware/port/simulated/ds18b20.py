"""DS18B20 on a 1-wire line (Maxim data sheet): quantity temperature in °C; a conversion takes 750 ms at 12 bits."""

from simulated import world
from simulated.onewire_line import OneWireChip, crc8

_POWER_ON = b"\x50\x05\x4b\x46\x7f\xff\x0c\x10"


class Chip(OneWireChip):
    QUANTITIES = ("temperature",)

    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        self._scratchpad = bytearray(_POWER_ON)
        self._done = None  # time at which the running conversion ends
        self._raw = 0

    def _update(self):
        if self._done is not None and world.elapsed_ms() >= self._done:
            self._done = None
            self._scratchpad[0:2] = (self._raw & 0xFFFF).to_bytes(2, "little")
            self._scratchpad[6] = 0x10 - (self._raw & 0x0F)

    def idle_bit(self):
        self._update()
        return 0 if self._done is not None else 1

    def command(self, byte):
        self._update()
        if byte == 0x44:  # convert
            if self.faults.on("power_on"):
                self._scratchpad = bytearray(_POWER_ON)
                return
            bits = 9 + (self._scratchpad[4] >> 5 & 3)
            raw = int(self.wanted("temperature") * 16 + (0.5 if self.wanted("temperature") >= 0 else -0.5))
            self._raw = raw >> (12 - bits) << (12 - bits)
            self._done = world.elapsed_ms() + (750 >> (12 - bits))
        elif byte == 0xBE:  # read scratchpad
            data = bytes(self._scratchpad)
            data += bytes((crc8(data),))
            if self.faults.on("truncate"):
                keep = self.faults.random.below(9)
                data = data[:keep] + b"\xff" * (9 - keep)
            if self.faults.on("flip"):
                data = self.faults.flipped(data)
            self.send(data)
        elif byte == 0x4E:  # write TH, TL and configuration
            self._write(2)
        elif byte == 0xB4:  # power supply: not parasitic
            self._out = [1]

    def _write(self, index):
        def store(byte):
            self._scratchpad[index] = byte if index < 4 else byte & 0x60 | 0x1F
            if index < 4:
                self._write(index + 1)

        self._listen(store)
