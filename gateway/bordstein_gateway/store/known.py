"""What the writer remembers between commits: devices, their series and their numbers. All of it can be read again."""

from collections import OrderedDict

from ..boards.ledger import LIFE_SHIFT, Ranges
from .connection import Connection

_BOOTS_KEPT = 4
"""Boots of a device whose numbers stay in memory; older ones are read again when a pack of theirs comes."""


class KnownDevice:
    """A row of `device`. `life`: how often its numbers began anew."""

    __slots__ = ("boots", "id", "last_seen", "life", "name", "series", "written")

    def __init__(self, id: int, name: str, life: int, last_seen: int) -> None:
        self.id = id
        self.name = name
        self.life = life
        self.last_seen = self.written = last_seen
        self.series: dict[tuple[str, str], int] = {}
        self.boots: OrderedDict[int, Ranges] = OrderedDict()

    def key(self, boot: int) -> int:
        """The ledger's key of a boot in the present life."""
        return self.life << LIFE_SHIFT | boot


class Known:
    """Devices by name, read when first asked for. After a commit that failed: forget() everything."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.devices: dict[str, KnownDevice] = {}
        self.touched: set[tuple[KnownDevice, int]] = set()  # whose ranges have changes that are not written yet

    def forget(self) -> None:
        self.devices.clear()
        self.touched.clear()

    def device(self, name: str, now_ms: int) -> KnownDevice:
        """The device; a new row if it was never seen."""
        known = self.devices.get(name)
        if known is not None:
            return known
        row = self._connection.execute("SELECT id, life, last_seen FROM device WHERE name = ?", (name,)).fetchone()
        if row is None:
            (number,) = self._connection.execute(
                "INSERT INTO device (name, first_seen, last_seen) VALUES (?, ?, ?) RETURNING id", (name, now_ms, 0)
            ).fetchone()
            row = (number, 0, 0)
        known = KnownDevice(row[0], name, row[1], row[2])
        rows = self._connection.execute("SELECT name, unit, id FROM series WHERE device = ?", (known.id,))
        known.series = {(series, unit): id for series, unit, id in rows}
        self.devices[name] = known
        return known

    def new_series(self, device: KnownDevice, name: str, unit: str) -> int:
        """The id of a series, new if need be."""
        id = device.series.get((name, unit))
        if id is None:
            (id,) = self._connection.execute(
                "INSERT INTO series (device, name, unit) VALUES (?, ?, ?) RETURNING id", (device.id, name, unit)
            ).fetchone()
            device.series[name, unit] = id
        return id

    def arrived(self, device: KnownDevice, boot: int, seq: int, day: int) -> bool:
        """Note a pack's number; False if it was here before."""
        key = device.life << LIFE_SHIFT | boot
        ranges = device.boots.get(key)
        if ranges is None:
            ranges = self._ranges(device, key)
        if not ranges.add(seq, day):
            return False
        self.touched.add((device, key))
        return True

    def day_of(self, device: KnownDevice, boot: int, seq: int) -> int:
        """The day of a number that is here."""
        key = device.key(boot)
        ranges = device.boots.get(key) or self._ranges(device, key)
        return ranges.day_of(seq)

    def new_life(self, device: KnownDevice, boot: int) -> None:
        """The board counts from the beginning again, with this boot: from now on its numbers have their own account."""
        old = device.key(boot)
        device.life += 1
        self._connection.execute("UPDATE device SET life = ? WHERE id = ?", (device.life, device.id))
        # The last `next` may be the erased board's already: said before its first pack came, larger than the true one.
        self._connection.execute(
            "UPDATE boot_next SET next = before, day = before_day WHERE device = ?1 AND boot = ?2"
            " AND NOT EXISTS (SELECT 1 FROM boot_next WHERE device = ?1 AND boot = ?3)",
            (device.id, old, device.key(boot)),
        )
        # Boots that nobody has started yet: what is said of them is from a flash that was erased before this one.
        self._connection.execute("DELETE FROM boot_next WHERE device = ? AND boot > ?", (device.id, device.key(boot)))

    def _ranges(self, device: KnownDevice, key: int) -> Ranges:
        rows = self._connection.execute(
            "SELECT lo, hi, day FROM pack_range WHERE device = ? AND boot = ?", (device.id, key)
        )
        ranges = device.boots[key] = Ranges(rows)
        while len(device.boots) > _BOOTS_KEPT:
            old = next(iter(device.boots))
            if (device, old) in self.touched:
                break
            del device.boots[old]
        return ranges

    def write_ranges(self) -> None:
        """Put the changed ranges into the transaction."""
        changed: list[tuple[int, int, int, int, int]] = []
        gone: list[tuple[int, int, int]] = []
        for device, key in self.touched:
            rows, deleted = device.boots[key].taken()
            changed += [(device.id, key, lo, hi, day) for lo, hi, day in rows]
            gone += [(device.id, key, lo) for lo in deleted]
        self.touched.clear()
        if gone:
            self._connection.executemany("DELETE FROM pack_range WHERE device = ? AND boot = ? AND lo = ?", gone)
        self._connection.executemany(
            "INSERT INTO pack_range (device, boot, lo, hi, day) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (device, boot, lo) DO UPDATE SET hi = excluded.hi, day = excluded.day",
            changed,
        )

    def write_last_seen(self) -> None:
        """Put when devices were last heard into the transaction, where that is not written yet."""
        heard = [device for device in self.devices.values() if device.last_seen != device.written]
        self._connection.executemany(
            "UPDATE device SET last_seen = ?1 WHERE id = ?2 AND last_seen < ?1",
            [(device.last_seen, device.id) for device in heard],
        )
        for device in heard:
            device.written = device.last_seen
