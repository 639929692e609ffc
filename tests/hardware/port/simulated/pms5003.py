"""PMS5003 on a UART (Plantower data manual): quantities pm1, pm2_5, pm10 in µg/m³; a frame each second.

Knows the commands for sleep and work, active and passive mode; `asleep` and `passive` say in which it is.
"""

from simulated.uart import UartChip


class Chip(UartChip):
    QUANTITIES = ("pm1", "pm2_5", "pm10")
    PERIOD_MS = 1000

    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        self.asleep = False
        self.passive = False

    def measured(self):
        masses = b"".join([min(int(self.wanted(q) + 0.5), 65535).to_bytes(2, "big") for q in self.QUANTITIES])
        frame = b"\x42\x4d\x00\x1c" + masses + masses + bytes(12) + b"\x97\x00"
        return frame + sum(frame).to_bytes(2, "big")

    def frame(self):
        return None if self.asleep or self.passive else self.measured()

    def receive(self, data):
        if len(data) != 7 or data[:2] != b"\x42\x4d" or sum(data[:5]) != data[5] << 8 | data[6]:
            return
        if data[2] == 0xE4:
            self.asleep = data[4] == 0
        elif data[2] == 0xE1:
            self.passive = data[4] == 0
        elif data[2] == 0xE2 and self.passive and not self.asleep:
            self.answer(self.faults.line(self.measured()))
