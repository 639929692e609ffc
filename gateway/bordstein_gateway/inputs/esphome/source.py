"""ESPHome's states: <node>/<component>/<object id>/state, a plain value, and <node>/status. Source: ESPHome's
documentation, MQTT Client Component. The messages carry no time."""

from ...decode.normalise import CLOCK_UNSURE, DecodeError, Pack
from ...store import Arrival, StateReport
from ..named import NamedSource
from ..sessions import Sessions
from .settings import EspHome

_COMPONENTS = ("sensor", "binary_sensor", "text_sensor")
_LONGEST = 1000


def build(name: str, settings: EspHome, sessions: Sessions) -> "EspHomeSource":
    """The source of one [input.…]."""
    return EspHomeSource(name, settings)


class EspHomeSource(NamedSource):
    """One [input.…]."""

    def __init__(self, name: str, settings: EspHome) -> None:
        super().__init__(name, settings, settings.topic, "")
        base = settings.topic
        self.topics = [*(f"{base}/{component}/+/state" for component in _COMPONENTS), f"{base}/status"]

    def read(self, topic: str, payload: bytes, retained: bool, now: float, kept: bool) -> Arrival | StateReport | None:
        """See Source."""
        name, behind = self.parts(topic)
        rule = self.rule(name)
        if rule is None:
            self.counts["unmatched"] += 1
            return None
        device = self.device(name)
        if device is None:
            return self.unnamed(name, topic, payload)
        if behind == "status":
            return self.presence(device, payload == b"online", retained)
        if retained or not payload:  # the broker's copy of a value whose time nobody knows
            self.counts["retained" if retained else "empty"] += 1
            return None
        time = round(now * 1000)
        fields = {behind.removesuffix("/state"): payload[:_LONGEST].decode(errors="replace")}
        try:
            readings = rule.readings(fields, time, CLOCK_UNSURE if kept else 0)
        except DecodeError as error:
            return self.refuse(device, topic, payload, error.args[0])
        if not readings:
            self.left_out(rule, fields)
            return None
        self.counts["state_value"] += 1
        clock = "estimated" if kept else "set"
        return Arrival(device, topic, payload, Pack(device, None, None, True, clock, readings), foreign=True)
