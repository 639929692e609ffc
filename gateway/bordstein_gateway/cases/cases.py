"""Cases: what verdicts and people make of them. Each change and its audit entries are one commit.

    cases.verdict(verdict, in_force)        what a rule says (verdicts.py)
    cases.take(id, actor), tick_off(…), …   what somebody does: a Future of the case as it is then (working.py)
    cases.silence(…), end_silence(…)        (silencing.py)
    cases.get(id), list(…), whole(id), …    what there is (looking.py)
    cases.wake(), answered(key, ok, …)      what time and other systems do (running.py)

A Future raises CaseProblem where it was not done: its sentence is for people. Who may do what is the pages' business.
"""

from .keeping import InForce, Shelf
from .looking import Whole
from .silencing import Silencing
from .states import CaseProblem
from .steps import AnswersWrong
from .working import Working

__all__ = ["AnswersWrong", "CaseProblem", "Cases", "InForce", "Shelf", "Whole"]


class Cases(Working, Silencing):
    """A town's cases. Any thread."""

    def next_wake(self) -> int | None:
        """When wake() has to be called next, ms UTC; None: not before something else happens."""
        return None
