"""The SensorThings API: what clients ask of it, over HTTP and with a real client, on a real store."""

import csv
import io
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from urllib.parse import quote

import frost_sta_client
import msgspec
import pytest
from starlette.testclient import TestClient

from bordstein_gateway.config.config import Config, Http, Mqtt
from bordstein_gateway.config.open_data import Publish, PublishSeries
from bordstein_gateway.sensorthings_api import evaluate, observations, view
from bordstein_gateway.sensorthings_api.kinds import KINDS
from bordstein_gateway.sensorthings_api.tally import Tally
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Store
from bordstein_gateway.store.observing import TALLY
from bordstein_gateway.web import app as web
from tests.gateway.sensorthings_town import AIR, BASE, BAY, DEPOT, MARKET, QUAY, put, served, town, walk

READINGS = 130 * 2 + 45 * 2 + 30 + 2 + 3
STREAMS = 7


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceState]:
    state = town(tmp_path_factory.mktemp("town"))
    yield state
    state.store.close()


@pytest.fixture(scope="module")
def client(state: ServiceState) -> Iterator[TestClient]:
    with TestClient(web.app(state), base_url="http://town.example", headers={"accept-language": "en"}) as client:
        yield client


class Api:
    """GET with the answer's JSON; an answer that is no success fails the test."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def __call__(self, path: str) -> Any:
        answer = self.client.get(path if path.startswith("http") else f"/v1.1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def names(self, path: str) -> list[str]:
        return [entity["name"] for entity in self(path)["value"]]

    def refused(self, path: str, status: int = 400) -> str:
        answer = self.client.get(f"/v1.1/{path}")
        content = answer.json()
        assert (answer.status_code, content["code"], content["type"]) == (status, status, "error"), answer.text
        return str(content["message"])


@pytest.fixture(scope="module")
def api(client: TestClient) -> Api:
    return Api(client)


# The model


def test_the_landing_page_names_all_sets_and_what_is_conformed_to(client: TestClient) -> None:
    for path in ("/v1.1", "/v1.1/"):
        answer = client.get(path, headers={"origin": "https://map.example"}, follow_redirects=False)
        assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "*"
        content = answer.json()
        assert {one["name"]: one["url"] for one in content["value"]} == {
            name: f"http://town.example/v1.1/{name}" for name in KINDS
        }
        assert any(one.endswith("/req/request-data") for one in content["serverSettings"]["conformance"])


def test_every_relation_leads_there_and_back(api: Api) -> None:
    seen = 0
    for kind in KINDS.values():
        for entity in walk(api, f"{kind.name}?$top=20" + ("&$filter=id le 4" if kind.name == "Observations" else "")):
            for relation, other in {**kind.one, **kind.many}.items():
                link = entity[f"{relation}@iot.navigationLink"]
                found = api(link)
                for end in found["value"] if relation in kind.many else [found]:
                    seen += 1
                    back = {**KINDS[other].one, **KINDS[other].many}
                    (way,) = [name for name, target in back.items() if target == kind.name]
                    returned = api(f"{end['@iot.selfLink']}/{way}")
                    if way in KINDS[other].one:
                        assert returned["@iot.id"] == entity["@iot.id"]
                    elif kind.name == "Observations":
                        ids = f"{end['@iot.selfLink']}/{way}({entity['@iot.id']})"
                        assert api(ids)["@iot.id"] == entity["@iot.id"]
                    else:
                        assert entity["@iot.id"] in [one["@iot.id"] for one in returned["value"]]
    assert seen > 60


def test_each_mandatory_member_is_there(api: Api) -> None:
    """OGC 18-088 section 8.2, tables 2 to 17."""
    optional = {"observedArea", "resultQuality", "validTime", "parameters"}
    for kind in KINDS.values():
        for entity in api(f"{kind.name}?$top=1000")["value"]:
            assert set(kind.properties) - optional <= entity.keys(), entity
            assert isinstance(entity["@iot.id"], int)
            assert api(entity["@iot.selfLink"]) == entity


def test_a_datastream_says_since_when_and_where(api: Api) -> None:
    stream = api(f"Datastreams?$filter=properties/series eq '{AIR}' and Thing/name eq 'Marktplatz 7'")["value"][0]
    assert stream["phenomenonTime"] == "2026-09-21T14:13:20Z/2026-09-21T16:22:20Z"
    assert stream["observedArea"] == {"type": "Point", "coordinates": [9.9937, 53.5511]}
    assert stream["unitOfMeasurement"]["symbol"] == "°C"
    assert stream["name"] == "Lufttemperatur (air/air_temperature, Marktplatz 7)"


def test_values_of_every_type_are_results(api: Api) -> None:
    depot = api("Observations?$filter=Datastream/properties/series eq 'x/unheard_of'&$select=result")
    assert [one["result"] for one in depot["value"]] == ["o'clock", "01ff", "grün"]
    bay = api(f"Observations?$filter=Datastream/properties/series eq '{BAY}'&$top=2&$select=result")
    assert [one["result"] for one in bay["value"]] == [True, False]
    assert api("Observations(10)")["parameters"] == {"flags": ["stuck"]}


# What clients ask


def test_masterportal_finds_the_things_of_its_map_with_their_newest_values(api: Api) -> None:
    content = api(
        "Things?$filter=startswith(Things/name,'Mark') and st_within(Locations/location,geography'POLYGON"
        " ((9 53,11 53,11 54,9 54,9 53))')&$expand=Locations,Datastreams($expand=Observations($top=1;"
        "$orderby=phenomenonTime desc))"
    )
    (thing,) = content["value"]
    assert thing["Locations"][0]["location"]["coordinates"] == [9.9937, 53.5511]
    newest = {one["properties"]["series"]: one["Observations"][0]["result"] for one in thing["Datastreams"]}
    assert newest == {AIR: 20 + 129 / 8, "air/relative_humidity": 52.5, BAY: False}
    for stream in thing["Datastreams"]:
        # Masterportal goes on only while the link's $skip is below its $top.
        assert "$top=1&$skip=1&" in stream["Observations@iot.nextLink"]


def test_masterportal_asks_datastreams_for_their_things_places(api: Api) -> None:
    found = api.names(
        "Datastreams?$filter=st_intersects(Thing/Locations/location,geography'POLYGON"
        " ((10 54,11 54,11 55,10 55,10 54))')"
    )
    assert found == [
        "Lufttemperatur (air/air_temperature, Käpt'n-Kai)",
        "Relative Luftfeuchte (air/relative_humidity, Käpt'n-Kai)",
    ]


def test_qgis_probes_for_geometries_and_pages_through(api: Api) -> None:
    probe = "Locations?$top=0&$count=true&$filter=location/type eq '{0}' or location/geometry/type eq '{0}'"
    assert api(probe.format("Point")) == {"@iot.count": 2, "value": []}
    assert api(probe.format("Polygon")) == {"@iot.count": 0, "value": []}
    things = api("Things?$top=100&$count=false&$expand=Datastreams($orderby=id;$top=100)")
    assert "@iot.count" not in things
    assert [len(thing["Datastreams"]) for thing in things["value"]] == [3, 2, 2]
    rows = list(walk(api, "Observations?$top=100&$expand=Datastream($top=100)"))
    assert len({row["@iot.id"] for row in rows}) == len(rows) == READINGS
    assert rows[0]["Datastream"]["name"].startswith("Lufttemperatur")
    nested = api("Things?$expand=Locations($orderby=id desc;$top=3;$expand=HistoricalLocations($top=1))")
    assert nested["value"][0]["Locations"][0]["HistoricalLocations"][0]["time"].endswith("Z")


def test_pygeoapi_gets_features_of_datastreams_and_observations(api: Api) -> None:
    """As its provider for SensorThings asks (pygeoapi 0.21)."""
    stream = api(
        "Datastreams?$skip=0&$top=2&$orderby=name+desc&$expand=Sensor,ObservedProperty,Thing/Locations,"
        "Observations($select=@iot.id;$orderby=phenomenonTime+desc),Observations/FeatureOfInterest($select=feature)"
    )["value"][1]
    assert stream["Thing"]["Locations"][0]["location"]["type"] == "Point"
    assert stream["Observations"][0]["@iot.id"] == stream["Observations"][-1]["@iot.id"] + 29
    assert stream["Observations"][0]["FeatureOfInterest"] == {"feature": stream["observedArea"]}
    span = "phenomenonTime+ge+2026-09-21+and+phenomenonTime+le+2026-09-22"
    inside = "st_within(FeatureOfInterest/feature,geography'POLYGON((10+54,11+54,11+55,10+55,10+54))')"
    rows = api(f"Observations?$skip=0&$top=10&$count=true&$filter={span}+and+{inside}&$expand=Datastream")
    assert rows["@iot.count"] == 175
    unknown = api("FeaturesOfInterest(3)")["feature"]
    assert unknown == {"type": "GeometryCollection", "geometries": []}
    assert api("Things?$filter=id eq 3&$resultFormat=GeoJSON")["features"][0]["geometry"] is None


@pytest.mark.filterwarnings("ignore:furl:DeprecationWarning")
def test_frost_sta_client_walks_all_of_it(state: ServiceState) -> None:
    with served(web.app(state)) as address:
        service = frost_sta_client.SensorThingsService(f"{address}/v1.1")
        things = service.things().query().filter("name eq 'Marktplatz 7'").expand("Datastreams,Locations").list()
        (thing,) = list(things)
        assert thing.properties["deviceId"].startswith("urn:dev:mac:")
        assert len(thing.datastreams.entities) == 3 and thing.locations.entities[0].location["type"] == "Point"
        stream = service.datastreams().find(thing.datastreams.entities[0].id)
        rows = list(stream.get_observations().query().top(50).orderby("phenomenonTime", "DESC").list())
        assert [row.result for row in rows] == [20 + number / 8 for number in reversed(range(130))]
        counted = service.observations().query().filter("result gt 280").count().list()
        assert counted.count == len(list(counted)) == 2
        sets = [
            *(service.locations(), service.historical_locations(), service.sensors(), service.datastreams()),
            *(service.observed_properties(), service.features_of_interest(), service.observations()),
        ]
        sizes = [len(list(one.query().top(3).list())) for one in sets]
        assert sizes == [2, 2, 3, STREAMS, 4, 3, READINGS]
        assert service.observations().find(3).phenomenon_time == "2026-09-21T14:15:20Z"


def test_nested_pages_hold_every_entity_once(api: Api) -> None:
    things = walk(api, "Things?$top=1&$expand=Datastreams($top=1;$expand=Observations($top=40))")
    ids = [row["@iot.id"] for thing in things for stream in thing["Datastreams"] for row in stream["Observations"]]
    assert len(ids) == READINGS and set(ids) == set(range(1, READINGS + 1))


@pytest.mark.parametrize("order", ["", "&$orderby=id desc", "&$orderby=phenomenonTime desc", "&$orderby=result desc"])
@pytest.mark.parametrize("condition", ["", "&$filter=result gt 21 and id lt 300"])
def test_pages_hold_every_observation_once_in_any_order(api: Api, order: str, condition: str) -> None:
    paged = [one["@iot.id"] for one in walk(api, f"Observations?$top=7&$select=id{order}{condition}")]
    whole = api(f"Observations?$top=1000&$count=true&$select=id{order}{condition}")
    assert paged == [one["@iot.id"] for one in whole["value"]]
    assert len(set(paged)) == len(paged) == whole["@iot.count"]


def test_pages_go_on_where_they_were_though_readings_come_in(state: ServiceState, api: Api) -> None:
    first = api("Datastreams(1)/Observations?$top=100&$orderby=phenomenonTime desc&$select=id")
    state.store.newest_id()
    skipped = api("Datastreams(1)/Observations?$top=100&$skip=100&$orderby=phenomenonTime desc&$select=id")
    assert api(first["@iot.nextLink"]) == skipped
    assert len(skipped["value"]) == 30 and "@iot.nextLink" not in skipped


def test_no_page_is_longer_than_a_thousand(api: Api, state: ServiceState) -> None:
    content = api("Observations?$top=100000")
    assert len(content["value"]) == READINGS
    assert len(api("Observations")["value"]) == 100


# Options


def test_expanding_by_path_and_by_nesting_is_the_same(api: Api) -> None:
    by_path = api("Things?$expand=Datastreams/ObservedProperty,Datastreams/Sensor,Locations")
    nested = api("Things?$expand=Datastreams($expand=ObservedProperty,Sensor),Locations")
    assert by_path == nested
    assert nested["value"][0]["Datastreams"][0]["Sensor"]["name"] == "Bordstein air"


def test_select_leaves_out_the_rest(api: Api) -> None:
    content = api("Datastreams(1)?$select=name,unitOfMeasurement/symbol,Thing&$expand=Sensor($select=id)")
    assert content == {
        "name": "Lufttemperatur (air/air_temperature, Marktplatz 7)",
        "unitOfMeasurement": {"symbol": "°C"},
        "Thing@iot.navigationLink": "http://town.example/v1.1/Datastreams(1)/Thing",
        "Sensor": {"@iot.id": 1},
    }


def test_nested_options_filter_sort_count_and_skip(api: Api) -> None:
    (thing,) = api(
        "Things?$filter=id eq 1&$expand=Datastreams($filter=contains(name,'Luft');$orderby=name desc;$count=true;"
        "$select=name;$skip=1;$top=1)"
    )["value"]
    assert thing["Datastreams"] == [{"name": "Lufttemperatur (air/air_temperature, Marktplatz 7)"}]
    assert thing["Datastreams@iot.count"] == 2 and "Datastreams@iot.nextLink" not in thing


def test_properties_values_and_references(client: TestClient, api: Api) -> None:
    assert api("Things(1)/name") == {"name": "Marktplatz 7"}
    assert client.get("/v1.1/Things(1)/name/$value").text == "Marktplatz 7"
    assert api("Datastreams(1)/unitOfMeasurement/symbol") == {"symbol": "°C"}
    assert client.get("/v1.1/Observations(1)/result/$value").text == "20.0"
    assert api("Observations(1)/Datastream/Thing/Locations(1)/location/type") == {"type": "Point"}
    assert api("Things/$ref?$top=1") == {
        "value": [{"@iot.selfLink": "http://town.example/v1.1/Things(1)"}],
        "@iot.nextLink": "http://town.example/v1.1/Things/$ref?$top=1&$skip=1",
    }
    assert client.get("/v1.1/Things/$count").text == "3"
    assert client.get("/v1.1/Observations(1)/resultQuality/$value").status_code == 204


@pytest.mark.parametrize(
    ("path", "things"),
    [
        ("properties/deviceId eq 'urn:dev:mac:24a160fffe000002'", [2]),
        ("Datastreams/ObservedProperty/name eq 'Stellplatz belegt'", [1]),
        ("Datastreams/unitOfMeasurement/name eq 'K'", [3]),
        ("Datastreams/Observations/result eq true", [1]),
        ("Datastreams/Observations/result gt 280 or not (name ge 'L')", [2, 3]),
        ("geo.distance(Locations/location,geography'POINT (10 53.5)') lt 0.1", [1]),
        ("Locations/location/coordinates/1 gt 54", [2]),
        ("name eq 'Käpt''n-Kai'", [2]),
        ("id in (1,3) and description ne 'Lampenmast'", [3]),
        ("length(name) add 1 eq 13 and indexof(name,'platz') eq 5", [1]),
        ("Locations/name eq null", []),
        ("Locations/HistoricalLocations/time lt now() add duration'PT1H'", [1, 2]),
        ("st_equals(Locations/location,geography'SRID=4326;POINT (10.5 54.2)')", [2]),
        ("not st_disjoint(geography'POLYGON ((9 53,11 53,11 54,9 54,9 53))',Locations/location)", [1, 3]),
        ("st_relate(Locations/location,geography'POINT (10.5 54.2)','0FFFFFFF2')", [2]),
        (
            "Datastreams/phenomenonTime gt 2026-09-21T14:13:19Z and Datastreams/phenomenonTime lt 2026-09-21T14:16:00Z",
            [3],
        ),
        ("before(Datastreams/phenomenonTime,2026-09-21T14:15:00Z)", [3]),
    ],
)
def test_things_are_found_by_what_they_are_and_have(api: Api, path: str, things: list[int]) -> None:
    assert [thing["@iot.id"] for thing in api(f"Things?$filter={quote(path)}")["value"]] == things


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("phenomenonTime ge 2026-09-21T14:20:00Z and phenomenonTime lt 2026-09-21T14:21:20Z", 5),
        ("2026-09-21T16:20:20Z le resultTime", 6),
        ("phenomenonTime gt 2026-09-21T16:20:20.000Z", 4),
        ("phenomenonTime eq 2026-09-21T16:13:20%2B00:00", 2),
        ("phenomenonTime eq 2026-09-21T18:13:20+02:00", 2),  # a + that nobody escaped
        ("phenomenonTime lt 2026-09-21", 0),
        ("phenomenonTime ge 2026-09-21 and date(phenomenonTime) lt 2026-09-22", READINGS),
        ("phenomenonTime gt '2026-09-21T16:21:20Z' and not (resultTime gt '2026-09-22')", 2),
        ("phenomenonTime ne 'x'", READINGS),
        ("Datastream/Thing/id eq 1", 205),
        ("FeatureOfInterest/name eq 'Marktplatz 7' and result eq true", 10),
        ("parameters/flags/0 eq 'stuck'", 13 * 2 + 4 * 2 + 3),
        ("during(phenomenonTime,2026-09-21T14:13:20Z/2026-09-21T14:14:20Z)", 14),
        ("minute(phenomenonTime) eq 14 and date(phenomenonTime) eq 2026-09-21", 11),
        ("id gt 3 and id le 5", 2),
        ("result ge 280.5 and result mod 1 eq 0", 1),
        ("phenomenonTime sub 2026-09-21T14:13:20Z ge duration'PT2H9M'", 2),
        ("Datastream/name eq 'nobody'", 0),
    ],
)
def test_observations_are_found_and_counted(api: Api, condition: str, count: int) -> None:
    content = api(f"Observations?$count=true&$top=1000&$filter={condition}")
    assert content["@iot.count"] == len(content["value"]) == count


def test_data_arrays(api: Api) -> None:
    content = api("Observations?$resultFormat=dataArray&$select=result,phenomenonTime&$filter=id le 131&$top=131")
    assert [one["Datastream@iot.navigationLink"][-14:] for one in content["value"]] == [
        "Datastreams(1)",
        "Datastreams(2)",
    ]
    assert content["value"][1] == {
        "Datastream@iot.navigationLink": "http://town.example/v1.1/Datastreams(2)",
        "components": ["result", "phenomenonTime"],
        "dataArray@iot.count": 1,
        "dataArray": [[50.5, "2026-09-21T14:13:20Z"]],
    }
    more = api("Datastreams(1)/Observations?resultFormat=dataArray&$top=100")
    assert more["value"][0]["dataArray"][0][0] == 1
    assert len(api(more["@iot.nextLink"])["value"][0]["dataArray"]) == 30


def test_csv_and_geojson(client: TestClient, api: Api) -> None:
    answer = client.get("/v1.1/Observations?$resultFormat=CSV&$top=2&$orderby=id&$expand=Datastream($select=name)")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows[1]["result"] == "20.125" and rows[1]["Datastream/name"].startswith("Lufttemperatur")
    assert 'rel="next"' in answer.headers["link"]
    features = api("Datastreams?$resultFormat=GeoJSON&$top=1")["features"]
    assert features[0]["geometry"] == {"type": "Point", "coordinates": [9.9937, 53.5511]}
    assert features[0]["properties"]["unitOfMeasurement/symbol"] == "°C"


# Refusals


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("Things?$filter=name eq", "$filter, at its end: something is missing"),
        ("Things?$filter=name foo 'x'", "$filter, at character 6: 'foo' does not fit there"),
        ("Things?$filter=nam eq 'x'", "$filter, at character 1: a Thing has no nam"),
        ("Things?$filter=length(name,1) gt 2", "$filter, at character 1: length takes 1 arguments"),
        ("Things?$filter=size(name) gt 2", "$filter, at character 1: there is no function size"),
        ("Things?$filter=name eq 'x", "$filter, at character 9"),
        ("Things?$filter=Locations eq 1", "$filter, at character 10: Locations is no value"),
        ("Things?$filter=st_within(Locations/location,geography'POLYGON ((1 1,2 2))')", "$filter, at character 30"),
        ("Things?$filter=duration'P' eq 1", "$filter, at character 1"),
        ("Observations?$filter=phenomenonTime gt 2026-13-01T00:00:00Z", "$filter, at character 19"),
        ("Things?$expand=Datastream", "$expand, at character 1: a Thing has no relation Datastream"),
        ("Things?$expand=Datastreams($top=x)", "$expand, at character 18"),
        ("Things?$expand=Datastreams($filter=x eq 1)", "a Datastream has no x"),
        ("Things?$orderby=name up", "$orderby, at character 6"),
        ("Things?$select=nothing", "$select, at character 1"),
        ("Things?$top=-1", "$top, at character 1"),
        ("Things?$top=1&$top=2", "$top is there twice"),
        ("Things?$count=yes", "$count, at character 1"),
        ("Things?$apply=x", "$apply is not known here"),
        ("Things(1)?$top=1", "$top is for sets of entities"),
        ("Things?$resultFormat=XML", "'XML' is not known"),
        ("Things?$resultFormat=dataArray", "dataArray is for Observations"),
        ("Observations?$skiptoken=x", "follow @iot.nextLink"),
        ("Things?$filter=%FF", "UTF-8"),
        ("Things?$filter=" + "(" * 100 + "true" + ")" * 100, "levels deep"),
        ("Things?$filter=" + "not " * 100 + "true", "levels deep"),
        ("Things?$filter=" + "Datastreams/Thing/" * 300 + "name eq 'x'", "parts in a row"),
        ("Things?$expand=" + "Datastreams/Thing/" * 10 + "Datastreams", "parts in a row"),
        ("Things?$expand=" + "Datastreams/Thing/" * 6 + "Datastreams", "relations one after the other"),
        (
            "Things?$expand=" + "Datastreams($expand=Thing($expand=" * 6 + "Datastreams" + "))" * 6,
            "one after the other",
        ),
        ("Observations?$orderby=" + "result," * 1000 + "id", "parts in a row"),
        ("Observations?$filter=id eq " + "9" * 5000, "digits"),
        ("Things?$filter=properties/" + "9" * 5000 + " eq 1", "digits"),
        ("Locations?$select=location/coordinates/" + "9" * 5000, "digits"),
    ],
)
def test_a_mistake_is_named_with_its_place(api: Api, path: str, words: str) -> None:
    assert words in api.refused(path)


@pytest.mark.parametrize(
    "path",
    ["Thing", "Things(99)", "Things('x')", "Things(-1)", "Things(1)/Sensors", "Datastreams(1)/Thing(1)", "$value",
     "Observations(9999999999999999999999)", "Things(1", "Things/name", "Datastreams(1)/Observations(400)",
     "Things(1)/name/x", "Things(" + "9" * 5000 + ")", "Locations(1)/location/coordinates/" + "9" * 5000],
)  # fmt: skip
def test_what_is_not_there_is_said_with_404(api: Api, path: str) -> None:
    assert api.refused(path, 404)


def test_mistakes_are_said_in_the_language_of_who_asks(client: TestClient) -> None:
    for language, words in (
        ("de-DE,en;q=0.5", "$filter, Zeichen 6: 'foo' passt dort nicht; erwartet ist"),
        ("en-GB", "$filter, at"),
    ):
        answer = client.get("/v1.1/Things?$filter=name foo 'x'", headers={"accept-language": language})
        assert answer.json()["message"].startswith(words)


@pytest.mark.parametrize("path", ["Things(1)/name/$value", "Things", "Things(99)"])
def test_no_answer_is_taken_for_a_page(client: TestClient, path: str) -> None:
    assert client.get(f"/v1.1/{path}").headers["x-content-type-options"] == "nosniff"


def test_nothing_can_be_written(client: TestClient) -> None:
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        answer = client.request(method, "/v1.1/Things(1)")
        assert answer.status_code == 405 and answer.headers["allow"] == "GET, HEAD, OPTIONS"
        assert "for reading" in answer.json()["message"]


def test_pages_of_any_origin_may_ask(client: TestClient) -> None:
    origin = {"origin": "https://map.example"}
    answer = client.get("/v1.1/Things", headers=origin)
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = {**origin, "access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    answer = client.options("/v1.1/Things", headers=asked)
    assert answer.status_code == 200 and "authorization" in answer.headers["access-control-allow-headers"].lower()
    answer = client.options("/v1.1/Things")
    assert answer.status_code == 204 and answer.headers["allow"] == "GET, HEAD, OPTIONS"
    answer = client.head("/v1.1/Things")
    assert answer.status_code == 200 and answer.text == ""


def test_too_much_at_once_is_refused_with_what_to_narrow(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "SORTED", 50)
    assert "phenomenonTime ge" in api.refused("Observations?$orderby=result")
    monkeypatch.setattr(observations, "SKIPPED", 50)
    assert "@iot.nextLink" in api.refused("Observations?$skip=51")
    monkeypatch.setattr(view, "LONGEST_S", 0.0)
    assert "takes more than" in api.refused("Datastreams?$expand=Observations($top=1)")
    monkeypatch.undo()
    monkeypatch.setattr(evaluate, "COMBINATIONS", 50)
    pairs = "Datastreams/Observations/result eq Datastreams/Observations/id"
    assert "too many values" in api.refused(f"Things?$filter={pairs}")
    monkeypatch.setattr(view, "STEPS", 500)
    assert "Too many ways" in api.refused("Things?$filter=" + "Datastreams/Thing/" * 9 + "name eq 'x'")
    monkeypatch.setattr(observations, "COUNTED", 50)
    assert "more than 50" in api.refused("Observations?$count=true&$filter=phenomenonTime gt 2026-09-21T00:00:00Z")


# Who sees what


@pytest.fixture
def opened(state: ServiceState, tmp_path: Path) -> ServiceState:
    """The same town, which publishes one series."""
    (tmp_path / "token").write_text("let-me-in\n")
    publish = Publish(
        licence="dl-de/by-2-0", attribution="Stadt", default=False, series=[PublishSeries(device=MARKET, series=AIR)]
    )
    http = Http(reader_token_file=str(tmp_path / "token"))
    return replace(state, config=msgspec.structs.replace(state.config, publish=publish, http=http))


def test_what_is_not_public_can_not_be_seen_from_anywhere(opened: ServiceState) -> None:
    with TestClient(web.app(opened)) as client:
        api = Api(client)
        (thing,) = api("Things?$expand=Datastreams($expand=Observations($count=true;$top=0))")["value"]
        (stream,) = thing["Datastreams"]
        assert stream["Observations@iot.count"] == 130
        assert stream["properties"]["licence"] == "http://dcat-ap.de/def/licenses/dl-by-de/2.0"
        assert stream["properties"]["attribution"] == "Stadt"
        assert api("Observations?$count=true&$top=0")["@iot.count"] == 130
        assert {one["@iot.id"] for one in api("Observations?$top=1000")["value"]} == set(range(1, 131))
        for kind in KINDS:
            assert len(api(f"{kind}?$top=1000")["value"]) == (130 if kind == "Observations" else 1)
        # Other series and readings by their ids, and by what hangs on a shared Sensor.
        for path in ("Things(2)", "Datastreams(2)", "Observations(131)", "FeaturesOfInterest(2)", "Locations(2)"):
            api.refused(path, 404)
        assert len(api("Sensors(1)/Datastreams")["value"]) == 1
        assert api("Sensors?$filter=Datastreams/Thing/id eq 2")["value"] == []


def test_who_has_a_login_sees_everything_and_a_wrong_one_nothing(opened: ServiceState) -> None:
    with TestClient(web.app(opened)) as client:
        answer = client.get("/v1.1/Datastreams", headers={"authorization": "Bearer let-me-in"})
        assert len(answer.json()["value"]) == STREAMS
        answer = client.get("/v1.1/Datastreams", headers={"authorization": "Bearer x", "origin": "https://map.example"})
        assert answer.status_code == answer.json()["code"] == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert answer.headers["access-control-allow-origin"] == "*"


# As time goes on


def test_new_boards_series_names_and_readings_are_seen_at_once(store: Store) -> None:
    api = Api(TestClient(web.app(ServiceState(Config(mqtt=Mqtt(host="localhost")), store))))
    for kind in KINDS:
        assert api(f"{kind}?$count=true") == {"@iot.count": 0, "value": []}
    put(store, QUAY, AIR, [1.5, 2.5])
    assert api.names("Things") == [QUAY]
    assert api("Observations?$count=true")["@iot.count"] == 2
    put(store, QUAY, AIR, [0.5], first=BASE - 86_400_000 * 40)  # late
    assert api("Datastreams(1)/Observations?$count=true")["@iot.count"] == 3
    assert api("Datastreams(1)/phenomenonTime")["phenomenonTime"].startswith("2026-08-12T14:13:20Z/")
    assert [one["result"] for one in api("Datastreams(1)/Observations")["value"]] == [0.5, 1.5, 2.5]
    store.register([{"device": QUAY, "place": "Am Kai", "latitude": 54.0, "longitude": 10.0}]).result()
    assert api.names("Things") == ["Am Kai"] and len(api("Things(1)/Locations")["value"]) == 1
    put(store, DEPOT, AIR, [3.5])
    assert len(api("Things")["value"]) == 2


def test_a_time_that_nobody_can_know_is_not_shown(store: Store) -> None:
    api = Api(TestClient(web.app(ServiceState(Config(mqtt=Mqtt(host="localhost")), store))))
    put(store, QUAY, AIR, [1.5])
    put(store, QUAY, AIR, [9.5], first=int(time.time() * 1000) + 86_400_000 * 400)
    for order in ("", "&$orderby=id", "&$orderby=phenomenonTime desc"):
        content = api(f"Datastreams(1)/Observations?$count=true{order}")
        assert [one["result"] for one in content["value"]] == [1.5] and content["@iot.count"] == 1
    api.refused("Observations(2)", 404)
    begin, _, end = api("Datastreams(1)/phenomenonTime")["phenomenonTime"].partition("/")
    assert math.isclose(datetime.fromisoformat(begin).timestamp(), BASE / 1000) and end >= begin


def test_counts_outlive_a_restart(store: Store) -> None:
    put(store, QUAY, AIR, [1.5, 2.5])
    assert Tally(store).accounts()[1].readings == 2
    put(store, QUAY, AIR, [3.5], first=BASE + 3_600_000)
    again = Tally(store)
    assert set(store.remote_get(TALLY)) == {"counted"}
    assert again.accounts()[1].readings == 3
    assert again.accounts()[1].first == BASE


def test_counts_are_made_anew_when_readings_were_removed(store: Store) -> None:
    put(store, QUAY, AIR, [1.5, 2.5, 3.5])
    tally = Tally(store)
    assert tally.accounts()[1].readings == 3

    def thin(connection: Connection) -> None:
        connection.execute("DELETE FROM reading WHERE id = 1")
        store.readings_removed(connection)

    store.submit(thin).result()
    assert tally.accounts()[1] == Tally(store).accounts()[1] == (2, BASE + 60_000, BASE + 120_000)
