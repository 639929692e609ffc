"""Tasmota's telemetry: tele/<device>/SENSOR, STATE and LWT. Source: Tasmota's documentation, MQTT and JSON status.

`Time` in it is the device's local time without a zone (with one after SetOption52 1).
"""

from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ...decode.boardpack import FUTURE_MS
from ...decode.normalise import EARLIEST_MS, DecodeError, Pack, Reading, reading
from ...store import Arrival, StateReport
from ...texts import both
from ..mapping import at
from ..named import NamedSource
from ..sessions import Sessions
from .settings import Tasmota

_HEALTH = (("UptimeSec", "health/uptime", "s"), ("Wifi.Signal", "health/rssi", "dBm"))
_NO_VALUES = ("Time", "TempUnit", "PressureUnit", "SpeedUnit")
_fields = msgspec.json.Decoder(dict[str, Any]).decode


def build(name: str, settings: Tasmota, sessions: Sessions) -> "TasmotaSource":
    """The source of one [input.…]."""
    return TasmotaSource(name, settings)


class TasmotaSource(NamedSource):
    """One [input.…]."""

    def __init__(self, name: str, settings: Tasmota) -> None:
        super().__init__(name, settings, settings.topic, "SENSOR.")
        self.topics = [f"{settings.topic}/{kind}" for kind in ("SENSOR", "STATE", "LWT")]
        self._zone: tzinfo | None = ZoneInfo(settings.timezone) if settings.timezone is not None else None

    def read(self, topic: str, payload: bytes, retained: bool, now: float, kept: bool) -> Arrival | StateReport | None:
        """See Source."""
        name, kind = self.parts(topic)
        if not payload:
            self.counts["empty"] += 1
            return None
        device = self.device(name)
        if device is None:
            return self.unnamed(name, topic, payload)
        if kind == "LWT":
            return self.presence(device, payload == b"Online", retained)
        try:
            fields = _fields(payload)
            time = self._time(fields.get("Time"), now)
            if time is None and retained:  # of a moment that nobody knows
                self.counts["retained"] += 1
                return None
            at_ms = round(now * 1000) if time is None else time
            readings = self._state(fields, at_ms) if kind == "STATE" else self._sensors(name, fields, at_ms)
        except DecodeError as error:
            return self.refuse(device, topic, payload, error.args[0])
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return self.refuse(device, topic, payload, both(f"kein JSON: {error}", f"not JSON: {error}"))
        self.counts[kind.lower()] += 1
        clock = "estimated" if time is None and kept else "set"
        return Arrival(device, topic, payload, Pack(device, None, None, time is None, clock, readings), foreign=True)

    def _state(self, fields: dict[str, Any], time: int) -> list[Reading]:
        said = [(at(fields, path), series, unit) for path, series, unit in _HEALTH]
        return [reading(series, time, value, unit, 0) for value, series, unit in said if isinstance(value, int | float)]

    def _sensors(self, name: str, fields: dict[str, Any], time: int) -> list[Reading]:
        rule = self.rule(name)
        if rule is None:
            raise DecodeError(
                both(
                    f"kein [[input.{self.name}.map]] passt auf {name}; eines schreiben, ohne values, wenn nichts davon "
                    "gebraucht wird, dann: bordstein-gateway quarantine retry",
                    f"no [[input.{self.name}.map]] matches {name}; write one, without values where nothing of it is "
                    "wanted, then: bordstein-gateway quarantine retry",
                )
            )
        units = {"Cel": "degF"} if fields.get("TempUnit") == "F" else {}
        if isinstance(fields.get("PressureUnit"), str):
            units["Pa"] = fields["PressureUnit"]
        measured = {key: value for key, value in fields.items() if key not in _NO_VALUES}
        self.left_out(rule, measured)
        return rule.readings(measured, time, 0, units)

    def _time(self, text: Any, now: float) -> int | None:
        """When it was measured (ms); None: the message does not say, or its clock was not set."""
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                times = [moment.timestamp()]
            elif self._zone is not None:
                # The hour that comes twice in autumn: what lies nearer to its arrival.
                zoned = (moment.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
                times = [one.timestamp() for one in zoned]
            else:
                return None
        except (TypeError, ValueError, OverflowError):
            return None
        time = round(1000 * min(times, key=lambda one: abs(one - now)))
        return time if EARLIEST_MS <= time <= now * 1000 + FUTURE_MS else None
