"""DATEX II 2.x with its parking extension: ParkingTablePublication (what there is) and ParkingStatusPublication (how it
is), in a GenericPublication as Mobilithek carries it.

A bay is a record of one space, as towns with single sensors publish theirs. A status has no word for a count that
nobody knows, so a site or bay that is unknown is left out of the status; a closed site has no spaces.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..forward.times import zulu
from .parking import AVAILABLE, CLOSED, UNKNOWN, Lot, Spot

_D2 = "http://datex2.eu/schema/2/2_0"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_LAYOUTS = {"UNDERGROUND": "underground", "CAR_PARK": "multiStorey"}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0 section 2.2 has no such characters, escaped or not."""
_USERS = {"DISABLED": "disabled"}


class Record(NamedTuple):
    """A site or bay. `spaces`: that there are; `counted`, `vacant`: spaces that count just now and that are free.
    WGS 84 degrees. `time`: of its status (ms). `known`: whether there is a status."""

    uid: str
    name: str
    site_type: str
    spaces: int
    latitude: float
    longitude: float
    restricted_to: str | None
    known: bool
    closed: bool
    counted: int
    vacant: int
    time: int


def of_lots(lots: Iterable[Lot]) -> Iterator[Record]:
    """Those that have a place."""
    for lot in lots:
        if lot.latitude is not None and lot.longitude is not None:
            closed = lot.status == CLOSED
            yield Record(
                uid=lot.site.uid,
                name=lot.site.name,
                site_type=lot.site.type,
                spaces=lot.capacity,
                latitude=lot.latitude,
                longitude=lot.longitude,
                restricted_to=None,
                known=lot.status != UNKNOWN and lot.time is not None,
                closed=closed,
                counted=0 if closed else lot.known,
                vacant=0 if closed else lot.free,
                time=lot.time or 0,
            )


def of_spots(spots: Iterable[Spot]) -> Iterator[Record]:
    """Those that have a place."""
    for spot in spots:
        if spot.latitude is not None and spot.longitude is not None:
            yield Record(
                uid=spot.uid,
                name=spot.name,
                site_type=spot.site.type,
                spaces=1,
                latitude=spot.latitude,
                longitude=spot.longitude,
                restricted_to=spot.restricted_to,
                known=spot.status != UNKNOWN and spot.time is not None,
                closed=False,
                counted=1,
                vacant=int(spot.status == AVAILABLE),
                time=spot.time or 0,
            )


def table(records: Iterable[Record], supplier: str, name: str, static_ms: int, now_ms: int) -> bytes:
    """A ParkingTablePublication. static_ms: when what is known of the records last changed."""
    root, publication = _publication("ParkingTablePublication", "parkingTablePublication", supplier, now_ms)
    # Readers hold a version for another state of the same table.
    version = _version(static_ms)
    inner = _add(publication, "parkingTable", id=name, version=version)
    _add(inner, "parkingTableVersionTime", zulu(static_ms))
    for record in records:
        _table_record(inner, record, version, static_ms)
    return _bytes(root)


def status(records: Iterable[Record], supplier: str, static_ms: int, now_ms: int) -> bytes:
    """A ParkingStatusPublication of those that are known; static_ms: as in the table that it refers to."""
    root, publication = _publication("ParkingStatusPublication", "parkingStatusPublication", supplier, now_ms)
    for record in records:
        if record.known:
            _status_record(publication, record, _version(static_ms))
    return _bytes(root)


def _version(static_ms: int) -> str:
    return str(static_ms // 1000)


def _table_record(table: ET.Element, record: Record, version: str, static_ms: int) -> None:
    inner = _add(table, "parkingRecord", id=record.uid, version=version, xsi="UrbanParkingSite")
    _add(_add(_add(inner, "parkingName"), "values"), "value", record.name, lang="de")
    _add(inner, "parkingRecordVersionTime", zulu(static_ms))
    _add(inner, "parkingNumberOfSpaces", str(record.spaces))
    point = _add(_add(_add(inner, "parkingLocation", xsi="Point"), "pointByCoordinates"), "pointCoordinates")
    _add(point, "latitude", _degrees(record.latitude))
    _add(point, "longitude", _degrees(record.longitude))
    if record.restricted_to in _USERS:
        _add(_add(inner, "assignedParkingAmongOthers"), "applicableForUser", _USERS[record.restricted_to])
    _add(inner, "parkingLayout", _LAYOUTS.get(record.site_type, "openSpace"))
    street = record.site_type == "ON_STREET"
    other = "other" if record.site_type == "OTHER" else "offStreetParking"
    _add(inner, "urbanParkingSiteType", "onStreetParking" if street else other)


def _status_record(publication: ET.Element, record: Record, version: str) -> None:
    inner = _add(publication, "parkingRecordStatus", xsi="ParkingSiteStatus")
    _add(inner, "parkingRecordReference", targetClass="ParkingRecord", id=record.uid, version=version)
    _add(inner, "parkingStatusOriginTime", zulu(record.time))
    occupancy = _add(inner, "parkingOccupancy")
    _add(occupancy, "parkingNumberOfSpacesOverride", str(record.counted))
    _add(occupancy, "parkingNumberOfVacantSpaces", str(record.vacant))
    _add(occupancy, "parkingNumberOfOccupiedSpaces", str(record.counted - record.vacant))
    if not record.closed:
        _add(inner, "parkingSiteStatus", "spacesAvailable" if record.vacant else "full")
    _add(inner, "parkingSiteOpeningStatus", "closed" if record.closed else "open")


def _publication(name: str, element: str, supplier: str, now_ms: int) -> tuple[ET.Element, ET.Element]:
    # Written as they stand: ElementTree's register of prefixes is the whole process's.
    root = ET.Element("d2LogicalModel", {"xmlns": _D2, "xmlns:xsi": _XSI, "modelBaseVersion": "2"})
    _creator(_add(_add(root, "exchange"), "supplierIdentification"), supplier)
    payload = _add(root, "payloadPublication", lang="de", xsi="GenericPublication")
    _add(payload, "publicationTime", zulu(now_ms))
    _creator(_add(payload, "publicationCreator"), supplier)
    _add(payload, "genericPublicationName", name)
    publication = _add(_add(payload, "genericPublicationExtension"), element)
    header = _add(publication, "headerInformation")
    _add(header, "confidentiality", "noRestriction")
    _add(header, "informationStatus", "real")
    return root, publication


def _creator(element: ET.Element, supplier: str) -> None:
    _add(element, "country", "de")
    _add(element, "nationalIdentifier", supplier)


def _add(parent: ET.Element, name: str, text: str | None = None, *, xsi: str | None = None, **marks: str) -> ET.Element:
    element = ET.SubElement(parent, name, marks)
    if xsi is not None:
        element.set("xsi:type", xsi)
    element.text = None if text is None else _NO_XML.sub(" ", text)
    return element


def _degrees(value: float) -> str:
    return f"{value:.7f}".rstrip("0").rstrip(".")


def _bytes(root: ET.Element) -> bytes:
    # Without a declaration: UTF-8 needs none, and MobiData BW's importer takes no text that names an encoding.
    return ET.tostring(root, encoding="unicode").encode()
