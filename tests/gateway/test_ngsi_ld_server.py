"""The stand-in is as strict as brokers are: without that, the forwarder's tests would show nothing."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.street.ngsi_ld_server import Broker

UPSERT = "/ngsi-ld/v1/entityOperations/upsert"
LD = {"content-type": "application/ld+json"}
SPOT = {
    "id": "urn:ngsi-ld:ParkingSpot:musterstadt:psp-7",
    "type": "ParkingSpot",
    "category": {"type": "Property", "value": ["onStreet"]},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [9.9937, 53.5511]}},
    "refParkingSite": {"type": "Relationship", "object": "urn:ngsi-ld:OnStreetParking:musterstadt:marktplatz"},
    "status": {"type": "Property", "value": "occupied", "observedAt": "2026-11-24T11:10:00Z"},
    "@context": ["https://gateway.example.org/contexts/Parking-v1.jsonld"],
}


@pytest.fixture
def broker() -> TestClient:
    return TestClient(Broker().app())


def test_what_is_right_is_made_and_then_updated(broker: TestClient) -> None:
    made = broker.post(UPSERT, params={"options": "update"}, json=[SPOT], headers=LD)
    assert (made.status_code, made.json()) == (201, [SPOT["id"]])
    assert broker.post(UPSERT, params={"options": "update"}, json=[SPOT], headers=LD).status_code == 204
    shown = broker.get(f"/ngsi-ld/v1/entities/{SPOT['id']}").json()
    assert shown["status"]["observedAt"] == "2026-11-24T11:10:00Z"
    assert broker.get("/_stats").json()["updates"] == 1


def test_without_update_an_entity_loses_what_is_not_said_again(broker: TestClient) -> None:
    more = {**SPOT, "width": {"type": "Property", "value": 2.5}}
    broker.post(UPSERT, json=[more], headers=LD)
    broker.post(UPSERT, json=[SPOT], headers=LD)
    assert "width" not in broker.get("/_dump").json()[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"id": "psp-7"}, "Not a URI"),
        ({"type": None}, "no type"),
        ({"type": "ParkingPlace"}, "no type of this catalogue"),
        ({"@context": None}, "no @context"),
        ({"@context": ["https://raw.githubusercontent.com/x/dataModel.Parking/master/context.jsonld"]}, "may change"),
        ({"status": "occupied"}, "no Property"),
        ({"status": {"type": "string", "value": "occupied"}}, "no Property"),
        ({"status": {"type": "Property", "value": None}}, "has a value"),
        ({"status": {"type": "Property", "value": "taken"}}, "can't be 'taken'"),
        ({"status": {"type": "Property", "value": "free", "observedAt": "2026-11-24 11:10"}}, "no time in UTC"),
        ({"category": {"type": "Property", "value": "onStreet"}}, "can't be 'onStreet'"),
        ({"refParkingSite": {"type": "Relationship", "object": "marktplatz"}}, "Not a URI"),
        ({"refParkingSite": {"type": "Property", "value": "urn:x:y"}}, "is no Relationship"),
        ({"location": {"type": "Property", "value": [9.9, 53.5]}}, "is no GeoProperty"),
        ({"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [53.5, 199]}}}, "no Point"),
        ({"refParkingSite": ...}, "lacks refParkingSite"),
    ],
)
def test_what_a_broker_or_its_catalogue_does_not_want_is_refused(
    broker: TestClient, change: dict[str, Any], why: str
) -> None:
    entity = {name: value for name, value in {**SPOT, **change}.items() if value is not ...}
    answer = broker.post(UPSERT, params={"options": "update"}, json=[entity], headers=LD)
    assert answer.status_code == 207
    (error,) = answer.json()["errors"]
    assert why in error["error"]["detail"]
    assert broker.get("/_dump").json() == []


def test_a_request_that_is_none_is_refused_as_a_whole(broker: TestClient) -> None:
    assert broker.post(UPSERT, json=[SPOT]).status_code == 415
    assert broker.post(UPSERT, json=SPOT, headers=LD).status_code == 400
    assert broker.post(UPSERT, content=b"{", headers=LD).status_code == 400
    assert broker.post(UPSERT, json=[SPOT, SPOT], headers=LD).status_code == 400
    many = [{**SPOT, "id": f"urn:x:{number}"} for number in range(1001)]
    assert broker.post(UPSERT, json=many, headers=LD).status_code == 413
    assert broker.post(UPSERT, json=[SPOT], headers={**LD, "ngsild-tenant": "x"}).json()["title"] == "No such tenant"


def test_a_token_is_asked_for() -> None:
    broker = TestClient(Broker(token="abc").app())
    assert broker.post(UPSERT, json=[SPOT], headers=LD).status_code == 401
    assert broker.post(UPSERT, json=[SPOT], headers={**LD, "authorization": "Bearer abc"}).status_code == 201
