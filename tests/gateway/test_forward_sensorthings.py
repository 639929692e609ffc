"""What a SensorThings server is told: entities once, Observations as the standard wants them, sentences for people."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from bordstein_gateway.config.config import Device, SensorThings
from bordstein_gateway.forward.sensorthings.target import SensorThingsTarget
from bordstein_gateway.forward.target import Refused, Retry
from tests.gateway.loopback import START, Log, Loopback
from tests.street.sensorthings_server import ROOT, Server

DEVICE = "24a160000001"
URN = "urn:dev:mac:24a160fffe000001"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "store.sqlite")
    yield log
    log.store.close()


def with_target(
    log: Log, settings: SensorThings, work: Callable[[SensorThingsTarget], Awaitable[Any]], *devices: Device
) -> Any:
    async def run() -> Any:
        target = SensorThingsTarget("x", settings, devices, log.store)
        try:
            return await work(target)
        finally:
            await target.close()

    return asyncio.run(run())


def send(log: Log, url: str, *devices: Device, after: int = 0, **settings: Any) -> list[Refused]:
    rows = log.store.readings_after(after, 10_000)
    return with_target(log, SensorThings(url=url, **settings), lambda target: target.send(rows), *devices)


def there(log: Log, url: str) -> set[int]:
    rows = log.store.readings_after(0, 10_000)
    return with_target(log, SensorThings(url=url), lambda target: target.there(rows))


def entities(server: Server, kind: str) -> list[dict[str, Any]]:
    return list(server.model.entities[kind].values())


@pytest.mark.parametrize("status", [403, 405, 501])
def test_what_a_server_does_not_let_be_changed_or_sent_in_arrays_holds_up_no_reading(log: Log, status: int) -> None:
    server = Server()
    refused: list[str] = []

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        arrays = scope["path"].endswith("/CreateObservations") and status != 403
        if scope["method"] == "PATCH" or arrays:
            refused.append(scope["method"])
            await PlainTextResponse("not here", status)(scope, receive, send)
        elif scope["method"] == "GET" and scope["path"].rstrip("/") == ROOT:
            await JSONResponse({"value": []})(scope, receive, send)  # does not say what it can
        else:
            await server.app()(scope, receive, send)

    log.add([8.15])
    with Loopback(answer) as host:
        assert send(log, host.url + ROOT, Device(id=DEVICE, name="Markt")) == []
        log.add([9.15], start=START + 1000)
        assert send(log, host.url + ROOT, Device(id=DEVICE, name="Markt 7"), after=1) == []
    assert "PATCH" in refused and ("POST" in refused) is (status != 403)
    assert [row["result"] for row in entities(server, "Observations")] == [8.15, 9.15]


def test_a_list_whose_next_page_is_itself_has_an_end(log: Log) -> None:
    server = Server()
    log.add([8.15])

    def page(request: Request) -> Response:
        return JSONResponse({"value": [{"phenomenonTime": "2026-11-24T12:00:00Z"}], "@iot.nextLink": str(request.url)})

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        looks = scope["type"] == "http" and scope["method"] == "GET" and scope["path"].endswith("/Observations")
        await (page(Request(scope)) if looks else server.app())(scope, receive, send)

    with Loopback(answer) as host:
        assert send(log, host.url + ROOT) == []
        with pytest.raises(Retry, match="its nextLink points to itself"):
            there(log, host.url + ROOT)


def test_a_board_with_a_place_becomes_a_thing_with_a_location_and_datastreams(log: Log) -> None:
    server = Server()
    log.add([8.15])
    log.add([True], series="bay/parking_bay_occupied", unit="/")
    log.add([3], series="people/pedestrian_count", unit="count")
    with Loopback(server.app()) as host:
        device = Device(id=DEVICE, name="Marktplatz 7", description="Mast", latitude=53.5511, longitude=9.9937)
        assert send(log, host.url + ROOT, device) == []
    (thing,) = entities(server, "Things")
    assert (thing["name"], thing["description"], thing["properties"]) == ("Marktplatz 7", "Mast", {"deviceId": URN})
    (location,) = entities(server, "Locations")
    assert location["location"] == {"type": "Point", "coordinates": [9.9937, 53.5511]}
    streams = {entity["properties"]["series"]: entity for entity in entities(server, "Datastreams")}
    air = streams["air/air_temperature"]
    assert air["name"] == "Lufttemperatur (air/air_temperature, Marktplatz 7)"
    assert air["unitOfMeasurement"] == {
        "name": "Cel",
        "symbol": "°C",
        "definition": "http://unitsofmeasure.org/ucum.html#Cel",
    }
    assert [stream["observationType"].rpartition("/")[2] for stream in streams.values()] == [
        "OM_Measurement",
        "OM_TruthObservation",
        "OM_CountObservation",
    ]
    (temperature, *_) = entities(server, "ObservedProperties")
    assert temperature["name"] == "Lufttemperatur"
    assert temperature["definition"] == "http://vocab.nerc.ac.uk/standard_name/air_temperature/"
    assert [row["result"] for row in entities(server, "Observations")] == [8.15, True, 3]


def test_names_are_english_where_that_is_configured(log: Log) -> None:
    server = Server()
    log.add([8.15])
    with Loopback(server.app()) as host:
        send(log, host.url + ROOT, language="en")
    assert entities(server, "ObservedProperties")[0]["name"] == "Air temperature"


def test_entities_are_made_once_and_shared_even_when_their_ids_were_forgotten(log: Log) -> None:
    server = Server()
    devices = [f"24a16000000{number}" for number in range(1, 4)]
    for device in devices:
        log.add([8.15], device=device)
        log.add([70.0], series="air/relative_humidity", unit="%RH", device=device)
    named = [Device(id=device, name=f"Bei 'Peter's' Kiosk ''{device[-1]}") for device in devices]
    with Loopback(server.app()) as host:
        for _ in range(2):
            send(log, host.url + ROOT, *named)
            log.store.remote_clear("x").result()
        send(log, host.url + ROOT + "/", *named)  # the same server, written otherwise
    counts = server.model.statistics()
    kinds = ("Things", "Datastreams", "ObservedProperties", "Sensors")
    assert [counts[kind] for kind in kinds] == [3, 6, 2, 1]
    assert counts["Observations"] == 18  # send() does not look: that is the outbox's to ask for


def test_times_are_utc_with_z_and_milliseconds_only_where_there_are_any(log: Log) -> None:
    server = Server()
    log.add([1.0, 2.0], step=500)
    with Loopback(server.app()) as host:
        send(log, host.url + ROOT)
    assert [row["phenomenonTime"] for row in entities(server, "Observations")] == [
        "2026-11-24T12:00:00Z",
        "2026-11-24T12:00:00.500Z",
    ]
    assert all(row["resultTime"] == row["phenomenonTime"] for row in entities(server, "Observations"))


@pytest.mark.parametrize("arrays", [True, False])
def test_plausibility_marks_travel_with_the_observation_and_change_no_order(log: Log, arrays: bool) -> None:
    server = Server(data_array=arrays)
    for number, flags in enumerate((0, 1, 6, 0)):
        log.add([float(number)], start=START + number * 1000, flags=flags)
    with Loopback(server.app()) as host:
        assert send(log, host.url + ROOT) == []
    found = [(row["result"], row.get("parameters")) for row in entities(server, "Observations")]
    assert found == [
        (0.0, None),
        (1.0, {"flags": ["out_of_range"]}),
        (2.0, {"flags": ["stuck", "clock_unsure"]}),
        (3.0, None),
    ]


@pytest.mark.parametrize("arrays", [True, False])
def test_a_row_the_server_can_not_take_is_refused_with_its_reason_and_no_other(log: Log, arrays: bool) -> None:
    server = Server(data_array=arrays)
    log.add([1.0, "warm", 3.0])
    with Loopback(server.app()) as host:
        (refused,) = send(log, host.url + ROOT)
        assert refused.id == 2
        assert "'warm' does not fit" in refused.reason
        assert refused.reason.startswith("400: ")
    assert [row["result"] for row in entities(server, "Observations")] == [1.0, 3.0]


class Silent(Server):
    """A server whose landing page does not list what it can."""

    async def landing(self, request: Request) -> Response:
        return JSONResponse({"value": []})


@pytest.mark.parametrize("arrays", [True, False])
def test_a_server_that_does_not_say_whether_it_takes_arrays_is_asked_by_trying_once(log: Log, arrays: bool) -> None:
    server = Silent(data_array=arrays)
    log.add([1.0, 2.0])
    paths: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        paths.append(scope["path"].rpartition("/")[2])
        await server.app()(scope, receive, send)

    async def twice(target: SensorThingsTarget) -> None:
        for row in log.store.readings_after(0, 10):
            assert await target.send([row]) == []

    with Loopback(app) as host:
        with_target(log, SensorThings(url=host.url + ROOT), twice)
    assert server.model.statistics()["Observations"] == 2
    assert paths.count("CreateObservations") == (2 if arrays else 1)


def test_what_the_server_has_is_found_over_several_pages_and_days(log: Log) -> None:
    server = Server()
    log.add([float(number) for number in range(1500)])
    log.add([1.0, 2.0], start=START - 5 * 86_400_000, step=86_400_000)
    with Loopback(server.app()) as host:
        send(log, host.url + ROOT)
        log.add([3.0], start=START + 700_500)
        assert there(log, host.url + ROOT) == set(range(1, 1503))


class Counting(Server):
    """Counts the Observations it shows."""

    shown = 0

    def page(self, kind: str, ids: list[int], request: Request) -> dict[str, Any]:
        page = super().page(kind, ids, request)
        self.shown += len(page["value"]) if kind == "Observations" else 0
        return page


def test_looking_for_a_few_readings_far_apart_does_not_read_all_between(log: Log) -> None:
    server = Counting()
    log.add([float(number) for number in range(200)], step=3600 * 1000)

    async def look(target: SensorThingsTarget) -> None:
        rows = log.store.readings_after(0, 1000)
        await target.send(rows)
        assert await target.there([rows[0], rows[-1]]) == {1, 200}

    with Loopback(server.app()) as host:
        with_target(log, SensorThings(url=host.url + ROOT), look)
    assert server.shown == 2


class Astray(Server):
    """A server that gives its own address wrong, as FROST does behind a proxy with a wrong serviceRootUrl."""

    def page(self, kind: str, ids: list[int], request: Request) -> dict[str, Any]:
        page = super().page(kind, ids, request)
        if "@iot.nextLink" in page:
            page["@iot.nextLink"] = page["@iot.nextLink"].replace("127.0.0.1", "elsewhere.invalid")
        return page


def test_credentials_follow_no_link_to_another_host(log: Log) -> None:
    server = Astray()
    log.add([float(number) for number in range(1100)])
    with Loopback(server.app()) as host:
        send(log, host.url + ROOT)
        assert len(there(log, host.url + ROOT)) == 1100


def test_a_server_that_lost_its_entities_gets_them_again(log: Log) -> None:
    first, second = Server(), Server()
    log.add([1.0])
    with Loopback(first.app()) as host:
        send(log, host.url + ROOT)
    host.app = second.app()
    with host:
        with pytest.raises(Retry, match="has lost what was made there; it is made anew"):
            send(log, host.url + ROOT)
        assert send(log, host.url + ROOT) == []
    assert second.model.statistics()["Observations"] == 1


@pytest.mark.parametrize("kind", ["Things", "Sensors", "ObservedProperties"])
def test_an_entity_that_was_removed_there_is_made_again(log: Log, kind: str) -> None:
    server = Server()
    log.add([1.0])
    log.add([2.0], device="24a160000002", series="soil/soil_temperature")
    # A new series of a board, of a sensor and of a property that the server knows.
    log.add([3.0], series="soil/air_temperature")
    with Loopback(server.app()) as host:
        rows = log.store.readings_after(0, 10)

        async def work(target: SensorThingsTarget) -> None:
            assert await target.send(rows[:2]) == []
            del server.model.entities[kind][{"Things": 1, "Sensors": 2, "ObservedProperties": 1}[kind]]
            if kind == "Things":
                del server.model.entities["Datastreams"][1]  # goes with it
            with pytest.raises(Retry, match="has lost what was made there; it is made anew"):
                await target.send(rows[2:])
            assert await target.send(rows[2:]) == []

        with_target(log, SensorThings(url=host.url + ROOT), work)
    assert [row["result"] for row in entities(server, "Observations")] == [1.0, 2.0, 3.0]


def test_units_of_one_series_do_not_share_a_datastream(log: Log) -> None:
    server = Server()
    for unit in ("Cel", "K", ""):
        log.add([20.0], series="probe/foo", unit=unit)
    log.add([20.0], unit="m")
    log.add([20.0])
    with Loopback(server.app()) as host:
        assert send(log, host.url + ROOT) == []
    assert [stream["name"] for stream in entities(server, "Datastreams")] == [
        f"foo (probe/foo, {DEVICE}) [Cel]",
        f"foo (probe/foo, {DEVICE}) [K]",
        f"foo (probe/foo, {DEVICE})",
        f"Lufttemperatur (air/air_temperature, {DEVICE}) [m]",
        f"Lufttemperatur (air/air_temperature, {DEVICE})",
    ]


def test_another_server_at_another_url_does_not_get_the_old_ones_ids(log: Log) -> None:
    first, second = Server(), Server()
    log.add([1.0])
    log.add([2.0], device="24a160000002")
    with Loopback(first.app()) as one, Loopback(second.app()) as other:
        send(log, one.url + ROOT)
        assert send(log, other.url + ROOT, after=1) == []
    assert [thing["name"] for thing in entities(second, "Things")] == ["24a160000002"]


def test_members_of_a_target_are_added_to_each_thing_and_replace_no_device_id(log: Log) -> None:
    server = Server(projects=True)
    log.add([1.0])
    members = {"Projects": [{"@iot.id": 1}], "properties": {"owner": "Tiefbauamt", "deviceId": "x"}}
    with Loopback(server.app()) as host:
        assert send(log, host.url + ROOT, members=members) == []
    assert entities(server, "Things")[0]["properties"] == {"owner": "Tiefbauamt", "deviceId": URN}


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    """The path's first segment is the status."""
    status = int(scope["path"].split("/")[1])
    headers = {"location": "http://127.0.0.1:9/new"} if status == 302 else None
    await PlainTextResponse("no such thing here", status_code=status, headers=headers)(scope, receive, send)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (200, "answers 200: no such thing here; check the url"),
        (302, "points to http://127.0.0.1:9/new; put that into the url"),
        (401, "does not let the gateway in (401); check user, password or token of this target"),
        (403, "does not let the gateway in (403); check user, password or token of this target"),
        (404, "answers 404: no such thing here; check the url"),
        (429, "is busy (429)"),
        (500, "has a fault of its own (500): no such thing here"),
        (503, "is busy (503)"),
    ],
)
def test_what_is_wrong_with_a_target_is_said_in_a_sentence_and_no_reading_is_given_up(
    log: Log, status: int, sentence: str
) -> None:
    log.add([1.0])
    with Loopback(_answer) as host, pytest.raises(Retry) as failure:
        send(log, f"{host.url}/{status}")
    assert str(failure.value) == f"{host.url}/{status}/Things {sentence}"


