"""PostgreSQL: the connections, what is set on them, and the lock of the one gateway."""

import contextlib
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo

from ...config.files import FileProblem, secret
from ...texts import both
from ..connection import WAIT_S, Connection, Database
from ..types import StoreError, StoreTaken
from ..where import Postgres
from .connection import ADAPTERS, PostgresConnection, Raw
from .schema import migrate
from .words import concerns_all, explain

GATEWAY = 0x42647375
"""Advisory lock, held as long as the session of the gateway that writes: a second one is refused."""
_SESSION = (
    # What was confirmed has to be on disk; a stronger setting (with a standby) stays.
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';"
    f"SET lock_timeout = {int(WAIT_S * 1000)}; SET TimeZone = 'UTC';"
    # So that the server notices within a minute that this machine is gone, and lets the lock go.
    "SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;"
)
_CONNECT_S = 10


class PostgresDatabase(Database):
    """One database of a server. When the server was away, the writer connects anew with its next transaction."""

    errors = (psycopg.Error,)
    writer: PostgresConnection

    def __init__(self, where: Postgres, *, alone: bool = False) -> None:
        super().__init__()
        self.where = where
        self.name = where.name
        self._alone = alone
        try:
            self.writer = PostgresConnection(self._connect_writer)
            try:
                self._check_server()
                migrate(self.writer, self.name)
            except BaseException:
                self.writer.close()
                raise
        except psycopg.Error as error:
            raise explain(error, self.name) from error

    def connect_reader(self) -> PostgresConnection:
        try:
            return PostgresConnection(self._connect_reader)
        except psycopg.Error as error:
            raise explain(error, self.name) from error

    def is_alive(self, connection: Connection) -> bool:
        # Whoever lies idle has nothing to hear, but that the other side has gone.
        raw = connection.raw if isinstance(connection, PostgresConnection) else self.writer.raw
        return not raw.closed and not select.select([raw.fileno()], [], [], 0)[0]

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        with contextlib.closing(self.connect_reader()) as connection:
            try:
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                yield connection
            except psycopg.Error as error:
                raise explain(error, self.name) from error

    def explain(self, error: Exception) -> StoreError:
        return explain(error, self.name)

    def concerns_all(self, error: Exception) -> bool:
        return concerns_all(error)

    def bytes_on_disk(self) -> int:
        with self.reading() as connection:
            (size,) = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(size)

    def _connect(self) -> Raw:
        settings: dict[str, Any] = conninfo.conninfo_to_dict(self.where.url)
        if self.where.password_file is not None:
            try:
                settings["password"] = secret(Path(self.where.password_file))
            except FileProblem as problem:
                raise StoreError(str(problem)) from None
        settings.setdefault("connect_timeout", _CONNECT_S)
        settings.setdefault("tcp_user_timeout", 30_000)
        settings.setdefault("application_name", "bordstein-gateway")
        settings["client_encoding"] = "UTF8"
        try:
            raw = psycopg.connect(conninfo.make_conninfo(**settings), autocommit=True, context=ADAPTERS)
        except UnicodeError as error:
            raise StoreError(f"{self.name}: {error}") from None
        raw.execute(_SESSION.encode())
        return raw

    def _connect_writer(self) -> Raw:
        raw = self._connect()
        if self._alone:
            row = raw.execute(f"SELECT pg_try_advisory_lock({GATEWAY})".encode()).fetchone()
            if row is None or not row[0]:
                raw.close()
                raise StoreTaken(
                    both(
                        f"Ein anderes bordstein-gateway läuft mit {self.name}; es beenden oder eine andere Datenbank "
                        "als store.url nennen.",
                        f"Another bordstein-gateway runs on {self.name}; stop it, or name another database as "
                        "store.url.",
                    )
                )
        return raw

    def _connect_reader(self) -> Raw:
        raw = self._connect()
        raw.execute(b"SET default_transaction_read_only = on")
        return raw

    def _check_server(self) -> None:
        (encoding,) = self.writer.execute("SHOW server_encoding").fetchone()
        (read_only,) = self.writer.execute("SHOW transaction_read_only").fetchone()
        if read_only == "on":
            raise explain(psycopg.errors.ReadOnlySqlTransaction(), self.name)
        if encoding != "UTF8":
            raise StoreError(
                both(
                    f"{self.name} hat die Zeichenkodierung {encoding}; sie muss UTF8 sein: createdb --encoding UTF8.",
                    f"{self.name} has the encoding {encoding}; it has to be UTF8: createdb --encoding UTF8.",
                )
            )
