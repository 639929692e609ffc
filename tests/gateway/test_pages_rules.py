"""Rule sheets, procedures, silences, the audit log and the report in the browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_gateway.rules.reading import read
from bordstein_gateway.web.pages.rule_editor import ready, switched
from bordstein_gateway.web.pages.rules import changed
from tests.gateway.loopback import Log
from tests.gateway.office_town import BIN, BIN_FULL, GULLY_LEVEL, HOUR, Hall, csrf, hall, now_ms


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Hall]:
    found = hall(tmp_path / "bordstein.sqlite", tmp_path)
    yield found
    found.state.store.close()


def test_a_sheet_is_shown_for_people(office: Hall) -> None:
    office.fires()
    page = office.client("reader", language="en").get("/app/rules").text
    for shown in ("Bin full", "in force", "review due", "Depot"):
        assert shown in page
    page = office.client("reader").get("/app/rules/bin-full").text
    for shown in (
        "Ab 80 % liegt in zwei Tagen Müll daneben.",
        "fill &gt;= 0.95",
        "30 Min. lang",
        "Mo-Fr 06:00-20:00",
        "Füllstand (Median), der letzten 3 Werte",
        "Leeren und nachsehen",
        "nach 8 Std.",
    ):
        assert shown in page
    assert "/app/rules/bin-full/edit" not in page
    assert office.client("reader").get("/app/rules/nothing").status_code == 404


def test_a_change_needs_a_reason_and_becomes_a_version(office: Hall) -> None:
    dispatcher = office.client("dispatcher")
    page = dispatcher.get("/app/rules/bin-full/edit").text
    text = BIN_FULL.replace("fill >= 0.8", "fill >= 0.75")
    form = {"csrf": csrf(page), "version": "1", "text": text.replace("\n", "\r\n"), "do": "save"}
    answer = dispatcher.post("/app/rules/bin-full/edit", data=form)
    assert "Es fehlt, warum" in answer.text
    assert "0.75" in answer.text
    answer = dispatcher.post("/app/rules/bin-full/edit", data={**form, "reason": "Sonst läuft er sonntags über"})
    assert "Gilt ab jetzt" in answer.text
    page = dispatcher.get("/app/rules/bin-full/versions").text
    for shown in ("Sonst läuft er sonntags über", "Doris Dorn", "0.75&#34;</ins>", "0.8&#34;</del>"):
        assert shown in page
    assert office.state.office.shelf.sheets()["bin-full"].text == text
    answer = dispatcher.post("/app/rules/bin-full/edit", data={**form, "text": text + "\n", "reason": "zu spät"})
    assert answer.status_code == 409
    assert "Inzwischen gibt es Fassung 2 von doris" in answer.text
    assert "0.75" in answer.text
    log = dispatcher.get("/app/audit?subject=sheet+bin-full").text
    assert "Sonst läuft er sonntags über" in log


def test_all_mistakes_are_named_at_their_lines_and_nothing_is_saved(office: Hall) -> None:
    dispatcher = office.client("dispatcher", language="en")
    page = dispatcher.get("/app/rules/bin-full/edit").text
    text = BIN_FULL.replace('owner = "depot"', 'owner = "nobody"').replace('"fill >= 0.8"', '"fil >= 0.8"')
    form = {"csrf": csrf(page), "version": "1", "text": text, "do": "check"}
    answer = dispatcher.post("/app/rules/bin-full/edit", data=form)
    assert answer.status_code == 200
    assert 'data-line="4"' in answer.text
    assert "owner = &#34;nobody&#34;" in answer.text
    assert "2 mistakes; nothing is saved." in answer.text
    assert len(office.state.office.shelf.versions("bin-full")) == 1
    answer = dispatcher.post("/app/rules/bin-full/edit", data={**form, "text": BIN_FULL})
    assert "No mistakes" in answer.text


def test_a_rule_is_switched_off_and_on(office: Hall) -> None:
    dispatcher = office.client("dispatcher")
    form = {"csrf": csrf(dispatcher.get("/app/rules/bin-full").text)}
    page = dispatcher.post("/app/rules/bin-full/switch", data={**form, "on": "no", "reason": "Winterpause"}).text
    assert "ausgeschaltet" in page
    sheet = office.state.office.shelf.sheets()["bin-full"].sheet
    assert sheet is not None
    assert not sheet.enabled
    page = dispatcher.post("/app/rules/bin-full/switch", data={**form, "on": "yes", "reason": "Frühling"}).text
    assert "in Kraft" in page
    answer = dispatcher.post("/app/rules/bin-full/switch", data={**form, "on": "no", "reason": ""})
    assert "Es fehlt, warum" in answer.text


def test_switching_changes_one_line_of_the_text(office: Hall) -> None:
    for text in (BIN_FULL, GULLY_LEVEL, *ready().values()):
        off = switched(text, on=False)
        assert len(off.splitlines()) - len(text.splitlines()) in (0, 1)
        assert switched(off, on=True).replace("enabled = true\n", "") == text.replace("enabled = true\n", "")
    sheet, mistakes = read(switched(BIN_FULL, on=False), office.state.config, "bin-full")
    assert mistakes == []
    assert sheet is not None
    assert not sheet.enabled


def test_what_was_done_differently_leads_to_the_editor(office: Hall) -> None:
    case = office.fires()
    for text in ("Beutel Größe L", "Nur montags"):
        office.state.office.cases.comment(case.id, "willi", text, differently=True).result()
    dispatcher = office.client("dispatcher")
    page = dispatcher.get("/app/rules/bin-full").text
    assert "Beutel Größe L" in page
    first, second = (note.id for note, _ in office.state.office.cases.proposals("bin-full"))
    form = {"csrf": csrf(page)}
    page = dispatcher.post(f"/app/rules/bin-full/proposals/{first}", data={**form, "decision": "accept"}).text
    assert "Beutel Größe L" in page
    assert "<textarea" in page
    page = dispatcher.post(
        f"/app/rules/bin-full/proposals/{second}", data={**form, "decision": "decline", "reason": "Geht nicht"}
    ).text
    assert "Nur montags" not in page
    page = dispatcher.post(f"/app/rules/bin-full/proposals/{second}", data={**form, "decision": "accept"}).text
    assert "schon entschieden" in page


def test_a_new_sheet_begins_with_a_ready_one(office: Hall) -> None:
    dispatcher = office.client("dispatcher")
    page = dispatcher.get("/app/rules/+new?from=trees-dry").text
    assert "stands_for" in page
    text = GULLY_LEVEL.replace('"gully-level"', '"gully-two"')
    form = {"csrf": csrf(page), "version": "0", "text": text, "do": "save", "reason": "Zweiter Einlauf"}
    answer = dispatcher.post("/app/rules/+new", data={**form, "name": "gully-level"})
    assert "gibt es schon" in answer.text
    answer = dispatcher.post("/app/rules/+new", data={**form, "name": "gully-two"})
    assert "Gilt ab jetzt" in answer.text
    assert "gully-two" in office.state.office.shelf.sheets()


def test_a_sheet_is_rehearsed_before_it_is_saved(tmp_path: Path) -> None:
    log = Log(tmp_path / "bordstein.sqlite")
    start = now_ms() - 3 * 24 * HOUR
    levels = [0.1, 0.1, *[0.5] * 6, 0.1, 0.1, *[0.35] * 8, 0.1]
    log.add(levels, device="24a160000003", series="gully/water_level", unit="m", start=start, step=600_000)
    log.store.close()
    office = hall(tmp_path / "bordstein.sqlite", tmp_path)
    dispatcher = office.client("dispatcher")
    page = dispatcher.get("/app/rules/gully-level/rehearse").text
    form = {"csrf": csrf(page)}
    lower = GULLY_LEVEL.replace("level > 0.4", "level > 0.32")
    page = dispatcher.post("/app/rules/gully-level/rehearse", data={**form, "text": lower}).text
    assert "2 statt 1 Vorgang" in page
    assert "Unterführung Nordring" in page
    assert "Wasserstand" in page
    assert "noch nicht gespeicherte Text" in page
    assert len(office.state.office.shelf.versions("gully-level")) == 1
    wrong = {"from": "2026-02-01", "to": "2026-01-01"}
    assert dispatcher.post("/app/rules/gully-level/rehearse", data={**form, **wrong}).status_code == 409
    page = dispatcher.post("/app/rules/gully-level/rehearse", data={**form, "text": "name = 1"}).text
    assert "Ergebnis" not in page
    office.state.store.close()


def test_procedures_are_drawn_and_taken_along(office: Hall) -> None:
    case = office.fires()
    reader = office.client("reader", language="en")
    page = reader.get("/app/procedures").text
    assert case.number in page
    assert "Drive there" in page
    page = reader.get("/app/procedures/bin-full").text
    assert '<svg class="bpmn"' in page
    assert "Empty it and" in page
    for path in ("/app/procedures/bin-full/file", f"/app/cases/{case.id}/procedure"):
        answer = reader.get(path)
        assert answer.headers["content-type"].startswith("application/bpmn+xml")
        assert b"BPMNDiagram" in answer.content
    for path in (
        "/app/procedures/nothing",
        "/app/procedures/nothing/file",
        "/app/cases/99/procedure",
        f"/app/cases/{10**30}/procedure",
    ):
        assert reader.get(path).status_code == 404


def test_silences_are_listed_begun_and_ended(office: Hall) -> None:
    dispatcher = office.client("dispatcher")
    page = dispatcher.get("/app/silences").text
    until = page.split('max="')[1].split('"')[0]
    form = {"csrf": csrf(page), "rule": "bin-full", "object": BIN, "until": until, "reason": "Baustelle"}
    answer = dispatcher.post("/app/silences", data={**form, "reason": ""})
    assert "Es fehlt der Grund" in answer.text
    page = dispatcher.post("/app/silences", data=form).text
    for shown in ("Baustelle", "Marktplatz 7", "Papierkorb voll"):
        assert shown in page
    silence = office.state.office.cases.silences()[0]
    page = dispatcher.post(f"/app/silences/{silence.id}/end", data={"csrf": csrf(page)}).text
    assert "Nichts ist stummgeschaltet" in page
    assert "action" not in office.client("reader").get("/app/silences").text.split("<main", 1)[1]


def test_the_audit_log_is_searched_verified_and_taken_along(office: Hall) -> None:
    case = office.fires()
    office.state.office.cases.false_alarm(case.id, "doris", "Ein Ast").result()
    administrator = office.client("administrator")
    page = administrator.get("/app/audit").text
    assert "Ein Ast" in page
    assert "Doris Dorn" in page
    assert "Vorgang eröffnet" in administrator.get(f"/app/audit?subject={case.number}&from=2020-01-01").text
    assert "Keine Zeile" in administrator.get("/app/audit?place=Nirgendwo").text
    checked = administrator.post("/app/audit", data={"csrf": csrf(page)}).text
    assert "Unversehrt" in checked
    assert (
        "keine dieses Protokolls"
        in administrator.post("/app/audit", data={"csrf": csrf(page), "expect": "0" * 64}).text
    )
    answer = administrator.get(f"/app/audit.csv?subject={case.number}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "Marktplatz 7" in answer.text
    assert office.client("dispatcher").get("/app/audit.csv").status_code == 403


def test_the_report_says_where_a_rule_brought_nothing(office: Hall) -> None:
    for number in range(3):
        case = office.fires(object=f"{BIN}/{number}")
        office.state.office.cases.false_alarm(case.id, "doris", "Ein Ast").result()
    dispatcher = office.client("dispatcher")
    page = dispatcher.get("/app/report").text
    assert "hat nichts gebracht" in page
    assert "doris" not in page.split("<main", 1)[1].lower()
    assert "bin-full" in dispatcher.get(f"/app/report/{case.number[:4]}?format=csv").text
    assert dispatcher.get("/app/report/1").status_code == 404


def test_a_diff_shows_what_came_and_what_went(office: Hall) -> None:
    office.state.office.shelf.look()
    (version,) = office.state.office.shelf.versions("gully-level")
    after = version._replace(version=2, text=version.text.replace("0.4", "0.5"))
    kinds = [(kind, line) for kind, line in changed(version, after) if kind in ("ins", "del")]
    assert kinds == [("del", 'fires = "level > 0.4"'), ("ins", 'fires = "level > 0.5"')]
    assert {kind for kind, _ in changed(None, version)} == {"ins", "at"}
