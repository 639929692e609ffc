"""What somebody tries who wants to break in, fill the memory or stop the work, from a login or without one."""

import asyncio
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image
from starlette.requests import Request

from bordstein_gateway.cases import photos
from bordstein_gateway.cases.ledger import report, table
from bordstein_gateway.cases.states import CaseProblem
from bordstein_gateway.config import config
from bordstein_gateway.forward import wording
from bordstein_gateway.rules.expression import BadExpression, compiled
from bordstein_gateway.rules.reading import LONGEST, read
from bordstein_gateway.store import audit
from bordstein_gateway.web.access import Refused
from bordstein_gateway.web.accounts import accounts
from bordstein_gateway.web.accounts.limits import Limits
from bordstein_gateway.web.pages import body
from tests.gateway.office_town import BIN, BIN_FULL, Hall, csrf, hall

_DESKS = {"mqtt": {"host": "x"}, "desk": {"depot": {"title": "Bauhof"}, "office": {"title": "Amt"}}}
_LIST = f"[{','.join(['1'] * 100)}]"


@pytest.fixture
def town_hall(tmp_path: Path) -> Iterator[Hall]:
    found = hall(tmp_path / "store.sqlite", tmp_path)
    yield found
    found.state.store.close()


@pytest.mark.parametrize(
    "template",
    [
        '{{ "a".ljust(10**10) }}',
        "{{ 9**9**9 }}",
        "{{ (9**9)**64 }}",
        '{{ "%9999999999d" % 1 }}',
        '{{ "%*d" % (9999999999, 1) }}',
        '{{ "%9999999999d" | format(1) }}',
        '{{ "{:9999999999}".format(1) }}',
        '{{ "a" | center(9999999999) }}',
        '{{ "a" * 9999999999 }}',
        "{{ (1).to_bytes(9999999999) }}",
        "{% set a = 'x' %}{% set a = a ~ a %}",
        "{% for a in name %}{{ a }}{% endfor %}",
        "{% macro m(x) %}{{ m(x) }}{{ m(x) }}{% endmacro %}{{ m(1) }}",
        f'{{{{ name{""".replace("", "xxxxxxxxx")""" * 12} }}}}',
        "{{ range(9) }}",
        "{{ lipsum(9) }}",
        '{{ "".__class__ }}',
    ],
)
def test_a_sheet_s_template_fills_no_memory_and_keeps_no_processor(template: str) -> None:
    assert wording.problem(template)
    with pytest.raises(wording.BadTemplate):
        wording.fill(template, wording.NAMES)


def test_what_templates_are_for_still_works() -> None:
    text = '{{ name.split()[1] }} {{ "%.1f" % amount }} {{ "%d" | format(7) }} {{ name | upper | replace("A", "B") }}'
    text += "{% if amount > 0.5 %} {{ (amount * 100) | round | int }} {{ value ~ unit }}{% else %}x{% endif %}"
    text += " {{ 2 ** 40 }}"
    assert wording.problem(text) == ""
    assert wording.fill(text, wording.NAMES) == "7 0.9 7 MBRKTPLBTZ 7 92 92,0 %% 1099511627776"


@pytest.mark.parametrize(
    "text",
    [
        f"{_LIST}.exists(a, {_LIST}.exists(b, a + b > fill))",
        "['aaaaaaaaaa'].map(a, a+a+a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a+a+a).exists(a, a == 'x')",
        "[1] . // a remark\n all (a, a > fill)",
    ],
)
def test_an_expression_walks_through_nothing(text: str) -> None:
    with pytest.raises(BadExpression, match="can't be used here"):
        compiled(text, {"fill": "number"})
    assert (
        compiled("name == '.map(' && fill > 1", {"fill": "number", "name": "text"}).ask({"fill": 2.0, "name": ""})
        is False
    )


@pytest.mark.parametrize(
    "text",
    [
        f"{'.'.join(['a'] * 30_000)} = 1",
        f"[{'.'.join(['a'] * 30_000)}]",
        f"x = {{ {' . '.join(['a'] * 15_000)} = 1 }}",
        f"""{".".join(['"a"'] * 10_000)} = 1""",
        f"x = {'[' * 60_000}",
        "a" * 60_000,
    ],
)
def test_a_sheet_of_one_key_of_thousands_of_parts_is_refused_at_once(text: str) -> None:
    sheet, mistakes = read(text, msgspec.convert(_DESKS, config.Config))
    assert sheet is None and len(mistakes) >= 1 and mistakes[0].startswith("1: ")


def test_a_sheet_has_a_length(town_hall: Hall) -> None:
    sheet, mistakes = read(BIN_FULL + "#" * LONGEST, town_hall.state.config)
    assert sheet is None and "longer than" in mistakes[0]
    dots = BIN_FULL.replace("in zwei Tagen", "z.B. u.a. " * 10 + "....." * 40)
    assert read(dots, town_hall.state.config)[1] == []


