"""Cases in the browser: from the board to «done», by role, in either language, with nothing lost that was typed."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from bordstein_gateway.procedures.progress import Errand
from bordstein_gateway.store import errands
from bordstein_gateway.store.procedures import order
from tests.gateway.office_town import BIN, GULLY, NAMES, OTHER_BIN, Hall, csrf, hall


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Hall]:
    found = hall(tmp_path / "bordstein.sqlite", tmp_path)
    yield found
    found.state.store.close()


def photo() -> bytes:
    """A picture as a phone makes it, only smaller."""
    found = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(found, "JPEG")
    return found.getvalue()


def test_from_the_board_to_done(office: Hall) -> None:
    case = office.fires()
    worker = office.client("worker")
    board = worker.get("/app/cases").text
    assert "Papierkorb voll" in board
    assert "Marktplatz 7" in board
    page = worker.post(f"/app/cases/{case.id}/take", data={"csrf": csrf(board)}).text
    assert "Übernommen" in page
    for shown in ("Füllstand (Median) 82,5 %", "Ab 80 % liegt in zwei Tagen Müll daneben.", "§ 20 KrWG", "Bauhof"):
        assert shown in page
    page = worker.post(f"/app/cases/{case.id}/steps/1", data={"csrf": csrf(page), "note": "Tor war zu"}).text
    assert "Tor war zu" in page
    answers = {"answer-found": "92,5", "answer-beside": "yes", "answer-tour": "heute", "differently": "Zu zweit"}
    page = worker.post(
        f"/app/cases/{case.id}/steps/2",
        data={"csrf": csrf(page), **answers},
        files={"answer-picture": ("bild.jpg", photo(), "image/jpeg")},
    ).text
    for shown in ("92,5 %", "Zu zweit", "/app/photos/"):
        assert shown in page
    page = worker.post(f"/app/cases/{case.id}/done", data={"csrf": csrf(page), "trips": "2", "minutes": "12,5"}).text
    assert "Erledigt. Danke!" in page
    found = office.state.office.cases.get(case.id)
    assert found is not None
    assert (found.state, found.account, dict(found.ledger)) == ("done", "willi", {"trips": 2.0, "minutes": 12.5})
    assert "heute beendet" in worker.get("/app/cases").text


def test_what_is_wrong_is_said_and_nothing_typed_is_lost(office: Hall) -> None:
    case = office.fires()
    worker = office.client("worker")
    page = worker.get(f"/app/cases/{case.id}").text
    worker.post(f"/app/cases/{case.id}/steps/1", data={"csrf": csrf(page)})
    wrong = {"answer-found": "viel", "answer-damage": "Deckel <lose>", "note": "Regen"}
    answer = worker.post(f"/app/cases/{case.id}/steps/2", data={"csrf": csrf(page), **wrong})
    assert answer.status_code == 409
    for shown in ("„Füllung“ ist keine Zahl", 'value="viel"', "Deckel &lt;lose&gt;", "Regen"):
        assert shown in answer.text
    answer = worker.post(f"/app/cases/{case.id}/done", data={"csrf": csrf(page), "trips": "zwei", "minutes": "3"})
    assert answer.status_code == 409
    assert "„zwei“ ist keine Zahl" in answer.text
    assert 'value="zwei"' in answer.text
    answer = worker.post(f"/app/cases/{case.id}/false-alarm", data={"csrf": csrf(page), "reason": " "})
    assert "Es fehlt der Grund" in answer.text


def test_who_comes_second_is_told_kindly(office: Hall) -> None:
    case = office.fires()
    office.state.office.cases.take(case.id, NAMES["dispatcher"]).result()
    worker = office.client("worker")
    page = worker.get(f"/app/cases/{case.id}").text
    answer = worker.post(f"/app/cases/{case.id}/take", data={"csrf": csrf(page)})
    assert answer.status_code == 409
    assert "schon übernommen" in answer.text
    text = {"csrf": csrf(page), "answer-found": "1"}
    worker.post(f"/app/cases/{case.id}/steps/2", data=text)
    answer = worker.post(f"/app/cases/{case.id}/steps/2", data={**text, "note": "mein Text"})
    assert answer.status_code == 409
    assert "mein Text" in answer.text or "schon erledigt" in answer.text


def test_rights_decide_what_is_shown_and_what_is_done(office: Hall) -> None:
    case = office.fires()
    reader, worker = office.client("reader"), office.client("worker")
    page = reader.get(f"/app/cases/{case.id}").text
    assert "Papierkorb voll" in page
    for form in ("/take", "/steps/1", "/done", "/silence", "/give", "/photo"):
        assert f'action="/app/cases/{case.id}{form}"' not in page
    page = worker.get(f"/app/cases/{case.id}").text
    assert f'action="/app/cases/{case.id}/done"' in page
    assert f'action="/app/cases/{case.id}/give"' not in page
    office.state.office.cases.take(case.id, NAMES["dispatcher"]).result()
    answer = worker.post(f"/app/cases/{case.id}/false-alarm", data={"csrf": csrf(page), "reason": "Nichts da"})
    assert answer.status_code == 403
    dispatcher = office.client("dispatcher")
    page = dispatcher.get(f"/app/cases/{case.id}").text
    answer = dispatcher.post(f"/app/cases/{case.id}/false-alarm", data={"csrf": csrf(page), "reason": "Ein Ast"})
    assert "Ein Ast" in answer.text


def test_dispatchers_give_silence_and_close(office: Hall) -> None:
    case = office.fires()
    dispatcher = office.client("dispatcher")
    page = dispatcher.get(f"/app/cases/{case.id}").text
    form = {"csrf": csrf(page)}
    page = dispatcher.post(f"/app/cases/{case.id}/give", data={**form, "desk": "office", "account": "willi"}).text
    assert "Weitergegeben" in page
    assert "Tiefbauamt" in page
    assert "Willi Weber" in page
    answer = dispatcher.post(f"/app/cases/{case.id}/silence", data={**form, "until": "", "reason": "Baustelle"})
    assert "bis wann" in answer.text
    assert "Baustelle" in answer.text
    answer = dispatcher.post(f"/app/cases/{case.id}/silence", data={**form, "until": "2099-01-01T10:00", "reason": "B"})
    assert "höchstens 90 Tage" in answer.text
    answer = dispatcher.post(f"/app/cases/{case.id}/close", data={**form, "reason": "Fest zu Ende"})
    assert "Fest zu Ende" in answer.text
    answer = dispatcher.post(f"/app/cases/{case.id}/reopen", data={**form, "reason": "Doch nicht"})
    assert "Wieder geöffnet" in answer.text


def test_board_and_list_find_what_is_asked_for(office: Hall) -> None:
    office.fires()
    office.fires(object=OTHER_BIN, stage="over", fill=0.97)
    office.fires("gully-level", GULLY, "", level=0.52)
    reader = office.client("reader", language="en")
    page = reader.get("/app/cases?view=list&rule=gully-level").text
    assert "Gully backs up" in page
    assert "Bahnhofstraße" not in page.split("<table", 1)[1]
    assert "1 case<" in page
    page = reader.get("/app/cases?view=list&text=bahnhof").text
    assert "running over" in page
    assert "Marktplatz" not in page.split("<table", 1)[1]
    for query in (
        "mine=me",
        "mine=desks",
        "state=done",
        "desk=office",
        "days=x",
        "page=99",
        "page=-1",
        "sort=x",
        "days=1",
    ):
        assert reader.get(f"/app/cases?view=list&{query}").status_code == 200
    for path in ("99", "x", "2026-99", "9" * 40):
        assert reader.get(f"/app/cases/{path}").status_code == 404
    number = office.fires(object=f"{BIN}/bay").number
    assert number in reader.get(f"/app/cases/{number}").text


def test_only_pictures_are_taken(office: Hall) -> None:
    case = office.fires()
    worker = office.client("worker")
    page = worker.get(f"/app/cases/{case.id}").text
    form = {"csrf": csrf(page), "text": "Der Deckel"}
    answer = worker.post(
        f"/app/cases/{case.id}/photo", data=form, files={"photo": ("x.jpg", b"MZ nichts", "image/jpeg")}
    )
    assert answer.status_code == 409
    assert "Der Deckel" in answer.text
    page = worker.post(f"/app/cases/{case.id}/photo", data=form, files={"photo": ("x.jpg", photo(), "image/jpeg")}).text
    assert "Foto gespeichert" in page
    address = page.split('src="/app/photos/', 1)[1].split('"', 1)[0]
    picture = worker.get(f"/app/photos/{address}")
    assert picture.headers["content-type"] == "image/jpeg"
    assert office.client(None).get(f"/app/photos/{address}").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(("lang", "why"), [("de", "keine Antwort"), ("en", "no answer")])
def test_a_call_that_is_tried_again_is_on_the_case_and_among_the_forwards(office: Hall, lang: str, why: str) -> None:
    case, now = office.fires(), 1_782_900_000_000
    errand = Errand("k", "t", "order", "open311", "city", {})
    reason = {"reason": "no answer", "german": "keine Antwort"}
    store = office.state.store
    store.submit(lambda connection: order(connection, errand, case.id, now)).result(20)
    worker = office.client("worker")
    assert why not in worker.get(f"/app/forwards?lang={lang}").text
    store.submit(lambda connection: errands.failed(connection, "k", now + 60_000, reason, now)).result(20)
    for address in (f"/app/cases/{case.id}?lang={lang}", f"/app/forwards?lang={lang}"):
        page = worker.get(address).text
        assert why in page
        assert "(Open311)" in page
    assert case.number in page
