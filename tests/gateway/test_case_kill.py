"""A gateway that is killed in the middle of a case, and cases on PostgreSQL."""

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from bordstein_gateway.cases.audit import verify
from bordstein_gateway.store import Where
from bordstein_gateway.store import procedures as kept
from bordstein_gateway.store.cases import CaseFilter
from tests.gateway.case_town import DAY, Law, hall, sheet
from tests.gateway.test_case_work import picture

STEPS = {
    "opened": ["ready", "waiting", "waiting"],
    "looked": ["done", "waiting", "waiting"],
    "ordered": ["done", "done", "ready"],
    "done": ["done", "done", "done"],
}
"""What was confirmed last -> the states of the steps then."""


def test_a_kill_at_any_moment_leaves_each_case_whole_and_what_was_confirmed(tmp_path: Path) -> None:
    confirmed: dict[int, str] = {}
    for lines in (2, 7, 9):  # killed at once after so many confirmations, on the way to the next one
        first = max(confirmed, default=-1) + 1
        command = [sys.executable, "-m", "tests.gateway.case_child", str(tmp_path), str(first)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(lines):
                number, what = child.stdout.readline().split()
                confirmed[int(number)] = what
            child.send_signal(signal.SIGKILL)
            for line in child.stdout:  # what it could still say before the kill
                number, what = line.split()
                confirmed[int(number)] = what
    town = hall(tmp_path / "bordstein.sqlite", tmp_path)
    with closing(town.store):
        assert verify(town.store).broken is None
        cases = {case.object: case for case in town.cases.list(CaseFilter(), order="oldest")[0]}
        order = list(STEPS)
        for number, what in confirmed.items():
            case = cases.pop(f"object {number}")
            whole = town.cases.whole(case.id)
            assert whole is not None
            states = [step.state for step in whole.steps]
            later = [STEPS[name] for name in order[order.index(what) :]]
            assert states in later, (number, what, states)
            assert [entry.action for entry in whole.history].count("step") == sum(
                step.actor == "eva" for step in whole.steps
            )
            with town.store.database.reading() as connection:
                process = kept.process(connection, case.id)
                errand = kept.ordered(connection, f"{case.number}/order")
            assert process is not None and (errand is not None) == (states[0] == "done")
            assert bool(process.ended) == (states[2] == "done")
        # What was not confirmed is there whole, or not at all.
        assert all(len((town.cases.whole(case.id) or [[]] * 2)[1]) == 3 for case in cases.values())


def test_cases_are_the_same_on_either_database(place: Where, tmp_path: Path) -> None:
    town = hall(place, tmp_path)
    with closing(town.store):
        town.law = Law(sheet(escalation={"after": "30m"}), 1)
        id = town.fires()
        assert id is not None and town.fires() == id
        town.says("rises", "over")
        town.now += DAY
        assert town.cases.wake() == 1
        town.cases.tick_off(id, 1, "eva", differently="anders").result()
        town.cases.tick_off(id, 2, "eva", {"emptied": "ja", "kind": "Bauschutt"}).result()
        note = town.cases.photo(id, "eva", picture(), "nachher").result()
        town.cases.done(id, "eva").result()
        silence = town.cases.silence("chef", "Fest", town.now + DAY, rule="bin-full").result()
        assert town.fires() is None
        town.cases.end_silence(silence.id, "chef").result()
        (newer,), count = town.cases.list(CaseFilter(states=("new",), text="markt 2026", desks=("depot",)))
        assert (newer.number, count, town.cases.counts()) == ("2026-2", 1, {"new": 1, "done": 1})
        whole = town.cases.whole(id)
        assert whole is not None
        assert (whole.case.stage, whole.case.escalated, whole.case.deputy) == ("over", 1, "office")
        assert whole.steps[1].answers == {"emptied": True, "kind": "Bauschutt"}
        assert [one.text for one, _ in town.cases.proposals("bin-full")] == ["anders"]
        assert note.photo is not None and (town.cases.picture(note.photo) or ("", b""))[1].startswith(b"\xff\xd8")
        assert verify(town.store).broken is None
