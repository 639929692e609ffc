"""The store in a real PostgreSQL: what was confirmed stays, whatever becomes of server and gateway; and its words."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bordstein_gateway.decode.normalise import Pack, Reading
from bordstein_gateway.doctor import store as doctor_store
from bordstein_gateway.store import Arrival, Store, StoreError, Where, schema
from bordstein_gateway.store import Postgres as Place
from bordstein_gateway.store.opening import opened
from bordstein_gateway.store.postgres.connection import PostgresConnection
from bordstein_gateway.store.postgres.translate import tables, translated
from tests.gateway.forwarding import BASE, DEVICE
from tests.gateway.packs import NOON, account, pack, state, write
from tests.street.client import Client
from tests.street.postgres import Postgres
from tests.street.processes import until
from tests.street.servers import Gateway, Mosquitto, Town

VALUE = (
    st.floats(allow_nan=False)
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 10**15, 10**16])
    | st.booleans()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.binary(max_size=20)
)


@pytest.fixture
def town_store(postgres: Postgres) -> Iterator[Store]:
    with closing(Store.open(postgres.database(), alone=True)) as store:
        yield store


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Where, Store]]:
    place: Where = tmp_path_factory.mktemp("values") / "store.sqlite"
    if request.param == "postgresql":
        place = request.getfixturevalue("postgres").database()
    with closing(Store.open(place)) as store:
        yield place, store


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=st.lists(VALUE, min_size=1, max_size=20), long_way=st.booleans())
def test_every_value_comes_back_as_it_was(shared: tuple[Where, Store], values: list[Any], long_way: bool) -> None:
    _, store = shared
    begin = store.newest_id()
    readings = [Reading(f"x/{place}", NOON + begin, value, "1", place) for place, value in enumerate(values)]
    clock = "unset" if long_way else "set"
    arrival = Arrival(DEVICE, "t", b"", Pack(DEVICE, 1, begin, long_way, clock, readings))
    assert write(store, [arrival]) == ["NEW"]
    found = store.readings_after(begin, 1000)
    assert [(type(row.value), repr(row.value), row.flags) for row in found] == [
        (type(value), repr(value), place) for place, value in enumerate(values)
    ]
    with store.database.reading() as connection:  # and as the newest ones, read from the log as after a start
        newest = type(store._newest)(store.database.writer)
        newest.catch_up(begin)
        assert connection is not None
    assert [repr(value) for _, (_, value, _, _) in sorted(newest.values.items())] == [
        repr(int(value) if isinstance(value, bool) else value) for value in values
    ]


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "\ud800", float("nan")])
def test_what_no_column_can_hold_is_kept_aside(store: Store, town_store: Store, value: Any) -> None:
    odd = Arrival(DEVICE, "t", b"x", Pack(DEVICE, 1, 0, False, "set", [Reading("x", NOON, value, "1", 0)]))
    for one in (store, town_store):
        assert write(one, [pack(1, 1), odd, pack(1, 2, at=NOON + 1)]) == ["NEW", "REFUSED", "NEW"]
        assert one.newest_id() == 2 and "can't be stored" in one.quarantined()[0].reason


def test_a_message_that_no_column_can_hold_is_no_trouble_of_the_store(store: Store, town_store: Store) -> None:
    for one in (store, town_store):
        with pytest.raises((OverflowError, psycopg.DataError)):
            write(one, [state(dropped=2**40), state()._replace(dropped=2**70), pack(1, 0)])
        assert write(one, [pack(1, 0)]) == ["NEW"] and one.newest_id() == 1


# --- the server goes away -------------------------------------------------------------------------------------------


def payload(seq: int) -> str:
    return (
        f'[{{"bn":"urn:dev:mac:24a160fffe000001:","bt":{BASE + seq},"n":"boot","v":1}},'
        f'{{"n":"seq","v":{seq}}},{{"n":"air/air_temperature","u":"Cel","v":20.5}}]'
    )


def test_a_server_that_crashes_and_a_gateway_that_is_killed_lose_nothing(town: Town, tmp_path: Path) -> None:
    with (
        Postgres(fsync="on", full_page_writes="on") as server,
        Mosquitto(town, folder=tmp_path / "broker") as broker,
        Client(broker.port, town.context(town.device(DEVICE))) as board,
    ):
        place = server.blank()
        gateway = Gateway(town, broker, folder=tmp_path / "gateway", settings={"store": {"url": place.url}})
        sent = 0

        def send(count: int) -> None:
            nonlocal sent
            for seq in range(sent, sent + count):
                assert board.publish(f"bordstein/v1/{DEVICE}/readings", payload(seq)) == "Success"
            sent += count

        def problems() -> str:
            return " ".join(gateway.get("/healthz")["problems"])

        with gateway:
            send(50)
            server.kill()
            send(50)
            assert until(lambda: "can't be reached" in _unwell(gateway), 30)
            server.start()
            send(50)
            assert until(lambda: _unwell(gateway) == "" and problems() == "", 60), _unwell(gateway)
            gateway.kill()
            send(50)
            gateway.start()  # its lock went with its connection
            send(50)
            assert until(lambda: len(gateway.stored_in(place)) == sent, 60)
            assert gateway.running
        with closing(Store.open(place)) as store:
            day = account(store, BASE)
            assert (day.expected, day.arrived, day.missing) == (sent, sent, 0)
            assert [row.id for row in store.readings_after(0, 1000)] == list(range(1, sent + 1))


def _unwell(gateway: Gateway) -> str:
    """What /healthz says with 503; empty with 200."""
    code, problems = gateway.health()
    return " ".join(problems) if code == 503 else ""


@pytest.mark.parametrize("made", [True, False])
def test_a_commit_whose_answer_never_came_is_found_again(
    town_store: Store, monkeypatch: pytest.MonkeyPatch, made: bool
) -> None:
    store = town_store
    write(store, [pack(1, 0)])
    commit = PostgresConnection.commit

    def cut(self: PostgresConnection) -> None:
        if made:
            commit(self)
        self.raw.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(PostgresConnection, "commit", cut)
    again = [pack(1, 1, at=NOON + 1, value=21.5), pack(1, 2, at=NOON + 2, value=22.5)]
    with pytest.raises(StoreError, match="can't be reached"):
        write(store, again)
    monkeypatch.setattr(PostgresConnection, "commit", commit)
    assert write(store, again) == (["DOUBLE"] * 2 if made else ["NEW"] * 2)
    assert store.newest_id() == 3 and store.latest()[0].value == 22.5
    assert write(store, [pack(1, 3, at=NOON + 3, value=23.5)]) == ["NEW"]
    assert [row.id for row in store.readings_after(0, 10)] == [1, 2, 3, 4] and account(store).missing == 0


def test_a_job_that_fails_takes_nothing_else_with_it(town_store: Store) -> None:
    store = town_store
    store.attach(lambda: None)
    futures = [
        store.submit(lambda connection: connection.execute("SELECT 1 / 0").fetchone()),
        store.submit(lambda connection: connection.execute("SELECT 1").fetchone()),
        store.submit(lambda _: [][1]),
    ]
    assert write(store, [pack(1, 0)]) == ["NEW"]
    store.detach()
    assert isinstance(futures[0].exception(), psycopg.errors.DivisionByZero)
    assert futures[1].result() == (1,) and isinstance(futures[2].exception(), IndexError)
    assert store.newest_id() == 1


# --- what it says ---------------------------------------------------------------------------------------------------


def said(place: Place) -> str:
    with pytest.raises(StoreError) as caught:
        Store.open(place, alone=True)
    return str(caught.value)


def test_what_is_wrong_is_said_in_a_sentence_without_the_password(postgres: Postgres, tmp_path: Path) -> None:
    postgres.run("DO $$ BEGIN CREATE ROLE locked LOGIN PASSWORD 'right'; EXCEPTION WHEN OTHERS THEN NULL; END $$")
    place = postgres.database()
    name = place.name.rpartition("/")[2]
    (tmp_path / "password").write_text("verysecret\n")
    locked = Place(postgres.address(name, "locked"), str(tmp_path / "password"))
    assert "does not accept user and password" in said(locked) and "verysecret" not in said(locked)
    (tmp_path / "password").write_text("right\n")
    assert "The user may not do" in said(locked)
    assert "does not accept user and password" in said(Place(locked.url))
    assert "There is no database" in said(Place(postgres.address("nothing")))
    assert "can't be reached" in said(Place(f"postgresql://gateway@127.0.0.1:9/{name}"))
    with closing(Store.open(place, alone=True)):
        assert "Another bordstein-gateway runs on" in said(place)
    Store.open(place, alone=True).close()
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "can only be read" in said(place)


def test_another_programs_or_a_newer_ones_database_is_left_alone(postgres: Postgres) -> None:
    place = postgres.blank()
    name = place.name.rpartition("/")[2]
    postgres.run("CREATE TABLE reading (x int)", name)
    assert "is a database of another program" in said(place)
    place = postgres.database()
    postgres.run(f"UPDATE bordstein SET version = {schema.VERSION + 1}", place.name.rpartition("/")[2])
    assert f"newer bordstein-gateway (schema {schema.VERSION + 1}, this one knows {schema.VERSION})" in said(place)
    postgres.run("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    assert "has the encoding LATIN1; it has to be UTF8" in said(Place(postgres.address("latin")))


def test_what_was_confirmed_is_on_disk_whatever_the_server_is_set_to(postgres: Postgres) -> None:
    place = postgres.database()
    postgres.run(f"ALTER DATABASE {place.name.rpartition('/')[2]} SET synchronous_commit = off")
    with opened(place) as database:
        assert database.writer.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_the_doctor_knows_what_loses_data(postgres: Postgres) -> None:
    """The tests' own server does without fsync."""
    place = postgres.database()
    (finding,) = doctor_store.database(place)
    assert finding.level == "loses" and "fsync is off: a power cut costs readings" in finding.en
    postgres.run(f"ALTER DATABASE {place.name.rpartition('/')[2]} SET default_transaction_read_only = on")
    assert [finding.level for finding in doctor_store.database(Place(postgres.address("nothing")))] == ["loses"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SELECT a FROM t WHERE b = ? AND c = '?%'", ("SELECT a FROM t WHERE b = %s AND c = '?%%'", False)),
        ("UPDATE t SET a = ?2 WHERE b = ?1 % 5", ("UPDATE t SET a = %(p2)s WHERE b = %(p1)s %% 5", True)),
        ("SELECT value, flags FROM reading", ("SELECT coalesce(text, value::text), flags FROM reading", False)),
        ("SELECT r.value, 1 FROM r", ("SELECT coalesce(r.text, r.value::text), 1 FROM r", False)),
        ("INSERT INTO t (value, a) VALUES (?, ?)", ("INSERT INTO t (value, a) VALUES (%s, %s)", False)),
        ("SELECT name, value FROM remote", ("SELECT name, value FROM remote", False)),
    ],
)
def test_statements_are_said_in_its_words(ours: str, theirs: tuple[str, bool]) -> None:
    assert translated(ours) == theirs


def test_tables_are_said_in_its_words() -> None:
    assert tables("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, x REAL, b BLOB) WITHOUT ROWID;") == (
        "CREATE TABLE t (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
        " n BIGINT, x DOUBLE PRECISION, b BYTEA);"
    )
