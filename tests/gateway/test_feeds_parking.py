"""Parking, read by MobiData BW's own importer (parkapi-sources): ParkAPI JSON and DATEX II.

The importer takes a processor second to import, so not each process that collects tests does so.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from bordstein_gateway.feeds import datex2
from tests.gateway.loopback import Log
from tests.gateway.opening import BAYS, LOGIN, client, fill, now_ms, site, town

if TYPE_CHECKING:
    from requests import Response

UNKNOWN = sorted(set(BAYS) - {"free", "taken"})
_D2 = "{http://datex2.eu/schema/2/2_0}"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    log = Log(tmp_path_factory.mktemp("parking") / "store.sqlite")
    fill(log)
    yield log
    log.store.close()


@pytest.fixture
def parked(log: Log, tmp_path: Path) -> Any:
    """A town with these sites, asked as everybody."""

    def make(*sites: dict[str, Any], **publish: Any) -> TestClient:
        return client(town(log, tmp_path, {"default": True, **publish}, {"site": list(sites)}))

    return make


class Mobilithek:
    """Hands a town's pages to the importer as Mobilithek would."""

    def __init__(self, open_town: TestClient, what: str) -> None:
        self.open_town = open_town
        self.what = what

    def get(self, *, url: str, **_: Any) -> "Response":
        from requests import Response

        response = Response()
        response.status_code = 200
        kind = url.rpartition("=")[2]
        response._content = self.open_town.get(f"/open/datex2/{self.what}-{kind}.xml").content
        return response


def importer(name: str, open_town: TestClient, what: str) -> Any:
    from parkapi_sources import converters
    from parkapi_sources.util import ConfigHelper

    kind = getattr(converters, name)
    key = f"PARK_API_MOBILITHEK_{kind.config_key}"
    ids = {f"{key}_STATIC_SUBSCRIPTION_ID": "table", f"{key}_REALTIME_SUBSCRIPTION_ID": "status"}
    return kind(ConfigHelper(ids), Mobilithek(open_town, what))


def read_as(name: str, item: dict[str, Any]) -> Any:
    """An item as the importer's model of this name."""
    from parkapi_sources import models
    from validataclass.validators import DataclassValidator

    return DataclassValidator(getattr(models, name)).validate(item)


