"""SHT4x (Sensirion data sheet): quantities temperature °C, humidity %RH; a measurement takes 8.3 ms."""

from simulated import sht3x


class Chip(sht3x.Chip):
    WIDTH = 1
    MEASURE_MS = 9
    SPANS = ((-45, 175), (-6, 125))

    def command(self, command, arguments):
        if command == 0x94:
            self.power_on()
        elif command == 0x89:
            return [0x0FBA, 0xF98F]
        elif command == 0xFD:
            return self.measure()
        return None
