"""The life of a case against a model of it: whatever is done in whatever order, what is told is what is kept."""

import shutil
import tempfile
from itertools import count
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bordstein_gateway.cases.audit import verify
from bordstein_gateway.cases.cases import CaseProblem
from bordstein_gateway.cases.types import OPEN
from tests.gateway.case_town import Hall, hall, sheet

PEOPLE = st.sampled_from(("eva", "otto"))
_names = count()


class Life(RuleBasedStateMachine):
    """One object, whose cases are known by id with the state that each should have."""

    hall: Hall

    def __init__(self) -> None:
        super().__init__()
        self.object = f"object {next(_names)}"
        self.states: dict[int, str] = {}
        self.account: str | None = None
        self.stage = ""

    @initialize(closes=st.booleans())
    def in_force(self, closes: bool) -> None:
        self.closes = closes
        then = "close" if closes else "mark"
        self.hall.law = self.hall.law._replace(sheet=sheet(recovered={"then": then}))

    @property
    def open(self) -> int | None:
        return next((id for id, state in self.states.items() if state in OPEN), None)

    @property
    def last(self) -> int:
        return max(self.states, default=0)

    def tried(self, allowed: bool, state: str, what: str, *words: str, **more: str) -> bool:
        """Do it to the last case; whether it was done, which has to be as the model says."""
        try:
            case = getattr(self.hall.cases, what)(self.last, *words, **more).result()
        except CaseProblem as problem:
            assert not allowed, problem
            assert problem.sentence.de != str(problem)
            return False
        assert allowed
        assert case.state == state
        self.states[self.last] = state
        return True

    @rule(stage=st.sampled_from(("full", "over")), edge=st.sampled_from(("fires", "rises")))
    def fires(self, stage: str, edge: str) -> None:
        before = self.open
        id = self.hall.says(edge, stage, object=self.object)  # type: ignore[arg-type]
        assert id is not None
        if before is None:
            assert id not in self.states
            self.states[id], self.account, self.stage = "new", None, stage
        else:
            assert id == before
            self.stage = max(self.stage, stage, key=("full", "over").index)

    @rule()
    def recovers(self) -> None:
        before = self.open
        assert self.hall.says("recovers", "", object=self.object) == before
        if before is not None and self.closes and self.states[before] == "new":
            self.states[before] = "closed"

    @rule(who=PEOPLE)
    def take(self, who: str) -> None:
        state = self.states.get(self.last, "")
        allowed = state in OPEN and self.account in (None, who)
        if self.tried(allowed, "taken" if state == "new" else state, "take", who):
            self.account = who

    @rule(who=PEOPLE, to=st.sampled_from(("eva", "office")))
    def give(self, who: str, to: str) -> None:
        state = self.states.get(self.last, "")
        if to == "office":
            if self.tried(state in OPEN, "new", "give", who, desk="office"):
                self.account = None
        elif self.tried(state in OPEN, "taken" if state == "new" else state, "give", who, account=to):
            self.account = to

    @rule(who=PEOPLE)
    def start(self, who: str) -> None:
        state = self.states.get(self.last, "")
        free = self.account in (None, who) or state != "new"
        if self.tried(state in OPEN and free, "in_work", "start", who):
            self.account = self.account or who

    @rule(who=PEOPLE)
    def done(self, who: str) -> None:
        if self.tried(self.states.get(self.last) in OPEN, "done", "done", who):
            self.account = self.account or who

    @rule(who=PEOPLE, why=st.sampled_from(("", "Laub")))
    def false_alarm(self, who: str, why: str) -> None:
        if self.tried(self.states.get(self.last) in OPEN and bool(why), "false_alarm", "false_alarm", who, why):
            self.account = self.account or who

    @rule(who=PEOPLE, why=st.sampled_from(("", "abgebaut")))
    def close(self, who: str, why: str) -> None:
        state = self.states.get(self.last, "")
        self.tried(state in ("done", "false_alarm") or (state in OPEN and bool(why)), "closed", "close", who, why)

    @rule(who=PEOPLE)
    def reopen(self, who: str) -> None:
        state = self.states.get(self.last, "")
        if self.tried(bool(state) and state not in OPEN, "taken", "reopen", who, "doch"):
            self.account = who

    @invariant()
    def what_is_kept_is_what_was_told(self) -> None:
        kept = {id: self.hall.cases.get(id) for id in self.states}
        assert {id: case.state for id, case in kept.items() if case is not None} == self.states
        if self.open is not None and (case := kept[self.open]) is not None:
            assert (case.account, case.stage) == (self.account, self.stage)
            assert (case.taken is None) <= (case.account is None)
        for case in kept.values():
            assert case is not None and (case.ended is None) == case.open


def test_whatever_is_done_in_whatever_order_a_case_is_what_people_were_told() -> None:
    folder = Path(tempfile.mkdtemp())
    Life.hall = hall(folder / "bordstein.sqlite", folder)
    try:
        run_state_machine_as_test(Life, settings=settings(max_examples=12, stateful_step_count=14, deadline=None))
        assert verify(Life.hall.store).broken is None
    finally:
        Life.hall.store.close()
        shutil.rmtree(folder)
