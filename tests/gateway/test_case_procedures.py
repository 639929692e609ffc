"""A case and its procedure: steps come one after the other, other systems are called once, time does its part."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.cases.cases import Cases
from bordstein_gateway.cases.types import Case
from bordstein_gateway.store import procedures as kept
from tests.gateway.case_town import MINUTE, Hall, Law, hall, sheet

ORDER = {
    "id": "order",
    "title": "Auftrag anlegen",
    "service": "open311",
    "target": "requests",
    "fields": {"description": "{{ place }}: {{ title }}"},
}
LOOK = {"id": "look", "title": "Nachsehen", "form": [{"name": "full", "label": "voll", "type": "boolean"}]}
FILES = {"mail": {"host": "localhost", "tls": "none", "sender": "sensoren@musterstadt.example"}}


@pytest.fixture(scope="module")
def town_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """For all tests here: each has objects of its own."""
    folder = tmp_path_factory.mktemp("hall")
    found = hall(folder / "bordstein.sqlite", folder, pages={"url": "https://sensoren.musterstadt.example/"}, **FILES)
    yield found
    found.store.close()


def begun(hall: Hall, object: str, **changes: Any) -> int:
    """A case of this object, by a sheet of its own."""
    hall.law = Law(sheet(**changes), 4)
    id = hall.fires(object=object)
    assert id is not None
    return id


def case_of(hall: Hall, id: int) -> Case:
    case = hall.cases.get(id)
    assert case is not None
    return case


def steps_of(hall: Hall, id: int) -> list[tuple[str, str]]:
    whole = hall.cases.whole(id)
    assert whole is not None
    return [(step.node, step.state) for step in whole.steps]


def actions(hall: Hall, id: int) -> list[str]:
    whole = hall.cases.whole(id)
    assert whole is not None
    return [entry.action for entry in whole.history]


def errands(hall: Hall, id: int) -> dict[str, tuple[str, str, dict[str, Any], str]]:
    """key -> (kind, target, request, state)."""
    with hall.store.database.reading() as connection:
        rows = connection.execute(
            "SELECT key, kind, target, request, state FROM errand WHERE work = ? ORDER BY key", (id,)
        ).fetchall()
    return {key: (kind, target, json.loads(request), state) for key, kind, target, request, state in rows}


def test_steps_are_ready_one_after_the_other(town_hall: Hall) -> None:
    id = begun(town_hall, "in-order")
    assert steps_of(town_hall, id) == [("drive", "ready"), ("empty", "waiting")]
    town_hall.cases.tick_off(id, 1, "eva").result()
    assert steps_of(town_hall, id) == [("drive", "done"), ("empty", "ready")]
    town_hall.cases.tick_off(id, 2, "eva", {"emptied": True}).result()
    assert case_of(town_hall, id).state == "in_work"  # who ends it says what it saved
    assert town_hall.cases.done(id, "eva").result().state == "done"


def test_a_step_with_a_condition_is_left_out_by_the_answer_before(town_hall: Hall) -> None:
    steps = [LOOK, {"id": "empty", "title": "Leeren", "when": "look.full"}, {"id": "report", "title": "Melden"}]
    id = begun(town_hall, "conditional", step=steps)
    town_hall.cases.tick_off(id, 1, "eva", {"full": False}).result()
    assert steps_of(town_hall, id) == [("look", "done"), ("empty", "skipped"), ("report", "ready")]


def test_another_system_is_called_once_and_its_answer_goes_on(town_hall: Hall) -> None:
    id = begun(town_hall, "service", step=[LOOK, ORDER, {"id": "report", "title": "Melden"}])
    number = case_of(town_hall, id).number
    town_hall.cases.tick_off(id, 1, "eva").result()
    key = f"{number}/order"
    kind, target, request, state = errands(town_hall, id)[key]
    assert (kind, target, state) == ("open311", "requests", "due")
    assert request["description"] == "service: Papierkorb voll"
    assert steps_of(town_hall, id) == [("look", "done"), ("order", "waiting"), ("report", "waiting")]
    assert town_hall.cases.answered(key, True, {"id": "4711", "secret": "x"}).result() is True
    assert steps_of(town_hall, id) == [("look", "done"), ("order", "done"), ("report", "ready")]
    assert town_hall.cases.answered(key, True, {"id": "4711"}).result() is False
    whole = town_hall.cases.whole(id)
    assert whole is not None
    called = [entry for entry in whole.history if entry.action == "called"]
    assert [entry.detail["id"] for entry in called] == ["4711"] and "secret" not in called[0].detail


def test_a_call_that_failed_for_good_is_in_the_record_and_people_go_on(town_hall: Hall) -> None:
    id = begun(town_hall, "failing", step=[ORDER, {"id": "report", "title": "Melden"}])
    key = f"{case_of(town_hall, id).number}/order"
    town_hall.cases.answered(key, False, {"reason": "service 12 is unknown"}).result()
    assert steps_of(town_hall, id) == [("order", "failed"), ("report", "ready")]
    assert "call failed" in actions(town_hall, id)
    assert errands(town_hall, id)[key][3] == "failed"


def test_nobody_takes_it_so_the_deputy_has_it_too(town_hall: Hall) -> None:
    id = begun(town_hall, "late", escalation={"after": "30m"})
    other = begun(town_hall, "in-time", escalation={"after": "30m"})
    town_hall.cases.take(other, "eva").result()
    town_hall.cases.wake()
    assert case_of(town_hall, id).escalated == 0
    town_hall.now += 31 * MINUTE
    town_hall.cases.wake()
    late = case_of(town_hall, id)
    assert (late.escalated, late.deputy, late.state) == (1, "office", "new")
    assert case_of(town_hall, other).escalated == 0
    town_hall.cases.wake()
    assert actions(town_hall, id).count("escalated") == 1


def test_recovered_closes_what_nobody_has_taken_and_marks_the_rest(town_hall: Hall) -> None:
    closes = {"recovered": {"then": "close"}}
    id = begun(town_hall, "heals", **closes)
    taken = begun(town_hall, "healed-late", **closes)
    town_hall.cases.take(taken, "eva").result()
    for name in ("heals", "healed-late"):
        town_hall.says("recovers", "", object=name)
    assert case_of(town_hall, id).state == "closed"
    assert all(state == "skipped" for _, state in steps_of(town_hall, id))
    other = case_of(town_hall, taken)
    assert other.state == "taken" and other.recovered is not None
    assert steps_of(town_hall, taken)[0] == ("drive", "ready")
    assert begun(town_hall, "heals", **closes) != id


def test_ending_a_case_calls_nobody_any_more_and_opening_it_again_does(town_hall: Hall) -> None:
    id = begun(town_hall, "ends", step=[ORDER, {"id": "report", "title": "Melden"}])
    key = f"{case_of(town_hall, id).number}/order"
    town_hall.cases.false_alarm(id, "eva", "Laub").result()
    assert errands(town_hall, id)[key][3] == "dropped"
    assert town_hall.cases.answered(key, True, {}).result() is False
    town_hall.cases.reopen(id, "eva", "doch nicht").result()
    assert errands(town_hall, id)[key][3] == "due"
    town_hall.cases.answered(key, True, {"id": "1"}).result()
    assert steps_of(town_hall, id) == [("order", "done"), ("report", "ready")]


def test_a_case_that_closed_by_itself_goes_on_where_it_was_when_it_is_opened_again(town_hall: Hall) -> None:
    steps = [LOOK, {"id": "empty", "title": "Leeren", "when": "look.full"}, {"id": "report", "title": "Melden"}]
    id = begun(town_hall, "heals-again", step=steps, recovered={"then": "close"})
    town_hall.says("recovers", "", object="heals-again")
    assert case_of(town_hall, id).state == "closed"
    town_hall.cases.reopen(id, "eva", "doch nicht").result()
    assert steps_of(town_hall, id) == [("look", "ready"), ("empty", "waiting"), ("report", "waiting")]
    town_hall.cases.tick_off(id, 1, "eva", {"full": False}).result()
    assert steps_of(town_hall, id) == [("look", "done"), ("empty", "skipped"), ("report", "ready")]


def test_what_another_system_has_of_a_case_that_ended_meanwhile_is_in_the_record(town_hall: Hall) -> None:
    id = begun(town_hall, "ends-under-way", step=[ORDER, LOOK], recovered={"then": "close"})
    key = f"{case_of(town_hall, id).number}/order"
    town_hall.says("recovers", "", object="ends-under-way")
    assert (case_of(town_hall, id).state, errands(town_hall, id)[key][3]) == ("closed", "dropped")
    assert town_hall.cases.answered(key, True, {"id": "4711"}).result() is False
    whole = town_hall.cases.whole(id)
    assert whole is not None
    assert [entry.detail["id"] for entry in whole.history if entry.action == "called"] == ["4711"]


def test_a_case_that_time_can_not_bring_on_keeps_no_other_waiting(
    town_hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = begun(town_hall, "stuck-late", escalation={"after": "10m"})
    id = begun(town_hall, "stuck-later", escalation={"after": "11m"})
    wake = Cases._wake

    def maybe(self: Cases, connection: Any, case: int, *more: Any) -> None:
        if case == stuck:
            raise ZeroDivisionError
        wake(self, connection, case, *more)

    monkeypatch.setattr(Cases, "_wake", maybe)
    town_hall.now += 12 * MINUTE
    town_hall.cases.wake()
    assert (case_of(town_hall, stuck).escalated, case_of(town_hall, id).escalated) == (0, 1)


def test_a_procedure_of_calls_only_ends_its_case(town_hall: Hall) -> None:
    id = begun(town_hall, "calls-only", step=[ORDER])
    town_hall.cases.answered(f"{case_of(town_hall, id).number}/order", True, {"id": "1"}).result()
    assert case_of(town_hall, id).state == "closed"


def test_where_the_engine_can_not_go_on_people_can(town_hall: Hall) -> None:
    id = begun(town_hall, "stuck", procedure={"file": "missing.bpmn"})
    assert steps_of(town_hall, id) == [("drive", "ready"), ("empty", "ready")]
    assert "procedure stuck" in actions(town_hall, id)
    town_hall.cases.tick_off(id, 2, "eva", {"emptied": True}).result()
    lost = begun(town_hall, "lost")
    with town_hall.store.database.reading() as connection:
        process = kept.process(connection, lost)
    assert process is not None
    town_hall.store.submit(lambda connection: kept.put(connection, process._replace(state="{}"))).result()
    town_hall.cases.tick_off(lost, 1, "eva").result()
    assert steps_of(town_hall, lost) == [("drive", "done"), ("empty", "ready")]
    town_hall.cases.tick_off(lost, 2, "eva", {"emptied": True}).result()
    assert steps_of(town_hall, lost)[1] == ("empty", "done")


def test_desks_are_told_once_of_what_happens(town_hall: Hall) -> None:
    id = begun(town_hall, "told")
    town_hall.says("rises", "over", object="told")
    town_hall.says("rises", "over", object="told")
    found = errands(town_hall, id)
    assert sorted(found) == [f"case-{id}:opened:depot:mail", f"case-{id}:rises-over:depot:mail"]
    kind, target, request, _ = found[f"case-{id}:opened:depot:mail"]
    assert (kind, target) == ("mail", "depot")
    number = case_of(town_hall, id).number
    assert request["subject"] == f"Papierkorb voll: told (neuer Vorgang, {number})"
    for part in (
        "Warum: Ab 80 % liegt in zwei Tagen Müll daneben.",
        "Erster Schritt: Hinfahren. Schlüssel 7 mitnehmen.",
        "Gemessen: fill 82,5",
        f"https://sensoren.musterstadt.example/app/cases/{id}",
    ):
        assert part in request["body"]
    assert found[f"case-{id}:rises-over:depot:mail"][2]["subject"].startswith("DRINGEND: ")
    town_hall.cases.answered(f"case-{id}:opened:depot:mail", True, {}).result()
    assert "notified" in actions(town_hall, id)


def test_the_desk_that_a_case_is_given_to_is_told(town_hall: Hall) -> None:
    id = begun(town_hall, "given")
    town_hall.cases.give(id, "chef", desk="depot").result()
    assert not [key for key in errands(town_hall, id) if ":given" in key], "it has it already"
    town_hall.cases.give(id, "chef", desk="office").result()
    town_hall.now += 1
    town_hall.cases.give(id, "chef", desk="depot").result()
    (key,) = [key for key in errands(town_hall, id) if ":given" in key]  # the other desk has no mail
    assert errands(town_hall, id)[key][1] == "depot"


def test_an_outside_engine_gets_the_case_and_says_when_it_has_ended(town_hall: Hall) -> None:
    procedure = {"engine": "camunda", "process": "papierkorb"}
    id = begun(town_hall, "outside", procedure=procedure)
    number = case_of(town_hall, id).number
    kind, target, request, _ = errands(town_hall, id)[f"{number}/outside"]
    assert (kind, target, request["process"]) == ("engine", "camunda", "papierkorb")
    assert request["variables"]["case"] == number
    assert case_of(town_hall, id).state == "in_work"
    town_hall.cases.answered(f"{number}/outside", True, {"id": "p-1"}).result()
    assert case_of(town_hall, id).state == "closed"


def test_an_outside_engine_that_refuses_leaves_the_steps_to_people(town_hall: Hall) -> None:
    id = begun(town_hall, "refused", procedure={"engine": "camunda", "process": "papierkorb"})
    key = f"{case_of(town_hall, id).number}/outside"
    town_hall.cases.answered(key, False, {"reason": "no such process"}).result()
    assert case_of(town_hall, id).state == "new"
    assert steps_of(town_hall, id) == [("drive", "ready"), ("empty", "ready")]
    assert f"case-{id}:stuck:depot:mail" in errands(town_hall, id)


def test_a_webhook_gets_a_cloud_event(tmp_path: Path) -> None:
    desks = {"depot": {"title": "Bauhof", "webhook": "https://chat.example/hook"}}
    with_hook = hall(tmp_path / "bordstein.sqlite", tmp_path, desk=desks)
    id = with_hook.fires()
    assert id is not None
    ((key, (kind, target, request, _)),) = errands(with_hook, id).items()
    assert (key, kind, target) == (f"case-{id}:opened:depot:webhook", "webhook", "desk:depot")
    assert request["type"] == "de.bordstein.case.opened.v1"
    assert request["data"]["place"] == "Marktplatz 7" and request["data"]["signals"] == {"fill": 82.5}
    with_hook.store.close()
