"""A board at work, seen over its cable: its own application runs, and what it measures and how its way to the gateway
is comes as events. How the board says it stands in on_board_check.py."""

import contextlib
import json
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from .. import properties
from ..board.cable import Cable, OnBoard
from ..properties import Property
from ..texts import Problem
from . import on_board as on_board_check

_SILENT_S = 30
_STARTS_ANEW = "Ctrl-C within a second stops here"
"""What firmware/boot.py says at each start."""


@dataclass(frozen=True)
class Reading:
    """series: "air/air_temperature". value: in SenML's unit. row: of the property table, None where it has none."""

    series: str
    value: float | bool

    @property
    def row(self) -> Property | None:
        return properties.of(self.series)

    @property
    def plausible(self) -> bool:
        row = self.row
        return row is None or row.is_plausible(float(self.value))


@dataclass(frozen=True)
class Sensor:
    """A sensor was read, or failed. failures: in a row; errors, attempts: since the start. warm: it is warmed up."""

    name: str
    readings: list[Reading]
    attempts: int
    errors: int
    failures: int
    warm: bool
    warm_up_s: int


@dataclass(frozen=True)
class Status:
    """The board's way to the gateway, and what it has of time and room; `facts` as in on_board_check.py.

    off_s: how far its clock is ahead of this computer's.
    """

    facts: dict[str, Any]
    off_s: float

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]


@dataclass(frozen=True)
class Line:
    """What the board said on its console."""

    text: str


@dataclass
class Seen:
    """The last of all that came. errors: the last complaint of each sensor."""

    status: Status | None = None
    sensors: dict[str, Sensor] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def take(self, event: "Event") -> None:
        match event:
            case Sensor():
                self.sensors[event.name] = event
            case Status():
                self.status = event
            case Line(text):
                self.lines.append(text)
                head, colon, said = text.partition(": ")
                if colon and head.startswith("sensor "):
                    self.errors[head.removeprefix("sensor ")] = said


Event = Sensor | Status | Line


def observe(cable: Cable, going_on: Callable[[], bool]) -> Generator[Event | None]:
    """Starts the board's application and tells what it does as long as going_on(); None: nothing happened for a moment.

    The board is at its prompt then; reset() lets it run again. Problem: no software, it broke off, it started anew.
    """
    if cable.facts()["software"] is None:
        raise Problem(
            "Auf dem Gerät ist keine Software, die startet; „bordstein deploy“ bringt sie auf.",
            'there is no software on the board that starts; "bordstein deploy" puts it on.',
        )
    cable.run(on_board_check.PREPARE)
    cable.restart_empty()
    heard, why = time.monotonic(), ""
    try:
        with contextlib.closing(cable.follow(on_board_check.OBSERVE, going_on)) as lines:
            for line in lines:
                event = _event(line) if line else None
                if event is not None:
                    heard = time.monotonic()
                elif time.monotonic() - heard > _SILENT_S:
                    raise Problem(
                        f"Das Gerät meldet sich seit {_SILENT_S} s nicht mehr. EN (RST) drücken und noch einmal "
                        "versuchen.",
                        f"the board has said nothing for {_SILENT_S} s. Press EN (RST) and try again.",
                    )
                if isinstance(event, Line):
                    if _STARTS_ANEW in event.text:
                        raise _anew(why)
                    why = event.text if "restart" in event.text else why
                yield event
    except OnBoard as problem:
        raise Problem(
            f"Die Software des Geräts brach ab ({problem.last}); „bordstein logs“ zeigt mehr.",
            f'the board\'s software broke off ({problem.last}); "bordstein logs" shows more.',
        ) from None


def _anew(why: str) -> Problem:
    said = f" ({why})" if why else ""
    return Problem(
        f"Das Gerät hat inzwischen neu gestartet{said}; denselben Befehl noch einmal geben.",
        f"the board has restarted meanwhile{said}; give the same command once more.",
    )


def _event(line: str) -> Event | None:
    if line.startswith(on_board_check.MARK):
        try:
            told = json.loads(line[1:])
            if "status" in told:
                return Status(told["status"], told["status"]["now"] - time.time())
            readings = [_reading(*text.split("=", 1)) for text in told.pop("values")]
            return Sensor(told.pop("sensor"), readings, **told)
        except (ValueError, TypeError, KeyError):
            return None  # a line that lost some of its bytes; the next is whole
    return Line(line)


def _reading(series: str, text: str) -> Reading:
    return Reading(series, text == "t" if text in ("t", "f") else float(text))
