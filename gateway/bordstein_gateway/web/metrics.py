"""Prometheus metrics, collected when they are asked for: nothing on the way of a reading pays for them."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from ..cases.types import OPEN
from ..forward.standing import standings
from ..status import ServiceState
from ..store import Device

_GAUGES = {
    "backlog": "Readings that wait, the back-fill's among them",
    "backfill": "Readings that wait in the back-fill",
    "waiting_age_seconds": "Since the gateway got the first of all readings that wait",
    "live_waiting_age_seconds": "The same, without the back-fill",
    "last_success_age_seconds": "Since the target last took something",
    "dead_letters": "Readings given up on",
    "paused": "1 while somebody has told this target to pause",
    "trouble": "1 while the target takes nothing",
}
_COUNTERS = {
    "sent": "Readings the target took",
    "refused": "Readings the target refused",
    "failures": "Tries that failed",
}


class Metrics(Collector):
    """The service's figures, all under `bordstein_`."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._registry.register(self)

    def page(self) -> tuple[bytes, str]:
        """The text and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def describe(self) -> list[Metric]:
        """Nothing: registering must not read the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families."""
        ingest, stats = self._state.ingest, self._state.store.stats()
        yield _gauge("broker_connected", "1 while messages come from the broker", ingest.connected)
        yield _counter("broker_connections", "Connections made to the broker", ingest.connections)
        yield _counter("messages", "Messages received", ingest.messages)
        yield _counter("acknowledged", "Messages acknowledged to the broker", ingest.acknowledged)
        yield _counter("receipts", "Receipts sent to boards", ingest.receipts)
        yield _counter("readings_stored", "New readings stored", stats.readings_new)
        packs = CounterMetricFamily("bordstein_packs", "Packs by what became of them", labels=["outcome"])
        for outcome in ("new", "double", "conflict", "refused"):
            packs.add_metric([outcome], getattr(stats, f"packs_{outcome}"))
        yield packs
        inputs = CounterMetricFamily(
            "bordstein_input_messages", "Messages of other devices by what they were", labels=["input", "what"]
        )
        for name, counts in ingest.inputs.items():
            for what, count in sorted(counts.items()):
                inputs.add_metric([name, what], count)
        yield inputs
        yield _counter("commits", "Commits to the store", stats.commits)
        yield _counter("commit_failures", "Commits that failed", stats.failures)
        yield _gauge("readings_newest_id", "Id of the newest reading in the log", stats.newest_id)
        yield _gauge("quarantine", "Messages in quarantine", stats.quarantine)
        yield _gauge("devices", "Devices ever heard", stats.devices)
        boards = self._state.store.devices()
        yield _gauge("devices_present", "Devices that are there; those that sleep too", _count(boards, "present"))
        yield _gauge("devices_overdue", "Devices that sleep longer than they said", _count(boards, "overdue"))
        yield _gauge("series", "Series ever stored", stats.series)
        yield _gauge("store_bytes", "Size of the store on disk", stats.bytes_on_disk)
        yield _gauge("started_seconds", "Unix time of the service's start", self._state.started)
        yield from self._rules()
        yield from self._forwarders()

    def _rules(self) -> Iterator[Metric]:
        live = self._state.office.live
        yield _gauge("rules", "Rules at work", live.status.rules)
        yield _gauge("rules_aside", "Rules that were put aside because of a mistake in the program", len(live.troubles))
        yield _gauge("rule_sheets_wrong", "Rule sheets whose file has mistakes", live.wrong())
        yield _counter("rule_evaluations", "How often a rule looked at a reading", live.status.evaluations)
        yield _counter(
            "rule_verdicts", "What rules said: that something begins, rises or is over", live.status.verdicts
        )
        yield _gauge("rules_backlog", "Readings that the rules have not looked at yet", live.lag())
        counts = self._state.office.cases.counts()
        cases = GaugeMetricFamily("bordstein_cases", "Cases that are open, by state", labels=["state"])
        yield _labelled(cases, {state: counts.get(state, 0) for state in OPEN})

    def _forwarders(self) -> Iterator[Metric]:
        names = [forwarder.name for forwarder in self._state.forwarders]
        found = standings(names, self._state.store)
        now = time.time()
        values: dict[str, dict[str, float]] = {name: {} for name in (*_GAUGES, *_COUNTERS)}
        for forwarder in self._state.forwarders:
            name, status, standing = forwarder.name, forwarder.status, found[forwarder.name]
            values["backlog"][name] = standing.waiting
            values["backfill"][name] = standing.backfill
            values["paused"][name] = standing.pause is not None
            values["trouble"][name] = bool(status.trouble)
            values["dead_letters"][name] = standing.dead
            values["waiting_age_seconds"][name] = max(0.0, now - (standing.oldest_since or now))
            values["live_waiting_age_seconds"][name] = max(0.0, now - (standing.live_since or now))
            if status.last_success:
                values["last_success_age_seconds"][name] = now - status.last_success
            values["sent"][name] = status.sent
            values["refused"][name] = status.refused
            values["failures"][name] = status.failures
        for what, text in _GAUGES.items():
            yield _labelled(GaugeMetricFamily(f"bordstein_forward_{what}", text, labels=["forwarder"]), values[what])
        for what, text in _COUNTERS.items():
            yield _labelled(CounterMetricFamily(f"bordstein_forward_{what}", text, labels=["forwarder"]), values[what])


def _labelled(family: GaugeMetricFamily | CounterMetricFamily, values: dict[str, float]) -> Metric:
    for name, value in values.items():
        family.add_metric([name], value)
    return family


def _count(boards: list[Device], what: str) -> int:
    return sum(getattr(board, what) for board in boards)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"bordstein_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"bordstein_{name}", text, value=value)