@pytest.mark.parametrize(("name", "value"), [("user", "bordstein"), ("token_file", "token")], ids=["basic", "bearer"])
def test_credentials_and_headers_are_sent_with_each_request(log: Log, tmp_path: Path, name: str, value: str) -> None:
    (tmp_path / "secret").write_text("geheim&\n")
    seen: list[dict[str, str]] = []
    server = Server().app()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(Request(scope).headers))
        await server(scope, receive, send)

    if name == "user":
        given = {"user": value, "password_file": str(tmp_path / "secret")}
        expected = "Basic " + base64.b64encode(b"bordstein:geheim&").decode()
    else:
        given, expected = {"token_file": str(tmp_path / "secret")}, "Bearer geheim&"
    log.add([1.0])
    with Loopback(app) as host:
        send(log, host.url + ROOT, headers={"X-Tenant": "musterstadt"}, **given)
    assert len(seen) > 8
    assert {(headers["authorization"], headers["x-tenant"]) for headers in seen} == {(expected, "musterstadt")}


def test_a_redirect_is_not_followed(log: Log) -> None:
    log.add([1.0])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await RedirectResponse("http://127.0.0.1:9/")(scope, receive, send)

    with Loopback(app) as host, pytest.raises(Retry, match="put that into the url"):
        send(log, host.url)


