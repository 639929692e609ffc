"""Reads a virtual board's flight recorder (format: tests/hardware/recorder.py) as it grows.

flight = Flight(path)
flight.read()                    # takes in what was written since the last call
flight.taken                     # readings that were written to flash for good
flight.packs                     # every pack, also those during which the power was cut
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Taken(NamedTuple):
    """One reading as its board took it. `exact`: its clock was set, time is UTC. Else time is the host's clock when it
    was spooled, and `estimate` what the board believed the time to be; which of the two arrives depends on when the
    clock was set."""

    device: str
    series: str
    time: int  # milliseconds UTC
    value: float | bool
    exact: bool
    estimate: int
    sure: bool  # False: the power was cut, or flash failed, while it was written


@dataclass
class Recorded:
    """One pack handed to the spool. number is (boot, seq), or None when append did not come back."""

    payload: bytes
    readings: int
    host_ms: int
    start: int
    number: tuple[int, int] | None = None
    error: str | None = None

    def readings_of(self, device: str) -> Iterator[Taken]:
        """What is in the pack; the spool's own form is described in firmware/bordstein/senml.py."""
        head, *items = self.payload.decode().split(";")
        exact = head[0] == "T"
        times = [int(word) for word in head[1:].split(",")]
        for item in items:
            series, text = item.split("=")
            value = text == "t" if text in ("t", "f") else float(text)
            yield Taken(
                device,
                series,
                times[0] * 1000 if exact else self.host_ms,
                value,
                exact,
                times[-1] * 1000,
                self.number is not None,
            )


class Flight:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.packs: list[Recorded] = []
        self.starts: list[str] = []
        self.taken = 0
        self._open: dict[int, Recorded] = {}
        self._offset = 0

    def read(self) -> None:
        """Take in the whole lines that were added since the last call."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self._offset += end
        for line in data[:end].splitlines():
            self._take(line)

    def _take(self, line: bytes) -> None:
        kind, rest = line.split(b" ", 1)
        if kind == b"b":
            self.starts.append(rest.split(b" ")[1].decode())
            self._open.clear()
            return
        ticket, host_ms, rest = rest.split(b" ", 2)
        if kind == b"i":
            readings, payload = rest.split(b" ", 1)
            pack = Recorded(payload, int(readings), int(host_ms), len(self.starts))
            self._open[int(ticket)] = pack
            self.packs.append(pack)
        elif kind == b"c":
            boot, seq = rest.split(b" ")
            pack = self._open.pop(int(ticket))
            pack.number = (int(boot), int(seq))
            self.taken += pack.readings
        elif kind == b"e":
            self._open.pop(int(ticket)).error = rest.decode()
        else:
            raise ValueError(f"{self.path}: unknown line {line!r}")
