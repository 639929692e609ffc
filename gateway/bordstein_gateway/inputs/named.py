"""What devices have in common that have a name in their topic and no running numbers: Tasmota, ESPHome."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..store import Arrival, StateReport
from ..texts import both
from .mapping import Facts, Rule
from .settings import NamedInput


class NamedSource:
    """The names in topics, the maps, and what devices say of being there."""

    def __init__(self, name: str, settings: NamedInput, base: str, root: str) -> None:
        """`base`: the topic filter with one + for the device's name."""
        before, after = base.split("+")
        self._topic = re.compile(re.escape(before) + "([^/]+)" + re.escape(after) + "/(.+)")
        self.counts: Counter[str] = Counter()
        self.unmapped: list[str] = []
        self.name = name
        self._settings = settings
        self._rules = [(one.match, Rule(one, root)) for one in settings.map]

    def parts(self, topic: str) -> tuple[str, str]:
        """The device's name and what stands behind."""
        found = self._topic.fullmatch(topic)
        return (found[1], found[2]) if found is not None else ("", "")

    def device(self, name: str) -> str | None:
        """The device's id; None: nothing says one."""
        return self._settings.device_of(name)

    def rule(self, name: str) -> Rule | None:
        """The first map that matches."""
        facts = Facts({"device": (name,)})
        return next((rule for match, rule in self._rules if facts.fit(match)), None)

    def left_out(self, rule: Rule, fields: Mapping[str, Any]) -> None:
        """Note the fields that the map does not name."""
        self.unmapped = rule.unmapped(fields)
        self.counts["unmapped"] += len(self.unmapped)

    def refuse(self, device: str, topic: str, payload: bytes, reason: str) -> Arrival:
        """Into quarantine."""
        self.counts["unreadable"] += 1
        return Arrival(device, topic, payload, None, reason, foreign=True)

    def unnamed(self, name: str, topic: str, payload: bytes) -> Arrival:
        """Of a device whose id nothing says."""
        key = f"[input.{self.name}.devices]"
        return self.refuse(
            *("", topic, payload),
            both(
                f"von {name[:80]} ist keine MAC bekannt; unter {key} nennen, dann: bordstein-gateway quarantine retry",
                f"the MAC of {name[:80]} is not known; name it under {key}, then: bordstein-gateway quarantine retry",
            ),
        )

    def presence(self, device: str, online: bool, retained: bool) -> StateReport:
        """What a birth or last will says."""
        self.counts["state"] += 1
        state = "ready" if online else "lost"
        text = f'{{"state":"{state}"}}'
        return StateReport(device, state, None, None, None, None, None, text, retained)
