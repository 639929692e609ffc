"""What gateway.toml may say of the store: [store], and how long it keeps what: [retention.<property>]."""

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta

from ..store.where import problem
from ..texts import pick
from .files import no_secret
from .toml_lines import Path as KeyPath
from .types import Secret, Section, Text, like
from .words import missing, table

StoreUrl = Annotated[
    str,
    like(
        r"postgres(?:ql)?://[^\s\x00-\x1f\x7f]+",
        "eine Adresse, wie postgresql://localhost/bordstein",
        "an address, as in postgresql://localhost/bordstein",
    ),
]
PropertyOrDefault = Annotated[str, Meta(extra={"is": "property", "or": "default"})]
Days = Annotated[int, Meta(ge=0, le=36_500)]


class Store(Section, kw_only=True):
    """[store]: `path` of the SQLite file (bordstein.sqlite in the data folder), or `url` of a PostgreSQL database with
    the `password_file` of its user; a commit takes up to `commit_packs` packs or what came within `commit_ms`
    milliseconds."""

    path: Text | None = None
    url: StoreUrl | None = None
    password_file: Secret | None = None
    commit_packs: Annotated[int, Meta(ge=1, le=10_000)] = 1000
    commit_ms: Annotated[int, Meta(ge=1, le=1000)] = 20


class Retention(Section, kw_only=True):
    """[retention.<property>] or [retention.default]: for how many days readings, hours and days are kept; 0: for ever.

    Of what is deleted the next coarser stays: readings, their sums by hour, by day.
    """

    raw_days: Days = 0
    hourly_days: Days = 0
    daily_days: Days = 0


def store_rules(values: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """What no type can say of the two sections."""
    for key, said in _store(table(values, "store")):
        yield ("store", key), said
    for name, rule in table(values, "retention").items():
        for key, said in _retention(rule):
            yield ("retention", name, key), said


def _store(store: dict[str, Any]) -> Iterator[tuple[str, str]]:
    url = store.get("url")
    if isinstance(url, str) and (said := problem(url)):
        yield "url", said
    if "url" in store and "path" in store:
        yield "path", pick("entweder eine Datei (path) oder eine Datenbank (url)", "a file (path) or a database (url)")
    if "password_file" in store:
        if "url" not in store:
            yield "password_file", missing("url", pick("nur dazu gehört es", "it only belongs to that"))
        elif said := no_secret(store["password_file"]):
            yield "password_file", said


def _retention(rule: Any) -> Iterator[tuple[str, str]]:
    finer, kept = "", 0
    for key in ("raw_days", "hourly_days", "daily_days"):
        days = rule.get(key, 0) if isinstance(rule, dict) else None
        if not isinstance(days, int):
            return
        if finer and days and not 0 < kept <= days:
            yield (
                key,
                pick(
                    f"was gröber ist, bleibt mindestens so lange wie {finer} ({kept or 'für immer'})",
                    f"what is coarser stays at least as long as {finer} ({kept or 'for ever'})",
                ),
            )
        finer, kept = key, days
