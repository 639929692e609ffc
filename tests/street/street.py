"""A whole virtual street: town, broker, gateway with its forwarders, receiving servers, boards; and its bookkeeping.

with Street(folder, BOARDS) as street:       # everything runs and answers
    ...
    street.finish(limit=60)                  # sensors off, everything drained (or the limit is over)
    verdict = street.verdict()
"""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bordstein_gateway.store import Store
from tests.street import work as works
from tests.street.account import Key, Place, Value, describe, examine, pin
from tests.street.boards import Board
from tests.street.processes import free_port, until
from tests.street.receivers import NgsiLd, Open311, Receiver, SensorThings, Webhook
from tests.street.recorder import Flight
from tests.street.replayed import LANE, STATIONS, Replay
from tests.street.servers import Gateway, Mosquitto, Town
from tests.street.table import Row

EVENTS = (
    {"property": "parking_bay_occupied", "equals": True, "service_code": "0040"},
    {
        "property": "water_level",
        "above": 0.5,
        "clear": 0.4,
        "service_code": "0030",
        "attributes": {"level": "{{ value }}"},
    },
)
"""Of what the request server is told."""


def sites(devices: Sequence[str], boards: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """[[parking.site]]: one for each board that watches bays."""
    found = []
    for device, board in zip(devices, boards, strict=True):
        bays = [
            {"device": device, "series": f"{name}/parking_bay_occupied", "uid": f"{device}-{name}"}
            for name in board["sensors"]
            if name.startswith("bay")
        ]
        if bays:
            found.append({"uid": f"site-{device}", "name": board["name"], "bay": bays})
    return found


@dataclass
class Verdict:
    """What the boards took and where it arrived. `forwarded` counts readings that every receiving server has."""

    boards: int
    taken: int
    forwarded: int
    places: list[Place] = field(default_factory=list)
    """The store, then each receiving server."""
    troubles: list[str] = field(default_factory=list)
    work: works.Work | None = None

    @property
    def stored(self) -> int:
        return self.places[0].arrived

    @property
    def lost(self) -> int:
        return len({key for place in self.places for key in place.lost})

    @property
    def doubled(self) -> int:
        return sum(len(place.doubled) for place in self.places)

    @property
    def wrong(self) -> int:
        """Readings that arrived with another value, or that no board ever took."""
        return sum(len(place.changed) + len(place.invented) for place in self.places)

    @property
    def whole(self) -> bool:
        return self.taken > 0 and not self.troubles and all(place.whole for place in self.places)

    def sentences(self) -> list[str]:
        return [*self.troubles, *(line for place in self.places for line in describe(place))]


class Street:
    """boards: descriptions from tests.hardware.scenarios; options: of each Board. Everything is started on entry and
    ended on exit. replay_s: with the ready rule sheets in force, and devices that replay three days in so many
    seconds; `password`: of work.USER on the gateway's pages then."""

    def __init__(
        self, folder: Path, boards: Sequence[Mapping[str, Any]], *, replay_s: float | None = None, **options: Any
    ) -> None:
        self.town = Town(folder)
        self.broker = Mosquitto(self.town)
        self.port = free_port()
        self.logs: list[Receiver] = [SensorThings(folder), Webhook(folder)]
        requests = Open311(folder)
        requests.when = EVENTS
        self.receivers = [*self.logs, NgsiLd(folder, f"http://127.0.0.1:{self.port}/contexts"), requests]
        devices = [f"24a1600000{number:02x}" for number in range(1, len(boards) + 1)]
        self.replay = Replay(self.town, self.broker, replay_s) if replay_s is not None else None
        self.mailbox = works.Mailbox()
        self.password = ""
        known = [
            {"id": device, **{key: board[key] for key in ("name", "latitude", "longitude")}}
            for device, board in zip(devices, boards, strict=True)
        ]
        settings: dict[str, Any] = {"http": {"port": self.port}, "parking": {"site": sites(devices, boards)}}
        if self.replay is not None:
            known += [station.section() for station in STATIONS]
            settings["parking"]["site"] += sites([LANE.device], [{"name": LANE.name, "sensors": LANE.sensors}])
            settings |= works.settings(self.mailbox)
        self.gateway = Gateway(
            self.town,
            self.broker,
            devices=known,
            forward={receiver.name: receiver.section() for receiver in self.receivers},
            settings=settings,
        )
        if self.replay is not None:
            works.sheets(self.gateway.data / "rules")
        self.boards = [
            Board(self.town, self.broker, device, board, **options)
            for device, board in zip(devices, boards, strict=True)
        ]
        self.flights = {board.device: Flight(board.recorder) for board in self.boards}
        self._stored: Counter[str] = Counter()
        self._seen = 0
        self._last: dict[str, dict[str, str]] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Street":
        with contextlib.ExitStack() as stack:
            for receiver in self.receivers:
                stack.enter_context(receiver)
            if self.replay is not None:
                stack.enter_context(self.mailbox)
            stack.enter_context(self.broker)
            stack.enter_context(self.gateway)
            if self.replay is not None:
                self.password = works.login(self.gateway.store)
                stack.callback(self.replay.end)
                self.replay.start()
            for board in self.boards:
                stack.enter_context(board)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def rows(self) -> list[Row]:
        """A line a board for the live table: what is known at this moment."""
        self.read_flights()
        self._follow_store()
        try:
            devices = {device["id"]: device for device in self.gateway.get("/api/latest")["devices"]}
        except OSError:  # just killed
            devices = {}
        counts = [receiver.counts() for receiver in self.logs]
        rows = []
        for board in self.boards:
            shown = devices.get(board.device, {})
            state = shown.get("state") or "init"
            if not board.powered:
                state = "crashed" if board.crash else "no power"
            last = {
                value["series"]: f"{_short(value['value'])} {value['symbol']}".strip()
                for value in shown.get("latest", ())
                if not value["series"].startswith("health/")
            }
            self._last[board.device] = last or self._last.get(board.device, {})
            rows.append(
                Row(
                    name=board.name,
                    state=state,
                    last=self._last[board.device],
                    taken=self.flights[board.device].taken,
                    stored=self._stored[board.device],
                    forwarded=min(count.get(board.device, 0) for count in counts),
                    starts=board.starts,
                )
            )
        return rows

    def servers(self) -> list[tuple[str, str]]:
        """Name and «up» or «down» of everything that is not a board."""
        return [
            (server.name, "up" if server.running else "down") for server in (self.broker, self.gateway, *self.receivers)
        ]

    def _follow_store(self) -> None:
        """Counts what came into the gateway's store since the last call."""
        if not self.gateway.store.exists():
            return
        with contextlib.closing(Store.open(self.gateway.store)) as store:
            while rows := store.readings_after(self._seen, 10_000):
                self._seen = rows[-1].id
                self._stored.update(row.device for row in rows if not row.series.startswith("health/"))

    def read_flights(self) -> None:
        for flight in self.flights.values():
            flight.read()

    def finish(self, limit: float) -> bool:
        """Sensors off; wait until everything has arrived everywhere, at most so many seconds. Whether it has."""
        for board in self.boards:
            board.cut_power()
        for board in self.boards:
            board.unplug_sensors()
        return until(self._drained, limit, 0.3)

    def work(self) -> works.Work:
        """The cases at this moment."""
        return works.look(self.gateway.store)

    def _drained(self) -> bool:
        if self.replay is not None and (not self.replay.done() or self.work().quiet):
            return False
        stored = self.gateway.stored()
        taken, _ = self._taken(stored)
        if any(board.crash for board in self.boards):
            return True  # nothing more to wait for
        return taken.keys() <= stored.keys() and all(
            not receiver.account(stored, self.gateway).lost for receiver in self.receivers
        )

    def _taken(self, stored: Mapping[Key, Value]) -> tuple[dict[Key, Value], dict[Key, Value]]:
        self.read_flights()
        taken, unsure = pin(
            (
                reading
                for device, flight in self.flights.items()
                for pack in flight.packs
                for reading in pack.readings_of(device)
            ),
            stored,
        )
        return {**taken, **(self.replay.taken if self.replay is not None else {})}, unsure

    def verdict(self) -> Verdict:
        """The account at this moment; only after finish() it says something about losses."""
        stored = self.gateway.stored()
        taken, unsure = self._taken(stored)
        store = examine("store", taken, unsure, stored.items())
        places = [store]
        everywhere = set(stored)
        # What has to be there is what was taken, lost in the store or not, and what else the store holds.
        wanted = {**stored, **{key: taken[key] for key in store.lost}}
        for receiver in self.receivers:
            place = receiver.account(wanted, self.gateway)
            places.append(place)
            if receiver in self.logs:
                everywhere -= set(place.lost)
        troubles = [board.crash for board in self.boards if board.crash]
        done = self.work() if self.replay is not None else None
        if done is not None:
            troubles += [f"rule {name} has not fired" for name in done.quiet]
            troubles += [f"{done.doubled} cases are there twice"] * (done.doubled > 0)
        return Verdict(
            work=done,
            boards=len(self.boards),
            taken=len(taken) + sum(key in stored for key in unsure),
            forwarded=len(everywhere),
            places=places,
            troubles=troubles,
        )


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