@pytest.mark.filterwarnings("ignore")
def test_a_photo_with_broken_exif_is_a_photo_or_none_and_no_mistake_of_ours() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "x"
    out = io.BytesIO()
    Image.new("RGB", (16, 12)).save(out, "JPEG", exif=exif)
    whole = out.getvalue()
    begin = whole.index(b"Exif")
    for at in range(begin, begin + 60):
        for value in (0, 3, 255):
            bad = bytearray(whole)
            bad[at] = value
            try:
                photos.prepared(bytes(bad))
            except CaseProblem as problem:
                assert "no photo" in str(problem)


def test_a_telephone_s_12_megapixels_are_taken() -> None:
    out = io.BytesIO()
    Image.new("RGB", (4080, 3060), "green").save(out, "JPEG")
    assert photos.prepared(out.getvalue()).width == photos.EDGE


def test_a_form_that_never_comes_keeps_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "PATIENCE_S", 0.05)

    async def nothing() -> Any:
        await asyncio.Event().wait()

    head = [(b"content-length", b"100"), (b"content-type", b"application/x-www-form-urlencoded")]
    request = Request({"type": "http", "method": "POST", "headers": head}, nothing)
    with pytest.raises(Refused) as refused:
        asyncio.run(asyncio.wait_for(body.limited(request, 100), 30))
    assert refused.value.status_code == 408


def test_nobody_is_called_as_the_audit_log_calls_the_gateway(town_hall: Hall) -> None:
    for name in ("gateway", "file", "Gateway "):
        _, wrong = accounts.new(town_hall.state.config, name, "worker")
        assert "name" in wrong
        assert accounts.as_name(name) not in accounts.RESERVED
    assert {audit.GATEWAY, audit.COMMAND_LINE} & {accounts.as_name(one) for one in ("gateway", "command line")} == set()


def test_who_ends_all_logins_is_in_the_audit_log(town_hall: Hall) -> None:
    client = town_hall.client("worker")
    client.post("/app/account/logins", data={"csrf": csrf(client.get("/app/account").text)})
    with town_hall.state.store.database.reading() as connection:
        (last,) = audit.newest(connection, 1)
    assert (last.actor, last.action, last.subject) == ("willi", "logged out everywhere", "account willi")


def test_a_case_that_somebody_took_meanwhile_is_no_worker_s_false_alarm(town_hall: Hall) -> None:
    case, cases = town_hall.fires(), town_hall.state.office.cases
    cases.take(case.id, "doris").result()
    with pytest.raises(CaseProblem, match="doris has case"):
        cases.false_alarm(case.id, "willi", "nichts", of_others=False).result()
    assert cases.get(case.id).state == "taken"  # type: ignore[union-attr]
    assert cases.false_alarm(case.id, "doris", "nichts", of_others=False).result().state == "false_alarm"


def test_a_rule_s_title_is_no_formula_in_the_report(town_hall: Hall) -> None:
    text = BIN_FULL.replace('de = "Papierkorb voll"', """de = '=HYPERLINK("https://evil.example")'""")
    assert town_hall.state.office.shelf.put("bin-full", text, "doris", "x") == []
    town_hall.fires()
    sheets = {name: one.sheet for name, one in town_hall.state.office.shelf.sheets().items() if one.sheet}
    written = table(report(town_hall.state.store, time.gmtime().tm_year, sheets), "de")
    assert "'=HYPERLINK" in written and ",=HYPERLINK" not in written and ',"=HYPERLINK' not in written


def test_all_addresses_of_one_network_are_one_who_guesses() -> None:
    limits = Limits(lambda: 1000.0)
    for number in range(120):
        limits.failed(f"account{number}", f"2001:db8:1:2::{number:x}")
    assert limits.wait("another", "2001:db8:1:2:ffff::1") > 0
    assert limits.wait("another", "2001:db8:1:3::1") <= 0
    assert limits.wait("another", "::ffff:10.0.0.1") <= 0


_MARK = "\"'><img src=x onerror=alert(1)></script><script>alert(1)</script>{{7*7}}"


def test_what_people_type_is_text_on_every_page(town_hall: Hall) -> None:
    case = town_hall.fires()
    cases = town_hall.state.office.cases
    cases.take(case.id, "willi").result()
    cases.comment(case.id, "willi", _MARK).result()
    cases.comment(case.id, "willi", _MARK, differently=True).result()
    cases.silence("doris", _MARK, int(time.time() * 1000) + 3_600_000, rule=_MARK, object=f"{BIN}/{_MARK}").result()
    town_hall.state.store.submit(
        lambda connection: audit.enter(connection, 1, _MARK, _MARK, _MARK, {_MARK: _MARK})
    ).result()
    client = town_hall.client("administrator")
    pages = (f"/app/cases/{case.id}", "/app/cases?view=list", "/app/silences", "/app/audit", "/app/knowledge/handover")
    for path in (*pages, "/app/rules/bin-full", f"/app/stations/{BIN}", "/app/procedures", "/app/accounts"):
        page = client.get(path)
        assert page.status_code == 200, path
        assert "<img src=x" not in page.text and "<script>" not in page.text and "49" + "&" not in page.text, path
    for path in ("/app/cases", "/app/map", "/app/audit", "/app/devices"):
        page = client.get(path, params=dict.fromkeys(("text", "q", "desk", "rule", "place", "subject", "lang"), _MARK))
        assert "<img src=x" not in page.text and "<script>" not in page.text, path
