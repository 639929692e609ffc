"""Packs into the log, nothing counted twice.

The short way: all readings of the batch in one executemany that ignores keys that exist. If it stored fewer than it was
given, everything since the savepoint is undone and each pack goes the long way, which looks at every reading.
"""

from collections import defaultdict
from collections.abc import Sequence

from ..boards.devices import is_device
from ..boards.ledger import DAY_MS
from ..decode.normalise import Pack, Reading
from .again import LOOK, Again
from .connection import Writer
from .known import Known, KnownDevice
from .quarantine import put
from .types import Arrival, Outcome
from .values import BOOLEAN, Row, same_value, with_mark, without_mark

LATE_MS = 3_600_000
"""A pack that comes this long after its last record was measured is late."""
MOST_AT_ONCE = 5_000
"""Readings of a series without a time of their own in one stretch of milliseconds; more are refused."""

_RUN = (
    "SELECT time FROM reading WHERE time / 3600000 = ?1 / 3600000 AND series = ?2 AND time >= ?1 ORDER BY time LIMIT ?3"
)
_COUNT = (
    "INSERT INTO day_count (device, day, late, double, refused, conflict) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (device, day) DO UPDATE SET late = day_count.late + excluded.late,"
    " double = day_count.double + excluded.double, refused = day_count.refused + excluded.refused,"
    " conflict = day_count.conflict + excluded.conflict"
)
_LATE, _DOUBLE, _REFUSED, _CONFLICT = range(4)


class Crowded(Exception):
    """There are too many readings of this series at that time."""