def test_an_answer_that_is_not_sensorthings_is_a_sentence_too(log: Log) -> None:
    server = Server()
    log.add([1.0, 2.0])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].endswith("CreateObservations"):
            await JSONResponse(["one link"], status_code=201)(scope, receive, send)
        else:
            await server.app()(scope, receive, send)

    with Loopback(app) as host, pytest.raises(Retry, match="does not name each of the 2 rows that were sent"):
        send(log, host.url + ROOT)


class Watched(Server):
    """Notes each request. `refuses`: Things with such a member. `lost_answers`: of so many Things that are made."""

    def __init__(self, refuses: str = "") -> None:
        super().__init__()
        self.requests: list[str] = []
        self.refuses = refuses
        self.lost_answers = 0

    async def get(self, request: Request) -> Response:
        self.requests.append(f"GET {request.path_params['path']}")
        return await super().get(request)

    async def post(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.requests.append(f"POST {path}")
        if path == "Things" and self.refuses and self.refuses in (await request.body()).decode():
            return JSONResponse({"message": "deep insert is not for everybody"}, status_code=400)
        answer = await super().post(request)
        if path == "Things" and self.lost_answers:
            self.lost_answers -= 1
            return JSONResponse({"message": "internal error"}, status_code=500)
        return answer


def board_of_four(log: Log) -> None:
    for series, unit in (
        ("air_temperature", "Cel"),
        ("relative_humidity", "%RH"),
        ("air_pressure", "Pa"),
        ("co2", "ppm"),
    ):
        log.add([70.0], series=f"air/{series}", unit=unit)


def test_a_new_board_is_made_with_all_its_series_in_one_request(log: Log) -> None:
    server = Watched()
    board_of_four(log)
    with Loopback(server.app()) as host:
        assert send(log, host.url + ROOT) == []
    assert server.requests.count("POST Things") == 1
    assert server.requests.count("POST Datastreams") == 0
    assert server.requests.count("GET Things(1)/Datastreams") == 1
    counts = server.model.statistics()
    assert (counts["Things"], counts["Datastreams"], counts["Sensors"], counts["Observations"]) == (1, 4, 1, 4)
    # A series that comes later is added to the Thing.
    log.add([40.0], series="dust/pm10", unit="ug/m3")
    with Loopback(server.app()) as host:
        assert send(log, host.url + ROOT, after=4) == []
    assert (server.requests.count("POST Things"), server.requests.count("POST Datastreams")) == (1, 1)


def test_a_deep_insert_whose_answer_got_lost_makes_nothing_twice(log: Log) -> None:
    server = Watched()
    server.lost_answers = 1
    board_of_four(log)
    with Loopback(server.app()) as host:
        with pytest.raises(Retry, match="500"):
            send(log, host.url + ROOT)
        assert send(log, host.url + ROOT) == []
    counts = server.model.statistics()
    assert (counts["Things"], counts["Datastreams"], counts["Observations"]) == (1, 4, 4)


def test_a_server_that_takes_no_deep_insert_gets_one_after_the_other(log: Log) -> None:
    server = Watched(refuses="Datastreams")
    board_of_four(log)
    with Loopback(server.app()) as host:
        assert send(log, host.url + ROOT) == []
    assert server.requests.count("POST Datastreams") == 4
    counts = server.model.statistics()
    assert (counts["Things"], counts["Datastreams"], counts["Observations"]) == (1, 4, 4)
