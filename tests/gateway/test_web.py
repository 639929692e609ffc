"""The gateway's own pages, asked over HTTP in-process with a real store behind them."""

import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from bordstein_gateway.decode.normalise import FLAGS, Pack, Reading
from bordstein_gateway.forward.starting import start
from bordstein_gateway.ingest.broker_words import connect_error, thrown_off
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Arrival, Outcome, StateReport, Store
from bordstein_gateway.texts import both, said
from bordstein_gateway.web import app as web
from bordstein_gateway.web import overview
from bordstein_gateway.web.pagetexts import TEXTS, clock, number, when, zone
from tests.gateway import packs
from tests.gateway.forwarding import BASE, DEVICE, configuration, measure
from tests.street.receivers import Webhook


@pytest.fixture
def state(tmp_path: Path) -> Iterator[ServiceState]:
    store = Store.open(tmp_path / "store.sqlite")
    config = configuration(Webhook(tmp_path), tmp_path)
    state = ServiceState(config, store, started=time.time())
    state.ingest.last_turn = time.monotonic()
    state.ingest.connected = True
    state.forwarders = list(start(config, store))
    yield state
    store.close()


@pytest.fixture
def client(state: ServiceState) -> TestClient:
    return TestClient(web.app(state))


def test_an_empty_gateway_says_that_nobody_has_reported(client: TestClient) -> None:
    assert TEXTS["de"]["none"] in client.get("/").text
    assert TEXTS["en"]["none"] in client.get("/?lang=en").text
    assert client.get("/api/latest").json()["devices"] == []


def test_brokers_fetch_the_contexts_here(client: TestClient) -> None:
    assert client.get("/contexts/Weather-v1.jsonld").headers["content-type"] == "application/ld+json"


def test_boards_values_and_completeness_are_shown(client: TestClient, state: ServiceState) -> None:
    measure(state.store, 3)
    measure(state.store, 2, first=5)  # packs 3 and 4 are missing
    report = StateReport(DEVICE, "ready", 1, "0.1.0", (1, 7), 0, 5, '{"state":"ready"}', False)
    state.store.write([], [report])
    device = client.get("/api/latest").json()["devices"][0]
    assert device["name"] == "Marktplatz 7" and device["state"] == "ready"
    assert device["latest"][0]["value"] == 6.5
    assert device["latest"][0]["time"] == when_utc(BASE + 6)
    text = client.get("/").text
    assert "Marktplatz 7" in text and "6,50 °C" in text and "bereit" in text
    assert "6.50 °C" in client.get("/?lang=en").text


@pytest.mark.parametrize(
    ("wake", "german", "english", "tone"),
    [
        ("2026-11-26T13:30:00Z", "schläft bis 14:30", "asleep until 14:30", "good"),
        ("2026-11-27T05:30:00Z", "schläft bis 27.11.26 06:30", "asleep until 2026-11-27 06:30", "good"),
        ("2026-11-26T10:15:00Z", "überfällig seit 11:15", "overdue since 11:15", "bad"),
    ],
)
def test_a_board_that_sleeps_says_until_when(
    client: TestClient, state: ServiceState, monkeypatch: pytest.MonkeyPatch, *, wake: str, german: str, english: str,
    tone: str,
) -> None:  # fmt: skip
    noon = 1_795_690_800  # 2026-11-26T11:00:00Z
    text = f'{{"state":"sleeping","wake":{int(datetime.fromisoformat(wake).timestamp())}}}'
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        with monkeypatch.context() as patched:
            patched.setattr(time, "time", lambda: float(noon))
            patched.setattr(overview, "datetime", Noon)
            report = StateReport(DEVICE, "sleeping", 1, "0.1.0", None, 0, 5, text, False)
            state.store.write([], [report], (), (noon - 3000) * 1000)
            found = client.get("/api/latest").json()["devices"][0]
            assert (found["wake"], found["overdue"], found["present"]) == (wake, tone == "bad", tone == "good")
            for page, words in ((client.get("/").text, german), (client.get("/?lang=en").text, english)):
                assert f'<span class="{tone}"' in page and f">{words}</span>" in page
                assert TEXTS["de"]["away"] not in page and TEXTS["en"]["away"] not in page
            metrics = client.get("/metrics").text
            assert f"bordstein_devices_overdue {float(tone == 'bad')}" in metrics
            assert f"bordstein_devices_present {float(tone == 'good')}" in metrics
    finally:
        monkeypatch.undo()
        time.tzset()


