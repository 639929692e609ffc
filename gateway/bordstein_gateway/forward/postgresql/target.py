"""Readings into a table of a PostgreSQL database. Nothing doubles: the table's key knows a reading again.

One statement and so one commit for a batch: all of it is there, or nothing. What was sent before is kept or written
anew, as configured, so that after an unclear answer everything is just sent once more.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import errors

from ...boards.stations import Station, Stations
from ...config.config import Config
from ...config.files import secret
from ...config.words import is_here
from ...store import Store
from ...store.types import StoredReading
from ...texts import both
from .. import trial
from ..halving import halved
from ..target import Refused, Retry
from . import table
from .settings import PostgreSQL

_ROWS_AT_FAULT = ("22", "23")
"""Classes of SQLSTATE: data exception, integrity constraint violation."""


def build(_: str, settings: PostgreSQL, config: Config, store: Store) -> "PostgreSQLTarget":
    """The target of one [forward.…]."""
    return PostgreSQLTarget(settings, config, store)


class PostgreSQLTarget:
    """One table. The connection is made when it is first needed, and anew after every failure."""

    keeps_history = True

    def __init__(self, settings: PostgreSQL, config: Config, store: Store | None = None) -> None:
        self._settings = settings
        self._name = f"{settings.shown}: {settings.table}"
        self._options = _options(settings)
        self._stations = Stations(config.devices, store)
        self._places: Mapping[str, Station] = {}
        self._insert = table.insert(settings.table, update=settings.conflict == "update")
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def send(self, batch: Sequence[StoredReading]) -> list[Refused]:
        """One commit; a batch that is refused is halved until the reading at fault is alone."""
        self._places = await asyncio.to_thread(self._stations.all)
        return await halved(batch, self._post)

    async def there(self, batch: Sequence[StoredReading]) -> set[int]:
        """Not asked: the table's key keeps a reading from being there twice."""
        return set()

    async def held(self, reading: StoredReading, first: int, last: int) -> list[tuple[int, Any]]:
        """All rows of the reading's series."""
        async with self._talking() as connection:
            return await self._look(connection, reading, first, last)

    def as_held(self, reading: StoredReading) -> Any:
        """Of the columns value and value_text the one that is not null."""
        number, text = table.value(reading)
        return text if number is None else number

    async def trial(self) -> str:
        """A row of the trial's own board, looked for there, then rolled back."""
        self._places = await asyncio.to_thread(self._stations.all)
        row = trial.reading()
        async with self._talking() as connection, connection.transaction(force_rollback=True):
            await connection.execute(self._insert, table.arrays([row], self._places), prepare=False)
            found = await self._look(connection, row, row.time, row.time)
        if not found:
            raise Retry(
                both(
                    f"{self._name} hat den Probewert angenommen, zeigt ihn aber nicht; die Tabelle prüfen",
                    f"{self._name} took the trial record but does not show it; check the table",
                )
            )
        return trial.taken(
            self._name, " und zeigt ihn; er ist wieder zurückgenommen", " and shows it; it is rolled back again"
        )

    async def reach(self) -> str:
        """Whether the database lets the gateway in; the table is neither looked for nor made."""
        try:
            async with asyncio.timeout(self._settings.timeout):
                connection = await psycopg.AsyncConnection.connect(**self._options)
        except (psycopg.Error, TimeoutError, OSError) as error:
            raise self._trouble(error, sent=False) from None
        await connection.close()
        return trial.reached(self._settings.shown)

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    async def _post(self, batch: Sequence[StoredReading]) -> str:
        """Why the table does not take it; empty when it did."""
        async with self._talking() as connection:
            try:
                await connection.execute(self._insert, table.arrays(batch, self._places), prepare=False)
            except psycopg.Error as error:
                if _state(error)[:2] in _ROWS_AT_FAULT or (isinstance(error, psycopg.DataError) and not _state(error)):
                    return _first_line(error)
                raise
        return ""

    async def _look(
        self, connection: psycopg.AsyncConnection[Any], of: StoredReading, first: int, last: int
    ) -> list[tuple[int, Any]]:
        span = (table.moment(first), table.moment(last))
        cursor = await connection.execute(table.look(self._settings.table), (of.device, of.series, of.unit, *span))
        return [
            (round(time.timestamp() * 1000), text if number is None else number)
            for time, number, text in await cursor.fetchall()
        ]

    @asynccontextmanager
    async def _talking(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """The connection; what goes wrong there as Retry."""
        sent = False
        try:
            async with asyncio.timeout(self._settings.timeout):
                connection = self._connection or await self._connect()
                sent = True
                yield connection
        except (psycopg.Error, TimeoutError, OSError) as error:
            await self.close()
            raise self._trouble(error, sent) from None
        except asyncio.CancelledError:
            await self.close()
            raise

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        connection = await psycopg.AsyncConnection.connect(**self._options, autocommit=True, prepare_threshold=None)
        self._connection = connection
        if self._settings.create:
            await connection.execute(table.create(self._settings.table))
        return connection

    def _trouble(self, error: BaseException, sent: bool) -> Retry:
        """In a sentence. Neither the server's messages nor libpq's hold the password."""
        name, of = self._name, self._settings.table
        if isinstance(error, TimeoutError):
            return Retry(
                both(f"{name} hat nicht rechtzeitig geantwortet", f"{name} gave no answer in time"), unclear=sent
            )
        why = _first_line(error)
        if isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName):
            return Retry(
                both(
                    f"{name} gibt es nicht ({why}); mit create = true legt das Gateway die Tabelle an",
                    f"{name} does not exist ({why}); with create = true the gateway makes the table",
                )
            )
        if isinstance(error, errors.InvalidColumnReference):
            key = ", ".join(table.KEY)
            return Retry(
                both(
                    f"{name} hat keinen Schlüssel, an dem ein Messwert wiedererkannt wird; es fehlt: "
                    f"CREATE UNIQUE INDEX ON {of} ({key})",
                    f"{name} has no key by which a reading is known again; missing: "
                    f"CREATE UNIQUE INDEX ON {of} ({key})",
                )
            )
        if isinstance(error, errors.UndefinedColumn | errors.DatatypeMismatch):
            return Retry(
                both(
                    f"{name} hat nicht die Spalten, die gebraucht werden: {why}",
                    f"{name} does not have the columns that are needed: {why}",
                )
            )
        if isinstance(error, errors.InsufficientPrivilege):
            return Retry(
                both(
                    f"{name}: der Benutzer darf dort nicht schreiben: {why}",
                    f"{name}: the user may not write there: {why}",
                )
            )
        if not sent:
            return Retry(both(f"{name} ist nicht erreichbar: {why}", f"{name} can't be reached: {why}"))
        return Retry(both(f"{name} hat nichts angenommen: {why}", f"{name} has taken nothing: {why}"), unclear=True)


def _options(settings: PostgreSQL) -> dict[str, Any]:
    """For libpq."""
    parts = urlsplit(settings.url)
    options: dict[str, Any] = {
        "conninfo": settings.url,
        "connect_timeout": settings.timeout,
        "application_name": "bordstein-gateway",
    }
    if settings.password_file is not None:
        options["password"] = secret(settings.password_file)
    given = parse_qs(parts.query)
    if "sslmode" not in given and (settings.ca is not None or not is_here(parts.hostname)):
        options["sslmode"] = "verify-full"
    if "sslrootcert" not in given and options.get("sslmode"):
        options["sslrootcert"] = settings.ca or _authorities()
    return options


def _authorities() -> str:
    """The system's, where Python finds them: libpq's own idea of the place is that of the machine it was built on."""
    paths = ssl.get_default_verify_paths()
    found = [path for path in (paths.cafile, "/etc/ssl/certs/ca-certificates.crt") if path and Path(path).exists()]
    return found[0] if found else "system"


def _state(error: psycopg.Error) -> str:
    return error.sqlstate or ""


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[0].split())[:300] if lines else type(error).__name__
