"""LD2410 radar on a UART (Hi-Link protocol): quantities state (0 nobody, 1 moving, 2 still, 3 both), distance in
m; a frame each 100 ms. It starts in engineering mode, as someone may have left it.
"""

from simulated.uart import UartChip


class Chip(UartChip):
    QUANTITIES = ("state", "distance")
    BAUDRATE = 256000
    PERIOD_MS = 100

    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        self.engineering = True
        self._listens = False

    def frame(self):
        state = int(self.wanted("state"))
        far = (int(self.wanted("distance") * 100 + 0.5) if state else 0).to_bytes(2, "little")
        moving = far + b"\x3c" if state & 1 else b"\x00\x00\x00"
        still = far + b"\x39" if state & 2 else b"\x00\x00\x00"
        body = bytes((1 if self.engineering else 2, 0xAA, state)) + moving + still + far
        if self.engineering:
            body += b"\x08\x08" + bytes(20)
        body += b"\x55\x00"
        return b"\xf4\xf3\xf2\xf1" + len(body).to_bytes(2, "little") + body + b"\xf8\xf7\xf6\xf5"

    def receive(self, data):
        if data[:4] != b"\xfd\xfc\xfb\xfa" or data[-4:] != b"\x04\x03\x02\x01":
            return
        code = data[6]
        if code == 0xFF:
            self._listens = True
        elif not self._listens:
            return
        elif code == 0x63:
            self.engineering = False
        elif code == 0x62:
            self.engineering = True
        elif code == 0xFE:
            self._listens = False
        reply = bytes((code, 1, 0, 0))
        self.answer(b"\xfd\xfc\xfb\xfa" + len(reply).to_bytes(2, "little") + reply + b"\x04\x03\x02\x01")
