"""What is older than wanted goes, in small pieces; its sums stay; what somebody still needs does not go."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bordstein_gateway.boards.ledger import DAY_MS
from bordstein_gateway.config.store import Retention
from bordstein_gateway.retention import Deleted, Plan
from bordstein_gateway.store import Store, Where
from bordstein_gateway.store import retention as store_retention
from bordstein_gateway.store.sums import HOUR_MS, folded
from tests.gateway.packs import DAY, DEVICE, NOON, days, pack, write
from tests.gateway.test_cli import gateway as command
from tests.street.processes import free_port, until
from tests.street.servers import Gateway, Mosquitto, Town

SERIES = "air/air_temperature"
NOW = NOON * 1000 + 10 * DAY_MS
RULES = {"default": Retention(raw_days=5)}


@pytest.fixture
def store(on_both: Store) -> Store:
    return on_both


def fill(store: Store, start: float = NOON, seq: int = 0, packs: int = 30, every: int = 600) -> None:
    """Five hours of one board."""
    some = [pack(1, seq + n, at=start + n * every, value=float(n)) for n in range(packs)]
    assert set(write(store, some, at=start + packs * every)) == {"NEW"}


def swept(store: Store, *forwarders: str, rules: dict[str, Retention] = RULES, now: int = NOW) -> list[Deleted]:
    plan = Plan(rules, store, forwarders)
    plan.aggregate()
    would = plan.sweep(now, dry_run=True)
    assert plan.sweep(now) == would
    assert plan.sweep(now) == []
    return would


def left(store: Store) -> int:
    return len(store.readings_after(0, 10_000))


def hours(store: Store, step: int = HOUR_MS) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in store.aggregates(DEVICE, SERIES, 0, NOW, step)]


def test_old_readings_go_and_their_sums_stay(store: Store) -> None:
    fill(store)
    fill(store, start=NOON + 9 * DAY, seq=30)
    before = days(store, NOON, NOON + 10 * DAY)
    assert swept(store) == [Deleted("air_temperature", 30, 0, 0)]
    assert [row.time for row in store.readings_after(0, 1)] == [(NOON + 9 * DAY) * 1000]
    first = (NOON * 1000, 6, 6, 2.5, 0.0, 5.0, 15.0, 0.0, 5.0)
    assert hours(store)[0] == first and len(hours(store)) == 10
    assert hours(store, DAY_MS)[0][1:] == (30, 30, 14.5, 0.0, 29.0, 435.0, 0.0, 29.0)
    assert days(store, NOON, NOON + 10 * DAY) == before
    assert store.latest()[0].value == 29.0


def test_what_comes_late_is_added_and_then_goes_too(store: Store) -> None:
    fill(store)
    fill(store, start=NOON + 9 * DAY, seq=31)
    swept(store)
    write(store, [pack(1, 30, at=NOON + 60, value=-7.5)], at=NOON + 10 * DAY)
    assert swept(store) == [Deleted("air_temperature", 0, 0, 0)] * 0  # it is the log's last one
    assert hours(store)[0] == (NOON * 1000, 7, 7, 7.5 / 7, -7.5, 5.0, 7.5, 0.0, 5.0)
    fill(store, start=NOON + 10 * DAY, seq=61, packs=1)
    assert swept(store) == [Deleted("air_temperature", 1, 0, 0)]
    assert hours(store)[0][1] == 7


def test_an_old_pack_that_comes_again_after_its_readings_went_counts_once(store: Store) -> None:
    fill(store)
    fill(store, start=NOON + 9 * DAY, seq=30)
    swept(store)
    assert write(store, [pack(1, 3, at=NOON + 1800, value=3.0)], at=NOON + 10 * DAY) == ["DOUBLE"]
    swept(store)
    assert hours(store)[0][1] == 6
    assert write(store, [pack(1, 60, at=NOON + 10 * DAY)], at=NOON + 10 * DAY) == ["NEW"]  # no new life began
    assert [day.missing for day in days(store, NOON, NOON + 11 * DAY)] == [0, 0, 0]


def test_what_a_forwarder_has_not_got_stays(store: Store) -> None:
    fill(store)
    fill(store, start=NOON + 9 * DAY, seq=30)
    assert swept(store, "platform") == []
    assert store.holding(["platform"])[:2] == (1, "platform")
    store.place_set(store.place_get("platform")._replace(next_id=11, pending_to=12)).result()
    store.place_set(store.place_get("gone")._replace(next_id=2)).result()  # in no configuration any more
    assert swept(store, "platform") == [Deleted("air_temperature", 10, 0, 0)]
    assert store.readings_after(0, 1)[0].id == 11
    store.place_jump(store.place_get("platform"), 61).result()  # what is between is sent from its end on
    assert swept(store, "platform") == []
    (order,) = store.backfills("platform")
    store.backfill_set(order._replace(last_id=20)).result()
    assert swept(store, "platform") == [Deleted("air_temperature", 10, 0, 0)]


def test_a_target_that_is_paused_without_an_end_is_not_waited_for(store: Store) -> None:
    fill(store)
    fill(store, start=NOON + 9 * DAY, seq=30)
    store.pause_set("platform", until=NOW * 2).result()
    assert swept(store, "platform") == []
    store.pause_set("platform").result()
    assert swept(store, "platform") == [Deleted("air_temperature", 30, 0, 0)]


def test_dead_letters_and_orders_to_fill_again_stay(store: Store) -> None:
    fill(store)
    fill(store, start=NOON + 9 * DAY, seq=30)
    store.place_set(store.place_get("x")._replace(next_id=61), [(2, "no"), (30, "no")]).result()
    order = store.refill_add("x", (NOON + 3600) * 1000, (NOON + 7200) * 1000).result()
    swept(store, "x")
    assert [row.id for row in store.readings_after(0, 100)] == [2, *range(7, 13), *range(30, 61)]
    (refill,) = store.refills("x")
    store.refill_set(refill._replace(next_id=13, done=True)).result()
    store.dead_done("x", [2], [(30, "no")]).result()
    swept(store, "x")
    assert [row.id for row in store.readings_after(0, 100)] == list(range(30, 61)) and order


def test_the_logs_last_reading_stays_so_that_no_id_comes_twice(place: Where) -> None:
    store = Store.open(place)
    fill(store)
    swept(store)
    assert [row.id for row in store.readings_after(0, 100)] == [30]
    store.close()
    store = Store.open(place)
    fill(store, start=NOON + 9 * DAY, seq=30, packs=1)
    assert store.newest_id() == 31
    store.close()


def test_hours_and_days_go_in_their_turn(store: Store) -> None:
    fill(store)
    fill(store, start=NOON + 9 * DAY, seq=30)
    rules = {"air_temperature": Retention(raw_days=1, hourly_days=5), "pm10": Retention(raw_days=1)}
    assert swept(store, rules=rules) == [Deleted("air_temperature", 30, 5, 0)]
    assert len(hours(store)) == 5 and len(hours(store, DAY_MS)) == 2
    rules = {"default": Retention(raw_days=1, hourly_days=5, daily_days=5)}
    assert swept(store, rules=rules) == [Deleted("air_temperature", 0, 0, 1)]


def test_a_property_without_a_limit_is_kept(store: Store) -> None:
    fill(store)
    fill(store, start=NOON + 9 * DAY, seq=30)
    assert swept(store, rules={"default": Retention(raw_days=1), "air_temperature": Retention()}) == []
    assert left(store) == 60


def test_it_goes_in_pieces_and_goes_on_where_it_was_stopped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_retention, "MOST_AT_ONCE", 4)
    fill(store)
    fill(store, start=NOON + 9 * DAY, seq=30)
    future = store.aggregate(7)
    assert future is not None and future.result() == 7
    plan = Plan(RULES, store, ())
    (piece, _) = store.delete_readings(store.old_hours(1, NOW), ()).result()
    assert piece == 4 and left(store) == 56  # of what is in the sums already
    assert plan.sweep(NOW) == [Deleted("air_temperature", 3, 0, 0)]
    plan.aggregate()
    assert plan.sweep(NOW) == [Deleted("air_temperature", 23, 0, 0)]
    assert hours(store)[0][1] == 6 and left(store) == 30


def test_a_running_gateway_does_it_by_itself(town: Town, tmp_path: Path) -> None:
    nobody = SimpleNamespace(host="localhost", port=free_port())
    rules = {"retention.default": {"raw_days": 1, "hourly_days": 2}}
    gateway = Gateway(town, cast(Mosquitto, nobody), folder=tmp_path, settings=rules)
    old = int(time.time()) // 3600 * 3600 - 3 * DAY
    with closing(Store.open(gateway.store)) as store:
        fill(store, start=old)
        fill(store, start=old + 3 * DAY - 20, seq=30, packs=2, every=10)
        gateway.start(wait=False)
        try:
            assert until(lambda: left(store) == 2, 30), gateway.tail()
            wanted = [(old + 3 * DAY - 3600) * 1000]
            assert until(lambda: [row.start for row in store.aggregates(DEVICE, SERIES, 0, NOW)] == wanted, 30)
        finally:
            assert gateway.stop() == 0
    assert '"readings": 30, "hours": 5' in gateway.tail()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.integers(-DAY_MS, DAY_MS * 2),
            st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6) | st.booleans() | st.text(max_size=3),
        ),
        min_size=1,
        max_size=40,
        unique_by=lambda row: row[0],
    ),
    pieces=st.integers(1, 40),
    numbers=st.just(count()),
)
def test_sums_made_in_pieces_are_the_sums_of_all(
    tmp_path: Path, rows: list[tuple[int, Any]], pieces: int, numbers: Iterator[int]
) -> None:
    store = Store.open(tmp_path / f"{next(numbers)}.sqlite")
    try:
        store.database.writer.begin()
        assert store.database.writer.add_readings([(1, time, value, 0, 0) for time, value in rows])
        store.database.writer.commit()
        while (future := store.aggregate(pieces)) is not None:
            future.result()
        with store.database.reading() as connection:
            found = connection.execute("SELECT * FROM aggregate ORDER BY step, series, start").fetchall()
    finally:
        store.close()
    wanted = sorted(folded((1, time, value) for time, value in rows))
    assert [row[:5] + row[6:] for row in found] == [tuple(row[:5]) + tuple(row[6:]) for row in wanted]
    assert [row[5] for row in found] == pytest.approx([row[5] for row in wanted])
    assert sum(row[3] for row in found) == 2 * len(rows)


def test_the_command_shows_and_deletes(folder: Path) -> None:
    config = folder / "gateway.toml"
    text = f'[gateway]\ndata = "{folder}"\n[mqtt]\nhost = "localhost"\ntls = false\nusername = "x"\n'
    (folder / "password").write_text("x")
    config.write_text(text + 'password_file = "password"\n')
    store = Store.open(folder / "bordstein.sqlite")
    fill(store)
    store.close()
    done = command("retention", "--config", config)
    assert done.returncode == 1 and "does not say that anything is deleted" in done.stderr
    config.write_text(config.read_text() + "[retention.default]\nraw_days = 1\nhourly_days = 30\n")
    done = command("retention", "--dry-run", "--config", config)
    assert done.returncode == 0 and "Not yet in hours and days: 30 readings" in done.stdout
    done = command("retention", "--json", "--config", config)
    assert json.loads(done.stdout) == {"property": "air_temperature", "readings": 29, "hours": 0, "days": 0}
