"""From a reading to work done, the whole way: boards, broker, gateway, rule sheets, cases, and a person at the pages.

The gateway is killed while the rules fire and again while the case is worked on.
"""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx2
import pytest

from tests import warm
from tests.street import work
from tests.street.processes import until
from tests.street.replayed import BIN
from tests.street.street import Street


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    with Street(tmp_path, [], replay_s=8) as street:
        yield street


class Person:
    """Somebody in a browser without JavaScript."""

    def __init__(self, street: Street) -> None:
        self.http = httpx2.Client(base_url=street.gateway.url, follow_redirects=True, timeout=30)
        page = self.http.get("/app/login").text
        self.page = self.post("/app/login", page, name=work.USER, password=street.password)

    def post(self, path: str, page: str, **fields: str) -> str:
        """Sends a form that is on a page; the page that comes then."""
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found, page
        answer = self.http.post(
            path, data={"csrf": found[1], **fields}, headers={"Origin": str(self.http.base_url).rstrip("/")}
        )
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.text

    def case(self, id: int) -> str:
        return self.http.get(f"/app/cases/{id}").text


def step(page: str) -> tuple[str, dict[str, str]] | None:
    """The form of the next step on a case's page, and what to answer in its fields; None: there is none."""
    form = re.search(r'<form[^>]* action="(/app/cases/\d+/steps/\d+)".*?</form>', page, re.DOTALL)
    if form is None:
        return None
    answers = {}
    for kind, name in re.findall(r'<input[^>]* type="(radio|text)"[^>]* name="([^"]+)"', form[0]):
        answers[name] = "yes" if kind == "radio" else "7"
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form[0], re.DOTALL):
        answers[name] = unescape(next(value for value in re.findall(r'<option value="([^"]*)"', options) if value))
    return form[1], answers


def test_readings_become_cases_and_a_case_is_done_though_the_gateway_is_killed(street: Street) -> None:
    assert street.replay is not None
    for _ in range(2):
        before = len(street.work().cases)
        assert until(lambda before=before: len(street.work().cases) > before, 90, 0.1)
        street.gateway.kill()
        street.gateway.start()
    assert street.finish(120), street.work().line()
    verdict = street.verdict()
    assert verdict.whole and verdict.stored > 1000, "\n".join(verdict.sentences())
    done = street.work()
    assert done.fired == {
        "bin-full",
        "device-silent",
        "fire-lane",
        "gully-level",
        "lamps-dark",
        "road-frost",
        "trees-dry",
    }
    open_now = [(case.rule, case.object) for case in done.cases if case.open]
    assert len(open_now) == len(set(open_now)) and done.doubled == 0
    first, second = sorted((case for case in done.cases if case.rule == "bin-full"), key=lambda case: case.id)
    assert (first.state, second.state) == ("closed", "new") and first.recovered and first.object == BIN.device

    person = Person(street)
    page = person.case(second.id)
    assert BIN.name in page
    page = person.post(f"/app/cases/{second.id}/take", page)
    street.gateway.kill()
    street.gateway.start()
    page = person.case(second.id)
    answered: list[str] = []
    while (form := step(page)) is not None:
        page = person.post(form[0], page, **form[1])
        answered += form[1]
    # Onto the tour, and emptied; the fire brigade was not called.
    assert answered[0] == "answer-tour" and "answer-found" in answered and "answer-called_at" not in answered
    person.post(f"/app/cases/{second.id}/done", page, trips="1", minutes="12")
    (case,) = [case for case in street.work().cases if case.id == second.id]
    assert case.state == "done" and case.ledger == {"trips": 1.0, "minutes": 12.0}
    assert until(lambda: sum(street.mailbox.received.values()) >= len(done.cases), 60, 0.2)
    # Who is killed between sending a mail and noting it sends it again, with the same Message-ID (RFC 5322 3.6.4).
    again = sum(street.mailbox.received.values()) - len(street.mailbox.received)
    assert again <= 3, "a desk was told twice"
    checked = warm.run("bordstein-gateway", "audit", "verify", "--config", street.gateway.config)
    assert checked.returncode == 0, checked.stderr
