"""What the start page and /api/latest show: boards, their newest values, completeness, targets."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .. import properties
from ..boards.devices import is_board
from ..boards.stations import Station
from ..decode.normalise import flag_names
from ..forward.events import links
from ..forward.standing import Standing, standings
from ..forward.times import urn, zulu
from ..status import ServiceState
from ..store import Store
from ..store.types import BoardConfig, Completeness, Latest

DAYS = 7


def overview(state: ServiceState) -> dict[str, Any]:
    """JSON-ready. Times are RFC 3339 in UTC; `completeness` counts packs of the last seven UTC days; `wake`: when a
    board that sleeps will connect next; `last_seen`: None while only what the broker retained is known."""
    store = state.store
    today = datetime.now(UTC).date()
    values: dict[str, list[dict[str, Any]]] = {}
    for latest in store.latest():
        values.setdefault(latest.device, []).append(value_row(latest))
    accounts: dict[str, list[Completeness]] = {}
    for account in store.completeness(
        from_day=(today - timedelta(days=DAYS - 1)).isoformat(), to_day=today.isoformat()
    ):
        accounts.setdefault(account.device, []).append(account)
    configs = store.configs()
    stations = state.stations.all()
    stand = standings([forwarder.name for forwarder in state.forwarders], store)
    boards = []
    for device in store.devices():
        place = stations.get(device.device) or Station(device.device)
        boards.append(
            {
                "id": device.device,
                "urn": urn(device.device),
                "board": is_board(device.device),
                "name": place.name,
                **{name: getattr(place, name) for name in ("asset", "site", "latitude", "longitude")},
                "decommissioned": place.decommissioned,
                "state": device.state,
                "present": device.present,
                "wake": None if device.wake is None else zulu(device.wake),
                "overdue": device.overdue,
                "last_seen": zulu(device.last_seen // 1000 * 1000) if device.last_seen else None,
                "version": device.version,
                "boot": device.boot,
                "dropped": device.dropped,
                "config": _config(configs.get(device.device)),
                "completeness": _completeness(accounts.get(device.device, [])),
                "latest": values.get(device.device, []),
            }
        )
    return {
        "gateway": state.config.gateway.name,
        "time": zulu(int(datetime.now(UTC).timestamp()) * 1000),
        "broker": {"connected": state.ingest.connected, "trouble": state.ingest.trouble or None},
        "problems": state.healthy(time.monotonic()),
        "quarantine": store.quarantine_count(),
        "devices": boards,
        "forward": [
            {**_target(forwarder, stand[forwarder.name]), "links": _links(store, forwarder.name)}
            for forwarder in state.forwarders
        ],
    }


def value_row(latest: Latest) -> dict[str, Any]:
    """A newest value, as pages and /api/latest say it."""
    row = properties.row_of(latest.series)
    value = latest.value
    return {
        "series": latest.series,
        "sensor": latest.series.rpartition("/")[0],
        "property": latest.property,
        "label": {"de": row.de if row else latest.property, "en": row.en if row else latest.property},
        "value": value.hex() if isinstance(value, bytes) else value,
        "unit": latest.unit,
        "symbol": row.symbol if row and latest.unit == row.unit else latest.unit,
        "time": zulu(latest.time),
        "flags": flag_names(latest.flags),
    }


def _config(config: BoardConfig | None) -> dict[str, Any] | None:
    """`ok` None while it is on trial, or nothing was reported."""
    if config is None:
        return None
    names = ("wanted", "reported", "running", "ok", "problems", "changed", "certificate")
    return {name: getattr(config, name) for name in names}


def _completeness(days: list[Completeness]) -> dict[str, Any]:
    expected, arrived = sum(day.expected for day in days), sum(day.arrived for day in days)
    return {
        "expected": expected,
        "arrived": arrived,
        "missing": expected - arrived,
        "share": round(arrived / expected, 6) if expected else None,
        "numbered": all(day.numbered for day in days),
        "days": [
            {
                **{name: getattr(day, name) for name in ("day", "expected", "arrived", "missing", "late", "double")},
                "refused": day.refused,
                "conflict": day.conflict,
                "gaps": [{"boot": gap.boot, "from": gap.lo, "to": gap.hi} for gap in day.gaps],
            }
            for day in sorted(days, key=lambda day: date.fromisoformat(day.day))
        ],
    }


def _links(store: Store, forwarder: str) -> list[dict[str, Any]]:
    """What became of a target's events, without what its people wrote about it: that is for those who ask it."""
    return [{name: value for name, value in row.items() if name != "notes"} for row in links(store, forwarder)]


def _target(forwarder: Any, standing: Standing) -> dict[str, Any]:
    """`backlog` has the back-fill in it; `waiting_since`: when the first of what waits came."""
    status, pause = forwarder.status, standing.pause
    return {
        "name": forwarder.name,
        "kind": forwarder.kind,
        "state": "paused" if pause else "trouble" if status.trouble else "running",
        "paused": {
            "since": zulu(pause.since // 1000 * 1000),
            "until": None if pause.until is None else zulu(pause.until // 1000 * 1000),
            "reason": pause.reason or None,
        }
        if pause
        else None,
        "backlog": standing.waiting,
        "backfill": {"waiting": standing.backfill, "of": standing.backfill_total} if standing.backfill else None,
        "waiting_since": None if standing.oldest_since is None else zulu(standing.oldest_since * 1000),
        "rate": round(status.rate(), 1),
        "sent": status.sent,
        "refused": status.refused,
        "dead": standing.dead,
        "failures": status.failures,
        "last_success": zulu(int(status.last_success) * 1000) if status.last_success else None,
        "trouble": status.trouble or None,
    }
