"""JSN-SR04T or AJ-SR04M in a UART mode: quantity distance in m.

Options in the scenario: `variant` (jsn_sr04t, aj_sr04m: another sum and another byte to ask with), `asked` (it sends
only when asked, and measures for 50 ms).
"""

from simulated.uart import UartChip


class Chip(UartChip):
    QUANTITIES = ("distance",)
    PERIOD_MS = 100

    def measured(self):
        frame = b"\xff" + min(max(int(self.wanted("distance") * 1000 + 0.5), 0), 65535).to_bytes(2, "big")
        return frame + bytes((sum(frame[1 if self.spec.get("variant") == "aj_sr04m" else 0 :]) & 0xFF,))

    def frame(self):
        return None if self.spec.get("asked") else self.measured()

    def receive(self, data):
        byte = b"\x01" if self.spec.get("variant") == "aj_sr04m" else b"\x55"
        if self.spec.get("asked") and data == byte:
            self.answer(self.faults.line(self.measured()))
