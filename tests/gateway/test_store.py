"""The store by itself: what it takes, what it costs, and what another program may do beside it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_gateway.decode.normalise import flag_names
from bordstein_gateway.store import Store, Where, core
from bordstein_gateway.store import packs as store_packs
from bordstein_gateway.store.schema import APPLICATION_ID, MIGRATIONS, VERSION
from bordstein_gateway.store.sqlite.database import SqliteDatabase
from tests.gateway.packs import DEVICE, NOON, account, pack, read, write


class Steps:
    """Counts hundreds of steps of SQLite's machine: the same on every computer, unlike time."""

    def __init__(self, store: Store) -> None:
        self.count = 0
        self.store = store
        assert isinstance(store.database, SqliteDatabase)
        store.database.writer.set_progress_handler(self._step, 100)

    def _step(self) -> int:
        self.count += 1
        return 0

    def taken(self) -> int:
        count, self.count = self.count, 0
        return count


@pytest.fixture
def store(on_both: Store) -> Store:
    return on_both


@pytest.fixture
def steps(tmp_path: Path) -> Iterator[Steps]:
    store = Store.open(tmp_path / "bordstein.sqlite")
    yield Steps(store)
    store.close()


# --- what it costs --------------------------------------------------------------------------------------------------


def test_readings_without_a_time_that_meet_are_all_kept_and_cost_no_more_each_time(steps: Steps) -> None:
    store, costs = steps.store, []
    for _ in range(15):
        assert set(write(store, [pack(None, None, clock="unset") for _ in range(200)])) == {"NEW"}
        costs.append(steps.taken())
    assert store.newest_id() == 3000
    assert costs[-1] < 2 * costs[1]


def test_a_burst_over_the_end_of_an_hour_is_kept(store: Store) -> None:
    write(store, [pack(None, None, at=NOON + 4.995, clock="unset") for _ in range(20)])
    assert [row.time for row in store.readings_after(0, 100)] == [NOON * 1000 - 5 + number for number in range(20)]
    write(store, [pack(None, None, at=NOON + 4.997, clock="unset")])
    assert store.readings_after(20, 1)[0].time == NOON * 1000 + 15


def test_too_many_readings_in_one_moment_are_kept_aside(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_packs, "MOST_AT_ONCE", 10)
    outcomes = write(store, [pack(None, None, clock="unset") for _ in range(20)])
    assert outcomes[:10] == ["NEW"] * 10 and outcomes[-1] == "REFUSED"
    assert "in one moment" in store.quarantined()[0].reason
    assert write(store, [pack(None, None, at=NOON + 1, clock="unset")]) == ["NEW"]


def test_a_pack_that_comes_again_does_not_read_the_log(steps: Steps) -> None:
    store, costs = steps.store, []
    for hundred in range(30):
        write(store, [pack(1, seq, at=NOON + seq) for seq in range(100 * hundred, 100 * hundred + 100)])
        steps.taken()
        write(store, [pack(1, seq, at=NOON + seq) for seq in range(100)])
        costs.append(steps.taken())
    assert costs[-1] < 2 * costs[0]


# --- newest values --------------------------------------------------------------------------------------------------

FAR = 253_402_300_799  # the end of the year 9999


@pytest.mark.parametrize("reopened", [False, True])
def test_a_time_in_the_future_hides_no_present_value(place: Where, reopened: bool) -> None:
    store = Store.open(place)

    def latest() -> list[object]:
        nonlocal store
        if reopened:
            store.close()
            store = Store.open(place)
        return [latest.value for latest in store.latest()]

    write(store, [pack(1, 0, measured=FAR - 1, value=1.5)])
    assert latest() == [1.5]
    assert flag_names(store.latest()[0].flags) == ["clock_unsure"]
    write(store, [pack(1, 1, measured=FAR, value=2.5)])
    assert latest() == [2.5]
    write(store, [pack(1, 2, measured=NOON - 60, value=22.5)])
    assert latest() == [22.5]
    write(store, [pack(1, 3, measured=FAR - 5, value=3.5)])
    assert latest() == [22.5]
    write(store, [pack(1, 4, value=23.5), pack(1, 5, measured=NOON - 30, value=22.75)])
    assert latest() == [23.5]
    store.close()


def test_a_command_beside_the_service_leaves_its_newest_values_alone(
    place: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "24a160000002"
    service = Store.open(place)
    for seq, value in enumerate((1.5, 2.5)):
        write(service, [pack(1, seq, at=NOON + seq, value=value)])
    command = Store.open(place)
    write(service, [pack(1, 2, at=NOON + 2, value=3.5)])
    monkeypatch.setattr(core, "_FLUSH_S", 0)
    write(service, [pack(1, 0, device=other)])  # now it writes them down
    command.dead_retry("x").result()
    command.close()
    write(service, [pack(1, 1, at=NOON + 1, device=other)])
    write(service, [pack(1, 2, at=NOON + 2, device=other)])
    service.database.close()  # as by a crash
    after = Store.open(place)
    assert [latest.value for latest in after.latest(DEVICE)] == [3.5]
    after.close()


# --- who is a board -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "<b>x", "kaffee", "24A160000001", "24a1600000011", "24a16000000١"])
def test_only_a_mac_is_a_board(store: Store, name: str) -> None:
    for kind in ("readings", "state", "health"):
        assert write(store, [read(kind, b"x", device=name)]) == ["REFUSED"]
    assert store.devices() == []
    assert {kept.device for kept in store.quarantined()} == {name}


# --- older stores ---------------------------------------------------------------------------------------------------


def test_a_store_of_the_first_version_keeps_its_account(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    connection.executescript(
        f"{MIGRATIONS[0]}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;"
        "INSERT INTO device (id, name, first_seen, last_seen, life, next_boot, next_seq, next_day)"
        f" VALUES (1, '{DEVICE}', 0, 0, 1, (1 << 32) + 2, 9, {NOON // 86400});"
        f"INSERT INTO pack_range VALUES (1, (1 << 32) + 2, 5, 6, {NOON // 86400});"
        "INSERT INTO unsure_pack VALUES (1, 2, 6, 123);"
    )
    connection.close()
    store = Store.open(tmp_path / "store.sqlite")
    (version,) = store.database.writer.execute("PRAGMA user_version").fetchone()
    (unsure,) = store.database.writer.execute("SELECT boot, seq, crc FROM unsure_pack").fetchall()
    assert version == VERSION and unsure == ((1 << 32) + 2, 6, 123)
    assert account(store).missing == 2
    assert store.devices()[0].next == (2, 9)
    store.close()
