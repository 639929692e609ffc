"""SDS011 on a UART (Nova control protocol V1.3): quantities pm2_5 and pm10 in µg/m³; a frame each second.

Knows the commands for sleep and work; asleep it sends nothing.
"""

from simulated.uart import UartChip


class Chip(UartChip):
    QUANTITIES = ("pm2_5", "pm10")
    PERIOD_MS = 1000

    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        self.id = bytes.fromhex(spec.get("id", "a160"))
        self.asleep = False

    def frame(self):
        if self.asleep:
            return None
        data = b""
        for quantity in self.QUANTITIES:
            data += min(max(int(self.wanted(quantity) * 10 + 0.5), 0), 9999).to_bytes(2, "little")
        data += self.id
        return b"\xaa\xc0" + data + bytes((sum(data) & 0xFF, 0xAB))

    def receive(self, data):
        if len(data) != 19 or data[:2] != b"\xaa\xb4" or data[18] != 0xAB or sum(data[2:17]) & 0xFF != data[17]:
            return
        if data[15:17] not in (b"\xff\xff", self.id):
            return
        if data[2] == 6:
            if data[3]:
                self.asleep = data[4] == 0
            reply = bytes((6, data[3], 0 if self.asleep else 1, 0)) + self.id
            self.answer(b"\xaa\xc5" + reply + bytes((sum(reply) & 0xFF, 0xAB)))
