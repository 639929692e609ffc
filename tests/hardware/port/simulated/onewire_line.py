"""A 1-wire line, bit by bit: all devices pull the same wire, so a 0 of one wins over the ones of the others.

Source: Maxim DS18B20 data sheet, ROM commands and 1-wire signalling; Maxim application note 187 (search).
"""

from simulated import world


def crc8(data):
    """Dallas/Maxim CRC-8 by halves of bytes; 0 over data with its CRC."""
    table = (0x00, 0x9D, 0x23, 0xBE, 0x46, 0xDB, 0x65, 0xF8, 0x8C, 0x11, 0xAF, 0x32, 0xCA, 0x57, 0xE9, 0x74)
    crc = 0
    for byte in data:
        crc ^= byte
        crc = crc >> 4 ^ table[crc & 15]
        crc = crc >> 4 ^ table[crc & 15]
    return crc


class Line:
    def __init__(self, chips):
        self._chips = chips

    def reset(self):
        """Reset pulse; True when a device answers with its presence pulse."""
        present = False
        for chip in self._chips:
            present = chip.reset() or present
        return present

    def write_bit(self, bit):
        for chip in self._chips:
            chip.bit_in(1 if bit else 0)

    def read_bit(self):
        level = 1
        for chip in self._chips:
            level &= chip.bit_out()
        return level


class OneWireChip(world.BaseChip):
    """ROM commands of a 1-wire device; the function commands are its subclass's `command` and `byte_in`."""

    def __init__(self, spec, name, faults):
        super().__init__(spec, name, faults)
        rom = bytes.fromhex(spec.get("rom", "28ff4033721604"))
        self.rom = rom[:7] + bytes((crc8(rom[:7]),))
        self._out = []  # bits to send
        self._listen(None)

    def _listen(self, then):
        """Collects the next 8 bits from the master, then calls then(byte); None: deaf until the next reset."""
        self._then = then
        self._byte = 0
        self._count = 0

    def reset(self):
        self._search = -1
        self._out = []
        self._listen(None)
        if not self.alive() or self.faults.on("nack"):
            return False
        self._listen(self._rom_command)
        return True

    def bit_in(self, bit):
        if self._search >= 0:
            self._search_step(bit)
        elif self._then is not None:
            self._byte |= bit << self._count
            self._count += 1
            if self._count == 8:
                byte, then = self._byte, self._then
                self._listen(None)
                then(byte)

    def bit_out(self):
        if self._out:
            return self._out.pop(0)
        return self.idle_bit()

    def idle_bit(self):
        """What a read slot returns when nothing is to be sent."""
        return 1

    def send(self, data):
        self._out = [byte >> i & 1 for byte in data for i in range(8)]

    def _rom_command(self, byte):
        if byte == 0xF0:  # search
            self._search = 0
            self._offer()
        elif byte == 0x33:  # read
            self.send(self.rom)
            self._listen(self.command)
        elif byte == 0xCC:  # skip
            self._listen(self.command)
        elif byte == 0x55:  # match
            self._match(0)

    def _match(self, index):
        def compare(byte):
            if byte == self.rom[index]:
                if index == 7:
                    self._listen(self.command)
                else:
                    self._match(index + 1)

        self._listen(compare)

    def _offer(self):
        bit = self.rom[self._search >> 3] >> (self._search & 7) & 1
        self._out = [bit, 1 - bit]

    def _search_step(self, bit):
        if bit != self.rom[self._search >> 3] >> (self._search & 7) & 1:
            self._search = -1  # the master follows others
            self._out = []
            return
        self._search += 1
        if self._search == 64:
            self._search = -1
            self._listen(self.command)
        else:
            self._offer()
