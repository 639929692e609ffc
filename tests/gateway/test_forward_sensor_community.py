"""Live values for sensor.community: right pins and names, nothing old, nothing twice, and said what was left out."""

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import structlog.testing

from bordstein_gateway.config.config import Config, Mqtt, SensorCommunity
from bordstein_gateway.decode.normalise import CLOCK_UNSURE, OUT_OF_RANGE
from bordstein_gateway.forward.outbox import Outbox
from bordstein_gateway.forward.sensor_community.pins import PINS, VALUE_TYPES
from bordstein_gateway.forward.sensor_community.settings import Board
from bordstein_gateway.forward.sensor_community.target import SensorCommunityTarget
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.properties import TABLE
from bordstein_gateway.store import Store
from tests.gateway import forwarding
from tests.gateway.loopback import START, Log, Loopback
from tests.street.sensor_community_server import PATH, TYPES, SensorCommunityServer

NAME, DEVICE, SENSOR = "citizens", "24a160000001", "esp32-24a160000001"
CHIPS: dict[str, Any] = {"dust": "SDS011", "air": "BME280", "noise": "DNMS"}


@pytest.fixture
def server() -> SensorCommunityServer:
    return SensorCommunityServer({SENSOR: {"1", "11", "15"}})


@pytest.fixture
def host(server: SensorCommunityServer) -> Iterator[Loopback]:
    with Loopback(server) as host:
        yield host


def settings(host: Loopback, **more: Any) -> SensorCommunity:
    boards = [Board(device=DEVICE, sensor=SENSOR, chips=CHIPS)]
    return SensorCommunity(url=host.url + PATH, boards=boards, **{"timeout": 20, **more})


def target_of(store: Store, settings: SensorCommunity, now: int = START) -> SensorCommunityTarget:
    """`now`: milliseconds."""
    return SensorCommunityTarget(NAME, settings, Config(mqtt=Mqtt(host="localhost")), store, lambda: now / 1000)


def drain(store: Store, settings: SensorCommunity) -> list[str]:
    """Turns until there is nothing left to do; the troubles on the way."""
    return forwarding.drain(NAME, store, settings, partial(target_of, store, settings))


def round_of_values(log: Log, start: int = START) -> None:
    for series, unit, value in (
        ("dust/pm10", "ug/m3", 12.3),
        ("dust/pm2_5", "ug/m3", 7.1),
        ("air/air_temperature", "Cel", 8.15),
        ("air/relative_humidity", "%RH", 81.0),
        ("air/air_pressure", "Pa", 101325.0),
        ("noise/sound_level_laeq", "dB", 55.2),
        ("noise/sound_level_lamax", "dB", 71),
        ("air/dew_point", "Cel", 5.1),
        ("soil/soil_temperature", "Cel", 6.0),
    ):
        log.add([value], series=series, unit=unit, start=start)


ROUND = [
    (SENSOR, "1", {"P1": "12.3", "P2": "7.1"}),
    (SENSOR, "11", {"temperature": "8.15", "humidity": "81.0", "pressure": "101325.0"}),
    (SENSOR, "15", {"noise_LAeq": "55.2", "noise_LA_max": "71"}),
]


def test_each_kind_of_sensor_is_a_request_with_its_pin_and_the_values_names_there(
    log: Log, server: SensorCommunityServer, host: Loopback
) -> None:
    round_of_values(log)
    log.add([1.0], device="24a160000002")
    assert drain(log.store, settings(host)) == []
    assert server.requests == ROUND
    assert log.store.dead_letters() == []


def test_what_no_sensor_can_have_measured_is_not_published(
    log: Log, server: SensorCommunityServer, host: Loopback
) -> None:
    log.add([-145.0], series="air/air_temperature", flags=OUT_OF_RANGE)
    log.add([8.15], series="air/air_temperature", start=START - 1000, flags=CLOCK_UNSURE)
    assert drain(log.store, settings(host)) == []
    assert [values for _, _, values in server.requests] == [{"temperature": "8.15"}]
    assert log.store.dead_letters() == []


