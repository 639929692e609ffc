"""The pages of stations, devices and forwards, and the public ones, in a browser: light, dark, phone, no scripts."""

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, TimeoutError

from tests.gateway.browser import DESK, PHONE, Chromium, axe, screenshot, too_wide
from tests.gateway.loopback import Loopback
from tests.gateway.town_of import GAPS, PARK, Town, town_of

STAFF = {
    "map": "/app/map",
    "station": f"/app/stations/{GAPS}?span=week",
    "devices": "/app/devices",
    "forwards": "/app/forwards",
    "target": "/app/forwards/portal",
}
PUBLIC = {"public": "/public/", "public-station": f"/public/stations/{PARK}"}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = town_of(tmp_path_factory.mktemp("town"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def url(town: Town) -> Iterator[str]:
    with Loopback(town.app) as server:
        yield server.url


def log_in(page: Page, town: Town, url: str) -> None:
    page.context.add_cookies([{"name": "bordstein", "value": town.cookie("dispatcher"), "url": url}])


@pytest.mark.parametrize(("size", "dark"), [(PHONE, True), (DESK, False)], ids=["phone-dark", "desk-light"])
def test_pages_are_accessible(chromium: Chromium, town: Town, url: str, size: tuple[int, int], *, dark: bool) -> None:
    look = f"{'phone' if size == PHONE else 'desk'}-{'dark' if dark else 'light'}"
    with chromium.visit(url, size=size, dark=dark) as page:
        log_in(page, town, url)
        some = {**STAFF, **PUBLIC} if size == DESK else {"map": STAFF["map"], "station": STAFF["station"]}
        for name, path in some.items():
            page.goto(path)
            if "map" in name or name == "public":
                page.wait_for_selector("#map.leaflet-container canvas")
            elif "station" in name:
                page.locator("figure[data-plot]").first.scroll_into_view_if_needed()
                page.wait_for_selector(".uplot canvas")
            screenshot(page, f"{name}-{look}")
            assert axe(page) == [] and too_wide(page) <= 0, name


def test_the_map_leads_to_a_station_and_its_plot_to_values(chromium: Chromium, town: Town, url: str) -> None:
    with chromium.visit(url) as page:
        log_in(page, town, url)
        page.goto("/app/map?state=silent")
        page.wait_for_selector("#map.leaflet-container canvas")
        box = page.locator("#map").bounding_box()
        assert box is not None
        link = page.locator(".leaflet-popup a[href*='/app/stations/']")
        # The canvas is there before its points are: on a busy machine the first click finds nothing yet.
        for _ in range(20):
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            with contextlib.suppress(TimeoutError):
                link.wait_for(timeout=3000)
                break
        link.click()
        page.wait_for_url(lambda address: urlsplit(address).path.startswith("/app/stations/"))
        page.goto(f"/app/stations/{GAPS}?span=week")
        page.hover(".uplot .u-over")
        page.locator(".u-legend", has_text="°C").first.wait_for()


def test_without_scripts_all_of_it_is_there(chromium: Chromium, town: Town, url: str) -> None:
    with chromium.visit(url, scripts=False) as page:
        log_in(page, town, url)
        page.goto("/app/map")
        assert page.locator("svg.sketch path.point").count() == 12
        page.select_option("#f-state", "case")
        page.click("main form button")
        assert page.locator("tbody tr").count() == 1
        page.click("tbody th a")
        page.click("nav.tabs >> text=7 Tage")
        assert page.locator("svg.chart").count() >= 3
        page.click("main summary >> nth=0")
        assert page.locator("details[open] tbody tr").count() > 100
        page.click("text=Etwas eintragen")
        page.select_option("#life-kind", "visit")
        page.fill("#life-text", "Alles in Ordnung")
        page.click("#life button.primary")
        assert "Alles in Ordnung" in page.inner_text("ol.timeline")
        page.goto("/public/")
        screenshot(page, "public-plain")
        page.click("tbody th a >> nth=0")
        assert page.locator("svg.chart").count() >= 2
