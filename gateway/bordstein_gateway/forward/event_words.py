"""What the texts of a report may name of an event: one value for each of wording.NAMES."""

from typing import Any

from ..boards.stations import Station
from ..properties import row_of
from ..store.types import StoredReading
from ..web.pagetexts import TEXTS, measured, when
from .times import urn, zulu
from .wording import Language


def values(
    reading: StoredReading,
    station: Station,
    *,
    case: str,
    rule: str,
    limit: float | bool,
    gateway: str,
    language: Language,
) -> dict[str, Any]:
    """A value for each of NAMES."""
    row = row_of(reading.series)
    symbol = row.symbol if row is not None and row.unit == reading.unit else reading.unit

    def shown(value: Any) -> str:
        plain = {"series": reading.series, "value": value, "unit": reading.unit, "symbol": symbol}
        if isinstance(value, bool):
            return TEXTS[language]["true" if value else "false"]
        return measured(plain, language)

    return {
        "case": case,
        "rule": rule,
        "device": reading.device,
        "urn": urn(reading.device),
        "name": station.name or station.site or reading.device,
        "description": station.description,
        "asset": station.asset,
        "site": station.site,
        "latitude": station.latitude,
        "longitude": station.longitude,
        "property": reading.property,
        "series": reading.series,
        "label": getattr(row, language) if row is not None else reading.property,
        "value": shown(reading.value),
        "amount": reading.value,
        "unit": row.shown.symbol if row is not None and row.unit == reading.unit else reading.unit,
        "limit": shown(limit),
        "time": when(zulu(reading.time), language),
        "iso": zulu(reading.time),
        "gateway": gateway,
    }
