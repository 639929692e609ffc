"""Cases: what verdicts and people make of them."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_gateway.cases.states import CaseProblem
from bordstein_gateway.cases.types import Case
from bordstein_gateway.store.cases import CaseFilter
from bordstein_gateway.texts import said
from tests.gateway.case_town import BIN, DAY, MINUTE, NOW, Hall, hall


@pytest.fixture
def town_hall(tmp_path: Path) -> Iterator[Hall]:
    found = hall(tmp_path / "bordstein.sqlite", tmp_path)
    yield found
    found.store.close()


def opened(hall: Hall) -> Case:
    """A case that has just begun."""
    id = hall.fires()
    assert id is not None
    case = hall.cases.get(id)
    assert case is not None
    return case


def test_a_verdict_opens_a_case_that_says_what_where_and_whose(town_hall: Hall) -> None:
    case = opened(town_hall)
    assert case.number == "2026-1"
    assert (case.title, case.place, case.desk) == ("Papierkorb voll", "Marktplatz 7", "depot")
    assert (case.state, case.stage, case.priority, case.sheet_version) == ("new", "full", "normal", 3)
    assert case.event["signals"] == {"fill": 82.5}
    assert case.opened == NOW
    whole = town_hall.cases.whole(case.id)
    assert whole is not None
    assert [entry.action for entry in whole.history] == ["opened"]
    assert town_hall.cases.by_number("2026-1") == case
    for number in ("2026-2", "1", "x-1", "", "2026-"):
        assert town_hall.cases.by_number(number) is None


def test_an_object_has_one_open_case_of_a_rule(town_hall: Hall) -> None:
    case = opened(town_hall)
    assert town_hall.fires() == case.id
    town_hall.cases.done(case.id, "eva").result()
    assert town_hall.fires() != case.id
    assert town_hall.cases.list()[1] == 2


def test_two_threads_that_fire_at_once_open_one_case(tmp_path: Path) -> None:
    halls = [hall(tmp_path / "bordstein.sqlite", tmp_path) for _ in range(2)]
    start = threading.Barrier(2)
    found: list[int | None] = []

    def fire(one: Hall) -> None:
        start.wait()
        for number in range(20):
            found.append(one.fires(object=f"{BIN}/bay{number}"))

    threads = [threading.Thread(target=fire, args=(one,)) for one in halls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cases, count = halls[0].cases.list()
    assert count == 20
    assert {case.number for case in cases} == {f"2026-{number}" for number in range(1, 21)}
    assert sorted(filter(None, found)) == sorted([case.id for case in cases] * 2)
    for one in halls:
        one.store.close()


def test_numbers_run_in_the_towns_own_year(town_hall: Hall) -> None:
    town_hall.now = 1_798_758_000_000  # 2026-12-31T23:00:00Z: midnight in Berlin
    assert opened(town_hall).number == "2027-1"


def test_a_stage_that_rises_makes_it_more_urgent(town_hall: Hall) -> None:
    case = opened(town_hall)
    assert town_hall.says("rises", "over") == case.id
    after = town_hall.cases.get(case.id)
    assert after is not None
    assert (after.stage, after.priority) == ("over", "high")
    assert town_hall.fires("full") == case.id
    again = town_hall.cases.get(case.id)
    assert again is not None and again.stage == "over"


def test_a_stage_that_rises_after_the_end_is_a_new_case(town_hall: Hall) -> None:
    case = opened(town_hall)
    town_hall.cases.done(case.id, "eva").result()
    assert town_hall.says("rises", "over") not in (case.id, None)


def test_recovered_marks_and_firing_again_takes_the_mark_away(town_hall: Hall) -> None:
    case = opened(town_hall)
    town_hall.says("recovers", "")
    marked = town_hall.cases.get(case.id)
    assert marked is not None and marked.recovered == NOW - MINUTE and marked.state == "new"
    assert town_hall.fires() == case.id
    again = town_hall.cases.get(case.id)
    assert again is not None and again.recovered is None


def test_who_was_slower_is_told_who_has_it(town_hall: Hall) -> None:
    case = opened(town_hall)
    town_hall.cases.take(case.id, "eva").result()
    with pytest.raises(CaseProblem, match="taken by eva already") as problem:
        town_hall.cases.take(case.id, "otto").result()
    assert "hat eva schon übernommen" in said(problem.value, "de")
    assert town_hall.cases.take(case.id, "otto", instead_of="eva").result().account == "otto"


def test_given_to_a_desk_somebody_has_to_take_it(town_hall: Hall) -> None:
    case = opened(town_hall)
    town_hall.cases.start(case.id, "eva").result()
    given = town_hall.cases.give(case.id, "chef", desk="office").result()
    assert (given.state, given.desk, given.account) == ("new", "office", None)
    to_somebody = town_hall.cases.give(case.id, "chef", account="otto").result()
    assert (to_somebody.state, to_somebody.desk, to_somebody.account) == ("taken", "office", "otto")
    with pytest.raises(CaseProblem, match='no desk "mars"'):
        town_hall.cases.give(case.id, "chef", desk="mars").result()
    with pytest.raises(CaseProblem, match="to whom"):
        town_hall.cases.give(case.id, "chef").result()


def test_done_says_what_was_saved_and_a_false_alarm_why(town_hall: Hall) -> None:
    case = town_hall.cases.done(opened(town_hall).id, "eva").result()
    assert (case.state, case.account, case.ledger) == ("done", "eva", {"trips": 1.0, "minutes": 25.0})
    case = town_hall.cases.done(opened(town_hall).id, "eva", trips=0, minutes=5).result()
    assert case.ledger == {"trips": 0, "minutes": 5}
    other = opened(town_hall)
    with pytest.raises(CaseProblem, match="numbers from 0"):
        town_hall.cases.done(other.id, "eva", trips=-1).result()
    with pytest.raises(CaseProblem, match="reason is missing"):
        town_hall.cases.false_alarm(other.id, "eva", " ").result()
    ended = town_hall.cases.false_alarm(other.id, "eva", "Laub vor dem Sensor").result()
    assert (ended.state, ended.reason, ended.ledger) == ("false_alarm", "Laub vor dem Sensor", {"false_alarm": 1})
    with pytest.raises(CaseProblem, match="is a false alarm; open it again first"):
        town_hall.cases.done(other.id, "eva").result()


def test_a_case_is_opened_again_within_a_month_unless_there_is_a_newer_one(town_hall: Hall) -> None:
    case = opened(town_hall)
    town_hall.cases.done(case.id, "eva").result()
    again = town_hall.cases.reopen(case.id, "otto", "doch nicht leer").result()
    assert (again.state, again.account, again.ended, again.ledger) == ("taken", "otto", None, {})
    town_hall.cases.done(case.id, "eva").result()
    newer = opened(town_hall)
    with pytest.raises(CaseProblem, match=f"case {newer.number} is open by now"):
        town_hall.cases.reopen(case.id, "otto", "doch nicht leer").result()
    town_hall.cases.close(newer.id, "otto", "Papierkorb abgebaut").result()
    town_hall.now += 31 * DAY
    with pytest.raises(CaseProblem, match="more than 30 days ago"):
        town_hall.cases.reopen(newer.id, "otto", "doch noch da").result()


def test_cases_are_found_by_what_people_look_for(town_hall: Hall) -> None:
    first = opened(town_hall)
    town_hall.now += MINUTE
    town_hall.fires("over", object="group:Altstadt 100%")
    town_hall.cases.take(first.id, "eva").result()

    def found(**wanted: object) -> list[str]:
        cases, count = town_hall.cases.list(CaseFilter(**wanted))  # type: ignore[arg-type]
        assert count == len(cases)
        return [case.number for case in cases]

    assert found() == ["2026-2", "2026-1"]
    assert found(text="markt papierkorb") == ["2026-1"]
    assert found(text="100%") == found(text="2026-2") == ["2026-2"]
    assert found(text="1_0") == found(text="%%") == []
    assert found(account="eva") == found(states=("taken", "in_work")) == ["2026-1"]
    assert found(unassigned=True, desks=("depot", "office")) == ["2026-2"]
    assert found(opened_from=NOW + 1) == ["2026-2"]
    assert found(desks=("office",)) == []
    assert town_hall.cases.counts() == {"new": 1, "taken": 1}
    assert [case.number for case in town_hall.cases.list(order="urgent")[0]] == ["2026-2", "2026-1"]
    assert town_hall.cases.list(limit=1, offset=1)[0][0].number == "2026-1"
