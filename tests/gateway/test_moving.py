"""A town moves to another store, and its backups: everything is there, once, as it was."""

import json
import re
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.decode.normalise import Pack, Reading
from bordstein_gateway.store import (
    Arrival,
    BoardUpdate,
    CommandResult,
    ConfigReport,
    Store,
    StoreError,
    Where,
    audit,
    backup,
)
from bordstein_gateway.store import copying as store_copying
from bordstein_gateway.store.connection import Connection
from bordstein_gateway.store.copying import Copied, Copying, mark_moved
from bordstein_gateway.store.opening import opened
from tests.gateway.forwarding import BASE, DEVICE, measure, same, stored
from tests.gateway.packs import DAY, NOON, days, pack, read, state, write
from tests.gateway.test_cli import gateway as command
from tests.street.client import Client
from tests.street.postgres import Postgres
from tests.street.processes import Process, until
from tests.street.receivers import Webhook
from tests.street.servers import Gateway, Mosquitto, Town

ODD = [1.5, 7, True, False, "Text", "a\0b", "", b"\0\xff", 2**63 - 1, -(2**53) - 1, -0.0, 1e300, 5e-324, 0, -(2**63)]


def fill(store: Store) -> None:
    """Something in every table."""
    readings = [Reading(f"x/{number}", NOON * 1000, value, "1", number) for number, value in enumerate(ODD)]
    odd = Arrival(DEVICE, "t", b"x", Pack(DEVICE, 1, 0, False, "set", readings))
    assert write(store, [odd, *(pack(1, seq, at=NOON + seq, value=float(seq)) for seq in range(1, 200))])[0] == "NEW"
    write(store, [pack(1, 200, clock="unset"), pack(1, 200, clock="unset"), pack(1, 205, at=NOON + 205)])
    write(store, [read("readings", b"\0nonsense"), state(next=(1, 207))])
    order = store.release_publish("1.2", "d" * 64, [DEVICE], percent=10, least=3, at_once=20).result()
    store.write([], [state()._replace(update=BoardUpdate(order, "fetching", ""))])
    store.write([], (), [CommandResult(DEVICE, "c1", "{}"), ConfigReport(DEVICE, 1, True, [], 1, "d", None, False)])
    store.want_config(DEVICE, "{}").result()
    store.register([{"device": DEVICE, "site": "Markt", "latitude": 53.5, "longitude": 10}]).result()
    store.place_set(store.place_get("x")._replace(next_id=9, pending_to=11), [(3, "no")]).result()
    store.refill_add("x", 0, NOON * 2000).result()
    store.remote_set("x", {"a": "1"}).result()
    store.place_jump(store.place_get("z"), 100).result()
    store.pause_set("z", reason="Umbau").result()
    while (future := store.aggregate(50)) is not None:
        future.result()
    store.submit(office).result()


def office(connection: Connection) -> None:
    """One line in each table of the town's work."""
    audit.enter(connection, NOON * 1000, "eva", "opened", "case 1", {"ok": True})
    for table, values in (
        ("account", ("eva", "Eva", "worker", "[]", "", "x", 0, 0, None, 1, None)),
        ("login", ("d", "eva", "c", 1, 1, 2)),
        ("sheet", ("bin-full", 1, "text", "file", "", 1)),
        ("rule_state", ("bin-full", DEVICE, "{}")),
        (
            "work",
            (
                17,
                None,
                2026,
                1,
                *("r", 1, "o", "t", "p"),
                "done",
                "",
                "low",
                "d",
                "",
                None,
                1,
                1,
                1,
                1,
                None,
                0,
                "",
                "{}",
                "{}",
            ),
        ),
        ("work_step", (17, 1, *("t", "n", "t", "i", "d"), "[]", "done", "{}", "", "eva", 1)),
        ("work_note", (1, 17, 1, "eva", "comment", "text", None, 1, "")),
        ("photo", ("d", "image/jpeg", b"\0\xff", 1, 1, 1, "eva")),
        ("silence", (1, "r", "o", 1, 2, "eva", "Umbau")),
        ("held_back", ("r", "o", "{}")),
        ("process_model", ("d", "r", "<xml/>")),
        ("process", (17, "d", "{}", 0, 5, 1)),
        ("errand", ("k", 17, "t", "n", "mail", "depot", "{}", "due", 0, 1, "", 1, 1)),
        ("station_note", (1, DEVICE, 1, "eva", "visit", "text", None)),
        ("keeper", (f"device {DEVICE}", "account eva", "eva", 1)),
    ):
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)


def copied(source: Where, target: Where) -> list[Copied]:
    with opened(source) as old, opened(target) as new:
        copy = Copying(old, new)
        with old.snapshot() as connection:
            return copy.rest(connection)


