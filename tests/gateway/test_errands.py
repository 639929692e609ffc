"""Errands: one call each at the other system, whatever it does, and an answer that the case goes on by."""

import asyncio
import ssl
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bordstein_gateway.errands import mail
from bordstein_gateway.errands.runner import GIVE_UP_S, Runner
from bordstein_gateway.procedures.progress import Errand, ErrandKind
from bordstein_gateway.store import Store
from bordstein_gateway.store import errands as rows
from bordstein_gateway.store import procedures as kept
from bordstein_gateway.store.errands import Due
from tests.gateway.case_town import NOW, Hall, Law, hall, sheet
from tests.gateway.errands_town import DESK_MAIL, PASSWORD, USER, Mailbox, Systems
from tests.gateway.loopback import Loopback, Switch
from tests.street.engine_server import PROCESS
from tests.street.servers import Town

ABOUT = {"case": "2026-17", "title": "Papierkorb voll", "place": "Marktplatz 7", "latitude": 53.5, "longitude": 10.0}
BIN = {"id": "urn:ngsi-ld:WasteContainer:musterstadt:pk-12", "type": "WasteContainer"}
REQUESTS: dict[str, tuple[ErrandKind, str, dict[str, Any]]] = {
    "city": ("open311", "city", {"description": "Voll am Markt"}),
    "hook": ("webhook", "hook", {"order": 7}),
    "bpm": ("engine", "bpm", {"variables": {"place": "Markt", "full": True, "n": {"value": 3, "type": "Integer"}}}),
    "broker": (
        "ngsi-ld",
        "broker",
        {
            **BIN,
            "attributes": {
                "status": "ok",
                "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [10.0, 53.5]}},
            },
        },
    ),
}


@pytest.fixture(scope="module")
def one_host() -> Iterator[Loopback]:
    with Loopback(Switch()) as host:
        yield host


@pytest.fixture(params=["camunda7"])
def systems(request: pytest.FixtureRequest, one_host: Loopback) -> Systems:
    found = Systems(request.param)
    one_host.app.app = found
    return found


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as found:
        yield found


@pytest.fixture(scope="module")
def one_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(tmp_path_factory.mktemp("errands") / "store.sqlite")
    yield store
    store.close()


@pytest.fixture
def office(systems: Systems, one_host: Loopback, mailbox: Mailbox, one_store: Store, tmp_path: Path) -> Hall:
    """With nothing to do yet."""
    one_store.submit(lambda connection: connection.execute("DELETE FROM errand")).result()
    mailbox.raw.clear()
    mailbox.recipients.clear()
    mailbox.faults.clear()
    return hall(
        one_store,
        tmp_path,
        forward=systems.sections(one_host.url, tmp_path),
        mail={"host": "127.0.0.1", "port": mailbox.port, "tls": "none", "sender": "sensoren@musterstadt.example"},
        desk={
            "depot": {"title": "Bauhof", "webhook": f"{one_host.url}/desk"},
            "office": {"title": "Ordnungsamt", "mail": DESK_MAIL},
        },
    )


def order(office: Hall, kind: ErrandKind, target: str, request: Mapping[str, Any], key: str = "2026-17/step") -> str:
    errand = Errand(key, "step", "step", kind, target, {**request, "about": ABOUT})
    office.store.submit(lambda connection: kept.order(connection, errand, None, office.now)).result()
    return key


def turn(office: Hall, times: int = 1) -> None:
    """As by new gateways."""

    async def turns() -> None:
        for _ in range(times):
            runner = Runner(office.config, office.store, office.cases.answered, clock=lambda: office.now / 1000)
            await runner.turn()
            await runner.close()
            office.now += 400_000

    asyncio.run(turns())


def state(office: Hall, key: str = "2026-17/step") -> str:
    with office.store.database.reading() as connection:
        found = kept.ordered(connection, key)
    assert found is not None
    return found.state


def waiting(office: Hall) -> list[rows.Waiting]:
    with office.store.database.reading() as connection:
        return rows.waiting(connection)


def answer(office: Hall, key: str = "2026-17/step") -> str:
    with office.store.database.reading() as connection:
        (found,) = connection.execute("SELECT answer FROM errand WHERE key = ?", (key,)).fetchone()
    return str(found)


