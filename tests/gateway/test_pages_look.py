"""The frame of the staff's pages in a real browser: accessible, on a phone, dark, without scripts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_gateway.store import Store
from tests.gateway.browser import DESK, PHONE, Chromium, axe, log_in, screenshot, too_wide
from tests.gateway.loopback import Loopback
from tests.gateway.staff import PASSWORD, Staff


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = Store.open(Path(tmp_path_factory.mktemp("store")) / "store.sqlite")
    with Loopback(Staff(store).app) as server:
        yield server.url
    store.close()


@pytest.mark.parametrize(("size", "dark"), [(PHONE, True), (DESK, False)], ids=["phone-dark", "desk-light"])
def test_login_account_and_statement_are_accessible(
    chromium: Chromium, url: str, size: tuple[int, int], dark: bool
) -> None:
    look = f"{'phone' if size == PHONE else 'desk'}-{'dark' if dark else 'light'}"
    with chromium.visit(url, size=size, dark=dark) as page:
        page.goto("/app/login")
        screenshot(page, f"login-{look}")
        assert axe(page) == [] and too_wide(page) <= 0
        log_in(page, "administrator")
        for path in ("/app/account", "/app/accessibility", "/app/about"):
            page.goto(path)
            screenshot(page, f"{path.rpartition('/')[2]}-{look}")
            assert axe(page) == [] and too_wide(page) <= 0


def test_the_frame_works_without_scripts_and_by_keyboard(chromium: Chromium, url: str) -> None:
    with chromium.visit(url, size=PHONE, scripts=False, lang="en") as page:
        page.goto("/app/account")
        page.fill("#name", "reader")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/app/account")
        page.keyboard.press("Tab")
        assert page.locator(":focus").inner_text() == "Skip to content"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.locator("main :focus").count() == 1
        page.get_by_role("link", name="Deutsch").click()
        assert page.get_by_role("heading", name="Mein Konto").is_visible()
        page.get_by_role("button", name="Abmelden", exact=True).click()
        page.wait_for_url("**/app/login")
