"""Is a pack whose number is here the same pack once more, or does its board count from the beginning?

With a sure clock the keys of its readings tell. Without one the same pack comes with other times each time: then its
number and what stays the same in it count, and where that was not kept, the readings that lie near.
"""

from zlib import crc32

from ..boards.ledger import DAY_MS
from ..decode.normalise import Pack
from .connection import Connection
from .known import Known, KnownDevice
from .sums import HOUR_MS, hour
from .values import BOOLEAN, same_value

NEAR_MS = 60_000
"""How far two true times of the same record can be apart: the way to the gateway is in a relative one."""
REPEATS_MS = 2 * 3_600_000
"""A board without a receipt sends a pack again within an hour."""

# With time = ? SQLite would put the constant into time / 3600000 too, not know the key's index and read the whole log.
LOOK = "SELECT value, flags FROM reading WHERE time / 3600000 = ?1 / 3600000 AND series = ?2 AND time BETWEEN ?1 AND ?1"
_TIMES = (
    "WITH RECURSIVE hour (number) AS ("
    " VALUES (?1 / 3600000) UNION ALL SELECT number + 1 FROM hour WHERE number < ?2 / 3600000)"
    " SELECT r.time, r.value, r.flags FROM hour CROSS JOIN reading AS r"
    " WHERE r.time / 3600000 = hour.number AND r.series = ?3 AND r.time BETWEEN ?1 AND ?2"
)


def fingerprint(pack: Pack) -> int:
    """What stays the same when a pack whose times were not sure comes again: series, values, times between records."""
    last = pack.readings[-1].time if pack.readings else 0
    return crc32(repr([(r.series, r.value, r.unit, r.time - last) for r in pack.readings]).encode(errors="replace"))


class Again:
    """Looks into an open transaction and keeps there what later answers need."""

    def __init__(self, connection: Connection, known: Known) -> None:
        self._connection = connection
        self._known = known

    def is_the_same(self, device: KnownDevice, pack: Pack, now_ms: int) -> bool:
        """For a pack whose number is here: everything in it is stored, under whatever times."""
        seen = self._seen(device, pack, now_ms)
        if seen is not None:
            return seen
        if pack.clock == "set":
            return self._swept(device, pack)
        if not pack.readings:
            return True
        newest = pack.readings[-1].time
        if pack.relative:
            return self._lies_between(device, pack, newest - NEAR_MS, newest + NEAR_MS)
        # An estimate may be off by any time, but the account knows the day of the number.
        day = self._known.day_of(device, pack.boot or 0, pack.seq or 0)
        return self._lies_between(device, pack, day * DAY_MS, (day + 1) * DAY_MS - 1)

    def remember(self, device: KnownDevice, pack: Pack, now_ms: int) -> None:
        """A pack whose times are not sure is stored."""
        newest = pack.readings[-1].time if pack.readings else now_ms
        self._connection.execute(
            "INSERT INTO unsure_pack (device, boot, seq, crc, time, received) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (device, boot, seq, crc) DO UPDATE SET time = excluded.time, received = excluded.received",
            (device.id, device.key(pack.boot or 0), pack.seq, fingerprint(pack), newest, now_ms),
        )

    def refused(self, device: KnownDevice, boot: int, seq: int) -> None:
        """A number is counted whose readings are not here; they may come when the decoder is right."""
        self._connection.execute(
            "INSERT INTO refused_pack (device, boot, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (device.id, device.key(boot), seq),
        )

    def was_refused(self, device: KnownDevice, boot: int, seq: int) -> bool:
        """Whether it was one of these; from now on it is not."""
        found = self._connection.execute(
            "DELETE FROM refused_pack WHERE device = ? AND boot = ? AND seq = ?", (device.id, device.key(boot), seq)
        )
        return found.rowcount > 0

    def _seen(self, device: KnownDevice, pack: Pack, now_ms: int) -> bool | None:
        """Whether a pack with this number and fingerprint is this very one; None: there is none."""
        key = (device.id, device.key(pack.boot or 0), pack.seq, fingerprint(pack))
        row = self._connection.execute(
            "SELECT time, received FROM unsure_pack WHERE device = ? AND boot = ? AND seq = ? AND crc = ?", key
        ).fetchone()
        if row is None:
            return None
        # Only with an erased flash does a board's first boot come a second time, and then long after its last pack,
        # measured at another time. (A receipt that stays out for days, or a broker that kept the pack for days, changes
        # one of the two only.)
        at, received = row
        newest = pack.readings[-1].time if pack.readings else at
        true_time = pack.relative or pack.clock == "set"
        if pack.boot == 1 and true_time and abs(newest - at) > NEAR_MS and now_ms - received > REPEATS_MS:
            return False
        self._connection.execute(
            "UPDATE unsure_pack SET received = ? WHERE device = ? AND boot = ? AND seq = ? AND crc = ?", (now_ms, *key)
        )
        return True

    def _swept(self, device: KnownDevice, pack: Pack) -> bool:
        """Whether all its readings are of hours whose readings were here and have been deleted (retention.py)."""
        hours = {
            (device.series.get((reading.series, reading.unit)), hour(reading.time) * HOUR_MS)
            for reading in pack.readings
        }
        return bool(hours) and all(
            self._connection.execute(
                "SELECT 1 FROM aggregate WHERE step = ? AND series = ? AND start = ? AND raw = 0",
                (HOUR_MS, series, start),
            ).fetchone()
            for series, start in hours
        )

    def _lies_between(self, device: KnownDevice, pack: Pack, first: int, last: int) -> bool:
        """Whether all readings of the pack are here, moved together so that the last one is from first to last (ms)."""
        newest = pack.readings[-1]
        series = device.series.get((newest.series, newest.unit))
        flags = BOOLEAN if newest.value.__class__ is bool else 0
        return any(
            self._lies_at(device, pack, time - newest.time)
            for time, value, marks in self._connection.execute(_TIMES, (first, last, series)).fetchall()
            if same_value(value, marks, newest.value, flags)
        )

    def _lies_at(self, device: KnownDevice, pack: Pack, moved: int) -> bool:
        for reading in pack.readings:
            time = reading.time + moved
            series = device.series.get((reading.series, reading.unit))
            there = self._connection.execute(LOOK, (time, series)).fetchone()
            flags = BOOLEAN if reading.value.__class__ is bool else 0
            if there is None or not same_value(there[0], there[1], reading.value, flags):
                return False
        return True
