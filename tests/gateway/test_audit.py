"""The audit log: only grows, and shows where it was changed."""

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bordstein_gateway.cases.audit import END, entries, verify, written
from bordstein_gateway.store import Store, Where, audit, backup
from bordstein_gateway.store.connection import Connection
from bordstein_gateway.store.copying import Copying
from bordstein_gateway.store.opening import opened
from tests.gateway.case_town import DAY, NOW, Hall, hall

TRIGGERS = ("audit_update", "audit_delete")


@pytest.fixture
def town_hall(tmp_path: Path) -> Iterator[Hall]:
    found = hall(tmp_path / "bordstein.sqlite", tmp_path)
    yield found
    found.store.close()


def fill(hall: Hall) -> None:
    """Seven lines of two cases."""
    id = hall.fires()
    assert id is not None
    hall.cases.take(id, "eva").result()
    hall.cases.tick_off(id, 1, "eva", note='„=1+1"\n').result()
    hall.cases.done(id, "eva").result()
    hall.now += DAY
    other = hall.fires(object="group:Altstadt")
    assert other is not None
    hall.cases.false_alarm(other, "otto", "Laub").result()
    hall.cases.close(other, "chef").result()


def test_a_whole_chain_is_whole_and_shows_its_newest_hash(town_hall: Hall) -> None:
    assert verify(town_hall.store) == (0, "", None, None)
    fill(town_hall)
    found = verify(town_hall.store)
    assert (found.lines, found.broken) == (7, None)
    assert len(found.newest) == 64
    assert verify(town_hall.store, found.newest).expected == 7
    town_hall.fires()
    later = verify(town_hall.store, found.newest.upper())
    assert (later.lines, later.expected, later.broken) == (8, 7, None)
    assert "none of this log" in str(verify(town_hall.store, "0" * 64).broken)


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "detail", "hash"])
def test_a_line_that_was_changed_is_named(town_hall: Hall, column: str) -> None:
    fill(town_hall)
    town_hall.store.close()
    value = 5 if column == "at" else "x"
    _tamper(town_hall, f"UPDATE audit SET {column} = {value!r} WHERE id = 3")
    with closing(Store.open(town_hall.config.store_path)) as store:
        found = verify(store)
        assert found.lines == 2
        assert "Line 3" in str(found.broken) and "is not what was written" in str(found.broken)
    town_hall.store = Store.open(town_hall.config.store_path)


def test_lines_taken_out_are_missed_in_the_middle_and_with_a_noted_hash_at_the_end(town_hall: Hall) -> None:
    fill(town_hall)
    noted = verify(town_hall.store).newest
    town_hall.store.close()
    _tamper(town_hall, "DELETE FROM audit WHERE id = 7")
    with closing(Store.open(town_hall.config.store_path)) as store:
        assert verify(store).broken is None
        assert "lines are missing at its end" in str(verify(store, noted).broken)
    _tamper(town_hall, "DELETE FROM audit WHERE id IN (2, 3)")
    with closing(Store.open(town_hall.config.store_path)) as store:
        assert "Lines are missing before line 4" in str(verify(store).broken)
    _tamper(town_hall, "UPDATE audit SET id = id - 2 WHERE id > 3")
    with closing(Store.open(town_hall.config.store_path)) as store:
        assert verify(store).lines == 1
    town_hall.store = Store.open(town_hall.config.store_path)


def _tamper(hall: Hall, sql: str) -> None:
    """As somebody with the file in their hands would."""
    with closing(sqlite3.connect(hall.config.store_path, isolation_level=None)) as connection:
        for name in TRIGGERS:
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        connection.execute(sql)


def test_on_either_database_a_line_is_neither_changed_nor_deleted_and_survives_moving(
    place: Where, tmp_path: Path
) -> None:
    found = hall(place, tmp_path)
    fill(found)
    for sql in ("UPDATE audit SET actor = 'otto'", "DELETE FROM audit WHERE id = 7"):
        with pytest.raises(Exception, match="only grows"):
            found.store.submit(lambda connection, sql=sql: connection.execute(sql)).result()  # type: ignore[misc]
    before = verify(found.store)
    assert (before.lines, before.broken) == (7, None)
    found.store.close()
    file = tmp_path / "backup.sqlite"
    backup.make(place, file)
    backup.bring_back(file, place, force=True)
    with closing(Store.open(place)) as store:
        assert verify(store, before.newest) == before._replace(expected=7)
        with pytest.raises(Exception, match="only grows"):
            store.submit(lambda connection: connection.execute("DELETE FROM audit")).result()
    with opened(place) as source, opened(tmp_path / "other.sqlite") as target:
        copying = Copying(source, target)
        with source.snapshot() as connection:
            copying.rest(connection)
    with closing(Store.open(tmp_path / "other.sqlite")) as store:
        assert verify(store).newest == before.newest
        store.submit(lambda connection: audit.enter(connection, NOW, "eva", "test", "x")).result()
        assert verify(store).lines == 8


texts = st.text(max_size=20)


@pytest.fixture(scope="module")
def any_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(tmp_path_factory.mktemp("audit") / "store.sqlite")
    yield store
    store.close()


@settings(max_examples=20, deadline=None)
@given(
    lines=st.lists(st.tuples(texts, texts, texts, st.dictionaries(texts, st.floats() | texts)), min_size=1, max_size=4)
)
def test_whatever_is_entered_is_kept_and_proved(
    any_store: Store, lines: list[tuple[str, str, str, dict[str, object]]]
) -> None:
    def job(connection: Connection) -> None:
        for actor, action, subject, detail in lines:
            audit.enter(connection, NOW, actor, action, subject, detail)

    any_store.submit(job).result()
    assert verify(any_store).broken is None


def test_what_the_town_knew_and_did_in_a_street(town_hall: Hall) -> None:
    fill(town_hall)
    found = list(entries(town_hall.store, place="marktplatz"))
    assert [one["action"] for one in found] == ["opened", "taken", "step", "done"]
    assert {(one["case"], one["place"]) for one in found} == {("2026-1", "Marktplatz 7")}
    assert [one["actor"] for one in entries(town_hall.store, NOW + DAY)] == ["gateway", "otto", "chef"]
    assert len(list(entries(town_hall.store, 0, NOW + DAY))) == 4
    for subject in ("2026-2", "case 2"):
        assert len(list(entries(town_hall.store, subject=subject))) == 3
    assert list(entries(town_hall.store, subject="2026-2", place="marktplatz")) == []
    assert list(entries(town_hall.store, place="Nirgendweg")) == []
    assert len(list(entries(town_hall.store, 0, END))) == 7


def test_the_export_is_read_by_programs_and_harmless_in_a_spreadsheet(town_hall: Hall) -> None:
    fill(town_hall)
    town_hall.cases.comment(1, "=cmd", "hallo").result()
    rows = list(csv.DictReader(io.StringIO("".join(written(entries(town_hall.store), "csv")))))
    assert len(rows) == 8 and rows[-1]["actor"] == "'=cmd"
    assert json.loads(rows[2]["detail"])["note"] == '„=1+1"'
    lines = [json.loads(line) for line in written(entries(town_hall.store), "jsonl")]
    assert lines[-1]["actor"] == "=cmd" and lines[0]["detail"]["signals"] == {"fill": 82.5}
    assert lines[0]["time"] == "2026-07-01T10:00:00Z"
