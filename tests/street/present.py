"""What a receiving server holds that keeps no readings: the present state (NGSI-LD), and cases (Open311). Pure.

Each is compared with what the gateway has, as account.py does with readings.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bordstein_gateway import properties
from bordstein_gateway.forward.times import milliseconds
from tests.street.account import Key, Place, Value


def newest(stored: Iterable[Key]) -> set[Key]:
    """The newest reading of each series that a Smart Data Model has an attribute for."""
    last: dict[tuple[str, str], int] = {}
    for device, series, time in stored:
        row = properties.row_of(series)
        if row is not None and row.ngsi_ld:
            last[device, series] = max(time, last.get((device, series), 0))
    return {(*where, time) for where, time in last.items()}


def state(name: str, stored: Mapping[Key, Value], entities: Iterable[Mapping[str, Any]], updates: int) -> Place:
    """Every newest reading has to be the observedAt of its attribute in some entity of its device; `arrived` counts
    the updates that the broker was sent."""
    there = {
        (entity["id"], attribute, milliseconds(value["observedAt"]))
        for entity in entities
        for attribute, value in entity.items()
        if isinstance(value, dict) and "observedAt" in value
    }
    place = Place(name, updates)
    for device, series, time in newest(stored):
        row = properties.row_of(series)
        attributes = {one.partition(".")[2] for one in row.ngsi_ld} if row and row.ngsi_ld else set()
        if not any(attribute in attributes and at == time and device in id for id, attribute, at in there):
            place.lost.append((device, series, time))
    return place


def cases(name: str, links: Iterable[Mapping[str, Any]], requests: Iterable[Mapping[str, Any]]) -> Place:
    """Every case that the gateway knows has to be at the server, and each at most once. A key's time is 0."""
    at_server = list(requests)
    ids = {str(request["service_request_id"]) for request in at_server}
    place = Place(name, len(at_server))
    for link in links:
        if link["target_id"] not in ids:
            place.lost.append((link["device"], f"{link['series']} {link['case']}", 0))
    marks = [request["description"].rpartition("[")[2] for request in at_server]
    place.doubled = [("", mark, 0) for mark in sorted(set(marks)) if marks.count(mark) > 1]
    return place
