"""Present state to an NGSI-LD broker that is as strict as real ones, and misbehaves when told to."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route

from bordstein_gateway.config.config import Config, Device, Gateway, Mqtt, NgsiLd
from bordstein_gateway.config.parking import Bay, Parking, Site
from bordstein_gateway.decode.normalise import CLOCK_UNSURE, Pack, Reading
from bordstein_gateway.forward import trial
from bordstein_gateway.forward.ngsi_ld.settings import Entity
from bordstein_gateway.forward.outbox import Outbox
from bordstein_gateway.forward.starting import start
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.store import Arrival
from bordstein_gateway.web import contexts as web_contexts
from tests.gateway.forwarding import deliver, one_failure, outbox
from tests.gateway.loopback import START, Log, Loopback
from tests.gateway.test_forward_trial import tried
from tests.street.ngsi_ld_server import FORMS, Broker
from tests.street.receivers import NgsiLd as Receiver

DEVICE, OTHER = "24a160000001", "24a160000002"
AIR = f"urn:ngsi-ld:WeatherObserved:musterstadt:{DEVICE}"
PLACES = [
    Device(id=DEVICE, name="Marktplatz 7", latitude=53.5511, longitude=9.9937, groups=["marktplatz"]),
    Device(id=OTHER, name="Marktplatz 8", latitude=53.5512, longitude=9.9938, groups=["marktplatz"]),
]
SITE = Site(
    uid="marktplatz",
    name="Marktplatz",
    bays=[Bay(device=DEVICE, restricted_to="DISABLED"), Bay(device=OTHER, name="Stellplatz 8", uid="psp-8")],
)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "store.sqlite")
    yield log
    log.store.close()


@pytest.fixture(scope="module")
def contexts() -> Iterator[str]:
    """Where a gateway serves its contexts."""
    with Loopback(Starlette(routes=[Route("/contexts/{name}", web_contexts.endpoint)])) as gateway:
        yield gateway.url + "/contexts"


@pytest.fixture(scope="module")
def host() -> Iterator[Loopback]:
    """One server for all tests of this module; what it runs is swapped."""
    with Loopback(lambda *_: None) as host:
        yield host


class Town:
    """A broker, and a gateway's outbox to it."""

    def __init__(self, log: Log, broker: Broker, url: str, contexts: str) -> None:
        self.log, self.broker, self.url, self.contexts = log, broker, url, contexts

    def outbox(self, *sites: Site, devices: list[Device] | None = None, stale: int = 100_000, **options: Any) -> Outbox:
        """As after a start of the gateway."""
        given = {"context_url": self.contexts, "timeout": 60, **options}
        config = Config(
            gateway=Gateway(name="musterstadt"),
            mqtt=Mqtt(host="localhost"),
            devices=PLACES if devices is None else devices,
            parking=Parking(stale_after=stale, sites=list(sites)),
            forward={"platform": NgsiLd(url=self.url, **given)},
        )
        (one,) = start(config, self.log.store)
        one._aside_pause = 0.0
        return one

    def send(self, *sites: Site, **options: Any) -> list[Retry]:
        """All there is to do; the failures on the way."""
        return deliver(self.outbox(*sites, **options))

    def value(self, entity: str, attribute: str) -> Any:
        return self.broker.entities[entity][attribute].get("value")

    def dead(self) -> list[str]:
        """Why readings were refused."""
        return [letter.reason for letter in self.log.store.dead_letters("platform")]


@pytest.fixture
def town(log: Log, host: Loopback, contexts: str, request: pytest.FixtureRequest) -> Town:
    broker = Broker(**getattr(request, "param", {"fetch": True}))
    application = broker.app()
    host._server.config.loaded_app.app = application  # the proxy-headers wrapper round the application
    return Town(log, broker, host.url, contexts)


def test_a_station_is_what_it_measures(town: Town) -> None:
    log = town.log
    log.add([8.15, 8.25])
    log.add([71.5], series="air/relative_humidity", unit="%RH")
    log.add([101_325], series="air/air_pressure", unit="Pa")
    log.add([12.5], series="dust/pm10", unit="ug/m3", start=START + 250)
    assert town.send() == [] and town.dead() == []
    assert town.broker.entities[AIR] == {
        "id": AIR,
        "type": "WeatherObserved",
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [9.9937, 53.5511]}},
        "name": {"type": "Property", "value": "Marktplatz 7"},
        "dateObserved": {"type": "Property", "value": {"@type": "DateTime", "@value": "2026-11-24T12:00:01Z"}},
        "temperature": _seen(8.25, "CEL", "2026-11-24T12:00:01Z"),
        "relativeHumidity": _seen(0.715, "C62", "2026-11-24T12:00:00Z"),
        "atmosphericPressure": _seen(1013.25, "A97", "2026-11-24T12:00:00Z"),
    }
    dust = f"urn:ngsi-ld:AirQualityObserved:musterstadt:{DEVICE}"
    assert town.broker.entities[dust]["pm10"] == _seen(12.5, "GQ", "2026-11-24T12:00:00.250Z")
    assert set(town.broker.entities) == {AIR, dust}


