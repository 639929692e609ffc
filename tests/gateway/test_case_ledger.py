"""The benefit ledger: what a year brought by rule, honest where it was nothing."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_gateway.cases import ledger
from bordstein_gateway.rules.sheet import Sheet
from bordstein_gateway.texts import said
from tests.gateway.case_town import MINUTE, Hall, hall, sheet


@pytest.fixture
def town_hall(tmp_path: Path) -> Iterator[Hall]:
    found = hall(tmp_path / "bordstein.sqlite", tmp_path)
    yield found
    found.store.close()


def year(hall: Hall, sheets: dict[str, Sheet] | None = None) -> ledger.RuleYear:
    """The first rule's."""
    known = {"bin-full": sheet()} if sheets is None else sheets
    return ledger.report(hall.store, 2026, known).rules[0]


def cases(hall: Hall, count: int) -> list[int]:
    """So many have begun."""
    found = [hall.fires(object=f"bin {number}-{hall.now}") for number in range(count)]
    return [id for id in found if id is not None]


def test_a_year_counts_alarms_what_they_saved_and_how_long_they_took(town_hall: Hall) -> None:
    ids = cases(town_hall, 6)
    for number, id in enumerate(ids[:3]):
        town_hall.now += 10 * MINUTE
        town_hall.cases.take(id, f"person {number}").result()
    town_hall.now += 30 * MINUTE
    town_hall.cases.done(ids[0], "person 0").result()
    town_hall.cases.done(ids[1], "person 1", trips=2, minutes=60).result()
    town_hall.cases.close(ids[1], "chef").result()
    town_hall.cases.false_alarm(ids[2], "person 2", "Laub").result()
    town_hall.cases.close(ids[2], "chef").result()
    town_hall.cases.close(ids[3], "chef", "abgebaut").result()
    found = year(town_hall)
    assert found[:10] == ("bin-full", "Papierkorb voll", 6, 2, 1, 1, 2, 0, 3.0, 85.0)
    assert (found.to_taken, found.to_done) == (20.0, 60.0)
    assert not found.nothing
    assert found.judgement == "Saved: 3 trips and 85 minutes."
    whole = ledger.report(town_hall.store, 2026, {})
    assert (whole.alarms, whole.false_alarms, whole.trips, whole.minutes) == (6, 1, 3.0, 85.0)
    assert ledger.report(town_hall.store, 2025, {}).rules == []
    assert ledger.years(town_hall.store) == [2026]
    assert "person" not in str(whole), "who did what is no part of the ledger"


def test_more_false_alarms_than_real_ones_brought_nothing(town_hall: Hall) -> None:
    first, second, third = cases(town_hall, 3)
    town_hall.cases.done(first, "eva").result()
    town_hall.cases.false_alarm(second, "eva", "Laub").result()
    assert not year(town_hall).nothing
    town_hall.cases.false_alarm(third, "eva", "Laub").result()
    found = year(town_hall)
    assert found.nothing
    assert found.judgement == (
        "This rule brought nothing: more false alarms (2) than real ones (1); switch off or change it."
    )
    assert said(found.judgement, "de").startswith("Diese Regel hat nichts gebracht")


def test_no_trip_and_no_minute_saved_brought_nothing_unless_it_was_not_meant_to(town_hall: Hall) -> None:
    (id,) = cases(town_hall, 1)
    assert year(town_hall).judgement == "No case has been brought to its end yet."
    town_hall.cases.done(id, "eva", trips=0, minutes=0).result()
    assert "no trip and no minute saved" in year(town_hall).judgement
    assert year(town_hall).nothing
    safety = year(town_hall, {"bin-full": sheet(benefit={})})
    assert not safety.nothing and "its legal basis says" in safety.judgement


def test_a_rule_in_force_that_never_fired_is_named(town_hall: Hall) -> None:
    found = year(town_hall)
    assert (found.alarms, found.to_taken) == (0, None)
    assert "Never fired" in found.judgement


def test_programs_read_it_too(town_hall: Hall) -> None:
    (id,) = cases(town_hall, 1)
    town_hall.cases.done(id, "eva").result()
    report = ledger.report(town_hall.store, 2026, {"bin-full": sheet()})
    (row,) = csv.DictReader(io.StringIO(ledger.table(report, "de")))
    assert row["alarms"] == "1" and row["judgement"] == "Gespart: 1 Fahrt und 25 Minuten."
    plain = ledger.plain(report, "en")
    assert plain["rules"][0]["trips"] == 1.0 and plain["rules"][0]["judgement"] == "Saved: 1 trip and 25 minutes."
