"""The pages of cases, rules and procedures in a real browser: accessible at each size, in light and dark, in either
language, with and without scripts; and each role's job done by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.gateway.browser import DESK, PHONE, Chromium, axe, too_wide
from tests.gateway.loopback import Loopback
from tests.gateway.office_town import GULLY, NAMES, OTHER_BIN, Hall, hall

MAIN = ("/app/cases", "/app/cases/1")
PHONE_TOO = (
    "/app/cases?view=list&state=open",
    "/app/rules",
    "/app/procedures/bin-full",
    "/app/audit",
    "/app/rules/bin-full/edit",
    "/app/rules/bin-full/rehearse",
)
AT_THE_DESK = (
    "/app/silences",
    "/app/cases/2",
    "/app/rules/bin-full",
    "/app/rules/bin-full/versions",
    "/app/procedures",
    "/app/report",
)
"""Each page once, and those that are used most in both looks."""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hall, str]]:
    folder = Path(tmp_path_factory.mktemp("office"))
    found = hall(folder / "store.sqlite", folder)
    first = found.fires()
    second = found.fires(object=OTHER_BIN, stage="over", fill=0.97)
    found.fires("gully-level", GULLY, "", level=0.52)
    cases = found.state.office.cases
    cases.take(first.id, NAMES["worker"]).result()
    cases.comment(first.id, NAMES["worker"], "Größere Beutel nehmen", differently=True).result()
    cases.false_alarm(second.id, NAMES["dispatcher"], "Ein Ast lag davor").result()
    with Loopback(found.app) as server:
        yield found, server.url
    found.state.store.close()


def enter(page: Page, office: tuple[Hall, str], role: str) -> None:
    """Logged in as this role's account."""
    found, url = office
    page.context.add_cookies([{"name": "bordstein", "value": found.token(NAMES[role]), "url": url}])


@pytest.mark.parametrize(
    ("size", "lang", "paths"),
    [(PHONE, "en", MAIN + PHONE_TOO), (DESK, "de", MAIN + AT_THE_DESK)],
    ids=["phone", "desk"],
)
def test_every_page_is_accessible(
    chromium: Chromium, office: tuple[Hall, str], size: tuple[int, int], lang: str, paths: tuple[str, ...]
) -> None:
    with chromium.visit(office[1], size=size, dark=size == PHONE, lang=lang) as page:
        enter(page, office, "administrator")
        for path in paths:
            page.goto(path)
            assert (path, axe(page), max(0, too_wide(page))) == (path, [], 0)


def test_a_worker_does_a_case_on_a_phone_without_scripts(chromium: Chromium, office: tuple[Hall, str]) -> None:
    found, url = office
    case = found.fires(object=f"{OTHER_BIN}/bay")
    with chromium.visit(url, size=PHONE, scripts=False) as page:
        enter(page, office, "worker")
        page.goto("/app/cases")
        page.locator(f'main form[action="/app/cases/{case.id}/take"] button').first.click()
        page.get_by_role("button", name="Erledigt: Hinfahren").click()
        page.get_by_label("Füllung (%) *").fill("80,5")
        page.get_by_label("ja").check()
        page.get_by_label("Tour").select_option("morgen")
        page.get_by_role("button", name="Erledigt: Leeren").click()
        page.get_by_role("button", name="Vorgang erledigt").click()
        assert page.locator(".message.good").inner_text() == "Erledigt. Danke!"
    done = found.state.office.cases.get(case.id)
    assert done is not None
    assert done.state == "done"


def test_a_procedure_opens_in_the_viewer(chromium: Chromium, office: tuple[Hall, str]) -> None:
    with chromium.visit(office[1]) as page:
        enter(page, office, "reader")
        page.goto("/app/cases/1")
        assert page.locator("svg.bpmn g.now").get_attribute("data-node") == "drive"
        page.get_by_role("button", name="Bewegen und vergrößern").click()
        page.wait_for_selector('.diagram [data-element-id="drive"].step-ready')
        assert axe(page) == []
        page.get_by_role("button", name="Wieder als Bild").click()
        assert page.locator("svg.bpmn").is_visible()


def test_the_editor_leads_to_the_line_of_a_mistake(chromium: Chromium, office: tuple[Hall, str]) -> None:
    with chromium.visit(office[1], expected=("409",)) as page:
        enter(page, office, "dispatcher")
        page.goto("/app/rules/gully-level/edit")
        text = page.locator("#text").input_value()
        page.locator("#text").fill(text.replace('clears = "level < 0.3"', 'clears = "pegel < 0.3"'))
        page.get_by_label("Warum ändern Sie das?").fill("Pegel heißt er im Plan")
        page.get_by_role("button", name="Speichern").click()
        assert axe(page) == []
        link = page.locator("#mistakes a")
        link.click()
        chosen = page.evaluate(
            "(t => t.value.slice(t.selectionStart, t.selectionEnd))(document.getElementById('text'))"
        )
        assert chosen == 'clears = "pegel < 0.3"'
        assert page.get_by_label("Warum ändern Sie das?").input_value() == "Pegel heißt er im Plan"
