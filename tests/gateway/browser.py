"""A real Chromium for the pages: one for all tests of a process, a fresh profile for each visit.

    def test_x(chromium: Chromium) -> None:
        with Loopback(staff.app) as server, chromium.visit(server.url) as page:
            log_in(page, "worker")
            assert axe(page) == []

A visit ends with an AssertionError where a page said anything on the console, broke its Content-Security-Policy or
asked another host for something.
"""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from tests.gateway.staff import PASSWORD

ROOT = Path(__file__).parents[2]
AXE = ROOT / ".cache/assets/node_modules/axe-core/axe.min.js"
SCREENSHOTS = ROOT / ".cache/screenshots"
PHONE, DESK = (360, 740), (1280, 800)
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
PATIENCE_MS = 60_000


class Chromium:
    """The browser that this system has."""

    def __init__(self) -> None:
        self._playwright = sync_playwright().start()
        # Playwright leaves its event loop running in this thread; other tests of the process have loops of their own.
        self._loop = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        with self._running():
            self._browser: Browser = self._playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])

    def close(self) -> None:
        asyncio._set_running_loop(self._loop)
        self._browser.close()
        self._playwright.stop()

    @contextmanager
    def _running(self) -> Iterator[None]:
        asyncio._set_running_loop(self._loop)
        try:
            yield
        finally:
            asyncio._set_running_loop(None)

    @contextmanager
    def visit(
        self,
        url: str,
        *,
        size: tuple[int, int] = DESK,
        dark: bool = False,
        scripts: bool = True,
        lang: str = "de",
        expected: tuple[str, ...] = (),
    ) -> Iterator[Page]:
        """A page of a new profile; addresses are relative to `url`. `expected`: parts of what the console may say."""
        with self._running(), self._visit(url, size, dark, scripts, lang, expected) as page:
            yield page

    @contextmanager
    def _visit(
        self, url: str, size: tuple[int, int], dark: bool, scripts: bool, lang: str, expected: tuple[str, ...]
    ) -> Iterator[Page]:
        context = self._browser.new_context(
            base_url=url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            locale={"de": "de-DE", "en": "en-GB"}[lang],
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        said: list[str] = []
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        host = urlsplit(url).netloc
        page.on("request", lambda request: said.append(request.url) if _foreign(request.url, host) else None)
        try:
            yield page
        finally:
            context.close()
        wrong = [text for text in said if not any(part in text for part in expected)]
        assert not wrong, wrong


def _foreign(url: str, host: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob", "about") and parts.netloc != host


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """By the form."""
    page.goto("/app/login")
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("main button")
    page.wait_for_url(lambda url: "/app/login" not in url)


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")


def axe(page: Page) -> list[str]:
    """What axe-core finds on the page as it is, by WCAG 2.1 A and AA and its own good practice: rule and element."""
    page.evaluate(_axe())
    found: Any = page.evaluate("tags => axe.run(document, {runOnly: tags})", _WCAG)
    return [
        f"{finding['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for finding in found["violations"]
        for node in finding["nodes"]
    ]


def too_wide(page: Page) -> int:
    """By how many pixels the page has to be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def screenshot(page: Page, name: str) -> Path:
    """Of the whole page, into .cache/screenshots/."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    return path
