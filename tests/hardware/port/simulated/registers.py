"""An I2C chip as a file of 256 registers with an address pointer that counts up."""

from simulated.world import BaseChip


class RegisterChip(BaseChip):
    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        self.address = spec["address"]
        self.registers = bytearray(256)
        self._pointer = 0
        self.power_on()

    def power_on(self):
        """Puts the registers into the state after power-on."""

    def before_read(self, register):
        """Called at the start of a read transfer: brings what changes by itself up to date."""

    def written(self, register, value):
        """Called for each register written; what it does with the value is the chip's business."""
        self.registers[register] = value

    def i2c_write(self, data):
        if data:
            self._pointer = data[0]
            for value in data[1:]:
                self.written(self._pointer, value)
                self._pointer = (self._pointer + 1) & 0xFF

    def i2c_read(self, count):
        start = self._pointer
        self.before_read(start)
        data = bytes(self.registers[(start + i) & 0xFF] for i in range(count))
        self._pointer = (start + count) & 0xFF
        return self.faults.transfer(data)
