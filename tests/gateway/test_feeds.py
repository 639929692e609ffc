"""Open data over HTTP in-process: who may see what, and each format read by what others read it with."""

import csv
import io
import json
import re
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient

from bordstein_gateway.config.config import Device
from bordstein_gateway.feeds import parquet, readings, streams
from bordstein_gateway.feeds.index import FEEDS, TEXTS
from bordstein_gateway.feeds.routes import Feeds
from bordstein_gateway.status import ServiceState
from bordstein_gateway.web.access import Access
from bordstein_gateway.web.publishing import Publishing
from tests.gateway.loopback import START, Log, Loopback
from tests.gateway.opening import HIDDEN, LOGIN, MARKET, ROOF, SECRET, client, fill, now_ms, town
from tests.street.processes import until


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceState]:
    folder = tmp_path_factory.mktemp("feeds")
    log = Log(folder / "store.sqlite")
    fill(log)
    yield town(log, folder)
    log.store.close()


@pytest.fixture(scope="module")
def everybody(state: ServiceState) -> Iterator[TestClient]:
    with client(state) as everybody:  # with one event loop for all
        yield everybody


@pytest.fixture
def nothing_public(state: ServiceState, tmp_path: Path) -> TestClient:
    log = Log.__new__(Log)
    log.store = state.store
    return client(town(log, tmp_path, publish=None))


def addresses(routes: list[BaseRoute], prefix: str = "") -> Iterator[str]:
    """All that can be fetched, with what stands in braces filled in."""
    for route in routes:
        if isinstance(route, Mount) and prefix + route.path != "/v1.1":
            yield from addresses(list(route.routes), prefix + route.path)
        elif isinstance(route, Route) and "GET" in (route.methods or ()):
            for what in ("sites", "spots"):
                for kind in ("table", "status"):
                    path = route.path.replace("{what:str}", what).replace("{kind:str}", kind)
                    path = path.replace("{device}", SECRET)
                    yield prefix + path.replace("/contexts/{name}", "/contexts/ParkingSpot-v1.jsonld")


SENSORTHINGS = [
    "/v1.1/",
    *(
        f"/v1.1/{entities}"
        for entities in (
            *("Things", "Locations", "HistoricalLocations", "Sensors", "ObservedProperties", "Observations"),
            *("FeaturesOfInterest", "Datastreams", "Things?$expand=Datastreams($expand=Observations),Locations"),
        )
    ),
]
"""Whose addresses no list of routes can name."""

# Who may see what


def test_nothing_unpublished_is_at_any_address_without_a_login(everybody: TestClient) -> None:
    app: Any = everybody.app
    # Below /app/ all that is there is the login: see test_pages_access.py.
    found = sorted({path for path in addresses(app.routes) if not path.startswith("/app/")} | {*SENSORTHINGS})
    assert {"/", "/api/latest", "/metrics", "/open/readings.csv", "/open/datex2/spots-status.xml"} <= set(found)
    asked = ("", f"?device={SECRET}", "?series=keller/water_level", "?property=water_level", "?from=2020-01-01")
    for address in found:
        assert "{" not in address, f"{address} is not asked"
        for query in asked[-1:] if "parquet" in address else asked[:1] if "v1.1" in address else asked:
            answer = everybody.get(address + query)
            assert answer.status_code in (200, 401, 404), address + query
            # The link to the other language repeats what was asked for.
            body = re.sub(r'href="\?[^"]*&amp;lang=en"', "", read(answer)) + str(answer.headers)
            assert [word for word in HIDDEN if word in body] == [], address + query


