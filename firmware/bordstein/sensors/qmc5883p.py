"""QST QMC5883P magnetometer under a parking bay: is there a car? I2C address 0x2C.

Source: QST data sheet QMC5883P, as public drivers follow it (registers, sensitivity, register 0x29). At ±8 G one count
is 1/3750 G: enough for a car. It is another chip than QMC5883L and HMC5883L, with which it shares nothing but the look
of its boards. How the field becomes «occupied»: shared/bay.py.

Options: `threshold_nt` (6000), `sample_ms` (1000), `deviation` (true: report `magnetic_flux_density` too, the
deviation from the baseline).
"""

import asyncio

from bordstein.sensors.shared.baydriver import BayDriver
from bordstein.sensors.shared.i2c import Registers

_REG_ID = 0x00
_REG_FIELD = 0x01  # x, y, z, two bytes each, low byte first
_REG_STATUS = 0x09
_REG_MODE = 0x0A
_REG_RANGE = 0x0B
_REG_SIGN = 0x29
_ID = 0x80
_SIGN = 0x06
_RANGE = 0x08  # ±8 G, set and reset of the bridge on
_SINGLE = 0x02  # one measurement, then standby; the longest filter
_READY = 0x01
_OVERFLOW = 0x02
_POLLS = 20
_POLL_MS = 5


def parse(data):
    """6 bytes from 0x01 on, at ±8 G -> (x, y, z) in nT; ValueError when that can't be a field."""
    field = tuple(_nanotesla(data[i] | data[i + 1] << 8) for i in (0, 2, 4))
    if max(field) < 1000 and min(field) > -1000:
        raise ValueError("QMC5883P: no field at all, not even the earth's: damaged chip")
    return field


def _nanotesla(raw):
    if raw & 0x8000:
        raw -= 0x10000
    return (raw * 80 + 1) // 3  # 37.5 counts per µT


class Driver(BayDriver):
    OPTIONS = (
        "bus i2c !\naddress address 44 44 =44\nthreshold_nt int 100 100000\nheartbeat_s int 1 86400\n"
        "sample_ms int 50 60000\ndeviation bool"
    )
    PROPERTIES = ("parking_bay_occupied", "magnetic_flux_density")
    WARM_UP_S = 0
    INTERVAL_S = 900  # the heartbeat; changes are reported by wait()
    CHIP = "QMC5883P"
    ADDRESS = 0x2C

    async def _find(self):
        registers = Registers(self._platform.i2c(self._options["bus"]), self._address, "QMC5883P")
        chip = registers.read(_REG_ID, 1)[0]
        if chip != _ID:
            raise ValueError(registers.says("chip id 0x%02x instead of 0x80, this is another chip" % chip))
        registers.write(_REG_SIGN, bytes((_SIGN,)))
        registers.write(_REG_RANGE, bytes((_RANGE,)))
        if registers.read(_REG_RANGE, 1)[0] != _RANGE:
            raise OSError(registers.says("does not keep its settings: bad wiring or damaged chip"))
        return registers

    async def _measure(self, registers):
        registers.write(_REG_MODE, bytes((_SINGLE,)))
        for _ in range(_POLLS):
            await asyncio.sleep_ms(_POLL_MS)
            status = registers.read(_REG_STATUS, 1)[0]
            if status & _OVERFLOW:
                raise ValueError(
                    "QMC5883P: field beyond 800 µT, the end of its range: a magnet beside it, or read wrong"
                )
            if status & _READY:
                return parse(registers.read(_REG_FIELD, 6))
        raise OSError(registers.says("busy for more than %d ms: the chip hangs" % (_POLLS * _POLL_MS)))
