"""The flight recorder of a virtual board: what was handed to the spool, and what the spool said was kept for good.

It wraps `Spool.append` from outside; the firmware knows nothing of it. It writes to a host file, one line an event,
each with a single unbuffered write, so a line is there or not when the process is killed:

    b <host ms> <cause>                         the board starts
    i <ticket> <host ms> <readings> <payload>   about to append this payload (one line of text: bordstein.senml.pack)
    c <ticket> <host ms> <boot> <seq>           append returned: the spool has it, under this number
    e <ticket> <host ms> <sentence>             append raised; whether it is in flash is unsure, as without a c line

ticket counts from 0 in each process; `b` begins a new one. host ms is the host's clock, Unix time in milliseconds.
"""

import utime as time  # the host's, which counts from 1970 whatever the board's does


class Recorder:
    def __init__(self, path):
        self._file = open(path, "ab")  # noqa: SIM115
        self._ticket = -1

    def write(self, kind, *words):
        line = b"%s %d" % (kind.encode(), self._ticket) if kind != "b" else b"b"
        line += b" %d" % (time.time_ns() // 1000000)
        for word in words:
            line += b" " + (word if isinstance(word, (bytes, bytearray)) else str(word).encode())
        self._file.write(line.replace(b"\n", b" ") + b"\n")

    def wrap(self, append):
        def recorded(spool, payload, readings, *rest, **options):
            self._ticket += 1
            self.write("i", readings, bytes(payload))
            try:
                number = append(spool, payload, readings, *rest, **options)
            except Exception as error:
                self.write("e", error)
                raise
            self.write("c", *number)
            return number

        return recorded


def install(path, cause):
    """Records every Spool from now on; cause: why this board started."""
    from bordstein.spool import Spool

    recorder = Recorder(path)
    recorder.write("b", cause)
    Spool.append = recorder.wrap(Spool.append)
    return recorder