ODD = [
    *("//api/latest", "/%61pi/latest", "/%2561pi/latest", "/open/../api/latest", "/open/%2e%2e/api/latest"),
    *(
        "/api/latest/",
        "/API/latest",
        "/api/latest;x",
        "//v1.1/Things",
        "/v1.1//Things",
        "/v1.1/%54hings",
        "/v1.1/Things/",
    ),
    "/v1.1/Datastreams?$filter=Thing/name eq 'Geheimhaus' or startswith(Thing/name,'Geh')",
    "/v1.1/Observations?$filter=result gt 4000 and result lt 5000&$count=true",
    "/v1.1/Observations?$orderby=result desc&$top=1",
    "/v1.1/Things?$filter=Datastreams/Observations/result gt 4000",
    "/v1.1/ObservedProperties?$expand=Datastreams($expand=Thing,Observations($count=true))",
    "/v1.1/Sensors?$expand=Datastreams/Thing/Locations",
    "/v1.1/FeaturesOfInterest?$expand=Observations($expand=Datastream)",
    "/v1.1/Datastreams?$resultFormat=CSV&$expand=Thing",
    "/v1.1/Things?$resultFormat=GeoJSON",
    "/v1.1/Observations?$resultFormat=dataArray&$top=1000",
]
"""Addresses spelt in odd ways, and questions for what is not shown."""


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PROPFIND"])
def test_nothing_unpublished_is_said_however_it_is_asked_for(everybody: TestClient, method: str) -> None:
    for address in ODD:
        answer = everybody.request(method, address)
        assert answer.status_code < 500, address
        body = answer.text + str(answer.headers)
        assert [word for word in HIDDEN if word in body and word not in address] == [], address


@pytest.mark.parametrize(
    "condition", ["result gt 4000", "Datastream/Thing/name eq 'Geheimhaus'", "id ge 0 and result gt 4000"]
)
def test_no_count_tells_of_what_is_not_public(everybody: TestClient, condition: str) -> None:
    path = f"/v1.1/Observations?$count=true&$filter={condition}"
    assert everybody.get(path).json()["@iot.count"] == 0
    assert everybody.get(path, headers=LOGIN).json()["@iot.count"] == 1


def read(answer: Any) -> str:
    """What is in an answer, also in a file that is not text."""
    if answer.status_code == 200 and "parquet" in answer.headers["content-type"]:
        return str(pytest.importorskip("pyarrow.parquet").read_table(io.BytesIO(answer.content)).to_pylist())
    return str(answer.text)


def test_a_login_sees_what_is_not_public_and_no_cache_keeps_it(everybody: TestClient) -> None:
    for address in ("latest.geojson", "readings.csv", "series.csv", "metrics"):
        answer = everybody.get(f"/open/{address}", headers=LOGIN)
        assert "keller/water_level" in answer.text, address
        assert "public" not in answer.headers["cache-control"] and "Authorization" in answer.headers["vary"]
    assert "nicht öffentlich" in everybody.get("/open/", headers=LOGIN).text
    # Listed for others is only what they will get, whoever asks for the list.
    assert "water_level" not in everybody.get("/open/catalog.ttl", headers=LOGIN).text


def test_a_wrong_login_is_refused_here_too(everybody: TestClient) -> None:
    answer = everybody.get("/open/latest.geojson", headers={"authorization": "Bearer x"})
    assert answer.status_code == 401 and "features" not in answer.text


def test_without_a_section_feeds_say_that_nothing_is_public(nothing_public: TestClient) -> None:
    for path in ("", *(feed.path for feed in FEEDS)):
        answer = nothing_public.get(f"/open/{path}", headers={"accept-language": "en"})
        if path == "readings.parquet" and not parquet.is_here():
            continue
        assert answer.status_code == 404 and answer.text.startswith("This gateway publishes nothing;"), path
    assert nothing_public.get("/open/latest.geojson", headers=LOGIN).status_code == 200


def test_a_series_that_is_not_public_is_as_one_that_is_not_there(everybody: TestClient) -> None:
    said = {
        everybody.get("/open/readings.csv", params=query).text
        for query in ({"device": SECRET}, {"device": "24a1600000ff"}, {"series": "keller/water_level"})
    }
    assert len(said) == 1 and "oder sie ist nicht öffentlich" in said.pop()


# GeoJSON


def collection(everybody: TestClient, **query: Any) -> dict[str, Any]:
    answer = everybody.get("/open/latest.geojson", params=query)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/geo+json"
    found: dict[str, Any] = answer.json()
    return found