@pytest.mark.parametrize("name", REQUESTS)
def test_each_kind_does_what_is_asked_once(office: Hall, systems: Systems, name: str) -> None:
    key = order(office, *REQUESTS[name])
    turn(office, 2)
    assert state(office, key) == "done", answer(office, key)
    if name == "city":
        (made,) = systems.open311.requests.values()
        assert made["description"].startswith("Voll am Markt [B-")
        assert (made["lat"], made["long"], made["service_code"]) == (53.5, 10.0, "0010")
        assert made["service_request_id"] in answer(office)
    if name == "hook":
        (event,) = systems.webhook.events.values()
        assert (event["id"], event["subject"]) == (key, "2026-17")
        assert event["data"] == {**ABOUT, "order": 7}
        assert systems.keys == [f'"{key}"']
    if name == "bpm":
        (instance,) = systems.engine.instances.values()
        assert (instance["process"], instance["variables"]) == (PROCESS, {"place": "Markt", "full": True, "n": 3})
    if name == "broker":
        assert systems.broker.entities[BIN["id"]]["status"]["value"] == "ok"


@pytest.mark.parametrize("fault", ["hang", "after", "before", "busy"])
@pytest.mark.parametrize("name", REQUESTS)
def test_whatever_the_other_side_does_it_is_done_once(office: Hall, systems: Systems, name: str, fault: str) -> None:
    other = {"city": systems.open311, "hook": systems.webhook, "bpm": systems.engine, "broker": systems.broker}[name]
    office.config.forward[name].timeout = 1 if fault == "hang" else 5
    key = order(office, *REQUESTS[name])
    other.fault = fault  # type: ignore[attr-defined]
    turn(office)
    assert state(office) == "due"
    (late,) = waiting(office)
    assert (late.tries, late.target) == (1, name)
    assert late.reason["german"] and late.next > NOW
    other.fault = None  # type: ignore[attr-defined]
    turn(office)
    assert state(office, key) == "done"
    assert systems.open311.statistics()["doubled"] == systems.engine.statistics()["doubled"] == 0
    assert len(systems.open311.requests) == (name == "city")
    assert len(systems.engine.instances) == (name == "bpm")
    assert len(systems.webhook.events) == (name == "hook")


def test_what_a_citizen_has_reported_is_joined_and_a_case_of_ours_is_not(office: Hall, systems: Systems) -> None:
    def reported(text: str) -> str:
        form = {"service_code": "0010", "lat": 53.5, "long": 10.0, "description": text}
        return systems.open311._keep(form)

    reported("Auch voll [B-AAAAAAAA]")
    order(office, *REQUESTS["city"])
    turn(office)
    assert len(systems.open311.requests) == 2
    citizen = reported("Der Korb läuft über")
    order(office, *REQUESTS["city"], key="2026-18/step")
    turn(office)
    assert len(systems.open311.requests) == 3
    assert citizen in answer(office, "2026-18/step") and "joined" in answer(office, "2026-18/step")


def test_an_engine_s_step_may_wait_for_the_end_of_what_it_began(office: Hall, systems: Systems) -> None:
    key = order(office, "engine", "bpm", {"until_ended": True})
    office.now += 0
    turn(office, 3)
    (instance,) = systems.engine.instances.values()
    assert (state(office, key), waiting(office)) == ("due", [])
    instance["ended"] = True
    turn(office)
    assert state(office, key) == "done"
    assert len(systems.engine.instances) == 1


@pytest.mark.parametrize("systems", ["flowable"], indirect=True)
def test_flowable_s_instances_are_waited_for_too(office: Hall, systems: Systems) -> None:
    key = order(office, "engine", "bpm", {"until_ended": True, "process": PROCESS})
    turn(office, 2)
    (instance,) = systems.engine.instances.values()
    assert state(office, key) == "due"
    instance["ended"] = True
    turn(office)
    assert state(office, key) == "done"


@pytest.mark.parametrize(
    ("kind", "target", "request_", "said"),
    [
        ("open311", "city", {"service_code": "0030", "attributes": {"level": "1", "nothing": "x"}}, "nothing"),
        ("engine", "bpm", {"variables": {"n": {"value": "x", "type": "Integer"}}}, "n: "),
        ("ngsi-ld", "broker", {"type": "WasteContainer"}, "id or type"),
        ("ngsi-ld", "broker", {**BIN, "attributes": {"status": "maybe"}}, "location"),
        ("webhook", "nowhere", {}, "nowhere"),
        ("webhook", "desk:nowhere", {}, "nowhere"),
        ("mail", "depot", {"subject": "x"}, "has no mail"),
        ("open311", "hook", {}, "hook"),
        ("open311", "city", {"problem": "'nobody' is undefined"}, "nobody"),
    ],
)
def test_what_the_other_side_will_never_take_is_answered_with_its_reason(
    office: Hall, kind: ErrandKind, target: str, request_: dict[str, Any], said: str
) -> None:
    order(office, kind, target, request_)
    turn(office)
    assert state(office) == "failed"
    assert said in answer(office)


