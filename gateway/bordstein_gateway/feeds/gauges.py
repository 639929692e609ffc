"""Newest values as Prometheus metrics: a gauge a property, `bordstein_reading_<property>`, and each value's age.

Values that are neither numbers nor true or false, and properties that the table does not know, are left out.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ..properties import TABLE
from ..store.types import Latest
from .view import View

KIND = CONTENT_TYPE_LATEST
_LABELS = ("device", "station", "series", "unit")


def page(view: View, latest: Iterable[Latest], now_ms: int) -> bytes:
    """The exposition."""
    return generate_latest(_Values(view, list(latest), now_ms))


class _Values:
    """What generate_latest() asks of a registry."""

    def __init__(self, view: View, latest: list[Latest], now_ms: int) -> None:
        self._view = view
        self._latest = latest
        self._now = now_ms

    def collect(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        ages = GaugeMetricFamily(
            "bordstein_reading_age_seconds", "Since the newest value was measured", labels=[*_LABELS, "property"]
        )
        for value in self._latest:
            row = TABLE.get(value.property)
            if row is None or not isinstance(value.value, int | float):
                continue
            name = value.property
            if name not in families:
                families[name] = GaugeMetricFamily(f"bordstein_reading_{name}", row.en, labels=_LABELS)
            station = self._view.station(value.device).name or ""
            labels = [value.device, station, value.series, value.unit]
            families[name].add_metric(labels, float(value.value))
            ages.add_metric([*labels, name], round((self._now - value.time) / 1000, 3))
        yield from families.values()
        yield ages