def _seen(value: Any, code: str, at: str) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": at, "unitCode": code}


def _type(town: Town, type: str) -> dict[str, Any]:
    """The only entity of a type."""
    (found,) = [entity for entity in town.broker.entities.values() if entity["type"] == type]
    return found


@pytest.mark.parametrize(
    ("series", "unit", "value", "type", "attribute", "sent"),
    [
        ("air/dew_point", "Cel", -3.5, "WeatherObserved", "dewPoint", -3.5),
        ("rain/precipitation", "mm", 0.28, "WeatherObserved", "precipitation", 0.28),
        ("wind/wind_speed", "m/s", 4.0, "WeatherObserved", "windSpeed", 4.0),
        ("light/illuminance", "lx", 812, "WeatherObserved", "illuminance", 812),
        ("dust/pm2_5", "ug/m3", 7.5, "AirQualityObserved", "pm25", 7.5),
        ("air/co2", "ppm", 612, "AirQualityObserved", "co2", 612),
        ("noise/sound_level_laeq", "dB", 61.5, "NoiseLevelObserved", "LAeq", 61.5),
        ("bin/fill_level", "/", 0.92, "WasteContainer", "fillingLevel", 0.92),
        ("bin/container_temperature", "Cel", 21.0, "WasteContainer", "temperature", 21.0),
        ("bin/tilted", "/", True, "WasteContainer", "status", "dropped"),
        ("gauge/water_level", "m", 1.25, "FloodMonitoring", "currentLevel", 1.25),
        ("path/pedestrian_count", "count", 17, "CrowdFlowObserved", "peopleCount", 17),
    ],
)
def test_a_property_has_the_type_and_scale_of_the_models(
    town: Town, series: str, unit: str, value: Any, type: str, attribute: str, sent: Any
) -> None:
    town.log.add([value], series=series, unit=unit)
    assert town.send() == [] and town.dead() == []
    assert _type(town, type)[attribute]["value"] == sent


@pytest.mark.parametrize(
    ("type", "series", "unit", "value", "attributes", "expected"),
    [
        ("AirQualityObserved", "air/air_temperature", "Cel", 8.5, {"typeofLocation": "outdoor"}, {"temperature": 8.5}),
        ("WaterObserved", "gauge/water_level", "m", 1.25, {}, {"waterLevel": 1.25}),
        ("WeatherObserved", "gauge/water_level", "m", 1.25, {}, {"streamGauge": 125.0}),
        ("Streetlight", "lamp/illuminance", "lx", 12, {"status": "ok"}, {"powerState": "on", "status": "ok"}),
        ("Streetlight", "lamp/illuminance", "lx", 3, {"status": "ok"}, {"powerState": "off", "status": "ok"}),
        (
            "FloodMonitoring",
            "gauge/water_level",
            "m",
            1.25,
            {"alertLevel": 1.0, "dangerLevel": 1.5},
            {"currentLevel": 1.25, "floodLevelStatus": "Alert", "stationID": DEVICE},
        ),
        (
            "WasteContainer",
            "bin/fill_level",
            "/",
            0.5,
            {"binFullnessThreshold": 0.8, "dateLastEmptying": "2026-11-20T06:00:00Z", "category": ["fixed"]},
            {"fillingLevel": 0.5, "binFullnessThreshold": 0.8, "category": ["fixed"]},
        ),
    ],
)
def test_the_configuration_says_what_a_board_is_and_what_never_changes(
    town: Town, type: Any, series: str, unit: str, value: Any, attributes: dict[str, Any], expected: dict[str, Any]
) -> None:
    town.log.add([value], series=series, unit=unit)
    assert town.send(entity=[Entity(type=type, devices=[DEVICE], attributes=attributes)]) == [] and town.dead() == []
    (entity,) = town.broker.entities.values()
    assert {name: entity[name]["value"] for name in expected} == expected


