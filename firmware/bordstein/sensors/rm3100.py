"""PNI RM3100 magnetometer under a parking bay: is there a car? I2C address 0x20..0x23.

Source: PNI RM3100 user manual R07 (registers, cycle counts and gain, single measurement by POLL). How the field
becomes «occupied»: shared/bay.py.

Options: `threshold_nt` (6000), `sample_ms` (1000), `deviation` (true: report `magnetic_flux_density` too, the
deviation from the baseline).
"""

import asyncio

from bordstein.sensors.shared.baydriver import BayDriver
from bordstein.sensors.shared.i2c import Registers

_REG_POLL = 0x00
_REG_CMM = 0x01
_REG_CYCLES = 0x04
_REG_FIELD = 0x24
_REG_STATUS = 0x34
_REG_REVISION = 0x36
_REVISION = 0x22
_ALL_AXES = 0x70
_READY = 0x80
_CYCLES = b"\x00\xc8\x00\xc8\x00\xc8"  # 200 for each axis: 75 counts per µT, about 7 ms
_POLLS = 20
_POLL_MS = 5

_RANGE_NT = 800000  # end of the measuring range


def parse(data):
    """9 bytes from 0x24 on, 200 cycle counts -> (x, y, z) in nT; ValueError when that can't be a field."""
    field = tuple(_nanotesla(data[i] << 16 | data[i + 1] << 8 | data[i + 2]) for i in (0, 3, 6))
    if max(field) > _RANGE_NT or min(field) < -_RANGE_NT:
        raise ValueError("RM3100: field beyond 800 µT, the end of its range: a magnet beside it, or read wrong")
    if max(field) < 1000 and min(field) > -1000:
        raise ValueError("RM3100: no field at all, not even the earth's: the coils are not connected or broken")
    return field


def _nanotesla(raw):
    if raw & 0x800000:
        raw -= 0x1000000
    return (raw * 40 + 1) // 3  # 75 counts per µT


class Driver(BayDriver):
    OPTIONS = (
        "bus i2c !\naddress address 32 35 =32\nthreshold_nt int 100 100000\nheartbeat_s int 1 86400\n"
        "sample_ms int 50 60000\ndeviation bool"
    )
    PROPERTIES = ("parking_bay_occupied", "magnetic_flux_density")
    WARM_UP_S = 0
    INTERVAL_S = 900  # the heartbeat; changes are reported by wait()

    CHIP = "RM3100"
    ADDRESS = 0x20

    async def _find(self):
        registers = Registers(self._platform.i2c(self._options["bus"]), self._address, "RM3100")
        revision = registers.read(_REG_REVISION, 1)[0]
        if revision != _REVISION:
            raise ValueError(registers.says("revision 0x%02x instead of 0x22, this is another chip" % revision))
        registers.write(_REG_CMM, b"\x00")
        registers.write(_REG_CYCLES, _CYCLES)
        if registers.read(_REG_CYCLES, 6) != _CYCLES:
            raise OSError(registers.says("does not keep its settings: bad wiring or damaged chip"))
        return registers

    async def _measure(self, registers):
        registers.write(_REG_POLL, bytes((_ALL_AXES,)))
        for _ in range(_POLLS):
            await asyncio.sleep_ms(_POLL_MS)
            if registers.read(_REG_STATUS, 1)[0] & _READY:
                return parse(registers.read(_REG_FIELD, 9))
        raise OSError(registers.says("busy for more than %d ms: the chip hangs" % (_POLLS * _POLL_MS)))