def test_geojson_follows_rfc_7946(everybody: TestClient) -> None:
    found = collection(everybody)
    assert set(found) == {"type", "features"} and found["type"] == "FeatureCollection"
    assert found["features"]
    for feature in found["features"]:
        assert set(feature) == {"type", "id", "geometry", "properties"} and feature["type"] == "Feature"
        if feature["geometry"] is not None:
            assert set(feature["geometry"]) == {"type", "coordinates"} and feature["geometry"]["type"] == "Point"
            longitude, latitude = feature["geometry"]["coordinates"]
            assert -180 <= longitude <= 180 and -90 <= latitude <= 90
        for value in feature["properties"]["values"]:
            assert value["time"].endswith("Z")
    ids = [feature["id"] for feature in found["features"]]
    assert len(ids) == len(set(ids))


def test_a_feature_has_a_stations_values(everybody: TestClient) -> None:
    (feature,) = collection(everybody, device=MARKET)["features"]
    assert collection(everybody, device=feature["id"])["features"] == [feature]
    assert feature["geometry"]["coordinates"] == [9.9937, 53.5511]
    properties = feature["properties"]
    assert (properties["name"], properties["air_temperature"], properties["fresh"]) == ("Marktplatz 7", 6.5, True)
    temperature, dust = sorted(properties["values"], key=lambda value: value["property"])
    assert (temperature["unit"], temperature["flags"], temperature["fresh"]) == ("Cel", [], True)
    assert temperature["label"] == {"de": "Lufttemperatur", "en": "Air temperature"}
    assert (dust["fresh"], dust["licence"]) == (False, "http://dcat-ap.de/def/licenses/dl-by-de/2.0")


def test_twins_and_marks_are_told(everybody: TestClient) -> None:
    (feature,) = collection(everybody, device=ROOF)["features"]
    properties = feature["properties"]
    assert feature["geometry"] is None and properties["name"] == ROOF
    assert (properties["air_air_temperature"], properties["roof_air_temperature"]) == (8.5, 9.5)
    assert [value["flags"] for value in properties["values"] if value["property"] == "pm2_5"] == [["out_of_range"]]


def test_a_choice_is_by_property_and_box(everybody: TestClient) -> None:
    assert {f["properties"]["device"] for f in collection(everybody, property="pm10,pm2_5")["features"]} == {
        MARKET,
        ROOF,
    }
    boxed = collection(everybody, bbox="9.99,53.55,9.9999,53.56")["features"]
    assert [feature["properties"]["device"] for feature in boxed] == [MARKET]
    # Over the antimeridian the west is larger than the east (RFC 7946 section 5.2).
    assert collection(everybody, bbox="170,53,-170,54")["features"] == []
    assert len(collection(everybody, bbox="9.99,-90,-170,90")["features"]) > 1
    assert collection(everybody, licence="dl-de/by-2-0")["features"][0]["properties"]["pm10"] == 11.5


MISTAKES = [
    ("bbox=1,2,3", "west,south,east,north"),
    ("bbox=1,2,3,x", "west,south,east,north"),
    ("bbox=9,54,10,53", "west,south,east,north"),
    ("bbox=nan,1,2,3", "west,south,east,north"),
    ("device=24A1", "12 lower-case hex digits"),
    ("property=pm100", "is pm10 meant?"),
    ("from=yesterday", "expected is a day like"),
    ("from=2026-07-01T06:00:00", "a time with Z"),
    ("from=2026-13-01", "expected is a day like"),
    ("to=9999-12-31", "expected is a day like"),
    ("from=2026-07-02&to=2026-07-01", "from has to be before to."),
]


@pytest.mark.parametrize(("query", "said"), MISTAKES)
def test_a_mistake_in_an_address_is_a_sentence(everybody: TestClient, query: str, said: str) -> None:
    answer = everybody.get(f"/open/readings.csv?lang=en&{query}")
    assert answer.status_code == 400 and said in answer.text and answer.text.count("\n") == 1


