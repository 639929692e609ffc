"""Bytes on the wire for a reading: the PUBLISH of a pack, and all that it takes over TLS with its receipt."""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.firmware.runs import DEVICE, Failed, Image
from tests.street.processes import until
from tests.street.servers import Gateway, Mosquitto, Town
from tests.street.tunnel import Tunnel

SIZES = (1, 4, 10)  # readings in a pack; four is what a usual board sends
_PACKS = 5


class Records:
    """Takes what runs through a tunnel with one connection; counts bytes of TLS records by what they carry."""

    HANDSHAKE = (20, 21, 22)
    DATA = (23,)

    def __init__(self) -> None:
        self._counts = {True: Counter[int](), False: Counter[int]()}
        self._rest = {True: bytearray(), False: bytearray()}
        self._ended: set[bool] = set()

    def __call__(self, up: bool, data: bytes) -> None:
        """up: from the board; data: none at the end."""
        if not data:
            self._ended.add(up)
        rest = self._rest[up]
        rest += data
        # RFC 8446 section 5.1: type, version, length, so many bytes.
        while len(rest) >= 5 and len(rest) >= (size := 5 + int.from_bytes(rest[3:5], "big")):
            self._counts[up][rest[0]] += size
            del rest[:size]

    @property
    def over(self) -> bool:
        return len(self._ended) == 2

    def bytes(self, kinds: tuple[int, ...]) -> int:
        """Both ways, with the records' headers."""
        return sum(counts[kind] for counts in self._counts.values() for kind in kinds)


def run(image: Image) -> Iterator[dict[str, Any]]:
    """Yields one figure after the other: {"name", "value", "unit"}."""
    for size in SIZES:
        script = f"import wire_link; print(len(wire_link.publication({DEVICE!r}, {size}, 3, 17, 17)))"
        value = image.script(script, words=64)
        figure = {"value": round(int(value) / size, 2), "unit": "B"}
        if size == 4:
            yield {"name": "wire.bytes_per_reading", **figure}
        yield {"name": f"wire.bytes_per_reading.packs_of_{size}", **figure}
    with tempfile.TemporaryDirectory() as directory:
        town = Town(Path(directory))
        with Mosquitto(town) as broker, Gateway(town, broker):
            nothing = _connection(image, town, broker, 1, 0)
            handshake, data = nothing.bytes(Records.HANDSHAKE), nothing.bytes(Records.DATA)
            yield {"name": "wire.tls_bytes_per_connection", "value": handshake + data, "unit": "B"}
            for boot, size in enumerate(SIZES, 2):
                value = _connection(image, town, broker, boot, size).bytes(Records.DATA) - data
                name = f"wire.tls_bytes_per_reading.packs_of_{size}"
                yield {"name": name, "value": round(value / _PACKS / size), "unit": "B"}


def _connection(image: Image, town: Town, broker: Mosquitto, boot: int, size: int) -> Records:
    """One connection of the firmware's link: some packs of so many readings, each waits for its receipt; 0: none."""
    issued = town.device(DEVICE)
    records = Records()
    with Tunnel(broker.port, records) as tunnel:
        told = {
            "host": broker.host,
            "port": tunnel.port,
            "device": DEVICE,
            "ca": str(issued.ca_der),
            "cert": str(issued.certificate_der),
            "key": str(issued.key_der),
            "boot": boot,
            "time": int(time.time()),
            "size": size,
            "packs": _PACKS if size else 0,
        }
        image.script(f"import wire_link; wire_link.run({told!r})", words=64, heapsize="400K")
        if not until(lambda: records.over, 20):
            raise Failed("the connection did not end")
    return records