def items(open_town: TestClient, what: str, **headers: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = open_town.get(f"/open/parkapi/{what}.json", headers=headers).json()["items"]
    return found


def test_the_importer_takes_each_site(parked: Any) -> None:
    from parkapi_sources.converters import BuchenPushConverter
    from parkapi_sources.util import ConfigHelper

    open_town = parked(site("free", "taken", *UNKNOWN, address="Marktplatz 1", capacity=20))
    converter = BuchenPushConverter(ConfigHelper({}), None)
    inputs, errors = converter.handle_json(open_town.get("/open/parkapi/sites.json").json())
    assert errors == []
    static, realtime = inputs
    assert (static.uid, static.name, static.type.name, static.capacity) == ("marktplatz", "Marktplatz", "ON_STREET", 20)
    assert 53.56 < static.lat < 53.64 and static.lon == 10 and static.has_realtime_data
    assert (realtime.realtime_capacity, realtime.realtime_free_capacity) == (2, 1)
    assert realtime.realtime_opening_status.name == "OPEN"
    assert realtime.realtime_free_capacity <= realtime.realtime_capacity <= static.capacity


def test_the_importer_takes_each_spot_and_what_is_not_known_is_unknown(parked: Any) -> None:
    found = {item["uid"]: item for item in items(parked(site(*BAYS)), "spots")}
    status = {}
    for uid, item in found.items():
        static = read_as("StaticParkingSpotInput", item)
        assert static.type.name == "ON_STREET" and static.name.startswith("Platz <")
        if static.has_realtime_data:
            realtime = read_as("RealtimeParkingSpotInput", item)
            status[uid.removeprefix("psp-")] = realtime.realtime_status.name
    wanted = {state: "UNKNOWN" for state in UNKNOWN if state != "silent"}
    assert status == {"free": "AVAILABLE", "taken": "TAKEN", **wanted}
    assert not found["psp-silent"]["has_realtime_data"] and "realtime_status" not in found["psp-silent"]


def test_for_whom_a_spot_is_kept_arrives(parked: Any) -> None:
    kept = site("free", "taken")
    kept["bay"][0]["restricted_to"] = "DISABLED"
    open_town = parked(kept)
    spots = [read_as("StaticParkingSpotInput", item) for item in items(open_town, "spots")]
    assert [[one.type.name for one in spot.restricted_to] for spot in spots] == [["DISABLED"], []]
    assert items(open_town, "sites")[0]["capacity_disabled"] == 1
    static, errors = importer("FriedrichshafenSensorsPullConverter", open_town, "spots").get_static_parking_spots()
    assert errors == [] and [spot.restricted_to and spot.restricted_to[0].type.name for spot in static] == [
        "DISABLED",
        None,
    ]


def test_a_closed_site_is_closed_and_not_full(parked: Any) -> None:
    open_town = parked(site("taken", closed=True))
    (item,) = items(open_town, "sites")
    assert item["realtime_opening_status"] == "CLOSED" and "realtime_free_capacity" not in item
    sites, errors = importer("AachenPullConverter", open_town, "sites").get_realtime_parking_sites()
    assert errors == [] and (sites[0].realtime_capacity, sites[0].realtime_free_capacity) == (0, 0)
    status = ET.fromstring(open_town.get("/open/datex2/sites-status.xml").content)
    assert [one.text for one in status.iter(f"{_D2}parkingSiteOpeningStatus")] == ["closed"]
    assert list(status.iter(f"{_D2}parkingSiteStatus")) == []


def test_a_site_of_which_nothing_is_known_is_neither_full_nor_free(parked: Any) -> None:
    open_town = parked(site(*UNKNOWN))
    (item,) = items(open_town, "sites")
    assert item["realtime_opening_status"] == "UNKNOWN" and "realtime_free_capacity" not in item
    assert importer("AachenPullConverter", open_town, "sites").get_realtime_parking_sites() == ([], [])
    assert len(importer("AachenPullConverter", open_town, "sites").get_static_parking_sites()[0]) == 1


def test_the_importer_takes_the_sites_of_datex2(parked: Any) -> None:
    converter = importer(
        "AachenPullConverter", parked(site(*BAYS, type="CAR_PARK", latitude=48.5, longitude=9.25)), "sites"
    )
    (static,), errors = converter.get_static_parking_sites()
    assert errors == []
    assert (static.uid, static.name, static.type.name, static.capacity) == ("marktplatz", "Marktplatz", "CAR_PARK", 8)
    assert (float(static.lat), float(static.lon)) == (48.5, 9.25)
    (realtime,), errors = converter.get_realtime_parking_sites()
    assert errors == [] and (realtime.realtime_capacity, realtime.realtime_free_capacity) == (2, 1)


def test_the_importer_takes_the_spots_of_datex2(parked: Any) -> None:
    converter = importer("FriedrichshafenSensorsPullConverter", parked(site(*BAYS)), "spots")
    static, errors = converter.get_static_parking_spots()
    assert errors == [] and [spot.uid for spot in static] == [f"psp-{state}" for state in BAYS]
    assert static[0].name == "Platz <free> & mehr" and static[0].type.name == "ON_STREET"
    realtime, errors = converter.get_realtime_parking_spots()
    # There is no word for unknown, so such a bay is left out: never taken, never available.
    assert errors == []
    assert {spot.uid: spot.realtime_status.name for spot in realtime} == {"psp-free": "AVAILABLE", "psp-taken": "TAKEN"}


def test_a_reference_is_to_the_tables_version(parked: Any) -> None:
    open_town = parked(site(*BAYS))
    table, status = (
        ET.fromstring(open_town.get(f"/open/datex2/spots-{kind}.xml").content) for kind in ("table", "status")
    )
    records = {(one.get("id"), one.get("version")) for one in table.iter(f"{_D2}parkingRecord")}
    references = {(one.get("id"), one.get("version")) for one in status.iter(f"{_D2}parkingRecordReference")}
    assert references and references <= records


SHOWN = [
    # publish of the bays' series, of the site, spots of the site; are counts, are spots public?
    (True, None, True, True, 2),
    (False, None, True, False, 0),
    (False, True, True, True, 0),
    (True, False, True, False, 0),
    (True, None, False, True, 0),
]


@pytest.mark.parametrize(("series", "publish", "spots", "counts", "single"), SHOWN)
def test_a_town_may_publish_counts_and_no_single_bay(
    parked: Any, series: bool, publish: bool | None, spots: bool, counts: bool, single: int
) -> None:
    rule = {} if publish is None else {"publish": publish}
    open_town = parked(
        site("free", "taken", spots=spots, **rule), properties={"parking_bay_occupied": {"publish": series}}
    )
    assert (bool(items(open_town, "sites")), len(items(open_town, "spots"))) == (counts, single)
    assert (len(items(open_town, "sites", **LOGIN)), len(items(open_town, "spots", **LOGIN))) == (1, 2)
    for what, there in (("sites", counts), ("spots", bool(single))):
        assert (b"parkingRecord " in open_town.get(f"/open/datex2/{what}-table.xml").content) is there
    listed = "/open/parkapi/" in open_town.get("/open/catalog.ttl").text
    assert listed == ("parkapi/sites.json" in open_town.get("/open/").text) == (counts or bool(single))


def test_one_private_bay_hides_the_count_unless_it_is_asked_for(parked: Any) -> None:
    private = [{"device": BAYS["free"], "publish": False}]
    assert items(parked(site("free", "taken"), series=private), "sites") == []
    open_town = parked(site("free", "taken", publish=True), series=private)
    assert items(open_town, "sites")[0]["realtime_free_capacity"] == 1
    assert [item["uid"] for item in items(open_town, "spots")] == ["psp-taken"]


def test_of_two_series_of_one_board_the_named_one_counts(tmp_path: Path) -> None:
    log = Log(tmp_path / "s.sqlite")
    fill(log)
    log.add([True], device=BAYS["free"], series="b/parking_bay_occupied", unit="/", start=now_ms() - 1000)
    both = site("free", "taken")
    open_town = client(town(log, tmp_path, {"default": True}, {"site": [both]}))
    assert items(open_town, "spots")[0]["realtime_status"] == "UNKNOWN"
    both["bay"][0]["series"] = "bay/parking_bay_occupied"
    open_town = client(town(log, tmp_path, {"default": True}, {"site": [both]}))
    assert items(open_town, "spots")[0]["realtime_status"] == "AVAILABLE"
    log.store.close()


@settings(max_examples=50, deadline=None)
@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_whatever_a_place_is_called_the_xml_can_be_read(name: str) -> None:
    record = datex2.Record("m", name, "ON_STREET", 1, 53.5, 9.9, None, True, False, 1, 0, 1_795_521_600_000)
    table = ET.fromstring(datex2.table([record], "DE-<Musterstadt>", "sites", 1_795_521_600_000, 1_795_521_600_000))
    (value,) = table.iter(f"{_D2}value")
    assert len(value.text or "") <= len(name) and (not name.isprintable() or (value.text or "") == name)
