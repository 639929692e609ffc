"""The benchmark of the way out, with few readings: that it goes through and counts what was sent."""

from pathlib import Path

import pytest

from bordstein_gateway.store import Store
from tests.bench import forward, targets

DEVICES = 3
COUNT = 300


@pytest.mark.parametrize("kind", ["webhook", "cap"])
def test_a_kind_of_target_is_measured(kind: str) -> None:
    speed, cpu = forward.measure(kind, COUNT, DEVICES)
    assert (speed["name"], speed["unit"]) == (f"forward.{kind}.readings_per_s", "1/s")
    assert (cpu["name"], cpu["unit"]) == (f"forward.{kind}.cpu_s_per_million_readings", "s")
    assert speed["value"] > 0 and cpu["value"] > 0


def test_what_is_measured_with_is_so_many_different_readings_and_one_event_in_fifty(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.sqlite")
    assert targets.fill(store, COUNT + 1, targets.BIN, devices=DEVICES) == COUNT
    rows = store.readings_after(0, 2 * COUNT)
    store.close()
    assert len({(row.device, row.time) for row in rows}) == len(rows) == COUNT
    assert sum(row.value == targets.BIN.raised for row in rows) == COUNT // targets.EVENT_EACH
