"""Events as Open311 requests, against a strict server that keeps twice what is posted twice."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from typer.testing import CliRunner

from bordstein_gateway.cli.main import app
from bordstein_gateway.config.config import Open311
from bordstein_gateway.forward.events import key, links
from bordstein_gateway.forward.open311 import target as open311_target
from bordstein_gateway.forward.open311.answers import Unreadable, required, rows
from bordstein_gateway.forward.open311.settings import Open311When
from bordstein_gateway.forward.open311.target import Open311Target
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store.types import Place
from bordstein_gateway.web.overview import overview
from tests.gateway.events import BIN, NAME, OTHER, Bins, break_off, config, deliver, outbox, target, tried
from tests.gateway.loopback import Loopback, Switch, turned
from tests.street.open311_server import API_KEY, BASE, Server
from tests.street.processes import until

FULL = Open311When(what="fill_level", above=0.8, clear=0.6)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Bins]:
    log = Bins(tmp_path / "store.sqlite")
    yield log
    log.store.close()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture(scope="module")
def one_host() -> Iterator[Loopback]:
    with Loopback(Switch()) as host:
        yield host


@pytest.fixture
def host(one_host: Loopback, server: Server) -> Loopback:
    one_host.app.app = server.app()
    return one_host


@pytest.fixture
def settings(host: Loopback, tmp_path: Path) -> Open311:
    (tmp_path / "key").write_text(API_KEY + "\n")
    return Open311(
        url=host.url + BASE,
        api_key_file=str(tmp_path / "key"),
        email="sensoren@musterstadt.de",
        service_code="0010",
        description="Papierkorb {{ name }} zu {{ value }} voll",
        timeout=2,
        when=[FULL],
    )


def made(server: Server) -> list[dict[str, Any]]:
    return list(server.requests.values())


def test_a_full_bin_is_reported_once_and_again_only_after_it_was_emptied(
    log: Bins, server: Server, settings: Open311
) -> None:
    log.fill([0.3, 0.7, 0.85, 0.92, 0.79, 0.9])
    assert deliver(log, settings) == []
    (request,) = made(server)
    assert request["description"].startswith("Papierkorb Marktplatz 7 zu 92,0 % voll [B-")
    assert (request["lat"], request["long"], request["service_code"]) == (53.5511, 9.9937, "0010")
    server.close(request["service_request_id"])
    log.fill([0.95, 0.1, 0.9])
    assert deliver(log, settings) == []
    assert len(made(server)) == 2
    assert server.statistics()["doubled"] == 0


@pytest.mark.parametrize("fault", ["hang", "after", "after, in XML", "before", "busy", "revoked", "deploying"])
def test_whatever_the_server_does_each_case_is_one_request(
    log: Bins, server: Server, settings: Open311, fault: str
) -> None:
    settings.format = "xml" if "XML" in fault else "json"
    settings.timeout = 1 if fault == "hang" else 5
    log.fill([0.3, 0.85, 0.9])
    log.fill([0.3, 0.85, 0.95], device=OTHER)

    async def run() -> None:
        box = outbox(log, settings)
        server.fault = fault.partition(",")[0]
        with pytest.raises(Retry):
            await box.turn()
        server.fault = None
        await box._target.close()
        box = outbox(log, settings)  # started anew
        assert await turned(box) == []
        await box._target.close()

    asyncio.run(run())
    assert server.statistics()["open311"] == 2
    assert server.statistics()["doubled"] == 0
    assert log.store.dead_letters() == []
    assert {row["target_id"] for row in links(log.store, NAME)} == {"4711", "4712"}


def test_a_gateway_killed_between_post_and_place_asks_and_posts_nothing_again(
    log: Bins, server: Server, settings: Open311
) -> None:
    settings.timeout = 60
    log.fill([0.85, 0.9])
    server.fault = "hang"

    break_off(log, settings, lambda: server.requests)
    server.fault = None
    log.reopen()
    assert log.store.place_get(NAME).pending_to is not None
    assert deliver(log, settings) == []
    assert [link["target_id"] for link in links(log.store, NAME)] == [made(server)[0]["service_request_id"]]


@pytest.mark.parametrize("lost", ["place", "place and states"])
def test_what_was_posted_is_not_posted_again_whatever_is_forgotten_here(
    log: Bins, server: Server, settings: Open311, lost: str
) -> None:
    log.fill([0.85, 0.9, 0.1, 0.1])
    log.fill([0.85, 0.95], device=OTHER)
    assert deliver(log, settings) == []
    before = links(log.store, NAME)
    log.store.place_set(Place(NAME, 1, 6)).result()  # as of a gateway killed after the answer
    if lost == "place and states":
        log.store.remote_clear(key(NAME)).result()
    assert deliver(log, settings) == []
    assert server.statistics()["open311"] == 2
    after = links(log.store, NAME)
    assert [(row["case"], row["target_id"]) for row in after] == [(row["case"], row["target_id"]) for row in before]


def test_an_open_request_of_a_citizen_is_joined_and_one_of_another_sensor_is_not(
    log: Bins, server: Server, settings: Open311
) -> None:
    settings.when = [Open311When(what="fill_level", above=0.8), Open311When(what="fill_level", above=0.9, name="over")]
    citizen = {"service_code": "0010", "description": "Der läuft über!", "lat": 53.55120, "long": 9.9937}
    far = {**citizen, "lat": 53.5540}
    server._keep(far)
    id = server._keep(citizen)
    log.fill([0.85, 0.86])
    assert deliver(log, settings) == []
    assert [link["target_id"] for link in links(log.store, NAME)] == [id]
    log.fill([0.95, 0.96])
    assert deliver(log, settings) == []
    assert len(made(server)) == 3
    assert {link["rule"]: link["target_id"] for link in links(log.store, NAME)} == {
        "fill_level-above": id,
        "over": "4713",
    }


def test_what_is_closed_there_is_seen_and_the_next_event_makes_a_new_request(
    log: Bins, server: Server, settings: Open311
) -> None:
    log.fill([0.85, 0.9])
    assert deliver(log, settings) == []
    server.close("4711", "geleert, 24.11.")

    async def followed() -> None:
        box = outbox(log, settings)
        found = target(box)
        assert isinstance(found, Open311Target)
        assert await found.follow() == 0
        await found.close()

    asyncio.run(followed())
    (link,) = links(log.store, NAME)
    assert (link["state"], link["notes"], link["updated"]) == ("closed", "geleert, 24.11.", "2026-11-24T13:00:00Z")
    log.fill([0.1, 0.1, 0.9])
    assert deliver(log, settings) == []
    assert [request["status"] for request in made(server)] == ["closed", "open"]
    log.fill([0.1, 0.1, 0.9])  # the town has not closed it yet: it is still about the same
    assert deliver(log, settings) == []
    assert len(made(server)) == 2
    assert links(log.store, NAME)[0]["target_id"] == "4712"


@pytest.mark.parametrize("xml_only", [False, True])
def test_a_token_is_kept_over_a_restart_until_there_is_a_request(
    log: Bins, server: Server, settings: Open311, xml_only: bool
) -> None:
    server.tokens, server.xml_only = True, xml_only
    log.fill([0.85, 0.9])
    assert deliver(log, settings) == []
    assert links(log.store, NAME)[0]["state"] == "token"
    log.reopen()

    async def followed() -> list[int]:
        found = target(outbox(log, settings))
        assert isinstance(found, Open311Target)
        waiting = [await found.follow()]
        server.settle()
        waiting.append(await found.follow())
        await found.close()
        return waiting

    assert asyncio.run(followed()) == [1, 0]
    (link,) = links(log.store, NAME)
    assert (link["state"], link["target_id"]) == ("open", "4711")


def test_an_event_while_the_last_ones_token_waits_makes_no_second_request(
    log: Bins, server: Server, settings: Open311
) -> None:
    server.tokens = True
    log.fill([0.85, 0.9, 0.1, 0.1, 0.9, 0.9])
    assert deliver(log, settings) == []
    assert server.statistics()["open311"] == 1
    assert links(log.store, NAME)[0]["state"] == "token"


def test_a_running_outbox_follows_requests_by_itself(
    log: Bins, server: Server, settings: Open311, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open311_target, "TOKEN_POLL_S", 0.05)
    server.tokens = True
    log.fill([0.85, 0.9])

    async def run() -> None:
        box = outbox(log, settings)
        running = asyncio.create_task(box.run())
        assert await asyncio.to_thread(until, lambda: server.waiting, 20)
        server.settle()
        assert await asyncio.to_thread(until, lambda: links(log.store, NAME)[0]["state"] == "open", 20)
        box.stop()
        await running

    asyncio.run(run())
    assert links(log.store, NAME)[0]["target_id"] == "4711"


def test_a_report_whose_reading_has_become_too_old_goes_out_with_a_newer_one(
    log: Bins, server: Server, settings: Open311
) -> None:
    log.fill([0.85, 0.9])
    server.fault = "before"
    assert len(deliver(log, settings)) > 1
    server.fault = None
    place = log.store.place_get(NAME)
    log.store.place_set(place._replace(next_id=3, pending_to=None)).result()  # as the outbox leaves old ones out
    assert deliver(log, settings) == []
    assert made(server) == []
    log.fill([0.95])
    assert deliver(log, settings) == []
    assert len(made(server)) == 1


def test_links_are_shown_by_the_command_and_in_the_api(
    log: Bins, server: Server, settings: Open311, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.fill([0.85, 0.9])
    assert deliver(log, settings) == []
    file = tmp_path / "gateway.toml"
    head = f'[gateway]\ndata = "{tmp_path}"\n[store]\npath = "{log.path}"\n[mqtt]\nhost = "localhost"\ntls = false\n'
    target = f'[forward.{NAME}]\nkind = "open311"\nurl = "{settings.url}"\nservice_code = "0010"\n'
    file.write_text(f'{head}{target}[[forward.{NAME}.when]]\nproperty = "fill_level"\nabove = 0.8\n')
    shown = CliRunner().invoke(app, ["forward", "links", NAME, "--config", str(file), "--json"])
    (row,) = map(json.loads, shown.output.splitlines())
    assert (row["target_id"], row["state"], row["device"]) == ("4711", "open", BIN)
    monkeypatch.setenv("BORDSTEIN_LANG", "de")
    shown = CliRunner().invoke(app, ["forward", "links", NAME, "--config", str(file)])
    assert "4711" in shown.output and row["case"] in shown.output
    state = ServiceState(config(), log.store, forwarders=[outbox(log, settings)])
    ((shown_row,),) = (target["links"] for target in overview(state)["forward"])
    assert shown_row == {name: value for name, value in row.items() if name != "notes"}


def test_an_unknown_service_gives_nothing_up_and_the_nearest_names_are_said(
    log: Bins, server: Server, settings: Open311
) -> None:
    settings.service_code = "010"
    log.fill([0.85, 0.9])
    troubles = deliver(log, settings)
    assert troubles[0].startswith("there is no service_code 010; there are 0010 (Papierkorb voll)")
    settings.service_code = "0030"
    assert "asks in attributes for these, too: level" in deliver(log, settings)[0]
    settings.attributes = {"level": "{{ value }}"}
    assert deliver(log, settings) == []
    assert made(server)[0]["attribute[level]"] == "90,0 %"
    assert log.store.dead_letters() == []


def test_no_answer_that_repeats_the_key_brings_it_into_words(log: Bins, server: Server, settings: Open311) -> None:
    log.fill([0.85, 0.9])
    server.fault = "revoked"
    troubles = deliver(log, settings)
    assert "check this target's api_key_file" in troubles[0]
    assert API_KEY not in "".join(troubles)


def test_what_the_server_refuses_is_a_dead_letter_and_others_get_through(
    log: Bins, server: Server, settings: Open311
) -> None:
    settings.description = "{{ description }}"
    settings.email = "nobody"
    log.fill([0.85, 0.9])
    log.fill([0.2, 0.2], device=OTHER)
    log.fill([0.85, 0.9], device="24a160000003")  # of which nobody knows where it is
    assert deliver(log, settings) == []
    reasons = [letter.reason for letter in log.store.dead_letters(NAME)]
    assert reasons == [
        "400: email was not provided",
        "nobody knows where 24a160000003 is: bordstein-gateway board import, or [[device]]",
    ]
    assert {link["state"] for link in links(log.store, NAME)} == {"refused"}
    settings.email = "sensoren@musterstadt.de"
    log.store.dead_retry(NAME).result()
    assert deliver(log, settings) == []
    assert len(made(server)) == 1
    assert len(log.store.dead_letters(NAME)) == 1


def test_a_trial_says_what_is_there_and_makes_a_request_only_where_one_is_meant(
    tmp_path: Path, server: Server, settings: Open311
) -> None:
    sentence = tried(tmp_path, settings)
    assert "answers and has 0010 (Papierkorb voll). No trial request was made" in sentence
    assert made(server) == []
    settings.trial_service_code = "test"
    assert "took the trial record as 4711" in tried(tmp_path, settings)
    server.tokens = True
    assert "numbers it later, token t1" in tried(tmp_path, settings)
    settings.service_code = "Laterne"
    with pytest.raises(Retry, match="there is no service_code Laterne; there are 0020"):
        tried(tmp_path, settings)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"[]", []),
        (b'[{"token":"a","service_request_id":""}]', [{"token": "a"}]),
        (b'{"service_request_id":7}', [{"service_request_id": "7"}]),
        (b'{"requests":[{"a":null,"b":1.5,"c":true}]}', [{"b": "1.5", "c": "true"}]),
        (b'[{"extended_attributes":{"detailed_status":"PENDING"}}]', [{"detailed_status": "PENDING"}]),
        (b"\xef\xbb\xbf<?xml version='1.0'?><r><q><a> 1 </a><b/></q></r>", [{"a": "1"}]),
        (b"<r xmlns='urn:x'><q><e><s>PENDING</s></e></q></r>", [{"s": "PENDING"}]),
    ],
)
def test_answers_of_both_formats_read_alike(text: bytes, found: Any) -> None:
    assert rows(text) == found


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html><br></html>",
        b"7",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'.encode("utf-16"),
    ],
)
def test_what_is_no_answer_is_not_read(text: bytes) -> None:
    with pytest.raises(Unreadable):
        rows(text)


@settings_of(max_examples=50, deadline=None)
@given(
    st.binary(max_size=80)
    | st.text(max_size=80).map(str.encode)
    | st.from_regex(r"<[a-c]>(<[a-c]>x</[a-c]>)*</[a-c]>").map(str.encode)
)
def test_nothing_a_server_says_is_more_than_unreadable(text: bytes) -> None:
    with suppress(Unreadable):
        assert all(isinstance(value, str) for row in rows(text) for value in row.values())
    assert all(isinstance(code, str) for code in required(text))
