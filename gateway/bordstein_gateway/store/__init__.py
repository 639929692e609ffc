"""The gateway's store: SQLite or PostgreSQL, one writer, group commit. Nobody else speaks SQL.

    store = Store.open(where)

Writer side (the ingest thread): write(). Any thread: the reading methods, submit() and the typed methods of places.py,
which return a Future that is done when the change is on disk.
"""

from .core import Store
from .types import (
    Arrival,
    Backfill,
    BoardConfig,
    BoardUpdate,
    CommandResult,
    Completeness,
    ConfigReport,
    DeadLetter,
    Device,
    Gap,
    Latest,
    Offer,
    Outcome,
    Pause,
    Place,
    Quarantined,
    Refill,
    Registered,
    Rollout,
    RolloutBoard,
    StateReport,
    Stats,
    StoredReading,
    StoreError,
)
from .where import Postgres, Where, where

__all__ = [
    "Arrival",
    "Backfill",
    "BoardConfig",
    "BoardUpdate",
    "CommandResult",
    "Completeness",
    "ConfigReport",
    "DeadLetter",
    "Device",
    "Gap",
    "Latest",
    "Offer",
    "Outcome",
    "Pause",
    "Place",
    "Postgres",
    "Quarantined",
    "Refill",
    "Registered",
    "Rollout",
    "RolloutBoard",
    "StateReport",
    "Stats",
    "Store",
    "StoreError",
    "StoredReading",
    "Where",
    "where",
]