def test_a_noise_level_has_the_span_it_was_measured_in(town: Town) -> None:
    town.log.add([61.5], series="noise/sound_level_laeq", unit="dB")
    town.send(entity=[Entity(type="NoiseLevelObserved", devices=[DEVICE], period=300)])
    noise = _type(town, "NoiseLevelObserved")
    assert noise["dateObservedFrom"]["value"]["@value"] == "2026-11-24T11:55:00Z"
    assert noise["dateObservedTo"]["value"]["@value"] == "2026-11-24T12:00:00Z"


def _bay(log: Log, device: str, *values: bool, start: int = START, sensor: str = "bay") -> None:
    log.add(values, device=device, series=f"{sensor}/parking_bay_occupied", unit="/", start=start)


def test_bays_make_a_parking_site(town: Town) -> None:
    _bay(town.log, DEVICE, False, True)
    assert town.send(SITE) == [] and town.dead() == []
    site = "urn:ngsi-ld:OnStreetParking:musterstadt:marktplatz"
    spot = town.broker.entities[f"urn:ngsi-ld:ParkingSpot:musterstadt:{DEVICE}"]
    assert (spot["status"]["value"], spot["category"]["value"]) == ("occupied", ["onStreet"])
    assert spot["refParkingSite"] == {"type": "Relationship", "object": site}
    # Nobody has heard of the other bay.
    numbers = [town.value(site, name) for name in ("availableSpotNumber", "occupiedSpotNumber", "totalSpotNumber")]
    assert numbers == [0, 1, 2]
    assert town.value(site, "location") == {"type": "Point", "coordinates": [9.99375, 53.55115]}
    assert town.value(site, "category") == ["forDisabled"] and town.value(site, "name") == "Marktplatz"
    _bay(town.log, OTHER, False)
    town.send(SITE, entity=[Entity(type="OnStreetParking", id="marktplatz", attributes={"category": ["shortTerm"]})])
    assert [town.value(site, name) for name in ("availableSpotNumber", "occupiedSpotNumber")] == [1, 1]
    assert town.value(site, "category") == ["shortTerm"]
    other = town.broker.entities["urn:ngsi-ld:ParkingSpot:musterstadt:psp-8"]
    assert (other["status"]["value"], other["name"]["value"]) == ("free", "Stellplatz 8")


def test_a_car_park_says_whether_it_is_full_once_all_bays_are_known(town: Town) -> None:
    park = Site(uid="p1", name="P1", type="CAR_PARK", bays=[Bay(device=DEVICE), Bay(device=OTHER)])
    entity = "urn:ngsi-ld:OffStreetParking:musterstadt:p1"
    _bay(town.log, DEVICE, True)
    town.send(park)
    assert "status" not in town.broker.entities[entity]
    _bay(town.log, OTHER, True)
    town.send(park)
    assert town.value(entity, "status") == ["full"] and town.value(entity, "occupancy") == 1.0
    _bay(town.log, OTHER, False, start=START + 5000)
    town.send(park)
    assert town.value(entity, "status") == ["spacesAvailable"] and town.value(entity, "occupancy") == 0.5
    spot = f"urn:ngsi-ld:ParkingSpot:musterstadt:{OTHER}"
    assert (town.value(spot, "category"), town.value(spot, "status")) == (["offStreet"], "free")
    park.closed = True
    _bay(town.log, OTHER, False, start=START + 9000)
    town.send(park)
    assert town.value(entity, "status") == ["closed"] and town.value(spot, "status") == "closed"


def test_a_bay_that_is_not_sure_is_unknown(town: Town) -> None:
    _bay(town.log, DEVICE, False)
    town.log.add([True], device=OTHER, series="bay/parking_bay_occupied", unit="/", flags=CLOCK_UNSURE)
    town.send(SITE)
    site = "urn:ngsi-ld:OnStreetParking:musterstadt:marktplatz"
    assert town.value("urn:ngsi-ld:ParkingSpot:musterstadt:psp-8", "status") == "unknown"
    assert [town.value(site, name) for name in ("availableSpotNumber", "occupiedSpotNumber")] == [1, 0]


def test_a_bay_that_was_not_heard_of_for_long_counts_neither_as_free_nor_as_occupied(town: Town) -> None:
    _bay(town.log, DEVICE, False, start=START - 40 * 86_400_000)
    town.send(SITE, stale=60)
    site = town.broker.entities["urn:ngsi-ld:OnStreetParking:musterstadt:marktplatz"]
    assert "availableSpotNumber" not in site and site["totalSpotNumber"]["value"] == 2


