"""What goes into the store and what comes out of it. Times are milliseconds UTC unless a name says otherwise."""

from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from ..decode.normalise import Pack, Value

if TYPE_CHECKING:
    from .connection import Connection

Job = Callable[["Connection"], Any]
"""Work for the writer: runs inside the next group commit, or at once where no writer runs."""


class StoreError(Exception):
    """The store can't do what was asked; the message is one sentence for a person. Nothing of the batch is stored."""


class StoreTaken(StoreError):
    """A gateway runs on it."""


class Outcome(IntEnum):
    """What became of one message. Every one of them is stored for good when write() has returned."""

    NEW = 0
    """All its readings are new."""
    DOUBLE = 1
    """Everything in it was stored before; nothing was counted twice."""
    CONFLICT = 2
    """A reading's key was stored before with another value: the first value stays, the message is in quarantine."""
    REFUSED = 3
    """It can't be read; it is in quarantine, raw, with the reason."""


class Arrival(NamedTuple):
    """One message as it came in. `pack` None: it can't be read, and `reason` says why."""

    device: str
    topic: str
    payload: bytes
    pack: Pack | None
    reason: str = ""
    boot: int | None = None
    seq: int | None = None
    """The number of an unreadable pack, where it could be made out; a readable one carries its own."""
    again: bool = False
    """From the quarantine, not from the board."""
    foreign: bool = False
    """Not from a board: nobody waits for a receipt."""


class BoardUpdate(NamedTuple):
    """What a board says of the last order to install a release. `result`: fetching trying done failed refused."""

    order: int
    result: str
    why: str


class StateReport(NamedTuple):
    """A board's `state` message. `retained`: the broker kept it, so it says nothing about the board being there now."""

    device: str
    state: str
    boot: int | None
    version: str | None
    next: tuple[int, int] | None
    """(boot, seq) the board's next pack will carry."""
    dropped: int | None
    taken: int | None
    text: str
    """The whole message, JSON."""
    retained: bool
    received: int | None = None
    """When it came in (Unix SECONDS) if it is from the quarantine; None: now, from the board."""
    update: BoardUpdate | None = None


class CommandResult(NamedTuple):
    """A board's answer to a command. `body`: JSON text."""

    device: str
    command: str
    body: str
    again: bool = False
    """From the quarantine, not from the board."""


class ConfigReport(NamedTuple):
    """What a board says of its configuration. `version`: the wanted one it is about; None: it could not be read.

    `ok` None: on trial, in the board's boot `trial`, and the board waits for an answer.
    """

    device: str
    version: int | None
    ok: bool | None
    problems: list[str]
    running: int
    """The version that runs; 0: none that was sent."""
    digest: str
    trial: int | None
    retained: bool
    again: bool = False
    """From the quarantine, not from the board."""
    certificate: str | None = None
    """The day on which the certificate that the board shows ends, like 2036-11-23."""


class BoardConfig(NamedTuple):
    """A board's configuration, wanted and reported; None: nothing known."""

    device: str
    wanted: int | None
    text: str | None
    """The wanted one, JSON."""
    wanted_at: int | None
    reported: int | None
    ok: bool | None
    problems: list[str]
    running: int | None
    changed: bool
    """What runs is no longer what was confirmed: somebody changed it on the board."""
    reported_at: int | None
    certificate: str | None
    """The day on which the one that it shows ends, like 2036-11-23."""


class Registered(NamedTuple):
    """A board in the register; None: nobody has said it. WGS 84 degrees. groups: for releases. set_up,
    decommissioned: RFC 3339 in UTC. state: active or decommissioned. updated: ms."""

    device: str
    asset: str | None
    site: str | None
    place: str | None
    description: str | None
    latitude: float | None
    longitude: float | None
    groups: list[str]
    board: str | None
    software: str | None
    set_up: str | None
    state: str
    decommissioned: str | None
    updated: int


class Rollout(NamedTuple):
    """An order to install a release. It stops when of the boards that are through more than `percent` per cent, and at
    least `least`, failed. `digest`: of its manifest; the last four members count its boards."""

    order: int
    version: str
    digest: str
    created: int
    percent: float
    least: int
    at_once: int
    stopped: int | None
    reason: str
    waiting: int
    under_way: int
    done: int
    failed: int


class RolloutBoard(NamedTuple):
    """A board in it. `state`: waiting, replaced, or as in BoardUpdate."""

    device: str
    state: str
    why: str
    changed: int


