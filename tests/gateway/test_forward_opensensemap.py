"""Measurements for openSenseMap: what its own decoder makes of them, and what it says of those that are wrong."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.config.config import Config, Device, Mqtt, OpenSenseMap
from bordstein_gateway.decode.normalise import OUT_OF_RANGE, STUCK
from bordstein_gateway.forward.opensensemap.settings import MOST, Box
from bordstein_gateway.forward.opensensemap.target import OpenSenseMapTarget
from bordstein_gateway.forward.target import Refused, Retry
from tests.gateway.loopback import START, Log, Loopback
from tests.street.opensensemap_server import OpenSenseMapServer

DEVICE, BOX, TOKEN = "24a160000001", "5f2b56f4263635001c1dd1fd", "a-box's-token"
AIR, DUST, BAY = "5f2b56f4263635001c1dd101", "5f2b56f4263635001c1dd102", "5f2b56f4263635001c1dd103"
SENSORS = {"air/air_temperature": AIR, "pm10": DUST, "parking_bay_occupied": BAY}


@pytest.fixture
def server() -> OpenSenseMapServer:
    known = {AIR: "air/air_temperature", DUST: "dust/pm10", BAY: "bay/parking_bay_occupied"}
    return OpenSenseMapServer({BOX: {"token": TOKEN, "device": DEVICE, "sensors": known}})


@pytest.fixture
def host(server: OpenSenseMapServer) -> Iterator[Loopback]:
    with Loopback(server.app()) as host:
        yield host


def target_of(host: Loopback, folder: Path, **more: Any) -> OpenSenseMapTarget:
    """`more`: what is different in the box."""
    (folder / "token").write_text(TOKEN + "\n")
    box = {"id": BOX, "device": DEVICE, "access_token_file": str(folder / "token"), "sensors": SENSORS}
    place = Device(id=DEVICE, latitude=53.5511, longitude=9.9937)
    settings = OpenSenseMap(url=host.url, api=host.url, timeout=20, boxes=[Box(**{**box, **more})])
    return OpenSenseMapTarget(settings, Config(mqtt=Mqtt(host="localhost"), devices=[place]))


def send(log: Log, host: Loopback, folder: Path, **more: Any) -> list[Refused]:
    async def run() -> list[Refused]:
        target = target_of(host, folder, **more)
        try:
            return await target.send(log.store.readings_after(0, 10_000))
        finally:
            await target.close()

    return asyncio.run(run())


def test_their_decoder_reads_numbers_times_and_places_as_they_were_measured(
    log: Log, server: OpenSenseMapServer, host: Loopback, tmp_path: Path
) -> None:
    log.add([8.15, -0.5, 1e-7], start=START + 250)
    log.add([41], series="dust/pm10", unit="ug/m3")
    log.add([True, False], series="bay/parking_bay_occupied", unit="/")
    assert send(log, host, tmp_path, location=True) == []
    assert {row[4] and tuple(row[4]) for row in server.stored} == {(9.9937, 53.5511)}
    assert sorted((row[1], row[2] - START, float(row[3])) for row in server.stored) == [
        (AIR, 250, 8.15),
        (AIR, 1250, -0.5),
        (AIR, 2250, 1e-7),
        (DUST, 0, 41.0),
        (BAY, 0, 1.0),
        (BAY, 1000, 0.0),
    ]


def test_what_has_no_sensor_there_is_not_sent_and_not_refused(
    log: Log, server: OpenSenseMapServer, host: Loopback, tmp_path: Path
) -> None:
    log.add([1.0], series="soil/soil_temperature")
    log.add([2.0], device="24a160000009")
    assert send(log, host, tmp_path) == []
    assert (server.requests, server.stored) == (0, [])


def test_as_many_values_as_they_take_fit_into_a_request(
    log: Log, server: OpenSenseMapServer, host: Loopback, tmp_path: Path
) -> None:
    log.add([float(number) for number in range(MOST)])
    assert send(log, host, tmp_path) == []
    assert (server.requests, len(server.stored)) == (1, MOST)


def test_a_sensor_of_another_box_is_named_and_the_others_arrive(
    log: Log, server: OpenSenseMapServer, host: Loopback, tmp_path: Path
) -> None:
    log.add([1.0, 2.0, 3.0])
    log.add([41.0], series="dust/pm10", unit="ug/m3")
    foreign = "5f2b56f4263635001c1dd1ee"
    (refused,) = send(log, host, tmp_path, sensors={**SENSORS, "pm10": foreign})
    assert refused == Refused(
        4, f"500: sensor {foreign} (for dust/pm10) does not belong to box {BOX}; check its id in sensors"
    )
    assert [float(row[3]) for row in server.stored] == [1.0, 2.0, 3.0]


def test_what_no_sensor_can_have_measured_is_a_dead_letter_and_not_on_the_map(
    log: Log, server: OpenSenseMapServer, host: Loopback, tmp_path: Path
) -> None:
    log.add([-145.0], flags=OUT_OF_RANGE)
    log.add([8.15], start=START + 1000, flags=STUCK)
    (refused,) = send(log, host, tmp_path)
    assert refused.id == 1 and "out_of_range" in refused.reason
    assert [float(row[3]) for row in server.stored] == [8.15]


def test_text_and_times_ahead_are_refused_with_their_reason_and_no_other(
    log: Log, server: OpenSenseMapServer, host: Loopback, tmp_path: Path
) -> None:
    log.add([1.0, "warm", 3.0])
    log.add([4.0], start=round(time.time() * 1000) + 3_600_000)
    refused = dict(send(log, host, tmp_path))
    assert refused[2] == "openSenseMap takes numbers only"
    assert refused[4].startswith("422: ") and "too far into the future" in refused[4]
    assert sorted(float(row[3]) for row in server.stored) == [1.0, 3.0]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"id": "5f2b56f4263635001c1dd1ff"}, "openSenseMap has no box 5f2b56f4263635001c1dd1ff (404): Box not found"),
        ({"access_token_file": "another"}, "does not let the gateway in (401)"),
    ],
)
def test_a_wrong_box_or_token_gives_up_no_reading(
    log: Log, host: Loopback, tmp_path: Path, wrong: dict[str, str], sentence: str
) -> None:
    (tmp_path / "another").write_text("not-the-box's")
    if "access_token_file" in wrong:
        wrong = {"access_token_file": str(tmp_path / "another")}
    log.add([1.0])
    with pytest.raises(Retry) as failure:
        send(log, host, tmp_path, **wrong)
    assert sentence in str(failure.value)
    assert TOKEN not in str(failure.value) and "not-the-box's" not in str(failure.value)


def tried(host: Loopback, folder: Path, **more: Any) -> str:
    async def run() -> str:
        target = target_of(host, folder, **more)
        try:
            return await target.trial()
        finally:
            await target.close()

    return asyncio.run(run())


def test_a_trial_stores_nothing_and_says_that_boxes_sensors_and_tokens_are_right(
    server: OpenSenseMapServer, host: Loopback, tmp_path: Path
) -> None:
    assert tried(host, tmp_path) == (
        f"{host.url} knows all boxes (1), their sensors and tokens; no trial record was sent, as it would be public."
    )
    assert (server.requests, server.stored) == (1, [])


def test_a_trial_says_what_is_wrong(host: Loopback, tmp_path: Path) -> None:
    foreign = "5f2b56f4263635001c1dd1ee"
    with pytest.raises(Retry, match=f"has no sensor {foreign} \\(for pm10\\); check its id in sensors"):
        tried(host, tmp_path, sensors={**SENSORS, "pm10": foreign})
    with pytest.raises(Retry, match="openSenseMap has no box 5f2b56f4263635001c1dd1ff"):
        tried(host, tmp_path, id="5f2b56f4263635001c1dd1ff")
    (tmp_path / "another").write_text("not-the-box's")
    with pytest.raises(Retry, match=r"does not let the gateway in \(401\)"):
        tried(host, tmp_path, access_token_file=str(tmp_path / "another"))
