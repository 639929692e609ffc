"""The way in: one thread that owns the connection to the broker and the store's writer.

It reads what is there, decodes, and when there are enough messages or the first has waited long enough: commit with
fsync, then acknowledge all of them, then receipts to the boards. There is no queue in between: while the disk works,
nothing is read, so at most one batch is on its way.
"""

import selectors
import socket
import threading
import time
from contextlib import suppress

import structlog

from ..boards.releases import PieceWanted, Releases
from ..config.config import Config
from ..decode.messages import Messages
from ..inputs.reading import Inputs
from ..status import IngestStatus
from ..store import Arrival, CommandResult, ConfigReport, Outcome, StateReport, Store, StoreError
from ..texts import Sentence, both
from .broker import Broker
from .receipts import Receipts

_BEAT_S = 20.0
_BACKLOG_S = 10.0
"""So long after connecting, what comes may be what the broker kept while the gateway was away."""
_RETRY_QUARANTINE_S = 2.0
_STORE_PAUSE_S = (1.0, 30.0)
_STORE_AWAY = both(
    "Vom Broker getrennt, bis der Speicher wieder schreiben kann.",
    "Disconnected from the broker until the store takes writes again.",
)
_MISTAKE = both(
    "Das Gateway hat einen Fehler gemacht; er steht im Log.", "The gateway made a mistake; it is in the log."
)

log = structlog.get_logger(__name__)