def test_a_place_that_nobody_knows_is_said(office: Hall, systems: Systems) -> None:
    errand = Errand("2026-19/step", "step", "step", "open311", "city", {"about": {**ABOUT, "latitude": None}})
    office.store.submit(lambda connection: kept.order(connection, errand, None, office.now)).result()
    turn(office)
    assert "board import" in answer(office, errand.key)
    assert not systems.open311.requests


def test_after_a_day_a_call_is_given_up(office: Hall, systems: Systems) -> None:
    order(office, *REQUESTS["hook"])
    office.now += 2 * int(GIVE_UP_S * 1000)  # nobody was there to try
    systems.webhook.fault = "before"
    turn(office, 3)
    assert state(office) == "due"
    office.now += int(GIVE_UP_S * 1000)
    turn(office)
    assert state(office) == "failed"
    assert '"reason"' in answer(office) and '"german"' in answer(office)


def test_a_mail_server_that_is_away_for_days_does_not_cost_a_notice(office: Hall, mailbox: Mailbox) -> None:
    errand = Errand("case-1:opened:office:mail", "", "", "mail", "office", {"subject": "Voll", "body": "Markt"})
    office.store.submit(lambda connection: kept.order(connection, errand, None, office.now)).result()
    mailbox.faults[:] = ["451 later"] * 3
    for _ in range(3):
        turn(office)
        office.now += int(GIVE_UP_S * 1000)
    assert state(office, errand.key) == "due"
    turn(office)
    assert (state(office, errand.key), len(mailbox.mails)) == ("done", 1)


