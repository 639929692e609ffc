"""All inputs together: which one a message is for, and what it becomes."""

from collections import Counter
from collections.abc import Mapping
from importlib import import_module

from paho.mqtt.client import topic_matches_sub

from ..config.types import folder_of
from ..store import Arrival, StateReport, Store
from ..texts import Sentence, both
from .sessions import Sessions
from .settings import Input
from .source import Source

_ROUTES_KEPT = 8192
_LONGEST_ROUTE = 300
"""Signs of a topic that is kept in memory; it may have 65,535."""


class Inputs:
    """`kept`: whether the broker may have held back for a while what comes now."""

    def __init__(self, settings: Mapping[str, Input], store: Store | None = None) -> None:
        self.sources: dict[str, Source] = {}
        self._sessions = Sessions(store)
        self._routes: dict[str, Source | None] = {}
        self.kept = False
        for name, one in settings.items():
            kind = import_module(f".{folder_of(type(one))}.source", __package__)
            self.sources[name] = kind.build(name, one, self._sessions)

    @property
    def topics(self) -> list[str]:
        """What to subscribe to."""
        return [topic for source in self.sources.values() for topic in source.topics]

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """Of each input; see Source."""
        return {name: source.counts for name, source in self.sources.items()}

    def takes(self, topic: str) -> bool:
        """Whether a message on this topic is for one of them."""
        return self._route(topic) is not None

    def read(self, topic: str, payload: bytes, retained: bool, now: float) -> Arrival | StateReport | None:
        """A message received at `now` (Unix seconds); None: nothing of it is kept."""
        source = self._route(topic)
        if source is None:
            return None
        try:
            return source.read(topic, payload, retained, now, self.kept)
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
            return Arrival("", topic, payload, None, _mistake(error), foreign=True)

    def flush(self) -> None:
        """Have what has to be remembered written with the next commit."""
        self._sessions.flush()

    def forget(self) -> None:
        """The batch was put back."""
        self._sessions.forget()

    def _route(self, topic: str) -> Source | None:
        if topic in self._routes:
            return self._routes[topic]
        found = next(
            (
                source
                for source in self.sources.values()
                if any(topic_matches_sub(wanted, topic) for wanted in source.topics)
            ),
            None,
        )
        if len(self._routes) >= _ROUTES_KEPT:
            self._routes.clear()
        if len(topic) <= _LONGEST_ROUTE:
            self._routes[topic] = found
        return found


def _mistake(error: Exception) -> Sentence:
    said = f"{type(error).__name__}: {error}"
    return both(f"Fehler des Gateways: {said}", f"mistake of the gateway: {said}")
