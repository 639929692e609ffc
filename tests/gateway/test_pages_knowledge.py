"""The knowledge pages: handover, who leaves, who keeps what, data protection; through the app and in a browser."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bordstein_gateway.config.office import Desk, Pages
from bordstein_gateway.config.store import Retention
from bordstein_gateway.rules.verdict import Verdict
from bordstein_gateway.store import Store
from tests.gateway import case_town, packs
from tests.gateway.browser import DESK, PHONE, Chromium, axe, log_in, screenshot, too_wide
from tests.gateway.loopback import Loopback
from tests.gateway.staff import Staff

DESKS = {"depot": Desk(title="Bauhof"), "office": Desk(title="Ordnungsamt", title_en="Public order")}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    """One open case of a station that is silent."""
    folder: Path = tmp_path_factory.mktemp("town")
    store = Store.open(folder / "store.sqlite")
    town = Staff(
        store,
        desk=DESKS,
        pages=Pages(contact="datenschutz@musterstadt.example"),
        retention={"default": Retention(raw_days=30)},
    )
    packs.write(store, [packs.pack(1, 0, device=case_town.BIN, value=0.9, series="bin/fill_level")])
    fired = Verdict("bin-full", case_town.BIN, "fires", case_town.NOW, case_town.NOW, "", {"fill": 0.9}, ())
    town.state.office.cases.verdict(fired, case_town.Law(case_town.sheet(stage=[]), 1)).result()
    yield town
    store.close()


def test_the_handover_sheet_has_the_open_case_and_the_silent_station(town: Staff) -> None:
    client = town.client("reader")
    page = client.get("/app/knowledge/handover?since=2020-01-01").text
    assert "2026-1" in page and "Papierkorb voll" in page and "meldet sich nicht" in page
    assert client.get("/app/knowledge/handover?desk=nobody").status_code == 404
    english = client.get("/app/knowledge/handover?since=2020-01-01&lang=en").text
    assert "Handover sheet" in english and "is not reporting" in english


def test_who_leaves_is_for_dispatchers(town: Staff) -> None:
    assert town.client("worker").get("/app/knowledge/leaving?who=account+reader").status_code == 403
    page = town.client("dispatcher").get("/app/knowledge/leaving?who=account+administrator")
    assert "letzte Konto mit Administration" in page.text
    assert town.client("dispatcher").get("/app/knowledge/leaving?who=account+nobody").status_code == 404


def test_an_administrator_says_who_keeps_what_and_it_is_logged(town: Staff) -> None:
    client = town.client("administrator")
    holders = ["account administrator", "desk depot"]
    answer = client.post("/app/knowledge/keepers", {"subject": "key signing", "holder": holders})
    assert answer.status_code == 303
    assert "Gespeichert." in client.get("/app/knowledge/keepers").text
    leaving = client.get("/app/knowledge/leaving?who=desk+depot").text
    assert "Schlüssel, der Software" not in leaving
    client.post("/app/knowledge/keepers", {"subject": "key signing", "holder": "desk depot"})
    assert "Schlüssel, der Software" in client.get("/app/knowledge/leaving?who=desk+depot").text
    handover = client.get("/app/knowledge/handover?since=2020-01-01").text
    assert "Schlüssel, der Software für Geräte signiert" in handover and "Vorgang eröffnet" in handover
    for wrong in ({"subject": "key of all"}, {"subject": "key signing", "holder": "account nobody"}):
        assert client.post("/app/knowledge/keepers", wrong).status_code == 400
    assert town.client("dispatcher").post("/app/knowledge/keepers", {"subject": "key signing"}).status_code == 403


def test_a_station_has_a_notice_and_each_kind_a_sheet(town: Staff) -> None:
    client = town.client("reader")
    notice = client.get(f"/app/knowledge/notice/{case_town.BIN}").text
    assert "Füllstand" in notice and "Messwerte 30 Tage" in notice and "datenschutz@musterstadt.example" in notice
    assert "Gekippt" not in notice
    assert client.get("/app/knowledge/notice/24a16000dead").status_code == 404
    sheet = msgspec.json.decode(client.get("/app/knowledge/privacy/containers.json").content)
    assert sheet["properties"]["fill_level"]["retention_days"]["readings"] == 30
    for wrong in ("privacy/nothing", "privacy/containers.xml"):
        assert client.get(f"/app/knowledge/{wrong}").status_code == 404


@pytest.mark.parametrize(("size", "dark"), [(PHONE, True), (DESK, False)], ids=["phone-dark", "desk-light"])
def test_the_pages_are_accessible(chromium: Chromium, town: Staff, size: tuple[int, int], dark: bool) -> None:
    look = f"{'phone' if size == PHONE else 'desk'}-{'dark' if dark else 'light'}"
    with Loopback(town.app) as server, chromium.visit(server.url, size=size, dark=dark) as page:
        log_in(page, "administrator")
        for path in (
            "",
            "/handover?since=2020-01-01",
            "/leaving?who=account+administrator",
            "/keepers",
            "/privacy",
            "/privacy/people",
            f"/notice/{case_town.BIN}",
        ):
            page.goto(f"/app/knowledge{path}")
            screenshot(page, f"knowledge-{path.strip('/').partition('?')[0].replace('/', '-') or 'all'}-{look}")
            assert axe(page) == [] and too_wide(page) <= 0