def test_mail_servers_that_do_not_answer_leave_the_threads_to_others(
    office: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    desks = [f"desk-{number}" for number in range(4)]
    for desk in desks:
        office.config.desk[desk] = office.config.desk["office"]
        order(office, "mail", desk, {"subject": desk}, key=desk)
    waits, let_go = threading.Semaphore(0), threading.Event()

    def hang(*_: Any) -> None:
        waits.release()
        let_go.wait()

    monkeypatch.setattr(mail, "_send", hang)

    async def others() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        runner = Runner(office.config, office.store, office.cases.answered, clock=lambda: office.now / 1000)
        sending = asyncio.create_task(runner.turn())
        while not waits.acquire(blocking=False):
            await asyncio.sleep(0.01)
        try:
            await asyncio.wait_for(asyncio.gather(*(asyncio.to_thread(int) for _ in range(4))), 30)
        finally:
            let_go.set()
        await sending
        await runner.close()

    asyncio.run(others())
    assert {state(office, desk) for desk in desks} == {"done"}


def test_a_target_that_is_down_keeps_nobody_else_waiting(office: Hall, systems: Systems) -> None:
    office.config.forward["city"].timeout = 1
    systems.open311.fault = "hang"
    order(office, *REQUESTS["city"])
    order(office, *REQUESTS["hook"], key="2026-18/step")
    turn(office)
    assert (state(office), state(office, "2026-18/step")) == ("due", "done")


def test_a_notice_to_a_desk_is_one_event(office: Hall, systems: Systems) -> None:
    request = {"type": "de.bordstein.case.opened.v1", "subject": "2026-1", "time": "2026-07-01T10:00:00Z", "data": {}}
    errand = Errand("case-1:opened:depot:webhook", "", "", "webhook", "desk:depot", request)
    office.store.submit(lambda connection: kept.order(connection, errand, None, office.now)).result()
    turn(office)
    (event,) = systems.desk.events.values()
    assert (event["id"], event["type"], event["subject"]) == (errand.key, request["type"], "2026-1")


def test_both_databases_keep_when_an_errand_is_tried_again(on_both: Store) -> None:
    errand = Errand("2026-1/a", "a", "a", "mail", "office", {"subject": "ä"})
    on_both.submit(lambda connection: kept.order(connection, errand, None, NOW)).result()
    with on_both.database.reading() as connection:
        (due,) = rows.due(connection, NOW, 10)
        assert (due.key, due.request, due.tries, due.failing) == (errand.key, {"subject": "ä"}, 0, None)
        assert rows.due(connection, NOW - 1, 10) == []
    why = {"reason": "x", "german": "y", "since": NOW}
    on_both.submit(lambda connection: rows.failed(connection, errand.key, NOW + 5, why, NOW)).result()
    with on_both.database.reading() as connection:
        assert rows.next_due(connection) == NOW + 5
        assert rows.due(connection, NOW + 5, 10)[0].failing == NOW
        assert [(one.tries, one.reason) for one in rows.waiting(connection)] == [(1, why)]
    on_both.submit(lambda connection: rows.waits(connection, errand.key, NOW + 9, NOW)).result()
    with on_both.database.reading() as connection:
        assert (rows.next_due(connection), rows.waiting(connection)) == (NOW + 9, [])
        assert rows.due(connection, NOW + 9, 10)[0].failing is None


# Mail


def test_a_mail_says_what_the_step_says_and_is_recognised_when_it_comes_twice(
    office: Hall, mailbox: Mailbox, systems: Systems
) -> None:
    text = "Straße räumen: " + "sehr lange Worte " * 20 + "\n\nhttps://sensoren.musterstadt.example/app/cases/17"
    order(office, "mail", "office", {"subject": "Glätte am Markt", "body": text})
    turn(office)
    (message,) = mailbox.mails
    assert (message["To"], message["Subject"]) == (DESK_MAIL, "Glätte am Markt")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_charset() == "utf-8"
    body = message.get_content()
    assert " ".join(body.split()) == " ".join(text.split())
    assert max(map(len, body.splitlines())) <= 76
    assert mailbox.recipients == [[DESK_MAIL]]
    assert all(len(line) <= 998 and line.isascii() for line in mailbox.raw[0].splitlines())
    office.store.submit(lambda c: c.execute("UPDATE errand SET state = 'due', next = 0")).result()  # as after a crash
    turn(office)
    assert len(mailbox.mails) == 2
    assert len({message["Message-ID"] for message in mailbox.mails}) == 1


@pytest.mark.parametrize(
    ("fault", "after"),
    [("451 later", "due"), ("550 no such user", "failed"), ("554 spam", "failed"), ("421 full", "due")],
)
def test_a_mail_server_s_4xx_passes_and_its_5xx_stays(
    office: Hall, mailbox: Mailbox, systems: Systems, fault: str, after: str
) -> None:
    order(office, "mail", "office", {"subject": "x", "body": "y"})
    mailbox.faults.append(fault)
    turn(office)
    assert state(office) == after
    turn(office)
    assert len(mailbox.mails) == (after == "due")


@settings(max_examples=50, deadline=None)
@given(st.text(), st.text(), st.text(max_size=40))
def test_no_text_makes_a_header_or_a_recipient(subject: str, body: str, town: str) -> None:
    due = Due("2026-1/tell", 1, "tell", "mail", "office", {"subject": subject, "body": body, "about": {}}, 0, NOW)
    raw = mail.composed(due, "bordstein", "a@b.example", DESK_MAIL, town).as_bytes()
    head = raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    wanted = ["from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type"]
    assert sorted(names) == sorted(name.encode() for name in (*wanted, "content-transfer-encoding"))
    assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # it has TLS from the first byte on
@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mail_goes_by_tls_with_a_login_and_only_to_a_server_that_is_the_one(
    tmp_path: Path, town: Town, systems: Systems, tls: str
) -> None:
    cert = town.broker()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert.certificate, cert.key)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "wrong").write_text("wr0ng-pass\n")
    with Mailbox(context, starttls=tls == "starttls") as box:
        section = {"host": "localhost", "port": box.port, "tls": tls, "user": USER, "sender": "s@musterstadt.example"}
        desk = {"office": {"title": "Ordnungsamt", "mail": DESK_MAIL}}
        ca = str(cert.ca)
        office = hall(
            tmp_path / "store.sqlite",
            tmp_path,
            desk=desk,
            mail={**section, "ca": ca, "password_file": str(tmp_path / "wrong")},
        )
        order(office, "mail", "office", {"subject": "x", "body": "y"})
        turn(office)
        (late,) = waiting(office)
        assert "user" in late.reason["reason"] and "wr0ng-pass" not in str(late)
        assert office.config.mail is not None
        office.config.mail.password_file = str(tmp_path / "password")
        office.config.mail.ca = None
        turn(office)
        (late,) = waiting(office)
        assert "certificate" in late.reason["reason"]
        assert not box.mails
        office.config.mail.ca = ca
        turn(office)
        assert state(office) == "done", waiting(office)
        assert len(box.mails) == 1
        office.store.close()


def test_a_case_whose_procedure_an_outside_engine_runs_ends_with_it(office: Hall, systems: Systems) -> None:
    office.law = Law(sheet(procedure={"engine": "bpm", "process": PROCESS}), 1)
    id = office.fires()
    assert id is not None

    def stands() -> str:
        case = office.cases.get(id)
        assert case is not None
        return case.state

    turn(office)
    (instance,) = systems.engine.instances.values()
    assert (instance["process"], instance["variables"]["place"]) == (PROCESS, "Marktplatz 7")
    assert stands() == "in_work"
    turn(office)
    assert stands() == "in_work"
    instance["ended"] = True
    turn(office)
    assert stands() == "closed"
    assert len(systems.engine.instances) == 1