class Packs:
    """Puts one batch into an open transaction. After a transaction that failed, Known has to be told to forget."""

    def __init__(self, connection: Writer, known: Known) -> None:
        self._connection = connection
        self._known = known
        # Raised for a value that no column can hold: beyond 64 bits, half a surrogate pair, not a number.
        self._not_storable: tuple[type[Exception], ...] = (
            *connection.not_storable,
            OverflowError,
            UnicodeError,
            Crowded,
        )
        self._again = Again(connection, known)
        self._counts: dict[tuple[int, int], list[int]] = {}
        self._runs: dict[int, tuple[int, int]] = {}  # series -> milliseconds of which each had a reading when last seen
        self.rows: list[Row] = []  # what the last batch added to the log, for the newest values

    def store(self, arrivals: Sequence[Arrival], now_ms: int) -> list[Outcome]:
        """One outcome for each arrival."""
        outcomes = [Outcome.NEW] * len(arrivals)
        self._counts = defaultdict(lambda: [0, 0, 0, 0])
        self.rows = rows = []
        received = now_ms // 1000
        slow: list[tuple[int, bool]] = []  # place in the batch; whether the pack's number was new and is noted
        fast: list[int] = []
        # Boards with a number that was here before: perhaps they count from the beginning, so where their further
        # numbers belong is known only when it is that pack's turn.
        doubtful: set[KnownDevice] = set()
        devices = self._known.devices
        arrived = self._known.arrived
        late_before = now_ms - LATE_MS
        for place, arrival in enumerate(arrivals):
            pack = arrival[3]
            if pack is None:
                if doubtful:
                    slow.append((place, False))
                else:
                    outcomes[place] = self._refuse(arrival, arrival.reason, now_ms)
                continue
            device = devices.get(pack.device) or self._known.device(pack.device, now_ms)
            if not arrival[7]:  # again
                device.last_seen = now_ms
            readings = pack.readings
            newest = readings[-1][1] if readings else now_ms
            new = True
            boot, seq = pack.boot, pack.seq
            if boot is not None and seq is not None:
                if doubtful and device in doubtful:
                    new = False
                elif not arrived(device, boot, seq, newest // DAY_MS):
                    new = False
                    doubtful.add(device)
                elif newest < late_before:
                    self._counts[device.id, newest // DAY_MS][_LATE] += 1
            if not new or pack.clock != "set":
                slow.append((place, new))
                continue
            ids = device.series
            try:
                rows += [
                    (
                        ids[series, unit],
                        time,
                        value,
                        flags | BOOLEAN if value.__class__ is bool else flags,
                        received,
                    )
                    for series, time, value, unit, flags in readings
                ]
            except KeyError:
                try:
                    rows += self._rows(device, readings, received)
                except self._not_storable:
                    slow.append((place, new))
                    continue
            fast.append(place)
        if rows and not self._connection.add_readings(rows):
            rows.clear()
            slow = sorted(slow + [(place, True) for place in fast])
        for place, noted in slow:
            arrival = arrivals[place]
            if arrival.pack is None:
                outcomes[place] = self._refuse(arrival, arrival.reason, now_ms)
            else:
                outcomes[place] = self._long_way(arrival, arrival.pack, noted, now_ms)
        self._known.write_ranges()
        if self._counts:
            self._connection.executemany(_COUNT, [(*key, *count) for key, count in self._counts.items()])
        return outcomes

    def _rows(self, device: KnownDevice, readings: list[Reading], received: int) -> list[Row]:
        return [
            (self._known.new_series(device, series, unit), time, value, with_mark(value, flags), received)
            for series, time, value, unit, flags in readings
        ]

    def _long_way(self, arrival: Arrival, pack: Pack, noted: bool, now_ms: int) -> Outcome:
        device = self._known.device(pack.device, now_ms)
        day = (pack.readings[-1].time if pack.readings else now_ms) // DAY_MS
        sure = pack.clock == "set"
        numbered = pack.boot is not None and pack.seq is not None
        new = noted or self._note(device, pack, now_ms)
        if not new and self._again.is_the_same(device, pack, now_ms):
            self._counts[device.id, day][_DOUBLE] += 1
            return Outcome.DOUBLE
        self._connection.execute("SAVEPOINT pack")
        try:
            added, conflict = self._each(device, pack, now_ms)
        except self._not_storable as error:
            self._connection.execute("ROLLBACK TO pack")
            self._connection.execute("RELEASE pack")
            # A series that the pack brought is gone with it.
            device.series = {key: id for key, id in device.series.items() if self._has_series(id)}
            self._counts[device.id, day][_REFUSED] += 1
            if new and numbered:
                self._again.refused(device, pack.boot or 0, pack.seq or 0)
            put(self._connection, arrival, f"a value can't be stored: {error}", now_ms)
            return Outcome.REFUSED
        self._connection.execute("RELEASE pack")
        self.rows += added
        if not new and added and len(added) == len(pack.readings):
            self._came_anew(device, arrival, pack, now_ms)
        if not sure and numbered:
            self._again.remember(device, pack, now_ms)
        if conflict:
            self._counts[device.id, day][_CONFLICT] += 1
            put(self._connection, arrival, conflict, now_ms)
            return Outcome.CONFLICT
        if added or (new and not pack.readings):
            return Outcome.NEW
        self._counts[device.id, day][_DOUBLE] += 1
        return Outcome.DOUBLE

    def _came_anew(self, device: KnownDevice, arrival: Arrival, pack: Pack, now_ms: int) -> None:
        """The number was here, not one of its readings: a new life, unless the readings were refused before."""
        boot, seq = pack.boot or 0, pack.seq or 0
        if not self._again.was_refused(device, boot, seq) and not arrival.again:
            self._known.new_life(device, boot)
            self._note(device, pack, now_ms)

    def _note(self, device: KnownDevice, pack: Pack, now_ms: int) -> bool:
        """Note the pack's number; whether it is new in the board's present life."""
        newest = pack.readings[-1].time if pack.readings else now_ms
        if not self._known.arrived(device, pack.boot or 0, pack.seq or 0, newest // DAY_MS):
            return False
        if newest < now_ms - LATE_MS:
            self._counts[device.id, newest // DAY_MS][_LATE] += 1
        return True

    def _each(self, device: KnownDevice, pack: Pack, now_ms: int) -> tuple[list[Row], str]:
        """(rows added, what contradicts the store: a sentence or empty)."""
        added: list[Row] = []
        conflict = ""
        for row, reading in zip(self._rows(device, pack.readings, now_ms // 1000), pack.readings, strict=True):
            series, time, value, flags, received = row
            if pack.relative:
                time = self._free(series, time, reading.series)
            there = self._connection.execute(LOOK, (time, series)).fetchone()
            if there is None:
                row = (series, time, value, flags, received)
                self._connection.add_reading(row)
                added.append(row)
            elif not same_value(there[0], there[1], value, flags) and not conflict:
                stored, _ = without_mark(*there)
                conflict = f"{reading.series} at {time} ms is stored as {stored!r}, this pack says {value!r}"
        return added, conflict

    def _free(self, series: int, time: int, name: str) -> int:
        """The first millisecond from `time` on that has no reading of the series yet.

        A relative time is the moment of receipt less its age, so packs of a burst can meet: all are kept.
        """
        begin, end = self._runs.get(series, (time, time))
        if not begin <= time <= end:
            begin = end = time
        while end - time < MOST_AT_ONCE:
            first = end
            for (there,) in self._connection.execute(_RUN, (end, series, MOST_AT_ONCE)):
                if there != end:
                    break
                end += 1
            if end // 3_600_000 == first // 3_600_000:  # else the run may go on in the next hour
                self._runs[series] = (begin, end)
                return end
        raise Crowded(f"more than {MOST_AT_ONCE} readings of {name} in one moment")

    def _has_series(self, id: int) -> bool:
        return self._connection.execute("SELECT 1 FROM series WHERE id = ?", (id,)).fetchone() is not None

    def _refuse(self, arrival: Arrival, reason: str, now_ms: int) -> Outcome:
        put(self._connection, arrival, reason, now_ms)
        if not is_device(arrival.device):
            return Outcome.REFUSED
        device = self._known.device(arrival.device, now_ms)
        if not arrival.again:
            device.last_seen = now_ms
        day = now_ms // DAY_MS
        if arrival.boot is not None and arrival.seq is not None:
            new = self._known.arrived(device, arrival.boot, arrival.seq, day)
            self._counts[device.id, day][_REFUSED if new else _DOUBLE] += 1
            if new:
                self._again.refused(device, arrival.boot, arrival.seq)
        return Outcome.REFUSED