def test_a_site_without_a_place_says_what_to_do(town: Town) -> None:
    _bay(town.log, OTHER, True)
    bins = [Entity(type="ParkingSpot", devices=[OTHER], latitude=53.0, longitude=10.0)]
    town.log.add([5.0])
    town.send(SITE, devices=PLACES[:1], entity=bins)
    assert town.dead() == []
    far = Site(uid="far", name="Far", bays=[Bay(device=OTHER)])
    _bay(town.log, OTHER, False, start=START + 1000)
    town.send(far, devices=PLACES[:1], entity=bins)
    assert town.dead() == ["far has no position: give latitude and longitude of the [[parking.site]] or of its boards"]


@pytest.mark.parametrize("fault", ["hang", "reset", "after", "before", "half", "silent", "busy", "token"])
def test_whatever_the_broker_does_its_state_is_the_newest_in_the_end(town: Town, fault: str) -> None:
    for device in (DEVICE, OTHER):
        town.log.add([1.5, 2.5], device=device)
        _bay(town.log, device, True)
    town.broker.fault = fault
    assert one_failure(town.outbox(SITE, timeout=1 if fault == "hang" else 60))
    town.log.add([3.5], start=START + 60_000)
    town.broker.fault = None
    assert town.send(SITE) == [] and town.dead() == []
    assert town.value(AIR, "temperature") == 3.5
    assert town.value(AIR.replace(DEVICE, OTHER), "temperature") == 2.5
    assert town.value("urn:ngsi-ld:OnStreetParking:musterstadt:marktplatz", "occupiedSpotNumber") == 2
    assert town.broker.backward == 0 and town.broker.refusals == []


@pytest.mark.parametrize("town", [{"form": form} for form in FORMS], indirect=True)
def test_what_one_form_of_answer_refuses_becomes_a_dead_letter_and_the_rest_arrives(town: Town) -> None:
    town.log.add([1.5])
    town.log.add([12.5], series="dust/pm10", unit="ug/m3")
    town.log.add([0.5], series="bin/fill_level", unit="/")
    town.send()
    for device in (DEVICE, OTHER):
        town.log.add([2.5], device=device, start=START + 60_000)
    town.broker.fault = "partial"  # of these two entities it refuses the first
    assert town.send() == []
    town.broker.fault = None
    assert town.dead() == ["Bad Request: not to this broker's taste" if town.broker.form != "stellio" else TASTE]
    assert town.value(AIR, "temperature") == 1.5
    assert town.value(AIR.replace(DEVICE, OTHER), "temperature") == 2.5
    town.log.store.dead_retry("platform").result()
    town.send()
    assert town.dead() == [] and town.value(AIR, "temperature") == 2.5


TASTE = "not to this broker's taste"


def test_a_batch_that_is_refused_as_a_whole_is_sent_in_parts(town: Town) -> None:
    for number in range(5):
        town.log.add([float(number)], device=f"24a16000000{number}")
    town.log.add([0.5], series="bin/fill_level", unit="/")
    town.broker.fault = "whole"
    devices = [Device(id=f"24a16000000{number}", latitude=53.0, longitude=10.0) for number in range(5)]
    assert town.send(devices=devices) == []
    assert town.dead() == ["400: Bad Request: no bins here"] and len(town.broker.entities) == 5


def test_an_older_reading_changes_nothing_and_is_no_dead_letter(town: Town) -> None:
    town.log.add([20.0], start=START + 3_600_000)
    town.send()
    town.log.add([1.0, 2.0])
    assert town.send() == [] and town.dead() == []  # by what is in the store, as after a restart
    assert town.value(AIR, "temperature") == 20.0
    assert town.broker.backward == 0 and len(town.broker.updates) == 1


def test_a_refill_brings_back_what_the_broker_has_lost_and_nothing_else(town: Town) -> None:
    town.log.add([1.0, 2.0, 3.0])
    town.log.add([5.0], device=OTHER)
    town.send()
    before = town.broker.requests
    town.log.store.refill_add("platform", START, START + 60_000).result()
    town.send()
    assert town.broker.requests == before  # all there: nothing to send
    del town.broker.entities[AIR]
    town.log.store.refill_add("platform", START, START + 60_000).result()
    town.send()
    assert town.value(AIR, "temperature") == 3.0 and town.dead() == []
    assert town.broker.backward == 0


