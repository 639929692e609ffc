"""Opens a database, whichever it is."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext

from ..texts import both
from .connection import Database
from .types import StoreError
from .where import Postgres, Where


@contextmanager
def opened(where: Where, *, alone: bool = False) -> Iterator[Database]:
    """Create or open it, closed at the block's end; `alone`: nobody else who asks so gets it until then. StoreError."""
    if isinstance(where, Postgres):
        with closing(_postgres(where, alone)) as database:
            yield database
        return
    from .sqlite.database import SqliteDatabase
    from .sqlite.lock import only_writer

    with only_writer(where) if alone else nullcontext(), closing(SqliteDatabase(where)) as database:
        yield database


def _postgres(where: Postgres, alone: bool) -> Database:
    try:
        from .postgres.database import PostgresDatabase
    except ImportError as error:
        raise StoreError(
            both(
                f"Für {where.name} fehlt psycopg: pip install -r requirements-postgresql.txt ({error}).",
                f"For {where.name} psycopg is missing: pip install -r requirements-postgresql.txt ({error}).",
            )
        ) from None
    return PostgresDatabase(where, alone=alone)
