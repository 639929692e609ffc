"""The store's face: opening, the writer's group commit, work from other threads."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Self

from .boards import Boards
from .connection import Database
from .copying import unfit
from .known import Known
from .newest import Newest
from .opening import opened
from .packs import Packs
from .retention import Retention
from .types import Arrival, CommandResult, ConfigReport, Job, Outcome, StateReport, Stats, StoreError
from .where import Where

_FLUSH_S = 10.0
_Waiting = tuple[Job, "Future[Any]"]


class Store(Retention):
    """One database. write() belongs to one thread, the writer; everything else may be called from any.

    What write() or a Future of submit() has confirmed is on disk (SQLite: WAL, synchronous=FULL; PostgreSQL:
    synchronous_commit) and survives a power cut.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self._connection = database.writer
        self._known = Known(self._connection)
        self._packs = Packs(self._connection, self._known)
        self._boards = Boards(self._connection, self._known)
        self._newest = Newest(self._connection)
        self.newest = self._newest.values
        self._jobs: deque[_Waiting] = deque()
        self._wake: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._held = ExitStack()
        self._newest_id = 0
        self._doubtful = False  # a commit failed, and perhaps it was made all the same
        self._is_writer = False  # messages came through here: then nobody else knows of newer values
        self._flushed = time.monotonic()
        self._outcomes = [0, 0, 0, 0]
        self._readings = self._commits = self._failures = 0
        self._last_commit = 0.0

    @classmethod
    def open(cls, where: Where, *, alone: bool = False) -> Self:
        """Create or open the database. StoreError: one sentence (not writable, damaged, newer schema, …).

        `alone`: as the gateway, of which only one may write; the others are the command line beside it.
        """
        with ExitStack() as held:
            database = held.enter_context(opened(where, alone=alone))
            if alone:
                with database.reading() as connection:
                    said = unfit(connection, database.name)
                if said:
                    raise StoreError(said)
            store = cls(database)
            try:
                store._newest_id = store._newest.load()
            except database.errors as error:
                raise database.explain(error) from error
            store._held = held.pop_all()
        return store

    def close(self) -> None:
        """Write what is left to write and close; submitted jobs are done."""
        with suppress(StoreError):
            self.detach()
            if self._is_writer:
                with self._lock, self._transaction():
                    self._flush(force=True)
        self._held.close()

    # The writer

    def attach(self, wake: Callable[[], None]) -> None:
        """A writer's thread begins: from now on submit() leaves jobs to its write() and calls wake()."""
        self._wake = wake

    def detach(self) -> None:
        """The writer's thread has ended: what it left is done here, and from now on submit() does jobs at once."""
        self._wake = None
        if self._jobs:
            self._commit((), (), (), int(time.time() * 1000))

    def write(
        self,
        arrivals: Sequence[Arrival],
        states: Sequence[StateReport] = (),
        results: Sequence[CommandResult | ConfigReport] = (),
        now_ms: int | None = None,
    ) -> list[Outcome]:
        """Store a batch and do every submitted job in ONE commit with fsync; with nothing to do, try a write.

        One outcome for each arrival. StoreError: nothing of it is stored, nothing may be acknowledged.
        """
        return self._commit(arrivals, states, results, int(time.time() * 1000) if now_ms is None else now_ms)

    def jobs_waiting(self) -> bool:
        """Whether somebody waits for the next write()."""
        return bool(self._jobs)

    def submit(self, job: Job) -> "Future[Any]":
        """Have job(connection) done in the next group commit; the Future has its result once that is on disk.

        Where no writer is attached (command line) it is done before this returns.
        """
        future: Future[Any] = Future()
        self._jobs.append((job, future))
        if (wake := self._wake) is not None:
            wake()
        else:
            with suppress(StoreError):  # the Future carries it
                self._commit((), (), (), int(time.time() * 1000))
        return future

    def on_commit(self, callback: Callable[[], None]) -> None:
        """callback() is called in the writer's thread after each commit that added readings; it has to be short.

        For asyncio: store.on_commit(lambda: loop.call_soon_threadsafe(event.set)).
        """
        self._listeners.append(callback)

    def newest_id(self) -> int:
        """The id of the last reading in the log, 0 when it is empty."""
        return self._newest_id if self._wake is not None else super().newest_id()

    def last_seen(self, device: str) -> int:
        """What the writer knows and has not written yet; 0: nothing."""
        known = self._known.devices.get(device)
        return known.last_seen if known is not None else 0

    def stats(self) -> Stats:
        """Counters since the start, and how much there is."""
        with self.database.reading() as connection:
            quarantine, devices, series = connection.execute(
                "SELECT (SELECT count(*) FROM quarantine), (SELECT count(*) FROM device), (SELECT count(*) FROM series)"
            ).fetchone()
        return Stats(
            readings_new=self._readings,
            packs_new=self._outcomes[Outcome.NEW],
            packs_double=self._outcomes[Outcome.DOUBLE],
            packs_conflict=self._outcomes[Outcome.CONFLICT],
            packs_refused=self._outcomes[Outcome.REFUSED],
            commits=self._commits,
            failures=self._failures,
            last_commit_s=self._last_commit,
            newest_id=self.newest_id(),
            quarantine=quarantine,
            devices=devices,
            series=series,
            bytes_on_disk=self.database.bytes_on_disk(),
        )

    # Inside

    def _commit(
        self,
        arrivals: Sequence[Arrival],
        states: Sequence[StateReport],
        results: Sequence[CommandResult | ConfigReport],
        now_ms: int,
    ) -> list[Outcome]:
        with self._lock:
            jobs = self._take_jobs()
            self._is_writer = self._is_writer or bool(arrivals or states or results)
            done: list[tuple[Future[Any], Any, BaseException | None]] = []
            outcomes: list[Outcome] = []
            try:
                with self._transaction():
                    if self._doubtful:
                        self._newest_id += self._newest.catch_up(self._newest_id)
                        self._doubtful = False
                    if arrivals:
                        outcomes = self._packs.store(arrivals, now_ms)
                    for state in states:
                        self._boards.state(state, now_ms)
                    for result in results:
                        if isinstance(result, ConfigReport):
                            self._boards.config(result, now_ms)
                        else:
                            self._boards.result(result, now_ms)
                    for job, future in jobs:
                        done.append((future, *self._do(job)))
                    if not (arrivals or states or results or jobs):
                        self._connection.execute("UPDATE beat SET at = ?", (now_ms,))
                    self._flush()
            except BaseException as error:
                for _, future in jobs:
                    future.set_exception(error)
                raise
            added = self._packs.rows if arrivals else []
            self._newest.update(added)
            if added:
                self._newest_id += len(added)
            self._readings += len(added)
            for outcome in Outcome:
                self._outcomes[outcome] += outcomes.count(outcome)
        for future, answer, problem in done:
            if problem is None:
                future.set_result(answer)
            else:
                future.set_exception(problem)
        if added:
            for listener in self._listeners:
                listener()
        return outcomes

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Whatever goes wrong: all undone, the memory forgotten, StoreError for the database's errors."""
        try:
            self._connection.begin()
            yield
            self._connection.commit()
        except BaseException as error:
            self._failures += 1
            self._connection.roll_back()
            self._known.forget()
            self._newest.forget()
            self._doubtful = True
            # What no column can hold is the message's fault, not the store's: who writes finds out which.
            ours = isinstance(error, (*self.database.errors, OSError))
            if isinstance(error, Exception) and ours and not isinstance(error, self._connection.not_storable):
                raise self.database.explain(error) from error
            raise
        self._commits += 1
        self._last_commit = time.monotonic()

    def _take_jobs(self) -> list[_Waiting]:
        jobs: list[_Waiting] = []
        while True:
            try:
                job, future = self._jobs.popleft()
            except IndexError:
                return jobs
            if future.set_running_or_notify_cancel():
                jobs.append((job, future))

    def _do(self, job: Job) -> tuple[Any, BaseException | None]:
        """A job in a savepoint of its own: one that fails takes nothing else with it. The disk's errors concern all."""
        self._connection.execute("SAVEPOINT job")
        try:
            answer = job(self._connection)
        except Exception as error:
            if self.database.concerns_all(error):
                raise
            self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")
            return None, error
        self._connection.execute("RELEASE job")
        return answer, None

    def _flush(self, *, force: bool = False) -> None:
        """Now and then what is only for a quick start: newest values and when devices were last heard."""
        now = time.monotonic()
        if self._is_writer and (force or now - self._flushed >= _FLUSH_S):
            self._flushed = now
            self._known.write_last_seen()
            self._newest.write(self._newest_id)
