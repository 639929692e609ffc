"""The stand-in is as strict as the standard: without that, the forwarder's tests would show nothing."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.street.receivers import SensorThings

THING = {
    "name": "Parkbucht 7",
    "description": "O'Neill's Platz",
    "properties": {"deviceId": "psp-7"},
    "Locations": [
        {
            "name": "Markt",
            "description": "Markt",
            "encodingType": "application/geo+json",
            "location": {"type": "Point", "coordinates": [9.99, 53.55]},
        }
    ],
    "Datastreams": [
        {
            "name": "Belegung",
            "description": "0 frei, 1 belegt",
            "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_CountObservation",
            "unitOfMeasurement": {"name": "one", "symbol": "1", "definition": "http://unitsofmeasure.org/ucum.html#1"},
            "Sensor": {"name": "US", "description": "x", "encodingType": "application/pdf", "metadata": "x"},
            "ObservedProperty": {"name": "Belegung", "description": "x", "definition": "urn:x:occupancy"},
        }
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sensorthings")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[SensorThings]:
    with SensorThings(folder) as server:
        assert ask(server, "/Things", THING)[0] == 201
        yield server


def ask(server: SensorThings, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    data = None if body is None else json.dumps(body).encode()
    url = server.section()["url"] + urllib.parse.quote(path, safe="/?&=$()',")
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data)) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in THING.items() if name != key}


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/Things", without("name"), "'name'"),
        ("/Things", {**THING, "colour": "red"}, "unknown property 'colour'"),
        ("/Things", {**THING, "description": 7}, "'description'"),
        ("/Datastreams", {**THING["Datastreams"][0], "Thing": {"@iot.id": 999}}, "Things(999)"),
        ("/Datastreams", THING["Datastreams"][0], "relation 'Thing'"),
        (
            "/Datastreams",
            {**THING["Datastreams"][0], "Thing": {"@iot.id": 1}, "unitOfMeasurement": {"name": "one"}},
            "unitOfMeasurement",
        ),
        ("/Datastreams(1)/Observations", {"phenomenonTime": "2026-11-24T11:00:00", "result": 1}, "time zone"),
        ("/Datastreams(1)/Observations", {"phenomenonTime": "yesterday", "result": 1}, "ISO 8601"),
        ("/Datastreams(1)/Observations", {"phenomenonTime": "2026-11-24T11:00:00Z", "result": True}, "does not fit"),
        ("/Datastreams(1)/Observations", {"phenomenonTime": "2026-11-24T11:00:00Z"}, "'result'"),
    ],
)
def test_what_a_real_server_refuses_is_refused(server: SensorThings, path: str, body: Any, word: str) -> None:
    before = server.statistics()
    status, answer = ask(server, path, body)
    assert status == 400 and word in answer["message"]
    assert server.statistics() == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/Cars", 404),
        ("/Things(77)", 404),
        ("/Things(1)/Cars", 404),
        ("/Things?$colour=red", 400),
        ("/Things?$filter=name eq", 400),
        ("/Things?$filter=name like 'x'", 400),
        ("/Things?$filter=colour eq 'red'", 400),
        ("/Things?$orderby=colour", 400),
        ("/Things?$select=colour", 400),
        ("/Things?$expand=Cars", 400),
        ("/Things?$top=-1", 400),
        ("/Things?$top=many", 400),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(server: SensorThings, path: str, status: int) -> None:
    assert ask(server, path)[0] == status


def test_deep_insert_ties_everything_together(server: SensorThings) -> None:
    assert ask(server, "/Things(1)/Datastreams")[1]["value"][0]["name"] == "Belegung"
    assert ask(server, "/Datastreams(1)/Thing")[1]["description"] == "O'Neill's Platz"
    assert ask(server, "/Datastreams(1)/Sensor")[1]["name"] == "US"
    assert ask(server, "/Things(1)/Locations")[1]["value"][0]["location"]["type"] == "Point"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/Things?$filter=properties/deviceId eq 'psp-7'", 1),
        ("/Things?$filter=properties/deviceId eq 'psp-8'", 0),
        ("/Things?$filter=description eq 'O''Neill''s Platz'", 1),
        ("/Datastreams?$filter=Thing/@iot.id eq 1 and name eq 'Belegung'", 1),
        ("/Datastreams?$filter=(name eq 'x' or name eq 'Belegung') and Thing/name eq 'Parkbucht 7'", 1),
    ],
)
def test_lookups_find_what_they_should(server: SensorThings, path: str, found: int) -> None:
    status, page = ask(server, path)
    assert status == 200 and len(page["value"]) == found


def test_what_is_posted_twice_is_there_twice_and_counted(server: SensorThings) -> None:
    before = server.statistics()["doubled"]
    body = {"phenomenonTime": "2026-11-24T12:00:00+01:00", "result": 1}
    for _ in range(2):
        assert ask(server, "/Datastreams(1)/Observations", body)[0] == 201
    assert server.statistics()["doubled"] == before + 1
    moment = "2026-11-24T11:00:00Z"
    path = f"/Datastreams(1)/Observations?$filter=phenomenonTime ge {moment} and phenomenonTime le {moment}"
    assert len(ask(server, path)[1]["value"]) == 2


def test_a_data_array_names_the_rows_it_did_not_take(server: SensorThings) -> None:
    rows = [["2026-11-25T11:00:00Z", 1], ["no time", 2], ["2026-11-25T11:00:02Z", 3]]
    body = [{"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": rows}]
    status, answer = ask(server, "/CreateObservations", body)
    assert status == 201
    assert [str(row).startswith("error") for row in answer] == [False, True, False]


def test_long_lists_come_in_pages(server: SensorThings) -> None:
    rows = [[f"2026-11-26T11:00:{second:02}Z", second] for second in range(30)]
    body = [{"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": rows}]
    assert ask(server, "/CreateObservations", body)[0] == 201
    page = ask(server, "/Datastreams(1)/Observations?$top=20&$orderby=phenomenonTime desc&$count=true")[1]
    assert len(page["value"]) == 20 and page["value"][0]["result"] == 29 and page["@iot.count"] >= 30
    with urllib.request.urlopen(page["@iot.nextLink"]) as answer:
        assert json.loads(answer.read())["value"]


def test_a_row_without_all_its_components_is_refused(server: SensorThings) -> None:
    before = server.statistics()
    body = [{"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": [[1]]}]
    assert ask(server, "/CreateObservations", body)[0] == 400
    assert server.statistics() == before


def test_relations_can_be_expanded(server: SensorThings) -> None:
    thing = ask(server, "/Things(1)?$expand=Locations,Datastreams")[1]
    assert [thing["Locations"][0]["name"], thing["Datastreams"][0]["name"]] == ["Markt", "Belegung"]
    assert ask(server, "/Datastreams(1)?$expand=Thing")[1]["Thing"]["name"] == "Parkbucht 7"
    selected = ask(server, "/Things(1)?$expand=Locations&$select=name,Locations")[1]
    assert sorted(selected) == ["Locations", "name"]


def test_an_observation_without_a_time_is_of_now(server: SensorThings) -> None:
    status, made = ask(server, "/Datastreams(1)/Observations", {"result": 7})
    assert status == 201 and made["phenomenonTime"].endswith("Z")


def test_sorting_a_page_changes_no_order_of_arrival(server: SensorThings) -> None:
    arrived = server.arrived()
    ask(server, "/Datastreams(1)/Observations?$orderby=phenomenonTime desc")
    assert server.arrived() == arrived


def test_a_server_with_projects_takes_no_thing_without_one(folder: Path) -> None:
    with SensorThings(folder, "--with-projects") as server:
        assert ask(server, "/Things", THING)[0] == 400
        assert ask(server, "/Things", {**THING, "Projects": [{"@iot.id": 2}]})[0] == 400
        assert ask(server, "/Things", {**THING, "Projects": [{"@iot.id": 1}]})[0] == 201


@pytest.mark.parametrize("text", ["", "a", "name eq", "(id eq 1", "id eq 1 b", "id eq b", "name eq 'x", "eq 1 1 )"])
def test_a_filter_that_cannot_be_read_is_refused(server: SensorThings, text: str) -> None:
    status, content = ask(server, f"/Things?$filter={text}")
    assert status == 400 and "$filter" in str(content)