class Noon(datetime):
    """A clock that stands."""

    @classmethod
    def now(cls, tz: Any = None) -> "Noon":
        return cls.fromtimestamp(1_795_690_800, tz)


def test_twins_on_one_board_are_told_apart(client: TestClient, state: ServiceState) -> None:
    measure(state.store, 1)
    assert "Lufttemperatur (" not in client.get("/").text
    measure(state.store, 1, first=1, series="roof/air_temperature")
    assert "Lufttemperatur (roof)" in client.get("/").text


def shown(state: ServiceState, client: TestClient, series: str, value: Any, unit: str, lang: str = "de") -> str:
    """The text of the only value on the page."""
    pack = Pack(DEVICE, 1, 0, False, "set", [Reading(series, BASE * 1000, value, unit, 0)])
    state.store.write([Arrival(DEVICE, f"bordstein/v1/{DEVICE}/readings", b"", pack)])
    (text,) = re.findall(r"<dd>(.*)</dd>", client.get(f"/?lang={lang}").text)
    return str(text)


@pytest.mark.parametrize(
    ("series", "value", "unit", "text"),
    [
        ("air/air_pressure", 100_391, "Pa", "1003,9 hPa"),
        ("air/air_temperature", 6, "Cel", "6,00 °C"),
        ("air/air_temperature", -0.001, "Cel", "0,00 °C"),
        ("bin/fill_level", 0.725, "/", "72,5 %"),
        ("gate/pedestrian_count", 1200, "count", "1200"),
        ("gate/pedestrian_count", 12_000, "count", "12.000"),
        ("bay/parking_bay_occupied", True, "/", "ja"),
        ("air/air_temperature", 280.5, "K", "280,5 K"),  # a unit that nobody knew how to convert
        ("x/unheard_of", 1.5, "", "1,5"),
        ("air/air_temperature", 1e300, "Cel", "1e+300 °C"),
    ],
)
def test_a_value_is_shown_as_people_read_it(
    client: TestClient, state: ServiceState, series: str, value: Any, unit: str, text: str
) -> None:
    assert shown(state, client, series, value, unit) == text
    latest = client.get("/api/latest").json()["devices"][0]["latest"][0]
    assert (latest["value"], latest["unit"]) == (value, unit)


def test_the_heading_says_the_name_once(client: TestClient, state: ServiceState) -> None:
    state.config.gateway.name = "bordstein"
    assert "<h1>Bordstein</h1>" in client.get("/").text
    state.config.gateway.name = "musterstadt"
    assert "<h1>Bordstein musterstadt</h1>" in client.get("/").text


def test_the_time_zone_is_named_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert [zone("2026-11-24T11:00:00Z", lang) for lang in ("de", "en")] == ["MEZ", "CET"]
        assert [zone("2026-07-01T11:00:00Z", lang) for lang in ("de", "en")] == ["MESZ", "CEST"]
        assert len(re.findall("ME[S]?Z", client.get("/").text)) == 1
    finally:
        monkeypatch.undo()
        time.tzset()


