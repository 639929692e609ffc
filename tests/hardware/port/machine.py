"""`machine` of a virtual board: the interface of MicroPython's ESP32 port, down to the bus.

Behind it hang the simulated chips of the scenario (simulated/world.py). What the firmware may call is here and no more,
so that a call that an ESP32 does not have fails here too.
"""

import asyncio
import errno

import network
import utime as time  # the host's, which counts from 1970 whatever the board's does
from simulated import board, world

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5


def unique_id():
    return bytes.fromhex(world.scenario.get("mac", "020000000000"))


def reset_cause():
    return board.cause


def reset():
    board.restart(HARD_RESET)


def soft_reset():
    board.restart(SOFT_RESET)


def deepsleep(ms=None):
    board.sleep(ms)


PIN_WAKE, EXT0_WAKE, EXT1_WAKE, TIMER_WAKE = board.PIN, 2, 3, board.TIMER


def wake_reason():
    return board.woken_by


def idle():
    time.sleep_ms(1)


def freq(hertz=None):
    return 160000000


class Pin:
    IN, OUT, OPEN_DRAIN = 1, 3, 7
    PULL_DOWN, PULL_UP = 1, 2
    IRQ_RISING, IRQ_FALLING = 1, 2
    _THERE = tuple(range(24)) + (25, 26, 27) + tuple(range(32, 40))  # those of a plain ESP32

    def __init__(self, number, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if isinstance(number, Pin):
            number = number.number
        if number not in self._THERE:
            raise ValueError("invalid pin")
        self.number = number
        self._handler = None
        self._trigger = 0
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if mode == self.OUT and 34 <= self.number <= 39:
            raise ValueError("pin can only be input")
        if pull == self.PULL_UP and self.number not in board.levels:
            board.levels[self.number] = 1
        if value is not None:
            self.value(value)

    def value(self, level=None):
        if level is None:
            for chip in world.chips_on("pin:%d" % self.number):
                if hasattr(chip, "level"):
                    return chip.level()
            return board.levels.get(self.number, 0)
        board.levels[self.number] = 1 if level else 0
        for chip in world.chips:
            if getattr(chip, "power_pin", None) == self.number:
                chip.power_key(bool(level))

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def irq(self, handler=None, trigger=IRQ_FALLING | IRQ_RISING, wake=None, hard=False):
        if self._handler is None and handler is not None:
            asyncio.create_task(self._watch())
        self._handler = handler
        self._trigger = trigger

    async def _watch(self):
        """Calls the handler for the chips' edges. Handlers run between two steps of the program, as on a board."""
        chips = world.chips_on("pin:%d" % self.number)
        while chips and self._handler and chips[0] in world.chips:
            for chip in chips:
                for _ in range(chip.edges()):
                    if self._trigger & self.IRQ_FALLING:
                        self._handler(self)
                    if self._trigger & self.IRQ_RISING:
                        self._handler(self)
            await asyncio.sleep_ms(100)


class I2C:
    def __init__(self, id=-1, *, scl=None, sda=None, freq=400000, timeout=50000):
        if id not in (0, 1):
            raise ValueError("I2C(%s) doesn't exist" % id)
        if not 0 < freq <= 1000000:
            raise ValueError("invalid frequency")
        self._bus = "i2c:%d" % id

    def _chip(self, address):
        for chip in world.chips_on(self._bus):
            if chip.address == address and chip.alive() and not chip.faults.on("nack"):
                return chip
        raise OSError(errno.ENODEV)

    def scan(self):
        return sorted(chip.address for chip in world.chips_on(self._bus) if chip.alive())

    def writeto(self, address, data, stop=True):
        self._chip(address).i2c_write(bytes(data))
        return len(data)

    def readfrom(self, address, count, stop=True):
        return self._chip(address).i2c_read(count)

    def readfrom_into(self, address, buffer, stop=True):
        buffer[:] = self._chip(address).i2c_read(len(buffer))

    def readfrom_mem(self, address, register, count, *, addrsize=8):
        chip = self._chip(address)
        chip.i2c_write(bytes((register,)))
        return chip.i2c_read(count)

    def readfrom_mem_into(self, address, register, buffer, *, addrsize=8):
        buffer[:] = self.readfrom_mem(address, register, len(buffer))

    def writeto_mem(self, address, register, data, *, addrsize=8):
        self._chip(address).i2c_write(bytes((register,)) + bytes(data))


SoftI2C = I2C


class UART:
    def __init__(self, id, baudrate=115200, bits=8, parity=None, stop=1, **settings):
        if id not in (0, 1, 2):
            raise ValueError("UART(%d) does not exist" % id)
        self._id = id
        self.init(baudrate, bits, parity, stop, **settings)

    def init(
        self, baudrate=115200, bits=8, parity=None, stop=1, *, tx=None, rx=None, timeout=0, timeout_char=0, rxbuf=256,
        txbuf=256, invert=0, flow=0,
    ):  # fmt: skip
        self._baudrate = baudrate
        self._rxbuf = rxbuf

    @property
    def _line(self):
        line = world.uart_line(self._id)
        line.baudrate = self._baudrate
        line.buffer_size = self._rxbuf
        return line

    def deinit(self):
        pass

    def any(self):
        return self._line.poll()

    def read(self, count=None):
        line = self._line
        waiting = line.poll()
        return line.take(waiting if count is None else min(count, waiting)) or None

    def readinto(self, buffer, count=None):
        data = self.read(len(buffer) if count is None else count)
        if data is None:
            return None
        buffer[: len(data)] = data
        return len(data)

    def readline(self):
        return self.read()

    def write(self, data):
        self._line.send(bytes(data))
        return len(data)

    def flush(self):
        pass

    def txdone(self):
        return True


class RTC:
    """The clock starts at 2000-01-01 after a power cut, as on an ESP32; its 2048 bytes of memory outlive a reset."""

    def __init__(self, id=0):
        pass

    def datetime(self, moment=None):
        if moment is None:
            year, month, day, hour, minute, second, weekday = time.gmtime(board.rtc_seconds())[:7]
            return year, month, day, weekday, hour, minute, second, 0
        year, month, day, _, hour, minute, second, _ = moment
        board.set_rtc(((board.days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)

    def init(self, moment):
        self.datetime(moment)

    def memory(self, data=None):
        if data is None:
            return board.rtc_memory
        if len(data) > 2048:
            raise ValueError("buffer too long")
        board.keep_rtc_memory(bytes(data))


class WDT:
    """A watchdog that really ends the process (SIGALRM) when it is not fed; the runner then restarts the board."""

    def __init__(self, id=0, timeout=5000):
        if timeout < 1:
            raise ValueError("WDT timeout too short")
        self._seconds = (timeout + 999) // 1000
        self.feed()

    def feed(self):
        board.alarm(self._seconds)


class Timer:
    """A hardware timer that never fires by itself here; a test calls fire()."""

    ONE_SHOT, PERIODIC = 0, 1
    _running = {}

    def __init__(self, id):
        self._id = id

    def init(self, *, mode=PERIODIC, period=-1, callback=None):
        self._running[self._id] = (period, callback)

    def deinit(self):
        self._running.pop(self._id, None)

    @classmethod
    def fire(cls, id):
        """One period has passed; False when this timer is off."""
        running = cls._running.get(id)
        if running:
            running[1](cls(id))
        return bool(running)


class ADC:
    """Measures the chip on its pin, else the supply behind a divider by two, up to where the attenuation saturates."""

    ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = 0, 1, 2, 3
    _FULL_SCALE_UV = (1100000, 1500000, 2200000, 3100000)
    _ADC1 = (32, 33, 34, 35, 36, 37, 38, 39)
    _ADC2 = (0, 2, 4, 12, 13, 14, 15, 25, 26, 27)

    def __init__(self, pin, *, atten=ATTN_0DB):
        self._pin = Pin(pin).number
        if self._pin not in self._ADC1 + self._ADC2:
            raise ValueError("invalid pin")
        self._full_scale = self._FULL_SCALE_UV[atten]

    def read_uv(self):
        if self._pin in self._ADC2 and network.WLAN(network.STA_IF).active():
            raise OSError(errno.ETIMEDOUT)  # the radio has it
        for chip in world.chips_on("pin:%d" % self._pin):
            return min(chip.microvolts(), self._full_scale)
        return min(int(world.scenario.get("supply_v", 3.3) * 500000), self._full_scale)

    def read_u16(self):
        return self.read_uv() * 65535 // self._full_scale
