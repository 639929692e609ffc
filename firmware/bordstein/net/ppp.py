"""Mobile network (LTE-M, NB-IoT, GSM): a modem on a UART, dialled with AT commands, then PPP.

Source: 3GPP TS 27.007 (AT commands: CFUN, CPIN, CGDCONT, CEREG, CSQ), TS 27.005 and ITU-T V.250 (ATD, ATH).
Options `network.ppp`: `bus` (a UART), `apn`, `pin` of the SIM card, `user` and `password` where the contract has them,
`power` (pin of the modem's power key) and `key_ms`, how long that key is pressed.
"""

import asyncio
import hashlib

from micropython import const

from bordstein import clock, net, platform

_BAUDRATE = const(115200)
_ANSWER_MS = const(5000)
_BOOT_MS = const(15000)
_REGISTER_MS = const(90000)
_DIAL_MS = const(30000)
_UP_MS = const(30000)
_POLL_MS = const(20)
_FILE = "pin"  # digest of a PIN that the SIM card did not take


def _digest(pin):
    return hashlib.sha256(pin.encode()).digest()


def _refused():
    try:
        with open(_FILE, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _dial(uart, user, password):
    """A network.PPP over a UART, connecting; with PAP where there is a name."""
    network = platform.network
    if not hasattr(network, "PPP"):
        raise OSError("this board's MicroPython has no PPP; network.ppp in the configuration is not used")
    ppp = network.PPP(uart)  # type: ignore[union-attr]
    if hasattr(ppp, "active"):  # not in the documentation, but in older images nothing goes without it
        ppp.active(True)
    if user:
        ppp.connect(security=ppp.SEC_PAP, user=user, key=password or "")
    else:
        ppp.connect()
    return ppp


class Modem:
    """AT commands over a UART; every failure is an OSError with a sentence."""

    def __init__(self, uart):
        self._uart = uart

    async def ask(self, command, wanted="OK", limit_ms=_ANSWER_MS):
        """Send a command; returns the lines of the answer up to the wanted one."""
        self._uart.read()
        self._uart.write((command + "\r").encode())
        text = ""
        begun = clock.ticks_ms()
        while clock.ticks_diff(clock.ticks_ms(), begun) < limit_ms:
            await asyncio.sleep_ms(_POLL_MS)
            data = self._uart.read()
            if not data:
                continue
            text += "".join([chr(byte) for byte in data if byte < 128])
            lines = [line.strip() for line in text.replace("\r", "\n").split("\n")]
            for i, line in enumerate(lines[:-1]):
                if line.startswith(wanted):
                    return [kept for kept in lines[: i + 1] if kept and kept != command]
                if line in ("ERROR", "NO CARRIER", "BUSY", "NO DIALTONE") or line.startswith("+CME ERROR"):
                    raise OSError("the modem answers %s to %s" % (line, command.split("=")[0]))
        raise OSError("the modem gives no answer: check its power and the wires of the UART")

    async def awake(self, limit_ms):
        """Does it answer within the limit?"""
        begun = clock.ticks_ms()
        while True:
            try:
                await self.ask("AT", limit_ms=500)
                return True
            except OSError:
                if clock.ticks_diff(clock.ticks_ms(), begun) >= limit_ms:
                    return False


class Interface:
    name = "mobile"

    def __init__(self, options):
        self._options = options["ppp"]
        self._uart = None
        self._ppp = None
        self._poller = None
        self._rssi = None
        self._on = False  # the modem is, as far as it is known

    async def connect(self):
        if self._ppp is not None:  # what is left of a connection that ended
            await self.restart()
        if self._uart is None:
            self._uart = platform.uart(self._options["bus"], _BAUDRATE)
        modem = Modem(self._uart)
        if not await modem.awake(2000):
            await self._press()
            if not await modem.awake(_BOOT_MS):
                raise OSError("the modem gives no answer: check its power, its power key and the wires of the UART")
        self._on = True
        await modem.ask("ATE0")
        if self._options.get("power") is None:
            await modem.ask("AT+CFUN=1", limit_ms=_BOOT_MS)  # after off()
        await self._unlock(modem)
        await modem.ask('AT+CGDCONT=1,"IP","%s"' % self._options["apn"])
        await self._register(modem)
        await modem.ask("ATD*99#", "CONNECT", _DIAL_MS)
        self._ppp = _dial(self._uart, self._options.get("user"), self._options.get("password"))
        # The UART's interrupt polls too; where it gets lost in a busy moment, this does.
        self._poller = asyncio.create_task(self._poll(self._ppp))
        if not await net.wait_up(self, _UP_MS):
            raise OSError("the network gives no address: check the APN and the contract")

    async def _unlock(self, modem):
        state = "".join(await modem.ask("AT+CPIN?"))
        if "SIM PIN" in state:
            pin = self._options.get("pin")
            if not pin:
                raise OSError("the SIM card asks for its PIN: set network.ppp.pin")
            # One try for each PIN, also over restarts: after three wrong ones the card is locked.
            if _refused() == _digest(pin):
                raise OSError("the SIM card did not take network.ppp.pin; it is not tried again until it is changed")
            try:
                await modem.ask("AT+CPIN=" + pin)
            except OSError:
                with open(_FILE, "wb") as file:
                    file.write(_digest(pin))
                raise OSError("the SIM card does not take network.ppp.pin; correct it before the card is locked")
        elif "READY" not in state:
            raise OSError("the SIM card can't be used: is it in, and the right way round?")

    async def _register(self, modem):
        begun = clock.ticks_ms()
        while True:
            lines = await modem.ask("AT+CSQ")
            for line in lines:
                if line.startswith("+CSQ:"):
                    strength = int(line[5:].split(",")[0])
                    self._rssi = 2 * strength - 113 if strength <= 31 else None
            # +CEREG: <mode>,<state>[,…]: 1 at home, 5 abroad, 3 refused
            fields = "".join([line[7:] for line in await modem.ask("AT+CEREG?") if line.startswith("+CEREG:")]).split(
                ","
            )
            state = fields[1].strip() if len(fields) > 1 else ""
            if state in ("1", "5"):
                return
            if state == "3":
                raise OSError("the mobile network refuses this SIM card: check the contract")
            if clock.ticks_diff(clock.ticks_ms(), begun) >= _REGISTER_MS:
                raise OSError("no mobile network: check the antenna, and whether there is coverage here")
            await asyncio.sleep_ms(2000)

    async def _poll(self, ppp):
        while True:
            ppp.poll()
            await asyncio.sleep_ms(_POLL_MS)

    async def _press(self):
        if self._options.get("power") is not None:
            key = platform.pin(self._options["power"], "out")
            key.value(1)
            await asyncio.sleep_ms(self._options.get("key_ms", 1200))
            key.value(0)

    def isup(self):
        return self._ppp is not None and self._ppp.isconnected()

    async def restart(self):
        self._hang_up()
        await self._press()  # off; connect() presses again
        self._on = False

    async def off(self):
        self._hang_up()
        if not self._on:  # pressed now, it would go on
            return
        self._on = False
        if self._options.get("power") is not None:
            await self._press()
        else:
            await Modem(self._uart).ask("AT+CFUN=0")  # neither sends nor listens

    def _hang_up(self):
        if self._poller is not None:
            self._poller.cancel()
            self._poller = None
        if self._ppp is not None:
            ppp, self._ppp = self._ppp, None
            ppp.disconnect()

    def dns(self):
        return net.dns_of(self._ppp)

    def rssi(self):
        return self._rssi
