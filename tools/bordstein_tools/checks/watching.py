"""What a board measures at this moment: a table that is brought up to date, or a line a reading."""

import datetime as dt
import json
import time
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..texts import pick
from .observing import Event, Line, Reading, Seen, Sensor, Status
from .sensors import value_and_unit
from .way import way_name


class View:
    """Takes events; gives the table of all sensors, and what is to be said of one event."""

    def __init__(self) -> None:
        self.seen = Seen()
        self._rows: dict[str, tuple[Reading, float]] = {}
        self._said_status: tuple[Any, ...] | None = None

    def take(self, event: Event) -> None:
        self.seen.take(event)
        if isinstance(event, Sensor):
            self._rows.update({reading.series: (reading, time.monotonic()) for reading in event.readings})

    # On a terminal

    def table(self) -> RenderableType:
        table = Table()
        for title in (
            "Sensor",
            pick("Messgröße", "property"),
            pick("Wert", "value"),
            pick("Einheit", "unit"),
            pick("Alter", "age"),
            pick("Zustand", "state"),
        ):
            table.add_column(title, justify="right" if title in ("Wert", "value", "Alter", "age") else "left")
        for name, sensor in sorted(self.seen.sensors.items()):
            rows = [row for row in self._rows.values() if row[0].series.startswith((f"{name}/", f"{name}."))]
            if not rows:
                table.add_row(name, "", "", "", "", self._state(sensor, None))
            for reading, since in rows:
                label = reading.row.label if reading.row else reading.series
                value, unit = value_and_unit(reading)
                age = f"{time.monotonic() - since:.0f} s"
                table.add_row(name, label, value, unit, age, self._state(sensor, reading))
        return Group(table, Text(self._link()))

    def _state(self, sensor: Sensor, reading: Reading | None) -> str:
        if sensor.failures or (sensor.errors and not sensor.attempts):
            return "✗ " + self.seen.errors.get(sensor.name, "")
        if reading is None:
            if sensor.attempts:
                return pick("noch kein Ereignis", "no event yet")
            return pick("wird gelesen", "being read") if sensor.warm else pick("wärmt auf", "warming up")
        return "✓" if reading.plausible else "! " + pick("unglaubwürdig", "not plausible")

    def _link(self) -> str:
        status = self.seen.status
        return pick("Das Gerät startet …", "the board starts …") if status is None else _sentence(status)

    # Line by line

    def line(self, event: Event) -> list[str]:
        """What is printed of an event, for people."""
        now = f"{dt.datetime.now().astimezone():%H:%M:%S}"
        if isinstance(event, Line):
            return [f"{now} {event.text}"] if event.text else []
        if isinstance(event, Status):
            return [f"{now} {_sentence(event)}"] if self._is_news(event) else []
        lines = []
        for reading in event.readings:
            value, unit = value_and_unit(reading)
            label = reading.row.label if reading.row else ""
            doubt = "" if reading.plausible else pick("  ! unglaubwürdig", "  ! not plausible")
            lines.append(f"{now} {reading.series}  {label} {value} {unit}".rstrip() + doubt)
        return lines

    def object(self, event: Event) -> list[str]:
        """The same for programs: JSON."""
        at = {"time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")}
        if isinstance(event, Line):
            return [json.dumps({**at, "line": event.text}, ensure_ascii=False)] if event.text else []
        if isinstance(event, Status):
            return [json.dumps({**at, "status": event.facts}, ensure_ascii=False)] if self._is_news(event) else []
        return [json.dumps({**at, **facts}, ensure_ascii=False) for facts in _facts(event)]

    def _is_news(self, status: Status) -> bool:
        now = tuple(status[key] for key in ("up", "connected", "problem", "receipt", "clock", "dropped", "lost"))
        news, self._said_status = now != self._said_status, now
        return news


def _facts(sensor: Sensor) -> list[dict[str, Any]]:
    return [
        {
            "sensor": sensor.name,
            "series": reading.series,
            "value": reading.value,
            "unit": reading.row.unit if reading.row and not isinstance(reading.value, bool) else None,
            "plausible": reading.plausible,
            "errors": sensor.errors,
        }
        for reading in sensor.readings
    ]


def _sentence(status: Status) -> str:
    parts = []
    if status["way"]:
        rssi = f" ({status['rssi']} dBm)" if status["rssi"] is not None else ""
        parts.append(f"{way_name(status['way'])} " + (pick("verbunden", "connected") + rssi if status["up"] else "–"))
    if status["connected"]:
        parts.append(pick("Broker verbunden", "broker connected"))
    elif not status["idle"]:
        parts.append(pick("kein Broker", "no broker") + (f" ({status['problem']})" if status["problem"] else ""))
    if status["receipt"] is None:
        parts.append(pick("noch keine Quittung", "no receipt yet"))
    else:
        parts.append(pick(f"Quittung bis Paket {status['receipt']}", f"receipt up to pack {status['receipt']}"))
    parts.append(pick(f"{status['packs']} Pakete warten", f"{status['packs']} packs wait"))
    return ", ".join(parts)