def when_utc(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def test_completeness_names_the_gap(client: TestClient, state: ServiceState) -> None:
    now = int(time.time())
    measure(state.store, 3, first=now - BASE - 10)
    measure(state.store, 2, first=now - BASE - 5)
    account = client.get("/api/latest").json()["devices"][0]["completeness"]
    day = account["days"][-1]
    first = now - BASE - 10
    # Packs are numbered from 0 in a boot, so those before the first that arrived are missing as well.
    assert day["gaps"][-1] == {"boot": 1, "from": first + 3, "to": first + 4}
    assert account["arrived"] == 5 and account["expected"] == account["arrived"] + account["missing"]


def test_nothing_on_the_page_comes_from_elsewhere(client: TestClient, state: ServiceState) -> None:
    measure(state.store, 1)
    answer = client.get("/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert re.findall(r'(?:src|href)="(?!/|\?)', answer.text) == []


def test_what_a_board_sends_cannot_write_html(client: TestClient, state: ServiceState) -> None:
    report = StateReport(DEVICE, "<script>", 1, "<b>", None, None, None, "{}", False)
    state.store.write([], [report])
    assert "<script>" not in client.get("/").text


def test_each_value_has_its_time_beside_it(client: TestClient, state: ServiceState) -> None:
    measure(state.store, 1)
    moment = when_utc(BASE)
    assert f'<time datetime="{moment}"' in client.get("/").text
    assert clock(moment, "de", when_utc(BASE + 5)) == when(moment, "de").split()[1]
    assert clock(moment, "en", when_utc(BASE + 86_400 * 3)) == when(moment, "en")[:-3]


def test_what_is_wrong_with_a_target_is_on_the_page(client: TestClient, state: ServiceState) -> None:
    measure(state.store, 2)
    state.forwarders[0].status.trouble = "<b>The target is away."
    place = state.store.place_get("webhook")
    state.store.place_set(place._replace(next_id=2), [(1, "400: not liked")]).result()
    target = client.get("/api/latest").json()["forward"][0]
    assert (target["backlog"], target["dead"], target["trouble"]) == (1, 1, "<b>The target is away.")
    text = client.get("/").text
    assert "&lt;b&gt;The target is away." in text
    assert '<td class="n bad">1</td>' in text
    assert 'bordstein_forward_dead_letters{forwarder="webhook"} 1.0' in client.get("/metrics").text


def test_a_pause_and_a_back_fill_are_on_the_page_in_words(client: TestClient, state: ServiceState) -> None:
    measure(state.store, 12_000)
    assert '<td class="good">läuft</td>' in client.get("/").text
    state.store.place_jump(state.store.place_get("webhook"), 12_000).result()
    state.store.pause_set("webhook", until=4_000_000_000_000, reason="<i>Umzug").result()
    target = client.get("/api/latest").json()["forward"][0]
    assert (target["state"], target["backlog"]) == ("paused", 12_000)
    assert target["backfill"] == {"waiting": 11_999, "of": 11_999}
    assert (target["paused"]["until"], target["paused"]["reason"]) == ("2096-10-02T07:06:40Z", "<i>Umzug")
    state.forwarders[0].status.trouble, state.forwarders[0].status.paused = "The target is away.", True
    assert client.get("/healthz").json()["problems"] == [], "no alarm while somebody has paused it"
    state.forwarders[0].status.trouble = ""
    german, english = client.get("/").text, client.get("/?lang=en").text
    assert '<td class="">Pause</td>' in german and '<td class="">paused</td>' in english
    assert "&lt;i&gt;Umzug" in german
    assert "Wird nachgeholt, das Neueste zuerst: 11.999 von 11.999 Messwerten stehen aus" in german
    assert "Catching up, the newest first: 11,999 of 11,999 readings to go" in english
    text = client.get("/metrics").text
    for line in ('paused{forwarder="webhook"} 1.0', 'backfill{forwarder="webhook"} 11999.0'):
        assert f"bordstein_forward_{line}" in text


def test_the_page_is_in_the_language_of_the_browser(client: TestClient) -> None:
    def language(wanted: str, query: str = "") -> str:
        return client.get(f"/{query}", headers={"accept-language": wanted}).text[:40].split('lang="')[1][:2]

    assert [language("en-GB,en;q=0.9"), language("fr"), language("en", "?lang=de")] == ["en", "de", "de"]


def test_a_board_that_only_the_broker_remembers_was_never_heard(client: TestClient, state: ServiceState) -> None:
    packs.write(state.store, [packs.state("ready", retained=True)])
    assert client.get("/api/latest").json()["devices"][0]["last_seen"] is None
    assert "zuletzt gehört: noch nie" in client.get("/").text and "1970" not in client.get("/").text


def test_a_stored_mark_is_shown_in_words(client: TestClient, state: ServiceState) -> None:
    measure(state.store, 1, series="x/unheard_of")
    assert TEXTS["de"]["unknown_property"] in client.get("/").text
    assert TEXTS["en"]["unknown_property"] in client.get("/?lang=en").text


def test_every_mark_has_a_word_in_both_languages() -> None:
    assert set(FLAGS.values()) <= TEXTS["de"].keys()


def test_metrics_can_be_read_by_prometheus(client: TestClient, state: ServiceState) -> None:
    measure(state.store, 1)
    families = {family.name for family in text_string_to_metric_families(client.get("/metrics").text)}
    assert {"bordstein_readings_stored", "bordstein_forward_backlog", "bordstein_packs"} <= families


def test_metrics_and_health(client: TestClient, state: ServiceState) -> None:
    measure(state.store, 4)
    text = client.get("/metrics").text
    assert "bordstein_readings_stored_total 4.0" in text
    assert 'bordstein_forward_backlog{forwarder="webhook"} 4.0' in text
    assert client.get("/healthz").status_code == 200
    assert client.get("/healthz").json() == {
        "service": "bordstein-gateway",
        "healthy": True,
        "problems": [],
        "broker": "connected",
        "quarantine": 0,
    }
    state.ingest.store_trouble = "The disk is full."
    answer = client.get("/healthz")
    assert answer.status_code == 503 and answer.json()["problems"] == ["The disk is full."]
    assert "The disk is full." in client.get("/").text


def test_what_no_restart_mends_is_said_with_200(client: TestClient, state: ServiceState) -> None:
    gone = connect_error(ConnectionRefusedError(), "mqtt:8883")
    state.ingest.connected, state.ingest.trouble = False, gone
    state.forwarders[0].status.trouble = both("Das Ziel ist weg.", "The target is away.")
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["healthy"]) == (200, False)
    assert answer.json()["problems"] == [str(gone), "webhook: The target is away."]
    german, english = client.get("/").text, client.get("/?lang=en").text
    assert "Unter mqtt:8883 nimmt niemand Verbindungen an" in german and "Das Ziel ist weg." in german
    assert str(gone) in english and "The target is away." in english


def test_a_second_gateway_is_on_the_page_though_messages_come(client: TestClient, state: ServiceState) -> None:
    state.ingest.trouble = thrown_off("bordstein-gateway", "mqtt:8883")
    assert client.get("/healthz").json()["problems"] == [state.ingest.trouble]
    assert f'<p class="bad">{said(state.ingest.trouble, "de")}</p>' in client.get("/").text


def test_messages_in_quarantine_are_on_the_page(client: TestClient, state: ServiceState) -> None:
    assert "unlesbar" not in client.get("/").text
    for count, words in ((1, "1 unlesbare Nachricht<"), (2, "2 unlesbare Nachrichten<")):
        state.store.write([Arrival(DEVICE, "t", str(count).encode(), None, "is not JSON")])
        assert words in client.get("/").text
        assert client.get("/healthz").json()["quarantine"] == count


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_no_time_that_a_board_sends_takes_the_page_down(
    client: TestClient, state: ServiceState, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        # The last second of the year 9999, which is past it east of Greenwich.
        reading = Reading("air/air_temperature", 253_402_300_799_000, 20.0, "Cel", 0)
        pack = Pack(DEVICE, 1, 0, False, "set", [reading])
        assert state.store.write([Arrival(DEVICE, f"bordstein/v1/{DEVICE}/readings", b"", pack)]) == [Outcome.NEW]
        for lang in ("de", "en"):
            assert client.get(f"/?lang={lang}").status_code == 200
            when("0001-01-01T00:00:00Z", lang)
            clock("9999-12-31T23:59:59Z", lang, "0001-01-01T00:00:00Z")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_both_languages_say_the_same_things() -> None:
    assert TEXTS["de"].keys() == TEXTS["en"].keys()


def test_numbers_are_written_as_people_of_that_language_write_them() -> None:
    assert [number(1234567.5, "de"), number(1234567.5, "en")] == ["1.234.567,5", "1,234,567.5"]
    assert [number(True, "de"), number(False, "en"), number("x", "de")] == ["ja", "no", "x"]
    assert re.fullmatch(r"\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d", when("2026-11-24T11:00:00Z", "de"))
