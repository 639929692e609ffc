"""What open data takes of the processor: 500 stations with five series, and readings as CSV."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bordstein_gateway.boards.stations import Stations
from bordstein_gateway.config import config
from bordstein_gateway.config.open_data import Publish
from bordstein_gateway.decode.normalise import Pack, Reading
from bordstein_gateway.feeds import geojson, readings
from bordstein_gateway.feeds.view import View
from bordstein_gateway.store import Arrival, Store
from bordstein_gateway.web.publishing import Publishing

STATIONS = 500
ROUNDS = 100
SERIES = (("air/air_temperature", "Cel"), ("air/relative_humidity", "%RH"), ("dust/pm10", "ug/m3"),
          ("dust/pm2_5", "ug/m3"), ("gate/pedestrian_count", "count"))  # fmt: skip
MINUTE_MS = 60_000
FIRST_MS = 1_577_836_800_000  # 2020-01-01


def run() -> Iterator[dict[str, Any]]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "store.sqlite")
        now = int(time.time() * 1000)
        for number in range(STATIONS):
            values = [
                Reading(name, now - place * MINUTE_MS, 5.5 + place % 20, unit, 0)
                for name, unit in SERIES
                for place in range(ROUNDS)
            ]
            device = f"24a161{number:06x}"
            store.write([Arrival(device, "", b"", Pack(device, 1, 0, False, "set", values))])
        settings = config.Config(mqtt=config.Mqtt(host="localhost"), publish=Publish(default=True))

        def view() -> View:
            return View(settings, store, Stations([], store), Publishing(settings), full=False)

        def newest() -> None:
            seen = view()
            geojson.collection(seen, list(seen.latest()), now, MINUTE_MS)

        def everything() -> None:
            series = list(view().latest())
            sum(map(len, readings.as_csv(readings.readings(store, series, FIRST_MS, now + 1))))

        yield {"name": "feeds.geojson.cpu_ms_500_stations", "value": round(_cpu(newest, 5) * 1000, 1), "unit": "ms"}
        rows = STATIONS * ROUNDS * len(SERIES)
        figure = _cpu(everything, 1) * 1_000_000 / rows
        yield {"name": "feeds.csv.cpu_s_per_million_rows", "value": round(figure, 2), "unit": "s"}
        store.close()


def _cpu(work: Callable[[], None], times: int) -> float:
    """Processor seconds of the quickest run."""
    took = []
    for _ in range(times):
        begin = time.process_time()
        work()
        took.append(time.process_time() - begin)
    return min(took)
