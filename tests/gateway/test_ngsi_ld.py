"""NGSI-LD entities by themselves: what is built satisfies the models, the contexts know it, mistakes are said."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from bordstein_gateway import properties
from bordstein_gateway.boards.stations import Station
from bordstein_gateway.config import config
from bordstein_gateway.config.parking import Bay, Site
from bordstein_gateway.forward.ngsi_ld.answers import Failure, verdict, whole
from bordstein_gateway.forward.ngsi_ld.bodies import Incomplete, Seen, body
from bordstein_gateway.forward.ngsi_ld.contexts import documents, name_of
from bordstein_gateway.forward.ngsi_ld.models import MODELS, attribute, attributes
from bordstein_gateway.forward.ngsi_ld.places import Places, Unfit
from bordstein_gateway.forward.ngsi_ld.settings import Entity
from bordstein_gateway.properties import TABLE
from bordstein_gateway.store.types import StoredReading
from bordstein_gateway.web import contexts as web_contexts
from tests.gateway.configuring import MQTT, load, problems
from tests.street.ngsi_ld_models import CHECKS, REQUIRED, UNITS, problem
from tests.street.ngsi_ld_server import Broker

DEVICE = "24a160000001"
START = 1_795_521_600_000
UNITS_SENT = st.sampled_from([*{row.unit for row in TABLE.values()}, "K", "hPa", "cm", "%", "/100", "furlong", ""])
VALUES = st.floats(-1e6, 1e6) | st.integers(-10, 10_000) | st.booleans() | st.text(max_size=3) | st.binary(max_size=3)
STATICS: dict[str, dict[str, Any]] = {"Streetlight": {"status": "ok"}, "ParkingSpot": {}}
ENTITIES = [
    Entity(type=type, devices=[DEVICE], attributes=STATICS.get(type, {}))
    for type in MODELS
    if type not in ("OnStreetParking", "OffStreetParking")
]


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from([row.name for row in TABLE.values() if row.ngsi_ld]),
    unit=UNITS_SENT | st.none(),
    value=VALUES,
    time=st.integers(0, 86_400_000),
    asset=st.text(max_size=8) | st.none(),
    entities=st.lists(st.sampled_from(ENTITIES), unique_by=lambda one: one.type, max_size=4),
    site=st.sampled_from(["ON_STREET", "CAR_PARK"]),
)
def test_whatever_is_measured_makes_an_entity_of_the_models_or_a_sentence(
    name: str, unit: str | None, value: Any, time: int, asset: str | None, entities: list[Entity], site: Any
) -> None:
    places = Places("musterstadt", entities, [Site(uid="p1", name="P1", type=site, bays=[Bay(device=DEVICE)])])
    places.know({DEVICE: Station(DEVICE, "Markt", latitude=-53.5, longitude=9.9, asset=asset or None)})
    unit = TABLE[name].unit if unit is None else unit
    reading = StoredReading(1, DEVICE, f"s/{name}", name, unit, START + time, value, 0, START // 1000)
    try:
        placed = places.of(reading)
    except Unfit as why:
        assert str(why)
        return
    assert placed
    for key, attribute_name, sent in placed:
        entity = json.loads(json.dumps(body(key, {attribute_name: Seen(sent, reading.time)}, reading.time, places)))
        assert problem(entity) == ""
        assert Broker()._wrong({**entity, "@context": ["https://h/c-v1.jsonld"]}) == ""


def test_every_mapping_of_the_property_table_is_an_attribute_of_a_model() -> None:
    for row in TABLE.values():
        for one in row.ngsi_ld:
            type, _, name = one.partition(".")
            kind = attribute(type, name)
            assert kind is not None, one
            if row.kind == "boolean":
                assert row.ngsi_ld_values is not None and set(row.ngsi_ld_values) <= set(kind.values), one
    with pytest.raises(ValueError, match="ngsi_ld"):
        properties.parse(properties.text().replace('["WasteContainer.status"]', '["status"]'))


def test_the_models_are_those_of_the_tables() -> None:
    assert {type: set(model.required) for type, model in MODELS.items()} == REQUIRED
    for type, checks in CHECKS.items():
        for name in checks:
            kind = attribute(type, name)
            assert kind is not None, (type, name)
            if name in UNITS and kind.kind == "number":
                assert kind.code == UNITS[name], (type, name)
            if name != "typeofLocation" and kind.values:
                value: Any = list(kind.values) if kind.kind == "list" else kind.values[0]
                assert checks[name](value), (type, name)


def test_a_context_knows_every_term_of_its_types_by_the_published_name() -> None:
    published = ("https://smartdatamodels.org/", "https://uri.etsi.org/ngsi-ld/", "http://purl.org/dc/terms/")
    for type, model in MODELS.items():
        terms = json.loads(documents()[name_of(type)])["@context"]
        assert {type, *attributes(type)} <= terms.keys()
        assert terms[type] == f"https://smartdatamodels.org/dataModel.{model.subject}/{type}"
        assert all(iri.startswith(published) for iri in terms.values())


def test_contexts_are_served_for_brokers_to_keep() -> None:
    client = TestClient(Starlette(routes=[Route("/contexts/{name}", web_contexts.endpoint)]))
    answer = client.get("/contexts/Parking-v1.jsonld")
    assert answer.headers["content-type"] == "application/ld+json"
    assert "max-age" in answer.headers["cache-control"]
    assert answer.json()["@context"]["refParkingSite"].endswith("dataModel.Parking/refParkingSite")
    missing = client.get("/contexts/Parking-v0.jsonld")
    assert missing.status_code == 404 and "Parking-v1.jsonld" in missing.json()["contexts"]


def test_what_nobody_has_said_is_asked_for() -> None:
    places = Places("musterstadt", [Entity(type="Streetlight", devices=[DEVICE])])
    places.know({DEVICE: Station(DEVICE, latitude=53.0, longitude=9.0)})
    reading = StoredReading(1, DEVICE, "lamp/illuminance", "illuminance", "lx", START, 5, 0, START // 1000)
    ((key, name, value),) = places.of(reading)
    with pytest.raises(
        Incomplete, match=f"Streetlight requires status: give it in attributes of an entity for {DEVICE}"
    ):
        body(key, {name: Seen(value, START)}, START, places)


@pytest.mark.parametrize(
    ("status", "text", "failures"),
    [
        (201, '["urn:a:1"]', None),
        (204, "", None),
        (207, "", None),
        (207, '{"success": ["urn:a:1"], "errors": []}', {}),
        (
            207,
            '{"success": [], "errors": [{"entityId": "urn:a:1", "error": {"type": "https://uri.etsi.org/ngsi-ld/errors/'
            'BadRequestData", "title": "Bad", "detail": "no location", "status": 400}}]}',
            {"urn:a:1": Failure("Bad: no location", False)},
        ),
        (
            207,
            '{"success": [], "errors": [{"entityId": "urn:a:1", "error": {"type": "https://uri.etsi.org/ngsi-ld/errors/'
            'LdContextNotAvailable", "title": "context", "status": 503}}]}',
            {"urn:a:1": Failure("context", True)},
        ),
        (
            207,
            '{"success": [{"entityId": "urn:a:2"}], "errors": [{"entityId": "urn:a:1", "error": ["one", "two"]}]}',
            {"urn:a:1": Failure("one: two", False)},
        ),
        (
            400,
            '[{"id": "urn:a:1", "type": "Upsert", "failure": [{"type": "x/BadRequestData", "title": "Bad.", "detail": '
            '{"message": "invalid entry"}, "errorCode": 400}]}]',
            {"urn:a:1": Failure("Bad.: invalid entry", False)},
        ),
        (
            207,
            '[{"id": "urn:a:1", "type": "Upsert", "failure": [{"type": "x/InternalError", "title": "Oops", '
            '"errorCode": 500}]}, {"id": "urn:a:2", "type": "Upsert", "success": []}]',
            {"urn:a:1": Failure("Oops", True)},
        ),
    ],
)
def test_each_brokers_form_of_answer_is_understood(status: int, text: str, failures: dict[str, Failure] | None) -> None:
    # Forms: ETSI GS CIM 009 clause 5.2.16; Orion-LD issues 502 and 803; Scorpio issue 466; Stellio's BatchEntityError.
    found = verdict(httpx2.Response(status, text=text))
    assert (found.failures if found else None) == failures


@settings(max_examples=100)
@given(
    answer=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("urn:a:1"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["success", "errors", "entityId", "id", "error", "failure", "type"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_no_answer_of_a_broker_is_a_mistake_of_ours(answer: Any) -> None:
    made = httpx2.Response(207, json=answer)
    verdict(made)
    assert isinstance(whole(made).reason, str)


TARGET = '[forward.x]\nkind = "ngsi-ld"\nurl = "https://h/broker"\n'
TYPES = ", ".join(f'"{type}"' for type in sorted(MODELS))
HERE = 'context_url = "http://gateway:8080/contexts"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TARGET, ["6: forward.x: context_url is missing: where the broker reaches this gateway's /contexts, as in "
                  "http://gateway.example.org:8080/contexts"]),
        (TARGET + 'context_url = "http://localhost:8080/contexts"',
         ["9: forward.x.context_url: h can't reach localhost"]),
        (
            TARGET + HERE + 2 * '[[forward.x.entity]]\ntype = "WasteContainer"\nid = "b"\ndevices = ["24a160000001"]\n',
            ["16: forward.x.entity[2].id: is entity 1 already"],
        ),
        (TARGET + HERE + 'contexts = ["https://h/v1"]', ["10: forward.x.contexts: either context_url or contexts"]),
        (
            TARGET + 'contexts = ["https://raw.githubusercontent.com/smart-data-models/x/master/context.jsonld"]',
            ['9: forward.x.contexts: "https://raw.githubusercontent.com/smart-data-models/x/maste…" may mean something '
             "else tomorrow; name a version that stays"],
        ),
        (
            TARGET + HERE + '[[forward.x.entity]]\ntype = "ParkingSpott"\n',
            [f'11: forward.x.entity[1].type: expected one of {TYPES}, got "ParkingSpott"'],
        ),
        (
            TARGET + HERE + '[[forward.x.entity]]\ntype = "Streetlight"\n',
            ["10: forward.x.entity[1]: devices is missing: whose it is, or groups",
             '10: forward.x.entity[1].attributes: status is missing: as in status = "ok"'],
        ),
        (
            TARGET + HERE + '[[forward.x.entity]]\ntype = "ParkingSpot"\ndevices = ["24a160000001"]\n',
            ["12: forward.x.entity[1].devices: 24a160000001 is bay of no [[parking.site]], and a ParkingSpot requires "
             "its parking site"],
        ),
        (
            TARGET + HERE + '[[forward.x.entity]]\ntype = "OnStreetParking"\nid = "marktplaz"\ngroups = ["m"]\n'
            "[forward.x.entity.attributes]\n"
            'category = ["forDisabled", "forDogs"]\ntotalSpotNumber = 1.5\ntotalSpots = 3\n'
            'refParkingGroup = "group 7"\nannotations = { type = "Property" }\n'
            '[[parking.site]]\nuid = "marktplatz"\nname = "M"\nbay = [{ device = "24a160000001" }]\n',
            ["12: forward.x.entity[1].id: no [[parking.site]] of this kind is marktplaz; is marktplatz meant?",
             "13: forward.x.entity[1].groups: the [[parking.site]] says this",
             "15: forward.x.entity[1].attributes.category: forDogs does not exist; there are blueZone, feeCharged, "
             "forDisabled, forElectricalCharging, forLoadUnload, forResidents, free, greenZone, mediumTerm, "
             "onlyWithPermit, shortTerm, taxiStop",
             "16: forward.x.entity[1].attributes.totalSpotNumber: a whole number belongs here",
             "17: forward.x.entity[1].attributes.totalSpots: OnStreetParking has none of this name; "
             "is totalSpotNumber meant?",
             "18: forward.x.entity[1].attributes.refParkingGroup: a URI belongs here, as in "
             "urn:ngsi-ld:OnStreetParking:musterstadt:marktplatz",
             "19: forward.x.entity[1].attributes.annotations: value is missing"],
        ),
        (
            TARGET + HERE + '[[forward.x.entity]]\ntype = "WasteContainer"\ngroups = ["bins"]\nid = "bin"\n'
            "latitude = 53\nattributes = { binFullnessThreshold = 80 }\n",
            ["10: forward.x.entity[1]: longitude is missing: the two belong together",
             "13: forward.x.entity[1].id: an id belongs to exactly one device in devices",
             "15: forward.x.entity[1].attributes.binFullnessThreshold: 80 is not within 0..1"],
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_its_line(folder: Path, text: str, said: list[str]) -> None:
    assert problems(folder, MQTT + text) == said


def test_what_is_right_arrives(folder: Path) -> None:
    text = """
[[forward.x.entity]]
type = "OffStreetParking"
id = "p1"
attributes = { category = ["public"], annotations = { type = "Property", value = ["x"] } }
[[forward.x.entity]]
type = "ParkingSpot"
devices = ["24a160000001"]
sensor = "bay2"
id = "psp-7"
[[parking.site]]
uid = "p1"
name = "P1"
type = "CAR_PARK"
bay = [{ device = "24a160000001" }]
"""
    (target,) = load(folder, MQTT + TARGET + HERE + text).forward.values()
    assert isinstance(target, config.NgsiLd)
    assert [one.id for one in target.entity] == ["p1", "psp-7"]
    assert target.wants("24a160000001", "air/pm10", "pm10")
    assert not target.wants("24a160000001", "depth/distance", "distance")  # nothing there means this