class Offer(NamedTuple):
    """To be told to a board; without a version: that nothing is offered any more."""

    order: int
    device: str
    version: str | None
    digest: str | None


class StoredReading(NamedTuple):
    """One reading in the log; `id` is its place: later commits have larger ids."""

    id: int
    device: str
    series: str
    property: str
    unit: str
    time: int
    value: Value
    flags: int
    received: int
    """Unix SECONDS."""


class Latest(NamedTuple):
    """A series' newest reading by its own time."""

    device: str
    series: str
    property: str
    unit: str
    time: int
    value: Value
    flags: int
    received: int
    """Unix SECONDS."""


class Aggregate(NamedTuple):
    """A series' readings of one hour or UTC day, from `start` (ms) on. None: none of them is a number.

    `readings`: how many, `numbers`: those of them that are numbers or booleans; a boolean counts as 1 or 0, so `mean`
    is the share of true ones. `first`, `last`: by their own time.
    """

    start: int
    readings: int
    numbers: int
    mean: float | None
    least: float | None
    most: float | None
    sum: float
    first: float | None
    last: float | None


class Device(NamedTuple):
    """What is known of a board. `present`, `overdue`: the gateway's judgement, see presence.py."""

    device: str
    first_seen: int
    last_seen: int
    present: bool
    state: str | None
    """The board's last own word: init ready sleeping alert lost disconnected; None: none yet."""
    state_received: int | None
    version: str | None
    boot: int | None
    next: tuple[int, int] | None
    dropped: int | None
    taken: int | None
    report: dict[str, Any]
    """The whole last state message."""
    wake: int | None
    """When it will connect next, as it said; None: it does not sleep, or said no time."""
    overdue: bool
    """It sleeps, and should have connected by now."""


class Gap(NamedTuple):
    """Packs lo..hi of a boot that the board must have numbered and that are not here."""

    boot: int
    lo: int
    hi: int


class Completeness(NamedTuple):
    """One device's account of one UTC day (ISO date), in packs: expected = arrived + missing. Rules: ledger.py."""

    device: str
    day: str
    expected: int
    arrived: int
    missing: int
    gaps: list[Gap]
    late: int
    double: int
    refused: int
    conflict: int
    numbered: bool = True
    """False: the device sends no running numbers, so nobody can say what is missing; the counts are 0."""


class Quarantined(NamedTuple):
    """A message that could not be stored as it was. `received` first and `last`: Unix SECONDS; `times`: how often."""

    id: int
    device: str
    topic: str
    payload: bytes
    reason: str
    received: int
    last: int
    times: int


class Place(NamedTuple):
    """How far a forwarder is in the log. `next_id`: first reading not yet delivered.

    `pending_to` not None: readings next_id..pending_to were sent and the answer is unclear (look what the target has).
    """

    forwarder: str
    next_id: int
    pending_to: int | None


class Refill(NamedTuple):
    """An order to send the readings measured in [from_ms, to_ms) once more.

    They have ids from next_id (how far it is) to last_id (fixed when it was ordered); `done` when it is through.
    `first_id`: where it began; None where an older gateway ordered it.
    """

    id: int
    forwarder: str
    from_ms: int
    to_ms: int
    next_id: int
    last_id: int
    pending_to: int | None
    done: bool
    first_id: int | None = None


class Backfill(NamedTuple):
    """An order to send what a forwarder's place has jumped over: the readings with ids first_id..last_id, none of them
    before. It goes from the new end backwards, so last_id moves down.

    `pending_from` not None: readings pending_from..last_id were sent and the answer is unclear. `total`: ids when it
    was made; `since`: when.
    """

    id: int
    forwarder: str
    first_id: int
    last_id: int
    pending_from: int | None
    total: int
    since: int


class Pause(NamedTuple):
    """Nothing is sent to a target. `until` None: until somebody says so."""

    forwarder: str
    since: int
    until: int | None
    reason: str


class DeadLetter(NamedTuple):
    """A reading that a target refused, with the target's reason. `retry`: somebody asked for another try."""

    forwarder: str
    reading_id: int
    reason: str
    since: int
    tries: int
    retry: bool


class Stats(NamedTuple):
    """For metrics. Counters run since this process started the store."""

    readings_new: int
    packs_new: int
    packs_double: int
    packs_conflict: int
    packs_refused: int
    commits: int
    failures: int
    last_commit_s: float
    """time.monotonic() of the last commit that succeeded; 0.0 before the first."""
    newest_id: int
    quarantine: int
    devices: int
    series: int
    bytes_on_disk: int
