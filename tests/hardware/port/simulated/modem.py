"""A mobile modem on a UART (as a SIM7000): AT commands by 3GPP TS 27.007, then it is a PPP peer.

Options in the scenario: `power` (pin of its power key; without one it is always on), `sim` ("ready", "pin" or "none"),
`pin`, `apn` (the only one that gets an address), `register_s` (until it has found its network), `refused`, `signal`.
"""

from simulated import world
from simulated.uart import UartChip

_KEY_MS = 1000  # a shorter press does nothing
_BOOT_MS = 3000


class Chip(UartChip):
    BAUDRATE = 115200

    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        self.power_pin = spec.get("power")
        self.pin_tries = 0
        self.presses = 0
        self._pressed = None
        self._switch(self.power_pin is None)

    def _switch(self, on):
        self.on = on
        self.online = False  # a PPP peer, no more a modem
        self.apn = None
        self.awake = True  # does its radio work?
        self._begun = world.elapsed_ms()
        self._locked = self.spec.get("sim") == "pin"
        self._echo = True
        self._line = b""

    def power_key(self, level):
        """The board's power pin changed."""
        now = world.elapsed_ms()
        if level:
            self._pressed = now
        elif self._pressed is not None:
            if now - self._pressed >= _KEY_MS:
                self.presses += 1
                self._switch(not self.on)
            self._pressed = None

    def alive(self):
        ready = self.power_pin is None or world.elapsed_ms() - self._begun >= _BOOT_MS
        return self.on and ready and super().alive()

    def frame(self):
        return None

    def receive(self, data):
        if self.online:
            return  # PPP frames are the host's own network here
        for byte in data:
            if byte == 13:
                self._answer(self._line.decode())
                self._line = b""
            elif byte != 10:
                self._line += bytes((byte,))

    def _answer(self, command):
        lines = [command + "\r"] if self._echo else []
        if command == "ATE0":
            self._echo = False
        answer = self._do(command)
        text = "".join(lines) + "".join(["\r\n" + line + "\r\n" for line in answer])
        self.answer(self.faults.line(text.encode()))

    def _do(self, command):
        sim = self.spec.get("sim", "ready")
        if command == "AT+CPIN?":
            if sim == "none":
                return ["+CME ERROR: SIM not inserted"]
            return ["+CPIN: SIM PIN" if self._locked else "+CPIN: READY", "OK"]
        if command.startswith("AT+CPIN="):
            self.pin_tries += 1
            if command[8:] != self.spec.get("pin"):
                return ["+CME ERROR: incorrect password"]
            self._locked = False
            return ["OK"]
        if command == "AT+CSQ":
            return ["+CSQ: %d,99" % self.spec.get("signal", 18), "OK"]
        if command == "AT+CEREG?":
            return ["+CEREG: 0,%d" % self._registration(), "OK"]
        if command.startswith("AT+CGDCONT="):
            self.apn = command.split('"')[3]
            return ["OK"]
        if command.startswith("ATD"):
            if self._locked or self._registration() not in (1, 5):
                return ["NO CARRIER"]
            self.online = True
            return ["CONNECT 150000000"]
        if command in ("AT+CFUN=0", "AT+CFUN=1"):
            awake = command[-1] == "1"
            if awake != self.awake:
                self._begun = world.elapsed_ms()
            self.awake = awake
            return ["OK"]
        return ["OK"] if command in ("AT", "ATE0") else ["ERROR"]

    def _registration(self):
        if not self.awake:
            return 0
        if self.spec.get("refused"):
            return 3
        found = world.elapsed_ms() - self._begun >= 1000 * self.spec.get("register_s", 5)
        return self.spec.get("registration", 1) if found else 2

    def gives_address(self):
        """As a PPP peer: does it let the board into the network?"""
        return self.on and self.online and self.spec.get("apn") in (None, self.apn)
