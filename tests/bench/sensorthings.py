"""How quickly the SensorThings API answers over a large store: `python -m tests.bench.sensorthings [million readings]`.

The readings are inserted by the store's own way of writing, the requests answered by the running application without a
network between. 400 series of 100 boards, one reading a minute each.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from bordstein_gateway.config.config import Config, Device, Mqtt
from bordstein_gateway.decode.normalise import Pack, Reading
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Arrival, Store
from bordstein_gateway.web import app as web

MILLIONS = 5.0
BOARDS = 100
SERIES = ("air/air_temperature", "air/relative_humidity", "sds/pm10", "sds/pm2_5")
_UNITS = ("Cel", "%RH", "ug/m3", "ug/m3")
_MINUTES_AT_ONCE = 60


def fill(store: Store, readings: int) -> int:
    """So many readings that end now; the time of the last, ms."""
    minutes = readings // (BOARDS * len(SERIES))
    end = int(time.time()) // 60 * 60
    begin = end - (minutes - 1) * 60
    devices = [f"24a16000{number:04x}" for number in range(BOARDS)]
    for first in range(0, minutes, _MINUTES_AT_ONCE):
        arrivals = []
        for minute in range(first, min(first + _MINUTES_AT_ONCE, minutes)):
            at = (begin + minute * 60) * 1000
            for device in devices:
                rows = [
                    Reading(name, at, 20.0 + minute % 50 / 10, unit, 0)
                    for name, unit in zip(SERIES, _UNITS, strict=True)
                ]
                arrivals.append(Arrival(device, "", b"", Pack(device, 1, minute, False, "set", rows)))
        store.write(arrivals)
    return end * 1000


def run(millions: float = MILLIONS) -> Iterator[dict[str, Any]]:
    """Yields one figure after the other: {"name", "value", "unit"}."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "bordstein.sqlite")
        try:
            last = fill(store, int(millions * 1e6))
            yield {"name": "sensorthings.readings", "value": store.newest_id(), "unit": "1"}
            devices = [
                Device(id=f"24a16000{number:04x}", latitude=53.5 + number / 1000, longitude=10.0)
                for number in range(BOARDS)
            ]
            client = TestClient(web.app(ServiceState(Config(mqtt=Mqtt(host="localhost"), devices=devices), store)))
            yield from _times(client, last)
        finally:
            store.close()


def _times(client: TestClient, last: int) -> Iterator[dict[str, Any]]:
    day = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(last // 1000 - 86_400))
    latest = "Datastreams?$top=400&$expand=Observations($top=1;$orderby=phenomenonTime desc)"
    extent = (
        "Things?$filter=st_within(Locations/location,geography'POLYGON ((9 53,11 53,11 54,9 54,9 53))')"
        "&$expand=Locations,Datastreams($expand=Observations($top=1;$orderby=phenomenonTime desc))"
    )
    requests = {
        "count_first": "Observations?$top=0&$count=true",
        "count": "Observations?$top=0&$count=true",
        "count_of_a_day": f"Observations?$top=0&$count=true&$filter=phenomenonTime ge {day}",
        "latest_of_400": latest,
        "extent_of_100_things": extent,
        "day_of_one": f"Datastreams(7)/Observations?$top=1000&$filter=phenomenonTime ge {day}",
        "day_of_one_data_array": f"Datastreams(7)/Observations?$top=1000&$resultFormat=dataArray"
        f"&$filter=phenomenonTime ge {day}",
        "oldest_100": "Observations?$orderby=phenomenonTime&$top=100",
        "newest_100": "Observations?$orderby=phenomenonTime desc&$top=100",
        "highest_of_a_day": f"Datastreams(7)/Observations?$orderby=result desc&$top=1&$filter=phenomenonTime ge {day}",
    }
    for name, request in requests.items():
        best = min(_seconds(client, request) for _ in range(1 if name == "count_first" else 3))
        yield {"name": f"sensorthings.{name}_ms", "value": round(best * 1000, 1), "unit": "ms"}


def _seconds(client: TestClient, request: str) -> float:
    begun = time.perf_counter()
    while (answer := client.get(f"/v1.1/{request}")).status_code == 503:  # being counted for the first time
        time.sleep(0.05)
    seconds = time.perf_counter() - begun
    if answer.status_code != 200:
        raise RuntimeError(f"{request}: {answer.text}")
    return seconds


if __name__ == "__main__":
    for figure in run(*(float(argument) for argument in sys.argv[1:2])):
        print(json.dumps(figure), flush=True)