def contents(store: Store) -> tuple[Any, ...]:
    return (
        [(type(row.value), repr(row.value), row) for row in store.readings_after(0, 10_000)],
        [(repr(latest.value), latest) for latest in store.latest()],
        *(store.devices(), days(store, NOON, NOON + 2 * DAY), store.quarantined(), store.places(), store.refills()),
        *(
            store.dead_letters(),
            store.backfills(),
            store.pauses(),
            store.remote_get("x"),
            store.rollouts(),
            store.configs(),
            store.registered(),
        ),
        store.aggregates(DEVICE, "air/air_temperature", 0, NOON * 2000),
    )


# --- copying --------------------------------------------------------------------------------------------------------


def test_there_and_back_everything_is_as_it_was(tmp_path: Path, postgres: Postgres) -> None:
    places: list[Where] = [tmp_path / "a.sqlite", postgres.database(), postgres.database(), tmp_path / "b.sqlite"]
    with closing(Store.open(places[0])) as store:
        fill(store)
        wanted = contents(store)
    found = [copied(*pair) for pair in pairwise(places)]
    assert found[0] == found[1] == found[2]
    assert [table.table for table in found[0] if not table.rows] == ["refused_pack"]
    for place in places[1:]:
        with closing(Store.open(place, alone=True)) as store:
            assert contents(store) == wanted
            # and it goes on: no id comes twice
            assert write(store, [pack(1, 206, at=NOON + 206), pack(1, 1, at=NOON + 1, value=1.0)]) == ["NEW", "DOUBLE"]
            assert write(store, [pack(1, 0, device="24a160000002", series="dust/pm10")]) == ["NEW"]
            assert store.newest_id() == wanted[0][-1][2].id + 2
            assert store.refill_add("y", 0, 1).result() == 2
            write(store, [read("readings", b"other nonsense")])
            assert [kept.id for kept in store.quarantined()] == [1, 2]


@pytest.mark.parametrize("block", [7, 100_000])
def test_a_copy_that_was_ended_anywhere_goes_on(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(store_copying, "BLOCK", block)
    source, target = tmp_path / "a.sqlite", postgres.database()
    with closing(Store.open(source)) as store:
        measure(store, 30)

        def crash(done: int, _: int) -> None:
            raise KeyboardInterrupt

        with opened(source) as old, opened(target) as new, pytest.raises(KeyboardInterrupt):
            Copying(old, new).log(progress=crash)
        with pytest.raises(StoreError, match="is being filled from"):
            Store.open(target, alone=True)
        measure(store, 30, first=30)
        with opened(source) as old, opened(target) as new:
            copy = Copying(old, new)
            assert copy.log() == 60
            measure(store, 5, first=60)
            assert copy.log() == 5
            with store.database.reading() as connection:
                assert copy.rest(connection)[0].rows == 65
        wanted = stored(store)
    with closing(Store.open(target, alone=True)) as store:
        assert stored(store) == wanted and store.newest_id() == 65


def test_what_is_deleted_or_changed_meanwhile_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_copying, "BLOCK", 10)
    source, target = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    with closing(Store.open(source)) as store, opened(source) as old, opened(target) as new:
        measure(store, 40)
        copy = Copying(old, new)
        copy.log()
        future = store.aggregate(1000)
        assert future is not None and future.result() == 40
        assert store.delete_readings(store.old_hours(1, (BASE + DAY) * 1000), ()).result()[0] == 39
        with store.database.reading() as connection:
            assert copy.rest(connection)[0].rows == 1
    with closing(sqlite3.connect(target)) as there:
        assert there.execute("SELECT id FROM reading").fetchall() == [(40,)]


def test_a_disk_that_keeps_something_else_is_seen(tmp_path: Path) -> None:
    source, target = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    with closing(Store.open(source)) as store:
        fill(store)
    for table in ("reading", "remote"):
        with opened(source) as old, opened(target) as new:
            new.writer.execute(  # what is written changes on the way
                f"CREATE TRIGGER spoil AFTER INSERT ON {table} BEGIN"
                f" UPDATE {table} SET {'flags' if table == 'reading' else 'value'} = 77; END"
            )
            with (
                old.snapshot() as connection,
                pytest.raises(StoreError, match=f"{table} does not hold what was copied"),
            ):
                Copying(old, new).rest(connection)
            new.writer.execute("DROP TRIGGER spoil")


def test_nothing_is_moved_over_another_towns_store(tmp_path: Path, place: Where) -> None:
    with closing(Store.open(place)) as store:
        measure(store, 1)
    with closing(Store.open(tmp_path / "mine.sqlite")) as store:
        measure(store, 2)
    with pytest.raises(StoreError, match="There is something in"):
        copied(tmp_path / "mine.sqlite", place)