def test_two_sensors_of_one_board_do_not_fight_over_an_attribute(town: Town) -> None:
    town.log.add([20.0], start=START)
    town.log.add([30.0], series="roof/air_temperature", start=START + 1000)
    town.send()
    assert town.value(AIR, "temperature") == 20.0
    (why,) = town.dead()
    assert why == (
        f"{AIR} has temperature from air/air_temperature already; roof/air_temperature needs an entity of type "
        'WeatherObserved with sensor = "roof"'
    )
    town.log.store.dead_retry("platform").result()
    town.send(entity=[Entity(type="WeatherObserved", devices=[DEVICE], sensor="roof")])
    assert town.value(f"{AIR}:roof", "temperature") == 30.0 and town.dead() == []


def test_a_sensor_that_was_given_another_name_takes_over_when_the_old_one_is_silent(town: Town) -> None:
    town.log.add([20.0], start=START)
    town.log.add([21.0], series="roof/air_temperature", start=START + 60_000)
    town.send()
    assert town.value(AIR, "temperature") == 20.0 and len(town.dead()) == 1
    town.log.add([22.0, 23.0], series="roof/air_temperature", start=START + 86_401_000)
    town.send()
    assert town.value(AIR, "temperature") == 23.0 and len(town.dead()) == 1
    town.log.add([24.0], start=START + 86_460_000)  # and now it has it
    town.send()
    assert town.value(AIR, "temperature") == 23.0 and len(town.dead()) == 2


def test_two_bays_of_one_board_are_two_parking_spots(town: Town) -> None:
    _bay(town.log, DEVICE, True, sensor="left")
    _bay(town.log, DEVICE, False, sensor="right")
    bays = [Bay(device=DEVICE, series=f"{side}/parking_bay_occupied", uid=f"m-{side}") for side in ("left", "right")]
    town.send(Site(uid="marktplatz", name="Marktplatz", bays=bays))
    assert town.dead() == []
    spots = [town.value(f"urn:ngsi-ld:ParkingSpot:musterstadt:m-{side}", "status") for side in ("left", "right")]
    assert spots == ["occupied", "free"]
    assert town.value("urn:ngsi-ld:OnStreetParking:musterstadt:marktplatz", "availableSpotNumber") == 1


def test_what_is_lacking_is_said_with_what_to_do_and_arrives_once_it_is_done(town: Town) -> None:
    town.log.add([5.0], device=OTHER)
    town.send()  # so it is known that the target takes something
    town.log.add([1.0])
    _bay(town.log, OTHER, True)
    town.send(devices=PLACES[1:])
    assert town.dead() == [
        f"{DEVICE} has no position, and WeatherObserved requires one: enter it with bordstein-gateway board import, "
        "or as latitude and longitude of its [[device]]",
        f"{OTHER} belongs to no parking site, and ParkingSpot requires category: name it as bay of a [[parking.site]]",
    ]
    town.log.store.dead_retry("platform").result()
    town.send(SITE)
    assert town.dead() == [] and town.value(AIR, "temperature") == 1.0


def test_a_reading_that_no_model_can_take_is_a_dead_letter(town: Town) -> None:
    town.log.add([5.0])
    town.send()
    town.log.add([1.2], series="bin/fill_level", unit="/")
    town.log.add(["warm"], start=START + 1000)
    town.log.add([20.0], unit="lx", start=START + 1000)
    town.log.add([21.0], start=START + 400 * 86_400_000)
    town.log.add([0.5], series="depth/distance", unit="m")  # nothing there means this
    town.send()
    assert town.dead() == [
        "WasteContainer.fillingLevel: 1.2 is not within 0..1",
        "WeatherObserved.temperature: a number belongs here",
        'air_temperature in "lx" can\'t be converted into Cel',
        "its time is more than a day after it was received: it would hide all that follows",
    ]


