"""From a topic and a payload to what the store takes. Pure; never raises for what a board sends."""

import re
from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..boards.devices import is_board
from ..boards.releases import PieceWanted
from ..inputs.reading import Inputs
from ..store import Arrival, BoardUpdate, CommandResult, ConfigReport, StateReport
from . import normalise
from .normalise import DecodeError

Message = Arrival | StateReport | CommandResult | ConfigReport | PieceWanted

_Text = Annotated[str, Meta(max_length=200)]
_Count = Annotated[int, Meta(ge=0, le=2**53)]
_Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_BOOT = re.compile(rb'"n"\s*:\s*"boot"\s*,\s*"v"\s*:\s*(\d{1,10})\s*[,}]')
_SEQ = re.compile(rb'"n"\s*:\s*"seq"\s*,\s*"v"\s*:\s*(\d{1,10})\s*[,}]')
_ROUTES_KEPT = 8192
_LONGEST_ROUTE = 300
"""Bytes of a topic that is kept in memory; it may have 65,535."""
_INPUT = "input"
KINDS = ("readings", "health", "state", "command/result", "config/reported", "release/get")


class _Update(msgspec.Struct):
    order: _Number
    result: _Text
    why: str = ""


class _State(msgspec.Struct):
    state: _Text
    version: _Text | None = None
    boot: _Number | None = None
    next: tuple[_Number, _Number] | None = None
    dropped: _Count | None = None
    taken: _Count | None = None
    update: _Update | None = None


class _Get(msgspec.Struct):
    order: _Number
    offset: _Number
    length: _Number


class _Result(msgspec.Struct):
    id: _Text | int


class _Reported(msgspec.Struct):
    version: _Number | None
    ok: bool | None
    problems: list[str] = []
    running: _Number = 0
    digest: _Text = ""
    trial: _Number | None = None
    certificate: Any = None


_state = msgspec.json.Decoder(_State)
_get = msgspec.json.Decoder(_Get)
_result = msgspec.json.Decoder(_Result)
_reported = msgspec.json.Decoder(_Reported)
_any = msgspec.json.Decoder(dict[str, Any])


class Messages:
    """Reads boards' messages, below the topic `root`, and those of the inputs."""

    def __init__(self, root: str, inputs: Inputs | None = None) -> None:
        self.inputs = inputs or Inputs({})
        self._prefix = root + "/"
        self._routes: dict[bytes, tuple[str, str, str]] = {}  # topic -> topic, device, kind
        self._plausibility = normalise.Plausibility()

    def topics(self) -> list[str]:
        """What to subscribe to."""
        return [*(f"{self._prefix}+/{kind}" for kind in KINDS), *self.inputs.topics]

    def read(self, topic: bytes, payload: bytes, retained: bool, now: float) -> Message | None:
        """`now`: Unix seconds of receipt. None: nothing to keep, an empty retained message."""
        name, device, kind = self._routes.get(topic) or self._route(topic)
        if kind == "readings" or kind == "health":
            try:
                pack = normalise.pack(device, payload, now)
                self._plausibility.mark(pack, now)
            except DecodeError as error:
                return _unreadable(device, name, payload, str(error))
            except Exception as error:  # noqa: BLE001 - a mistake of the decoder must not stop the messages behind it
                return _unreadable(device, name, payload, f"mistake of the gateway: {type(error).__name__}: {error}")
            return Arrival(device, name, payload, pack)
        if not payload and retained:
            return None
        if kind == _INPUT:
            found = self.inputs.read(name, payload, retained, now)
            if isinstance(found, Arrival) and found.pack is not None:
                self._plausibility.mark(found.pack, now)
            return found
        try:
            if kind == "state":
                return _read_state(device, payload, retained)
            if kind == "release/get":
                get = _get.decode(payload)
                return PieceWanted(device, get.order, get.offset, get.length)
            if kind == "command/result":
                return CommandResult(device, str(_result.decode(payload).id), bytes(payload).decode())
            if kind == "config/reported":
                said = _reported.decode(payload)
                return ConfigReport(
                    *(device, said.version, said.ok, said.problems, said.running, said.digest, said.trial, retained),
                    certificate=_day(said.certificate),
                )
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return Arrival(device, name, payload, None, f"{kind}: {error}")
        return Arrival(device, name, payload, None, kind)

    def _route(self, topic: bytes) -> tuple[str, str, str]:
        """For a topic that can't be of a board, `kind` is the reason why."""
        try:
            name = topic.decode()
        except UnicodeDecodeError:
            return topic.decode(errors="backslashreplace"), "", "the topic is not UTF-8"
        device, _, kind = name.removeprefix(self._prefix).partition("/")
        if not name.startswith(self._prefix) and self.inputs.takes(name):
            kind = _INPUT
        elif not name.startswith(self._prefix) or kind not in KINDS:
            kind = "the topic is not one of the gateway's"
        elif not is_board(device):
            kind = "the topic's device is not 12 lower-case hex digits"
        if len(self._routes) >= _ROUTES_KEPT:
            self._routes.clear()
        route = (name, device, kind)
        if len(topic) <= _LONGEST_ROUTE:
            self._routes[topic] = route
        return route


def _read_state(device: str, payload: bytes, retained: bool) -> StateReport:
    state = _state.decode(payload)
    text = msgspec.json.encode(_any.decode(payload)).decode()
    told = state.update
    update = BoardUpdate(told.order, told.result, told.why) if told is not None else None
    return StateReport(
        *(device, state.state, state.boot, state.version, state.next, state.dropped, state.taken, text, retained),
        update=update,
    )


def _day(text: object) -> str | None:
    """A day like 2036-11-23; whatever else a board says there must not cost it its report."""
    try:
        return date.fromisoformat(str(text)).isoformat()
    except ValueError:
        return None


def _unreadable(device: str, topic: str, payload: bytes, reason: str) -> Arrival:
    """With the pack's number if that can be made out: it is kept for good, so the board may be told to forget it."""
    boot, seq = _BOOT.search(payload), _SEQ.search(payload)
    if boot is None or seq is None:
        return Arrival(device, topic, payload, None, reason)
    numbers = int(boot[1]), int(seq[1])
    if not (0 < numbers[0] < 2**31 and numbers[1] < 2**31):
        return Arrival(device, topic, payload, None, reason)
    return Arrival(device, topic, payload, None, reason, *numbers)
