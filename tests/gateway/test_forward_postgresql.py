"""Readings in a town's own PostgreSQL: each once, whatever happens, and in words what is wrong with table or login."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from bordstein_gateway import doctor
from bordstein_gateway.config.config import Config, Device, Mqtt, PostgreSQL
from bordstein_gateway.doctor.finding import Finding
from bordstein_gateway.forward import trial
from bordstein_gateway.forward.postgresql.target import PostgreSQLTarget
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.forward.verify import Account, verify
from bordstein_gateway.store import Store
from tests.gateway import forwarding
from tests.gateway.loopback import START, Log
from tests.street.town_database import PASSWORD, TownDatabase

NAME = "town"


@pytest.fixture(scope="module")
def server() -> Iterator[TownDatabase]:
    with TownDatabase() as server:
        server.create_user()
        yield server


@pytest.fixture
def database(server: TownDatabase) -> TownDatabase:
    """Without the table of the test before."""
    server.run("DROP TABLE IF EXISTS readings")
    return server


@pytest.fixture
def settings(database: TownDatabase, tmp_path: Path) -> PostgreSQL:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    return PostgreSQL(url=database.url, password_file=str(tmp_path / "password"), create=True, timeout=20)


def config(*devices: Device) -> Config:
    return Config(mqtt=Mqtt(host="localhost"), devices=list(devices))


def drain(store: Store, settings: PostgreSQL, *devices: Device) -> list[str]:
    """Turns until there is nothing left to do; the troubles on the way."""
    make = partial(PostgreSQLTarget, settings, config(*devices), store)
    return forwarding.drain(NAME, store, settings, make)


def values(database: TownDatabase) -> list[Any]:
    return [value for (value,) in database.run("SELECT value FROM readings ORDER BY time")]


def test_a_row_says_what_was_measured_where_and_when(log: Log, database: TownDatabase, settings: PostgreSQL) -> None:
    log.add([8.15], start=START + 250, flags=3)
    log.add([True, 2**40, "grün", b"\x00\xff"], series="x/y", unit="")
    place = Device(id="24a160000001", name="Marktplatz 7", latitude=53.5511, longitude=9.9937)
    assert drain(log.store, settings, place) == []
    moment = datetime(2026, 11, 24, 12, tzinfo=UTC)
    where = ("Marktplatz 7", 53.5511, 9.9937)
    first, *others = database.run("SELECT * FROM readings ORDER BY series, time")
    assert first == (
        *("24a160000001", "air/air_temperature", "air_temperature", moment.replace(microsecond=250_000)),
        *(8.15, None, "Cel", "out_of_range stuck", *where),
    )
    assert [row[4:6] for row in others] == [(1.0, None), (float(2**40), None), (None, "grün"), (None, "00ff")]


@pytest.mark.parametrize(("conflict", "kept"), [("keep", 1.0), ("update", 5.0)])
def test_what_is_there_already_is_kept_or_written_anew(
    log: Log, database: TownDatabase, settings: PostgreSQL, conflict: str, kept: float
) -> None:
    log.add([5.0, 6.0])
    assert drain(log.store, settings) == []
    database.run("UPDATE readings SET value = 1 WHERE value = 5")
    settings.conflict = conflict  # type: ignore[assignment]
    log.store.refill_add(NAME, START, START + 10_000).result()
    assert drain(log.store, settings) == []
    assert values(database) == [kept, 6.0]


def test_what_the_table_holds_is_read_back_as_it_was_measured(
    log: Log, database: TownDatabase, settings: PostgreSQL
) -> None:
    log.add([0.1 + 0.2, -7.0], start=START + 123)
    log.add([True, "grün", b"\x00\xff"], series="x/y", unit="")
    drain(log.store, settings)

    async def accounts() -> list[Account]:
        target = PostgreSQLTarget(settings, config())
        try:
            return await verify(NAME, settings, log.store, target, START, START + 10_000)
        finally:
            await target.close()

    assert [(account.stored, account.there) for account in asyncio.run(accounts())] == [(2, 2), (3, 3)]
    database.run(
        "DELETE FROM readings WHERE value = -7; UPDATE readings SET value_text = 'rot' WHERE value_text = 'grün'"
    )
    temperature, other = asyncio.run(accounts())
    assert (temperature.missing, temperature.first_missing) == (1, START + 1123)
    assert (other.there, other.different) == (2, 1)


@contextmanager
def locked(database: TownDatabase) -> Iterator[None]:
    """The table is locked by somebody else: a statement waits, and commits once nobody listens any more."""
    with psycopg.connect(database.admin) as connection:
        connection.execute("LOCK TABLE readings")
        yield


def test_a_database_that_gives_no_answer_in_time_loses_and_doubles_nothing(
    log: Log, database: TownDatabase, settings: PostgreSQL
) -> None:
    log.add([1.0])
    drain(log.store, settings)
    log.add([2.0, 3.0], start=START + 5_000)
    settings.timeout = 1
    with locked(database):
        troubles = drain(log.store, settings)
    assert set(troubles) == {f"{settings.shown}: readings gave no answer in time"}
    settings.timeout = 20
    assert drain(log.store, settings) == []
    assert values(database) == [1.0, 2.0, 3.0]


class Cutter:
    """Between the gateway and the database: ends the connection when an INSERT has been answered, and keeps the answer
    to itself, as a firewall or a restart does in that moment."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cuts = 0

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._between, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _between(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        inserting = False

        async def there() -> None:
            nonlocal inserting
            while sent := await client.read(1 << 16):
                inserting = inserting or b"INSERT" in sent
                to_server.write(sent)

        forth = asyncio.create_task(there())
        while answer := await server.read(1 << 16):
            if inserting and b"INSERT" in answer:  # CommandComplete: it is committed
                self.cuts += 1
                break
            if not inserting:
                to_client.write(answer)
        forth.cancel()
        to_client.close()
        to_server.close()


def test_a_connection_that_breaks_after_the_commit_doubles_nothing(
    log: Log, database: TownDatabase, settings: PostgreSQL
) -> None:
    log.add([0.0])
    drain(log.store, settings)
    log.add([float(number) for number in range(1, 9)], start=START + 5_000)
    cutter = Cutter(database.port)

    async def send() -> None:
        port = await cutter.start()
        through = msgspec.structs.replace(settings, url=settings.url.replace(str(database.port), str(port)))
        target = PostgreSQLTarget(through, config())
        with pytest.raises(Retry, match="readings has taken nothing: ") as failure:
            await target.send(log.store.readings_after(1, 100))
        assert failure.value.unclear
        await target.close()

    asyncio.run(send())
    assert cutter.cuts == 1 and values(database) == [float(number) for number in range(9)]
    assert drain(log.store, settings) == []
    assert values(database) == [float(number) for number in range(9)]


def test_a_server_that_is_restarted_is_connected_to_again(
    log: Log, database: TownDatabase, settings: PostgreSQL
) -> None:
    log.add([1.0])

    async def run() -> None:
        target = PostgreSQLTarget(settings, config())
        (row,) = log.store.readings_after(0, 10)
        await target.send([row])
        await asyncio.to_thread(database.stop)
        with pytest.raises(Retry):
            await target.send([row])
        with pytest.raises(Retry, match="can't be reached"):
            await target.send([row])
        await asyncio.to_thread(database.start)
        assert await target.send([row]) == []
        await target.close()

    asyncio.run(run())
    assert values(database) == [1.0]


def test_a_reading_that_a_constraint_refuses_is_found_and_the_others_arrive(
    log: Log, database: TownDatabase, settings: PostgreSQL
) -> None:
    log.add([0.0])
    drain(log.store, settings)
    database.run("ALTER TABLE readings ADD CHECK (value <> 13)")
    log.add([float(number) for number in range(1, 30)], start=START + 5_000)
    log.add(["a\x00b"], series="x/y", unit="")
    assert drain(log.store, settings) == []
    dead = {letter.reading_id: letter.reason for letter in log.store.dead_letters(NAME)}
    assert "violates check constraint" in dead[14] and "NUL" in dead[31] and len(dead) == 2
    assert values(database) == [float(number) for number in range(30) if number != 13]


@pytest.mark.parametrize(
    ("prepared", "sentence"),
    [
        ("", "does not exist (relation"),
        ("CREATE TABLE readings (device text, time timestamptz)", "does not have the columns that are needed"),
        ("like", "has no key by which a reading is known again; missing: CREATE UNIQUE INDEX ON readings (device,"),
        ("denied", "the user may not write there: permission denied"),
    ],
)
def test_what_is_wrong_with_the_table_is_a_sentence_and_gives_up_no_reading(
    log: Log, database: TownDatabase, settings: PostgreSQL, prepared: str, sentence: str
) -> None:
    if prepared in ("like", "denied"):
        drain(log.store, settings)  # nothing to send; the table is made by the first reading
        log.add([1.0])
        drain(log.store, settings)
        owner = "" if prepared == "denied" else "; ALTER TABLE readings OWNER TO bordstein"
        keys = "INCLUDING ALL" if prepared == "denied" else ""
        database.run(f"CREATE TABLE another (LIKE readings {keys}); DROP TABLE readings")
        database.run(f"ALTER TABLE another RENAME TO readings{owner}")
    elif prepared:
        database.run(f"{prepared}; ALTER TABLE readings OWNER TO bordstein")
    settings.create = False
    log.add([2.0], start=START + 5_000)
    (trouble, *_) = drain(log.store, settings)
    assert sentence in trouble and PASSWORD not in trouble
    assert log.store.dead_letters() == []


def test_a_wrong_password_is_a_sentence_without_it(log: Log, settings: PostgreSQL, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("an0ther")
    log.add([1.0])
    (trouble, *_) = drain(log.store, settings)
    assert "can't be reached" in trouble and "password authentication failed" in trouble
    assert "an0ther" not in trouble


def test_a_trial_is_shown_and_leaves_nothing(log: Log, database: TownDatabase, settings: PostgreSQL) -> None:
    async def run() -> str:
        target = PostgreSQLTarget(settings, trial.configured(config()), log.store)
        try:
            return await target.trial()
        finally:
            await target.close()

    assert asyncio.run(run()).endswith("took the trial record and shows it; it is rolled back again.")
    assert values(database) == []


def test_the_way_to_another_machine_is_encrypted_and_its_certificate_checked(tmp_path: Path) -> None:
    def options(url: str, **more: Any) -> dict[str, Any]:
        return PostgreSQLTarget(PostgreSQL(url=url, **more), config())._options

    far = options("postgresql://bordstein@db.example.org/town")
    assert far["sslmode"] == "verify-full" and far["sslrootcert"]
    assert options("postgresql://b@db.example.org/town", ca="/town/ca.pem")["sslrootcert"] == "/town/ca.pem"
    assert "sslmode" not in options("postgresql://bordstein@localhost/town")


def test_the_doctor_says_whether_the_database_lets_the_gateway_in(settings: PostgreSQL, database: TownDatabase) -> None:
    def found(settings: PostgreSQL) -> Finding:
        return doctor.connection(NAME, msgspec.structs.replace(config(), forward={NAME: settings}))

    assert found(settings).level == "fine"
    assert database.run("SELECT to_regclass('readings')") == [(None,)], "nothing is made by a look"
    Path(str(settings.password_file)).write_text("another\n")
    assert found(settings).level == "note" and "password authentication failed" in found(settings).de