@pytest.mark.parametrize(
    "town", [{"form": form, "tenant": "musterstadt", "token": "abc"} for form in FORMS[:2]], indirect=True
)
def test_tenant_and_token_are_sent_and_a_wrong_one_gives_up_no_reading(town: Town, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    (tmp_path / "expired").write_text("abd\n")
    town.log.add([5.0])
    right = {"tenant": "musterstadt", "token_file": str(tmp_path / "token")}
    failure = one_failure(town.outbox(**{**right, "token_file": str(tmp_path / "expired")}))
    assert "does not let the gateway in (401)" in str(failure)
    failure = one_failure(town.outbox(**{**right, "tenant": "nowhere"}))
    assert "check url, tenant and context_url of this target" in str(failure) and "tenant" in str(failure)
    assert town.send(**right) == [] and town.dead() == []
    assert town.value(AIR, "temperature") == 5.0


def test_a_wrong_url_gives_up_no_reading(town: Town) -> None:
    town.log.add([5.0])
    town.url += "/broker"
    assert "takes nothing (404: " in str(one_failure(town.outbox()))
    assert town.dead() == []


def test_another_tenant_gets_everything_anew(town: Town) -> None:
    town.log.add([5.0])
    town.send()
    town.broker.entities.clear()
    town.broker.tenant = "neustadt"
    town.log.add([1.0], start=START - 60_000)
    town.send(tenant="neustadt")
    assert town.value(AIR, "temperature") == 1.0


def test_no_request_has_more_than_a_thousand_entities(town: Town) -> None:
    devices = [Device(id=f"24a1600{number:05d}", latitude=53.0, longitude=10.0) for number in range(1010)]
    reading = [Reading("air/air_temperature", START, 1.0, "Cel", 0)]
    town.log.store.write([Arrival(one.id, "x", b"", Pack(one.id, 1, 0, False, "set", reading)) for one in devices])
    assert town.send(devices=devices, batch=5000) == []
    assert len(town.broker.entities) == 1010 and town.broker.largest == 1000


def test_what_an_earlier_batch_said_stays(town: Town) -> None:
    town.log.add([1.0])
    town.send()
    town.log.add([70.0], series="air/relative_humidity", unit="%RH")
    town.send()
    assert (town.value(AIR, "temperature"), town.value(AIR, "relativeHumidity")) == (1.0, 0.7)


SERIES = [("air/air_temperature", "Cel", "temperature"), ("wind/wind_speed", "m/s", "windSpeed")]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(
        st.tuples(
            st.sampled_from([None, "reset", "after", "before", "half", "silent"]),
            st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=1, max_size=4, unique=True),
        ),
        max_size=4,
    )
)
def test_in_whatever_order_readings_come_the_newest_is_what_is_there(
    town: Town, tmp_path: Path, batches: list[tuple[str | None, list[tuple[int, int]]]]
) -> None:
    town.broker.entities.clear()
    town.broker.backward = 0
    with TemporaryDirectory(dir=tmp_path) as folder:
        town.log = Log(Path(folder) / "store.sqlite")
        newest: dict[str, int] = {}

        async def run() -> None:
            box = town.outbox(batch=3)
            for fault, readings in batches:
                for which, second in readings:
                    series, unit, name = SERIES[which]
                    with suppress(AssertionError):  # what is there already is no news
                        town.log.add([float(second)], series=series, unit=unit, start=START + 1000 * second)
                    newest[name] = max(newest.get(name, 0), second)
                town.broker.fault = fault
                with suppress(Retry):
                    await box.turn()
                town.broker.fault = None
            while await box.turn():
                pass
            await box._target.close()

        asyncio.run(run())
        town.log.store.close()
    there = town.broker.entities.get(AIR, {})
    assert {name: there[name]["value"] for name in newest} == newest
    assert town.broker.backward == 0 and town.broker.refusals == []
    if newest:
        assert there["dateObserved"]["value"]["@value"] == f"2026-11-24T12:00:0{max(newest.values())}Z"


def test_a_trial_is_shown_and_deleted_again(town: Town, tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    keep = town.broker._keep
    town.broker._keep = lambda entity, *more: seen.append(entity) or keep(entity, *more)  # type: ignore[method-assign]
    sentence = tried(tmp_path, NgsiLd(url=town.url, context_url=town.contexts))
    assert sentence == f"{town.url}/ngsi-ld/v1 took the trial record and shows it; it is deleted again."
    assert [entity["name"]["value"] for entity in seen] == [trial.NAME] and town.broker.entities == {}
    with pytest.raises(Retry, match="No such tenant"):
        tried(tmp_path, NgsiLd(url=town.url, context_url=town.contexts, tenant="nowhere"))


def test_the_broker_has_everything_when_it_is_a_process_of_its_own(log: Log, tmp_path: Path) -> None:
    log.add([5.0, 6.0])
    with Receiver(tmp_path) as receiver:
        box = outbox(receiver, log.store, tmp_path, timeout=60)

        async def run() -> None:
            task = asyncio.create_task(box.run())
            while box.backlog():
                await asyncio.sleep(0.01)
            box.stop()
            await task

        asyncio.run(run())
        assert receiver.entities()[AIR]["temperature"]["value"] == 6.0
        assert receiver.counts() == {DEVICE: 1}