class Ingest:
    """start() … stop(). `status` says how it is; `ready` is set once messages come and the store took a write."""

    def __init__(self, config: Config, store: Store, status: IngestStatus) -> None:
        self.store = store
        self.status = status
        self.ready = threading.Event()
        self._most = config.store.commit_packs
        self._longest = config.store.commit_ms / 1000
        self._root = config.mqtt.topic
        self._inputs = Inputs(config.input, store)
        status.inputs = self._inputs.counts
        self._messages = Messages(config.mqtt.topic, self._inputs)
        self._receipts = Receipts()
        self._releases = Releases(store, config.releases_path)
        self._broker = Broker(config.mqtt, self._messages.topics(), self._take, self._wake)
        status.trouble = self._broker.trouble
        self._arrivals: list[Arrival] = []
        self._states: list[StateReport] = []
        self._results: list[CommandResult | ConfigReport] = []
        self._taken = 0  # messages of the batch
        self._first = 0.0  # when its first came
        self._last_beat = 0.0  # the last commit; the first turn makes one
        self._next_quarantine = 0.0
        self._store_paused = False  # it takes no writes: nothing is read until it does
        self._store_pause = 0.0  # the last one; 0.0 once messages were written again
        self._store_again = 0.0  # when it is tried, or was found to work
        self._stopping = False
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._watched: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self.store.attach(self._wake)
        self._thread.start()

    def stop(self, seconds: float = 20.0) -> None:
        """Commit and acknowledge what is here, send receipts, disconnect. Returns when that is done."""
        self._stopping = True
        self._wake()
        self._thread.join(seconds)
        with suppress(StoreError):
            self.store.detach()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _wake(self) -> None:
        with suppress(OSError):  # full: it is awake
            self._waker.send(b"\0")

    # From here on: the ingest thread

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._turn()
            except Exception:
                # A mistake of the gateway. Nothing was acknowledged; the broker sends it again.
                log.exception("the batch was put back")
                self._drop(_MISTAKE)
                time.sleep(1)
        try:
            self._commit(time.monotonic())
            self._send_receipts(time.monotonic(), all_of_them=True)
            self._broker.close()
        except Exception:
            log.exception("not stopped in order; the broker sends again what was not acknowledged")
        self._selector.close()

    def _turn(self) -> None:
        now = time.monotonic()
        self.status.last_turn = now
        broker = self._broker
        broker.turn(now, wanted=not self._store_paused)
        if self._store_paused and broker.socket() is not None:  # it was being made when the store failed
            broker.leave(_STORE_AWAY, now)
        self._wait(now)
        if broker.socket() is not None:
            self._inputs.kept = broker.age(now) < _BACKLOG_S
            broker.write()
            try:
                while self._taken < self._most and broker.read():
                    if self._taken and time.monotonic() - self._first >= self._longest:
                        break
            except StoreError as error:  # what it knows of a device's session can't be read
                self._store_failed(error, time.monotonic())
        now = time.monotonic()
        if self._store_paused:
            if now >= self._store_again:
                self._try_store(now)
        elif self._due(now):
            self._commit(now)
        elif now >= self._next_quarantine:
            self._next_quarantine = now + _RETRY_QUARANTINE_S
            try:
                self._read_quarantine()
            except StoreError as error:
                self._store_failed(error, now)
        self._send_receipts(now)
        self._send_releases(now)
        self._report()

    def _wait(self, now: float) -> None:
        """Until there is something to do, at most a second."""
        broker = self._broker
        sock = broker.socket()
        if sock is not self._watched:
            if self._watched is not None:
                with suppress(KeyError, ValueError):
                    self._selector.unregister(self._watched)
            self._watched = sock
            if sock is not None:
                self._selector.register(sock, selectors.EVENT_READ)
        if sock is not None:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if broker.wants_write else 0)
            if self._selector.get_key(sock).events != wanted:
                self._selector.modify(sock, wanted)
        timeout = 1.0
        if broker.holds or self._stopping:
            timeout = 0.0
        elif self._store_paused:
            timeout = min(timeout, max(0.0, self._store_again - now))
        else:
            if self._taken or self.store.jobs_waiting():
                timeout = max(0.0, self._first + self._longest - now)
            due = self._receipts.wait(now) if broker.takes_messages else None
            if due is not None:
                timeout = min(timeout, due)
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._woken:
                with suppress(BlockingIOError):
                    while self._woken.recv(4096):
                        pass
                if not self._taken:
                    self._first = time.monotonic()

    def _take(self, topic: bytes, payload: bytes, retained: bool) -> None:
        """One message; the broker's packet id is noted already."""
        if not self._taken:
            self._first = time.monotonic()
        self._taken += 1
        message = self._messages.read(topic, payload, retained, time.time())
        if isinstance(message, Arrival):
            self._arrivals.append(message)
        elif isinstance(message, StateReport):
            self._states.append(message)
        elif isinstance(message, PieceWanted):
            self._releases.ask(message)
        elif message is not None:
            self._results.append(message)

    def _due(self, now: float) -> bool:
        if self._taken >= self._most:
            return True
        if self._taken or self.store.jobs_waiting():
            return now - self._first >= self._longest
        return now - self._last_beat >= _BEAT_S

    def _commit(self, now: float) -> None:
        arrivals, results, taken = self._arrivals, self._results, self._taken
        try:
            self._inputs.flush()
            try:
                outcomes = self.store.write(arrivals, self._states, self._results)
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - one of them is more than the gateway can take: find out which
                log.error("a batch is written message by message", mistake=f"{type(error).__name__}: {error}")
                outcomes = self._one_by_one(arrivals)
        except StoreError as error:
            self._store_failed(error, now)
            return
        self._forget_batch()
        self._last_beat = now
        if self._store_pause and (taken or now - self._store_again >= _BEAT_S):
            self._store_pause = 0.0
            self.status.store_trouble = ""
            log.info("the store takes writes again")
        self.status.messages += taken
        self.status.acknowledged += self._broker.acknowledge()
        add = self._receipts.add
        for arrival in arrivals:
            if arrival.foreign:
                continue
            pack = arrival.pack
            numbered = arrival if pack is None else pack
            if numbered.boot is not None and numbered.seq is not None:
                add(numbered.device, numbered.boot, numbered.seq)
        for result in results:
            if isinstance(result, ConfigReport) and result.trial is not None and result.version is not None:
                self._receipts.add_trial(result.device, result.trial, result.version)
        self._broker.write()
        if Outcome.REFUSED in outcomes or Outcome.CONFLICT in outcomes:
            self._tell_refused(arrivals, outcomes)

    def _one_by_one(self, arrivals: list[Arrival]) -> list[Outcome]:
        outcomes = []
        for arrival in arrivals:
            try:
                outcomes += self.store.write([arrival])
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - kept raw, so that it does not stop the others
                reason = f"mistake of the gateway: {type(error).__name__}: {error}"
                outcomes += self.store.write([arrival._replace(pack=None, reason=reason)])
        for states, results in [([state], []) for state in self._states] + [([], [result]) for result in self._results]:
            try:
                self.store.write((), states, results)
            except StoreError:
                raise
            except Exception:
                log.exception("a message was left out", device=(states + results)[0].device)
        return outcomes

    def _forget_batch(self) -> None:
        self._arrivals, self._states, self._results = [], [], []
        self._taken = 0

    def _store_failed(self, error: StoreError, now: float) -> None:
        """Nothing is acknowledged: let go of the connection, the broker keeps the messages; try again in a while."""
        shortest, longest = _STORE_PAUSE_S
        self._store_paused = True
        self._store_pause = min(longest, max(shortest, self._store_pause * 2))
        self._store_again = now + self._store_pause
        if self.status.store_trouble != str(error):
            self.status.store_trouble = error.args[0]
            log.error("the store takes no writes", reason=str(error))
        self._drop(_STORE_AWAY)

    def _try_store(self, now: float) -> None:
        """A full disk may have room for this and none for messages: only when they are written is all well again."""
        try:
            self.store.write(())
        except StoreError as error:
            self._store_failed(error, now)
            return
        self._store_paused = False
        self._store_again = self._last_beat = now

    def _drop(self, why: Sentence) -> None:
        self._forget_batch()
        self._inputs.forget()
        self._broker.leave(why, time.monotonic())

    def _send_receipts(self, now: float, *, all_of_them: bool = False) -> None:
        if not len(self._receipts) or not self._broker.takes_messages:
            return
        for device, payload in self._receipts.take(now, int(time.time()), all_of_them=all_of_them):
            self._broker.publish(f"{self._root}/{device}/receipt", payload)
            self.status.receipts += 1
            if not self._broker.takes_messages:
                break
        self._broker.write()

    def _send_releases(self, now: float) -> None:
        if self._store_paused or not self._broker.takes_messages:
            return
        try:
            for topic, payload, retain in self._releases.take(now):
                self._broker.publish(f"{self._root}/{topic}", payload, retain)
        except StoreError as error:
            self._store_failed(error, now)
            return
        self._broker.write()

    def _read_quarantine(self) -> None:
        """What somebody wants to be read again."""
        for kept in self.store.quarantine_wanted():
            message = self._messages.read(kept.topic.encode(), kept.payload, False, kept.received)
            reason = ""
            if isinstance(message, Arrival):
                (outcome,) = self.store.write([message._replace(again=True)])
                if outcome in (Outcome.REFUSED, Outcome.CONFLICT):
                    reason = message.reason or kept.reason
            elif isinstance(message, StateReport):
                self.store.write((), [message._replace(received=kept.received)])
            elif isinstance(message, CommandResult):
                self.store.write((), (), [message._replace(again=True)])
            self.store.quarantine_settled([] if reason else [kept.id], [(kept.id, reason)] if reason else [])

    def _tell_refused(self, arrivals: list[Arrival], outcomes: list[Outcome]) -> None:
        for arrival, outcome in zip(arrivals, outcomes, strict=True):
            if outcome == Outcome.REFUSED:
                log.warning("put into quarantine", topic=arrival.topic, reason=arrival.reason)
                return

    def _report(self) -> None:
        status, broker = self.status, self._broker
        status.connected = broker.up
        status.trouble = broker.trouble
        status.connections = broker.connections
        if broker.up and self._last_beat and not self.ready.is_set():
            self.ready.set()