def test_a_store_that_was_moved_is_not_gone_on_with(place: Where) -> None:
    with opened(place) as database:
        mark_moved(database, "postgresql://db/town")
    with pytest.raises(StoreError, match="was moved to postgresql://db/town; name that in"):
        Store.open(place, alone=True)
    Store.open(place).close()  # to look is allowed
    with opened(place) as database:
        mark_moved(database, None)
    Store.open(place, alone=True).close()


# --- the whole way --------------------------------------------------------------------------------------------------


@pytest.fixture
def broker(town: Town, tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(town, folder=tmp_path / "broker") as broker:
        yield broker


def payload(number: int) -> str:
    return (
        f'[{{"bn":"urn:dev:mac:24a160fffe000001:","bt":{BASE + number},"n":"boot","v":1}},'
        f'{{"n":"seq","v":{number}}},{{"n":"air/air_temperature","u":"Cel","v":{number % 40}.5}}]'
    )


def test_a_town_moves_while_its_gateway_runs(town: Town, broker: Mosquitto, tmp_path: Path, postgres: Postgres) -> None:
    """Readings keep coming; the move is killed once; the gateway is stopped and goes on with the other store."""
    target = postgres.blank()
    receiver = Webhook(tmp_path)
    with receiver, Client(broker.port, town.context(town.device(DEVICE))) as board:
        gateway = Gateway(town, broker, folder=tmp_path / "gateway", forward={receiver.name: receiver.section()})
        sent = 0

        def send(count: int) -> None:
            nonlocal sent
            for number in range(sent, sent + count):
                assert board.publish(f"bordstein/v1/{DEVICE}/readings", payload(number)) == "Success"
            sent += count

        program = Path(sys.executable).with_name("bordstein-gateway")
        arguments = ["migrate-store", "--to", target.url, "--json", "--config", gateway.config]

        def move(name: str) -> Process:
            process = Process(name, [program, *arguments], tmp_path / f"{name}.log")
            process.start()
            return process

        with gateway:
            send(30)
            first = move("first")
            assert until(lambda: "stop the gateway" in first.tail(), 60), first.tail()
            send(20)
            first.kill()
            second = move("second")
            send(20)
            assert until(lambda: "stop the gateway" in second.tail(), 60), second.tail()
            send(20)
            assert until(lambda: len(receiver.arrived()) >= 90, 60)
        assert second.process is not None and second.process.wait(60) == 0, second.tail(40)
        tables = [json.loads(line) for line in second.log.read_text().splitlines() if line.startswith("{")]
        assert {name: tables[0][name] for name in ("table", "rows")} == {"table": "reading", "rows": 90}
        send(10)  # the broker keeps them
        gateway.start(wait=False)  # somebody forgot to change the configuration
        assert gateway.process is not None and gateway.process.wait(30) == 1
        assert re.search(rf"was moved to postgresql://\S*@{target.url.partition('@')[2]}; name that", gateway.tail())
        text = gateway.config.read_text()
        gateway.config.write_text(text + f'[store]\nurl = "{target.url}"\n')
        with gateway:
            send(10)
            assert until(lambda: len(receiver.arrived()) >= 110, 60)
        with closing(Store.open(target)) as store:
            same(receiver, store)
            (account,) = store.completeness(DEVICE, *["2026-09-21"] * 2)
            assert (account.expected, account.arrived, account.double) == (110, 110, 0)
            assert store.newest_id() == 110


# --- backups --------------------------------------------------------------------------------------------------------


def test_a_backup_of_a_running_store_has_all_that_was_confirmed_before(
    tmp_path: Path, place: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backup.sqlite"
    stop, confirmed = threading.Event(), 0
    with closing(Store.open(place, alone=True)) as store:
        fill(store)
        before = store.newest_id()

        def work() -> None:
            nonlocal confirmed
            number = 0
            while not stop.is_set():
                measure(store, 20, first=number, device="24a160000007")
                number += 20
                confirmed = store.newest_id()

        writer = threading.Thread(target=work)
        writer.start()
        try:
            assert until(lambda: confirmed > before + 100, 30)
            surely = confirmed
            made = backup.make(place, file)
            later = confirmed
            assert until(lambda: confirmed > later, 30)
        finally:
            stop.set()
            writer.join()
        everything = store.readings_after(0, 100_000)
    assert made.readings == made.last_id and surely <= made.last_id <= len(everything)
    assert sorted(path.name for path in tmp_path.glob("backup*")) == ["backup.sqlite", "backup.sqlite.sha256"]
    elsewhere = tmp_path / "elsewhere.sqlite"
    assert backup.bring_back(file, elsewhere) is None
    with closing(Store.open(elsewhere, alone=True)) as store:
        assert store.readings_after(0, 100_000) == everything[: made.last_id]
        (account,) = store.completeness("24a160000007", *["2026-09-21"] * 2)
        assert account.missing == 0 and account.arrived == made.last_id - before


def test_a_backup_is_brought_back_into_a_database(tmp_path: Path, postgres: Postgres) -> None:
    source, target = tmp_path / "a.sqlite", postgres.blank()
    with closing(Store.open(source)) as store:
        fill(store)
        wanted = contents(store)
    backup.make(source, tmp_path / "backup.sqlite")
    backup.bring_back(tmp_path / "backup.sqlite", target)
    with closing(Store.open(target, alone=True)) as store:
        assert contents(store) == wanted
        measure(store, 5)
        with pytest.raises(StoreError, match="Another bordstein-gateway runs on"):
            backup.bring_back(tmp_path / "backup.sqlite", target, force=True)
    with pytest.raises(StoreError, match="--force replaces it"):
        backup.bring_back(tmp_path / "backup.sqlite", target)
    backup.bring_back(tmp_path / "backup.sqlite", target, force=True)
    with closing(Store.open(target, alone=True)) as store:
        assert contents(store) == wanted


def test_what_is_no_sound_backup_is_not_brought_back(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / "a.sqlite")) as store:
        measure(store, 500)
    file = tmp_path / "backup.sqlite"
    backup.make(tmp_path / "a.sqlite", file)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"can't be used as a backup \(SHA-256\)"):
        backup.check(file)
    for other, why in ((b"", "no backup of Bordstein"), (b"x" * 5000, "not a database")):
        (tmp_path / "other").write_bytes(other)
        with pytest.raises(StoreError, match=why):
            backup.bring_back(tmp_path / "other", tmp_path / "new.sqlite")
    assert not (tmp_path / "new.sqlite").exists()
    with pytest.raises(StoreError, match=r"b\.sqlite\.part can't be written; its folder has to exist"):
        backup.make(tmp_path / "a.sqlite", tmp_path / "nowhere" / "b.sqlite")


