"""1-wire with the interface of MicroPython's stock module `onewire`, which the Unix port does not have."""

import _onewire


class OneWireError(Exception):
    pass


class OneWire:
    SEARCH_ROM = 0xF0
    MATCH_ROM = 0x55
    SKIP_ROM = 0xCC

    def __init__(self, pin):
        self.pin = pin
        self.pin.init(pin.OPEN_DRAIN, pin.PULL_UP)

    def reset(self, required=False):
        present = _onewire.reset(self.pin)
        if required and not present:
            raise OneWireError
        return present

    def readbit(self):
        return _onewire.readbit(self.pin)

    def readbyte(self):
        return _onewire.readbyte(self.pin)

    def readinto(self, buffer):
        for i in range(len(buffer)):
            buffer[i] = _onewire.readbyte(self.pin)

    def writebit(self, value):
        _onewire.writebit(self.pin, value)

    def writebyte(self, value):
        _onewire.writebyte(self.pin, value)

    def write(self, data):
        for byte in data:
            _onewire.writebyte(self.pin, byte)

    def select_rom(self, rom):
        self.reset()
        self.writebyte(self.MATCH_ROM)
        self.write(rom)

    def crc8(self, data):
        return _onewire.crc8(data)

    def scan(self):
        """ROM codes of all devices, by Maxim's search (application note 187)."""
        found = []
        fork = -1  # the highest bit at which the last pass took the 0 of two ways
        rom = bytearray(8)
        while True:
            if not self.reset():
                return found
            self.writebyte(self.SEARCH_ROM)
            last_fork, fork = fork, -1
            for i in range(64):
                byte, bit = i >> 3, 1 << (i & 7)
                one_missing = self.readbit()  # 0: somebody has a 0 here
                zero_missing = self.readbit()  # 0: somebody has a 1 here
                if one_missing and zero_missing:
                    return found  # nobody answers any more
                if one_missing != zero_missing:
                    way = one_missing
                elif i == last_fork:
                    way = 1
                elif i > last_fork:
                    way = 0
                else:
                    way = 1 if rom[byte] & bit else 0
                if not one_missing and not zero_missing and not way:
                    fork = i
                rom[byte] = rom[byte] | bit if way else rom[byte] & ~bit
                self.writebit(way)
            found.append(bytearray(rom))
            if fork < 0 or len(found) > 64:
                return found
