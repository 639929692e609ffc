"""What LoRaWAN network servers have in common: an uplink, numbered and mapped, is a pack; a join begins a boot."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from msgspec import Meta

from ..decode.boardpack import FUTURE_MS
from ..decode.normalise import CLOCK_UNSURE, EARLIEST_MS, DecodeError, Pack, Reading, reading
from ..store import Arrival
from ..texts import Sentence, both
from .mapping import Facts, Rule
from .sessions import Sessions
from .settings import LoraInput

FrameCount = Annotated[int, Meta(ge=0, lt=2**32)]
SessionName = Annotated[str, Meta(max_length=100)]
"""A device address, or what else names a session: kept for each device."""
_SERVER_MS = 60_000
"""A gateway whose clock is ahead of its network server's by more is not believed."""


class Uplink(NamedTuple):
    """One uplink. `times`: RFC 3339, the gateway's before the servers'. `fields`: what the network server decoded, None
    where it did not. `empty`: there was nothing to decode. `signal`: RSSI (dBm) and SNR (dB) of the best gateway."""

    device: str
    session: str
    counter: int
    times: Sequence[str]
    fields: dict[str, Any] | None
    empty: bool
    facts: Facts
    signal: tuple[float, float] | None


class Join(NamedTuple):
    """A device joined anew."""

    device: str
    session: str
    times: Sequence[str]


Parse = Callable[[str, bytes], Uplink | Join | str]
"""(topic, payload) to what it is; a text for what makes no readings: its kind. DecodeError: one sentence why not."""


class LoraSource:
    """One [input.…] of a LoRaWAN network server."""

    def __init__(
        self, name: str, settings: LoraInput, sessions: Sessions, parse: Parse, root: str, undecoded: Sentence
    ) -> None:
        """`root`: what may stand before a field's path. `undecoded`: what to do where the server decodes nothing."""
        self.topics = [settings.topic]
        self.counts: Counter[str] = Counter()
        self.unmapped: list[str] = []
        self._name = name
        self._rules = [(one.match, Rule(one, root)) for one in settings.map]
        self._sessions = sessions
        self._parse = parse
        self._undecoded = undecoded

    def read(self, topic: str, payload: bytes, retained: bool, now: float, kept: bool) -> Arrival | None:
        """See Source."""
        try:
            message = self._parse(topic, payload)
        except DecodeError as error:
            self.counts["unreadable"] += 1
            return Arrival("", topic, payload, None, error.args[0], foreign=True)
        if isinstance(message, str):
            self.counts[message] += 1
            return None
        if isinstance(message, Join):
            time, _ = moment(message.times, now)
            new = self._sessions.joined(message.device, f"{self._name} {message.session}", time)
            self.counts["join" if new else "repeated"] += 1
            return None
        return self._uplink(message, topic, payload, now)

    def _uplink(self, uplink: Uplink, topic: str, payload: bytes, now: float) -> Arrival:
        device = uplink.device
        heard, sure = moment(uplink.times, now)
        boot, seq, time = self._sessions.number(device, f"{self._name} {uplink.session}", uplink.counter, heard)
        try:
            readings = self._readings(uplink, time, 0 if sure else CLOCK_UNSURE, repeated=time != heard)
        except DecodeError as error:
            self.counts["unreadable"] += 1
            return Arrival(device, topic, payload, None, error.args[0], boot, seq, foreign=True)
        self.counts["uplink" if time == heard else "repeated"] += 1
        pack = Pack(device, boot, seq, False, "set" if sure else "estimated", readings)
        return Arrival(device, topic, payload, pack, foreign=True)

    def _readings(self, uplink: Uplink, time: int, flags: int, *, repeated: bool) -> list[Reading]:
        readings = []
        if not uplink.empty or uplink.fields:
            rule = next((rule for match, rule in self._rules if uplink.facts.fit(match)), None)
            if rule is None:
                raise DecodeError(_unmatched(self._name, uplink.facts))
            if uplink.fields is None:
                raise DecodeError(self._undecoded)
            readings = rule.readings(uplink.fields, time, flags)
            self.unmapped = rule.unmapped(uplink.fields)
            self.counts["unmapped"] += len(self.unmapped)
        if uplink.signal is not None and not repeated:  # the second time, another gateway may have been the best
            mapped = {one.series for one in readings}
            for series, value in zip(("health/rssi", "health/snr"), uplink.signal, strict=True):
                if series not in mapped:
                    readings.append(reading(series, time, value, None, flags))
        return readings


def moment(times: Sequence[str], now: float) -> tuple[int, bool]:
    """When it was heard (ms), and whether that is sure: the gateway's time unless that can't be, else the server's,
    else that of arrival."""
    latest = round(now * 1000) + FUTURE_MS
    known = [time for time in map(milliseconds, times) if time is not None and EARLIEST_MS <= time <= latest]
    if not known:
        return round(now * 1000), False
    first, last = known[0], known[-1]
    return (first if first <= last + _SERVER_MS else last), True


def milliseconds(text: str) -> int | None:
    """RFC 3339 to milliseconds; None: it is no such time."""
    try:
        at = datetime.fromisoformat(text)
        return round(at.timestamp() * 1000) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def best(signals: Sequence[tuple[float | None, float | None]]) -> tuple[float, float] | None:
    """The strongest of (RSSI, SNR); an SNR that is not given is 0, as JSON made from protobuf leaves zeros out."""
    heard = [(rssi, snr or 0.0) for rssi, snr in signals if rssi]
    return max(heard, default=None)


def _unmatched(name: str, facts: Facts) -> Sentence:
    shown = ", ".join(f"{kind} {names[-1]}" for kind, names in facts.names.items() if names)
    return both(
        f"kein [[input.{name}.map]] passt auf dieses Gerät ({shown}); eines schreiben, ohne values, wenn nichts davon "
        "gebraucht wird, dann: bordstein-gateway quarantine retry",
        f"no [[input.{name}.map]] matches this device ({shown}); write one, without values where nothing of it is "
        "wanted, then: bordstein-gateway quarantine retry",
    )