def test_a_damaged_store_is_replaced_and_laid_aside(tmp_path: Path) -> None:
    place = tmp_path / "a.sqlite"
    with closing(Store.open(place)) as store:
        measure(store, 20)
        wanted = stored(store)
    backup.make(place, tmp_path / "backup.sqlite")
    place.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    (tmp_path / "a.sqlite-wal").write_bytes(b"of something else")
    with pytest.raises(StoreError, match="is damaged"):
        backup.bring_back(tmp_path / "backup.sqlite", place)
    aside = backup.bring_back(tmp_path / "backup.sqlite", place, force=True)
    assert aside is not None and aside.read_bytes().endswith(b"xxx")
    assert place.stat().st_mode & 0o777 == 0o600
    with closing(Store.open(place, alone=True)) as store:
        assert stored(store) == wanted


def test_the_commands_back_up_and_restore(folder: Path) -> None:
    config = folder / "gateway.toml"
    data = folder / "data"
    data.mkdir()
    config.write_text(
        f'[gateway]\ndata = "{data}"\n[mqtt]\nhost = "localhost"\ncert = "gateway.pem"\nkey = "gateway.key"\n'
    )
    (data / "releases").mkdir()
    (data / "releases" / "x.pack").write_bytes(b"pack")
    (data / "rules").mkdir()
    (data / "rules" / "drawn.bpmn").write_text("drawn")
    (data / "rules" / ".half-written").write_text("dra")
    with closing(Store.open(data / "bordstein.sqlite", alone=True)) as store:
        measure(store, 50)
        done = command("backup", folder / "safe", "--all", "--config", config)
        assert done.returncode == 0 and "50 readings" in done.stdout and done.stderr == ""
        measure(store, 50, first=50)
        (made,) = (folder / "safe").iterdir()
        done = command("restore", made, "--force", "--config", config)
        assert done.returncode == 1 and "Another bordstein-gateway runs on" in done.stderr
        wanted = stored(store)
    files = {"store.sqlite", "store.sqlite.sha256", "gateway.toml"}
    assert {path.name for path in made.iterdir()} == {*files, "releases", "rules"}
    assert not any(b"PRIVATE KEY" in path.read_bytes() for path in made.rglob("*") if path.is_file())
    (data / "releases" / "x.pack").unlink()
    shutil.rmtree(data / "rules")
    done = command("restore", made, "--force", "--config", config)
    assert done.returncode == 0 and "What was there before is in" in done.stdout
    with closing(Store.open(data / "bordstein.sqlite")) as store:
        assert store.newest_id() == 50
    assert (data / "releases" / "x.pack").read_bytes() == b"pack"
    assert [path.name for path in (data / "rules").iterdir()] == ["drawn.bpmn"]
    (aside,) = data.glob("bordstein.sqlite.2*Z")
    with closing(Store.open(aside)) as store:
        assert stored(store) == wanted