def test_pins_and_names_fit_together_and_units_are_those_that_are_expected() -> None:
    assert {str(pin) for pin in PINS.values()} == set(TYPES)
    assert set(VALUE_TYPES.values()) <= set().union(*TYPES.values())
    units = {TABLE[name].unit for name in VALUE_TYPES}
    assert units == {"ug/m3", "Cel", "%RH", "Pa", "ppm", "dB"}


def test_values_that_are_not_live_are_skipped_and_counted(
    log: Log, server: SensorCommunityServer, host: Loopback
) -> None:
    round_of_values(log, START - 20 * 60_000)
    round_of_values(log)
    with structlog.testing.capture_logs() as lines:
        assert drain(log.store, settings(host, live=10)) == []
    assert server.requests == ROUND
    assert [line["skipped"] for line in lines if "skipped" in line] == [7]


@pytest.mark.parametrize("fault", ["before", "after", "gateway", "hang"])
def test_what_may_have_arrived_is_not_sent_again_and_the_rest_is(
    log: Log, server: SensorCommunityServer, host: Loopback, fault: str
) -> None:
    round_of_values(log)

    async def broken() -> None:
        impatient = settings(host, timeout=1 if fault == "hang" else 20)
        target = target_of(log.store, impatient)
        box = Outbox(NAME, impatient, log.store, target, aside_pause=0.0, settle=0.0)
        server.fault = fault
        with pytest.raises(Retry):
            await box.turn()
        await target.close()

    asyncio.run(broken())
    server.fault = None
    assert drain(log.store, settings(host)) == []  # after a restart, too
    assert server.requests == (ROUND if fault != "before" else ROUND[1:])
    dead = log.store.dead_letters()
    assert [letter.reading_id for letter in dead] == [1, 2]
    assert all(letter.reason.startswith("no clear answer; not sent again") for letter in dead)


def test_a_gateway_killed_in_mid_batch_sends_nothing_twice(
    log: Log, server: SensorCommunityServer, host: Loopback
) -> None:
    round_of_values(log)

    async def killed() -> None:
        target = target_of(log.store, settings(host))
        await target.send(log.store.readings_after(0, 100))
        await target.close()

    log.store.place_set(log.store.place_get(NAME)._replace(pending_to=9)).result()
    asyncio.run(killed())  # everything was sent; that it was, the place does not know
    assert drain(log.reopen(), settings(host)) == []
    assert server.requests == ROUND
    assert log.store.dead_letters() == []


@pytest.mark.parametrize("fault", ["busy", "away"])
def test_what_clearly_did_not_arrive_is_sent_while_it_is_live(
    log: Log, server: SensorCommunityServer, host: Loopback, fault: str
) -> None:
    round_of_values(log)
    if fault == "away":
        host.stop()
    server.fault = "busy"
    assert len(drain(log.store, settings(host))) == 3
    server.fault = None
    if fault == "away":
        host.start()
    assert drain(log.store, settings(host)) == []
    assert server.requests == ROUND


def test_a_sensor_that_is_not_registered_is_named_and_others_go_on(
    log: Log, server: SensorCommunityServer, host: Loopback
) -> None:
    server.pins[SENSOR].discard("11")
    round_of_values(log)
    assert drain(log.store, settings(host)) == []
    assert server.requests == [ROUND[0], ROUND[2]]
    dead = log.store.dead_letters()
    assert [letter.reading_id for letter in dead] == [3, 4, 5]
    assert dead[0].reason == (f"403: Sensor not found in database.; {SENSOR} is not registered there with pin 11")


def test_a_trial_publishes_nothing_and_says_which_sensor_is_unknown(
    log: Log, server: SensorCommunityServer, host: Loopback
) -> None:
    async def tried() -> str:
        target = target_of(log.store, settings(host))
        try:
            return await target.trial()
        finally:
            await target.close()

    assert "knows all sensors (3)" in asyncio.run(tried())
    assert server.requests == []
    server.pins[SENSOR].discard("15")
    with pytest.raises(Retry, match="is not registered there with pin 15"):
        asyncio.run(tried())