QUERIES = st.dictionaries(
    st.sampled_from(["device", "series", "property", "licence", "bbox", "from", "to", "lang"]),
    st.text(max_size=12) | st.sampled_from(["2026-07-01", MARKET, "pm10", "1,2,3,4", "2026-07-01T00:00:00+02:00"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from([feed.path for feed in FEEDS if "parquet" not in feed.path]), query=QUERIES)
def test_whatever_is_asked_no_answer_is_a_fault(everybody: TestClient, path: str, query: dict[str, str]) -> None:
    assert everybody.get(f"/open/{path}", params=query).status_code in (200, 400, 404)


# Caches and browsers


@pytest.mark.parametrize("path", ["latest.geojson", "parkapi/sites.json", "datex2/spots-status.xml", "catalog.ttl", ""])
def test_who_has_it_already_gets_304(everybody: TestClient, path: str) -> None:
    first = everybody.get(f"/open/{path}")
    tag = first.headers["etag"]
    for known in (tag, f'"x", {tag}', tag.removeprefix("W/"), "*"):
        again = everybody.get(f"/open/{path}", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert everybody.get(f"/open/{path}", headers={"if-none-match": '"x"'}).status_code == 200
    assert first.headers["access-control-allow-origin"] == "*"


def test_a_browser_may_ask_from_elsewhere(everybody: TestClient) -> None:
    asks = {"origin": "https://karte.example.org", "access-control-request-method": "GET",
            "access-control-request-headers": "if-none-match"}  # fmt: skip
    answer = everybody.options("/open/latest.geojson", headers=asks)
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["access-control-allow-methods"]


def test_the_newest_readings_time_is_the_answers(everybody: TestClient) -> None:
    answer = everybody.get("/open/latest.geojson")
    since = datetime.strptime(answer.headers["last-modified"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert timedelta() <= datetime.now(UTC) - since < timedelta(hours=1)
    assert answer.headers["content-encoding"] == "gzip"


# The page


@pytest.mark.parametrize("lang", ["de", "en"])
def test_the_page_lists_what_there_is(everybody: TestClient, lang: str) -> None:
    answer = everybody.get("/open/", params={"lang": lang})
    assert f'<html lang="{lang}">' in answer.text and "script" not in answer.text
    assert {"de": "Lufttemperatur", "en": "Air temperature"}[lang] in answer.text
    for feed in FEEDS:
        if feed.path != "readings.parquet" or parquet.is_here():
            assert f'href="{feed.path}"' in answer.text
            assert everybody.head(f"/open/{feed.path}").status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_both_languages_say_the_same_things() -> None:
    assert TEXTS["de"].keys() == TEXTS["en"].keys()


# Prometheus


def test_values_can_be_read_by_prometheus(everybody: TestClient) -> None:
    families = {f.name: f for f in text_string_to_metric_families(everybody.get("/open/metrics").text)}
    (sample,) = [s for s in families["bordstein_reading_air_temperature"].samples if s.labels["device"] == MARKET]
    assert sample.value == 6.5
    assert (sample.labels["unit"], sample.labels["station"]) == ("Cel", "Marktplatz 7")
    assert {s.value for s in families["bordstein_reading_parking_bay_occupied"].samples} == {0.0, 1.0}
    (age,) = [
        s
        for s in families["bordstein_reading_age_seconds"].samples
        if s.labels["device"] == MARKET and s.labels["property"] == "pm10"
    ]
    assert age.value >= 3 * 3600


# Readings


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_for_each_reading_of_the_last_day(everybody: TestClient) -> None:
    answer = everybody.get("/open/readings.csv", params={"device": MARKET})
    assert answer.headers["content-type"].startswith("text/csv")
    found = rows(answer.text)
    assert [(row["series"], row["value"], row["unit"]) for row in found] == [
        ("air/air_temperature", "6.25", "Cel"),
        ("air/air_temperature", "6.5", "Cel"),
        ("dust/pm10", "11.5", "ug/m3"),
    ]
    assert all(row["time"].endswith("Z") for row in found)
    (bay,) = rows(everybody.get("/open/readings.csv?device=24a160000010").text)
    assert bay["value"] == "false"
    (dust,) = rows(everybody.get("/open/readings.csv?property=pm2_5").text)
    assert dust["flags"] == "out_of_range"


def test_a_period_has_its_begin_and_not_its_end(everybody: TestClient) -> None:
    times = [
        row["time"] for row in rows(everybody.get(f"/open/readings.csv?device={MARKET}&property=air_temperature").text)
    ]

    def between(begin: str, end: str) -> list[str]:
        query = {"device": MARKET, "property": "air_temperature", "from": begin, "to": end}
        return [row["time"] for row in rows(everybody.get("/open/readings.csv", params=query).text)]

    assert between(times[0], times[1]) == times[:1]
    offset = datetime.fromisoformat(times[0]).astimezone(UTC).isoformat()
    assert offset.endswith("+00:00") and between(offset, times[1]) == times[:1]
    assert everybody.get(f"/open/readings.csv?device={MARKET}&to={times[1]}&from={offset}").status_code == 200
    first, last = (time[:10] for time in times)
    assert between(first, last) == times  # a day without a time is all of that day


def test_a_head_is_a_head(everybody: TestClient) -> None:
    answer = everybody.head("/open/readings.csv")
    assert (answer.status_code, answer.content) == (200, b"") and "csv" in answer.headers["content-type"]


@pytest.mark.parametrize("page", [1, 2, 3, 7])
def test_each_reading_comes_once_however_it_is_paged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(readings, "_PAGE", page)
    monkeypatch.setattr(readings, "_ROWS", 2)
    log = Log(tmp_path / "s.sqlite")
    log.add(range(10), step=7 * 3_600_000)
    if page > 1:  # of one moment there may be one in each unit
        log.add(range(3), unit="K", step=7 * 3_600_000)
    series = log.store.latest()
    found = list(readings.readings(log.store, series, START, START + 10 * readings.DAY_MS))
    assert sorted(row.id for row in found) == [row.id for row in log.store.readings_after(0, 100)]
    assert [row.time for row in found] == sorted(row.time for row in found)
    parts = list(readings.as_csv(found))
    assert len(parts) > 4 and len(rows(b"".join(parts).decode())) == len(found)
    log.store.close()


def test_an_empty_period_is_a_head_without_rows(everybody: TestClient) -> None:
    answer = everybody.get("/open/readings.csv?from=2021-01-01&to=2021-01-02")
    assert answer.text.strip() == ",".join(readings.COLUMNS)


def test_too_many_at_once_wait(state: ServiceState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST", 0)
    answer = client(state).get("/open/readings.csv?lang=en")
    assert answer.status_code == 503 and answer.headers["retry-after"] and "Too many files" in answer.text


@pytest.mark.parametrize("path", ["readings.csv", "readings.parquet"])
def test_who_goes_away_holds_nothing_up(tmp_path: Path, path: str) -> None:
    """More than sockets hold is being sent when the reader leaves: then neither the count nor a process stays."""
    if path == "readings.parquet" and not parquet.is_here():
        pytest.skip("pyarrow is not installed")
    log = Log(tmp_path / "s.sqlite")
    names = [f"part{number}/air_temperature" for number in range(20)]
    for name in names:
        log.add([number % 40 + 0.5 for number in range(5000)], series=name, start=now_ms() - 6_000_000)
    state = town(log, tmp_path, publish={"default": True})
    feeds = Feeds(state, Access(state.config), Publishing(state.config), sensorthings=False)
    before = set(psutil.Process().children())
    with Loopback(Starlette(routes=[feeds.mount()])) as server, socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(60)
        reader.connect(("127.0.0.1", server.port))
        reader.sendall(f"GET /open/{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert reader.recv(12) == b"HTTP/1.1 200"
        assert feeds.streams.count == 1 or path.endswith("parquet")  # whose few bytes may be on their way
        reader.close()
        assert until(lambda: feeds.streams.count == 0, 60)
        assert until(lambda: set(psutil.Process().children()) <= before, 60)
    log.store.close()


def test_parquet_that_breaks_off_is_no_whole_file(
    everybody: TestClient, state: ServiceState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that writes it can't: the connection is broken off, so that nobody takes the rest for all."""
    monkeypatch.setattr(parquet.sys, "executable", shutil.which("false"))
    feeds = Feeds(state, Access(state.config), Publishing(state.config), sensorthings=False)
    with Loopback(Starlette(routes=[feeds.mount()])) as server, pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(f"{server.url}/open/readings.parquet", timeout=60)
    assert feeds.streams.count == 0


def test_parquet_says_the_same_as_csv(everybody: TestClient) -> None:
    arrow = pytest.importorskip("pyarrow.parquet")
    answer = everybody.get("/open/readings.parquet")
    assert answer.status_code == 200
    table = arrow.read_table(io.BytesIO(answer.content))
    assert str(table.schema.field("time").type) == "timestamp[ms, tz=UTC]"
    plain = rows(everybody.get("/open/readings.csv").text)
    assert table.num_rows == len(plain) > 5
    numbers = {"true": 1.0, "false": 0.0}
    for row, same in zip(table.to_pylist(), plain, strict=True):
        assert row["time"] == datetime.fromisoformat(same["time"])
        assert row["value"] == (numbers[same["value"]] if same["value"] in numbers else float(same["value"]))
        assert [row[name] or "" for name in ("device", "series", "property", "unit", "flags")] == [
            same[name] for name in ("device", "series", "property", "unit", "flags")
        ]
        assert row["text"] is None


def test_without_pyarrow_a_sentence_says_what_to_do(everybody: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "is_here", lambda: False)
    answer = everybody.get("/open/readings.parquet?lang=en")
    assert answer.status_code == 501 and "pip install -r requirements-parquet.txt" in answer.text
    assert "readings.parquet" not in everybody.get("/open/").text


def test_the_list_of_series_says_where_and_under_which_licence(everybody: TestClient) -> None:
    found = {(row["device"], row["series"]): row for row in rows(everybody.get("/open/series.csv").text)}
    row = found[MARKET, "dust/pm10"]
    assert (row["name"], row["latitude"], row["property"], row["licence"]) == (
        "Marktplatz 7",
        "53.55110001",
        "pm10",
        "dl-de/by-2-0",
    )


def test_no_spreadsheet_takes_a_text_for_a_formula(tmp_path: Path) -> None:
    log = Log(tmp_path / "s.sqlite")
    log.add(['=HYPERLINK("http://x")'], series="x/word", unit="@SUM(1)", start=now_ms() - 1000)
    log.add([-1.5], series="x/other", unit="", start=now_ms() - 1000)
    state = town(log, tmp_path, publish={"default": True})
    state = replace(state, config=msgspec.structs.replace(state.config, devices=[Device(id=MARKET, name="+49 Platz")]))
    everything = client(state)
    found = {row["series"]: row for row in rows(everything.get("/open/readings.csv").text)}
    assert (found["x/word"]["value"], found["x/word"]["unit"]) == ('\'=HYPERLINK("http://x")', "'@SUM(1)")
    assert found["x/other"]["value"] == "-1.5"
    assert {row["name"] for row in rows(everything.get("/open/series.csv").text)} == {"'+49 Platz"}
    log.store.close()


def test_a_station_that_is_no_more_is_on_no_map(tmp_path: Path) -> None:
    log = Log(tmp_path / "s.sqlite")
    log.add([1.5], start=now_ms() - 1000, device=MARKET)
    log.store.register([{"device": MARKET, "state": "decommissioned"}]).result()
    open_town = client(town(log, tmp_path, publish={"default": True}))
    assert open_town.get("/open/latest.geojson").json()["features"] == []
    assert len(rows(open_town.get("/open/readings.csv").text)) == 1
    log.store.close()


def test_json_is_json_whatever_is_stored(tmp_path: Path) -> None:
    """No NaN, and bytes as hex."""
    log = Log(tmp_path / "s.sqlite")
    for number, value in enumerate(["Süd\n", b"\x00\xff", 10**15, 1e300]):
        log.add([value], series=f"x/thing{number}", unit="", start=now_ms() - 1000)
    everything = client(town(log, tmp_path, publish={"default": True}))
    text = everything.get("/open/latest.geojson").text

    def refuse(word: str) -> None:
        raise AssertionError(word)

    (feature,) = json.loads(text, parse_constant=refuse)["features"]
    assert [value["value"] for value in feature["properties"]["values"]] == ["Süd\n", "00ff", 10**15, 1e300]
    assert [row["value"] for row in rows(everything.get("/open/readings.csv").text)][:2] == ["Süd\n", "00ff"]
    log.store.close()
