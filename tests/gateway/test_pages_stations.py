"""The pages of stations, devices, forwards, and the public view, through the app over a town's store."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from bordstein_gateway.decode.normalise import Pack, Reading
from bordstein_gateway.store import Arrival, Store, audit, station_notes
from bordstein_gateway.store.sums import HOUR_MS
from bordstein_gateway.web.pages.charts import Plot
from bordstein_gateway.web.pages.moments import town_zone
from bordstein_gateway.web.pages.plots import DAY_MS, period, plot
from tests.gateway.town_of import (
    DEVICES,
    DOUBTFUL,
    GAPS,
    PARK,
    REFUSED,
    SECRET,
    SILENT,
    TOWN_HALL,
    WITH_CASE,
    Town,
    town_of,
)

HIDDEN = (SECRET, "Hinterhof", "geheim", "3,777", "3.777", "health/", "abgelehnt", "Papierkorb voll", "1.4.0", ">rand<")
"""What nobody reads on the public pages: of an unpublished station, of boards' health, of the town's work."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = town_of(tmp_path_factory.mktemp("town"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def dispatcher(town: Town) -> TestClient:
    return town.login("dispatcher")


def page(client: TestClient, path: str, lang: str = "de", **query: str) -> str:
    answer = client.get(path, params={**query, "lang": lang})
    assert answer.status_code == 200, answer.text
    return answer.text


def rows(text: str) -> list[str]:
    """The table's lines, as text."""
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.sub(r"<[^>]*>", " ", row) for row in body.split("</tr>")[:-1]]


def post(client: TestClient, path: str, role: str, **data: Any) -> Any:
    files = data.pop("files", None)
    answer = client.post(path, data={"csrf": Town.csrf(role), **data}, files=files)
    assert answer.status_code == 303, answer.text
    return answer


def acted(store: Store) -> list[tuple[str, str, str]]:
    with store.database.reading() as connection:
        return [(row.actor, row.action, row.subject) for row in audit.rows(connection)]


def test_the_table_names_every_station_with_its_state(dispatcher: TestClient) -> None:
    found = rows(page(dispatcher, "/app/map", lang="en"))
    assert len(found) == len(DEVICES)
    said = {name: next(row for row in found if name in row) for name in ("Feuerwache", "Am Kai 3", "Bahnhof", "Bauhof")}
    assert "open case" in said["Feuerwache"] and "not reporting" in said["Am Kai 3"]
    assert "implausible" in said["Bahnhof"] and "in order" in said["Bauhof"]
    assert found[0] == said["Feuerwache"]  # the most urgent first


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"state": "silent"}, ["Am Kai 3"]),
        ({"group": "mitte"}, 6),
        ({"property": "parking_bay_occupied"}, 3),
        ({"q": "kirch"}, ["Kirchplatz"]),
        ({"q": SILENT}, ["Am Kai 3"]),
        ({"q": "nirgends"}, []),
        ({"state": "ok", "group": "nobody's"}, []),
    ],
)
def test_the_table_shows_what_was_chosen(dispatcher: TestClient, query: dict[str, str], names: Any) -> None:
    found = rows(page(dispatcher, "/app/map", **query))
    points = dispatcher.get("/app/map.json", params=query).json()["features"]
    assert len(found) == len(points) == (names if isinstance(names, int) else len(names))
    if not isinstance(names, int):
        assert all(name in row for name, row in zip(names, found, strict=True))


def test_the_table_is_sorted_by_its_heads(dispatcher: TestClient) -> None:
    up, down = (rows(page(dispatcher, "/app/map", sort=order)) for order in ("name", "-name"))
    assert up == down[::-1] and "Am Kai" in up[0]
    assert 'aria-sort="descending"' in page(dispatcher, "/app/map", sort="-seen")


def test_names_are_text_on_every_page(dispatcher: TestClient) -> None:
    for path in ("/app/map", "/app/devices", f"/app/stations/{SECRET}"):
        assert "<geheim>" not in page(dispatcher, path) and "&lt;geheim&gt;" in page(dispatcher, path)


def test_a_station_shows_values_gaps_cases_and_completeness(dispatcher: TestClient, town: Town) -> None:
    week = page(dispatcher, f"/app/stations/{GAPS}", span="week")
    assert week.count('<svg class="chart"') == 4 and 'class="gap"' in week and "nichts gemessen bis" in week
    assert re.search(r'<li class="part">.*?<b>7\d %</b>', week, re.S)
    assert "Papierkorb voll" in page(dispatcher, f"/app/stations/{WITH_CASE}")
    assert "unplausibel" in page(dispatcher, f"/app/stations/{DOUBTFUL}")
    assert "meldet sich nicht" in page(dispatcher, f"/app/stations/{SILENT}")
    for span in ("day", "week", "year", "age"):
        assert page(dispatcher, f"/app/stations/{PARK}", span=span, at="2026-02-30")
    assert dispatcher.get("/app/stations/24a1600000ff").status_code == 404


def test_the_scripts_get_the_same_as_the_table(dispatcher: TestClient, town: Town) -> None:
    address = f"/app/stations/{GAPS}/plot.json"
    found = dispatcher.get(address, params={"series": "air/air_temperature", "span": "week"}).json()
    assert len(found["times"]) == len(found["values"]) == len(found["least"]) and None in found["values"]
    assert any(end - start >= 5 * 3600 for start, end in found["gaps"])
    assert dispatcher.get(address, params={"series": "no/such"}).status_code == 404


def test_a_station_s_readings_come_as_csv(dispatcher: TestClient) -> None:
    text = dispatcher.get(f"/app/stations/{GAPS}/readings.csv", params={"series": "bin/fill_level"}).text
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) > 50 and {line["series"] for line in lines} == {"bin/fill_level"}


def test_only_administrators_read_configurations_and_nobody_their_secrets(town: Town, dispatcher: TestClient) -> None:
    town.store.want_config(TOWN_HALL, '{"network":{"wifi":[{"ssid":"Rathaus","password":"hunter2hunter2"}]}}').result(
        10
    )
    administrator = town.login("administrator")
    assert "Rathaus" not in page(dispatcher, f"/app/stations/{TOWN_HALL}").partition("Gewollt")[2]
    shown = page(administrator, f"/app/stations/{TOWN_HALL}")
    assert "&#34;ssid&#34;: &#34;Rathaus&#34;" in shown and "hunter2" not in shown
    assert "not a multiple of 900" in page(dispatcher, f"/app/stations/{REFUSED}")


def test_who_works_writes_a_station_s_life(town: Town) -> None:
    worker, address = town.login("worker"), f"/app/stations/{PARK}"
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(picture, "PNG")
    post(worker, f"{address}/notes", "worker", kind="why_here", day="2024-05-06", text="Hier lag Laub.\nImmer <viel>.")
    photo = {"photo": ("a.png", picture.getvalue(), "image/png")}
    post(worker, f"{address}/notes", "worker", kind="photo", day="2024-05-07", text="", files=photo)
    text = page(worker, address)
    assert "Warum hier" in text and "Immer &lt;viel&gt;." in text and "06.05.2024" in text
    with town.store.database.reading() as connection:
        newest, oldest = station_notes.of(connection, PARK)
    assert (newest.kind, oldest.kind, oldest.actor) == ("photo", "why_here", "worker")
    shown = worker.get(f"{address}/photos/{newest.photo}")
    assert shown.status_code == 200 and shown.headers["content-type"] == "image/jpeg"
    assert worker.get(f"/app/stations/{TOWN_HALL}/photos/{newest.photo}").status_code == 404
    assert ("worker", "noted", f"station {PARK}") in acted(town.store)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "visit", "day": "2024-05-06", "text": " "}, "Bitte schreiben"),
        ({"kind": "visit", "day": "2999-05-06", "text": "x"}, "der schon war"),
        ({"kind": "holiday", "day": "2024-05-06", "text": "x"}, "was war:"),
        ({"kind": "photo", "day": "2024-05-06", "text": "x"}, "ein Foto auswählen"),
        ({"kind": "photo", "day": "2024-05-06", "files": {"photo": ("a.png", b"GIF89a", "image/png")}}, "kein Foto"),
    ],
)
def test_what_can_t_be_entered_is_said(town: Town, data: dict[str, Any], words: str) -> None:
    worker = town.login("worker")
    post(worker, f"/app/stations/{SILENT}/notes", "worker", **data)
    assert words in page(worker, f"/app/stations/{SILENT}")


def test_devices_show_health_configuration_and_roll_outs(town: Town, dispatcher: TestClient) -> None:
    text = page(dispatcher, "/app/devices")
    kirch = next(row for row in rows(text) if "Kirchplatz" in row)
    assert "14 %" in kirch and "Batterie schwach" in kirch and "-67 dBm" in kirch and "1.4.0" in kirch
    assert "abgelehnt" in next(row for row in rows(text) if "Lindenallee" in row)
    (rollout,) = town.store.rollouts()
    address = f"/app/devices/rollouts/{rollout.order}"
    assert "wartet" in page(dispatcher, address)
    assert dispatcher.post(f"{address}/stop", data={"csrf": Town.csrf("dispatcher")}).status_code == 403
    administrator = town.login("administrator")
    post(administrator, f"{address}/stop", "administrator")
    assert "angehalten" in page(administrator, address)
    stopped = town.store.rollout(rollout.order)
    assert stopped is not None and stopped.stopped is not None
    assert ("administrator", "stopped", f"roll-out {rollout.order}") in acted(town.store)


def test_dead_letters_are_sent_again_or_given_up(town: Town, dispatcher: TestClient) -> None:
    first, second, *others = town.store.dead_letters("portal")
    text = page(dispatcher, "/app/forwards/portal")
    assert "422: the portal knows no such station" in text and f'value="{first.reading_id}"' in text
    ids = [str(first.reading_id), str(second.reading_id)]
    post(dispatcher, "/app/forwards/portal/dead", "dispatcher", which="some", what="resend", id=ids)
    assert [letter.retry for letter in town.store.dead_letters("portal")] == [True, True, False, False, False]
    post(dispatcher, "/app/forwards/portal/dead", "dispatcher", which="some", what="drop", id=ids[:1])
    assert len(town.store.dead_letters("portal")) == 4
    post(dispatcher, "/app/forwards/portal/dead", "dispatcher", which="some", what="drop")  # nothing chosen
    assert len(town.store.dead_letters("portal")) == 4
    post(dispatcher, "/app/forwards/portal/dead", "dispatcher", which="all", what="drop")
    assert town.store.dead_letters("portal") == [] and others
    assert ("dispatcher", "dead letters dropped", "forward portal") in acted(town.store)


def test_targets_are_paused_and_go_on(town: Town, dispatcher: TestClient) -> None:
    assert "Umzug des Archivs" in page(dispatcher, "/app/forwards")
    post(dispatcher, "/app/forwards/archiv/resume", "dispatcher")
    assert "archiv" not in town.store.pauses()
    post(dispatcher, "/app/forwards/archiv/pause", "dispatcher", hours="8", reason="Wartung <heute>")
    pause = town.store.pauses()["archiv"]
    assert pause.until is not None and pause.reason == "Wartung <heute>"
    assert "Wartung &lt;heute&gt;" in page(dispatcher, "/app/forwards/archiv")
    assert dispatcher.get("/app/forwards/nirgends").status_code == 404
    assert [row[1] for row in acted(town.store) if row[2] == "forward archiv"] == ["resumed", "paused"]


def test_unreadable_messages_are_shown_and_read_again(town: Town, dispatcher: TestClient) -> None:
    assert "no JSON" in page(dispatcher, "/app/forwards") and "[{" in page(dispatcher, "/app/forwards")
    (kept,) = town.store.quarantined()
    post(dispatcher, "/app/forwards/quarantine", "dispatcher", which="some", id=str(kept.id))
    assert [one.id for one in town.store.quarantine_wanted()] == [kept.id]


def test_who_only_reads_gets_no_buttons(town: Town) -> None:
    reader = town.login("reader")
    for path in ("/app/forwards", "/app/forwards/portal", "/app/devices", f"/app/stations/{PARK}"):
        assert page(reader, path).count('method="post"') == 1 + (path == "/app/forwards"), path  # to log out


def test_the_public_view_says_nothing_that_is_not_published(town: Town) -> None:
    visitor = town.client()
    first = visitor.get("/public/")
    assert len(rows(first.text)) == len(DEVICES) - 1 and "Sensordaten Musterstadt" in first.text
    shown = [first.text, visitor.get("/public/stations.json").text, visitor.get("/public/?lang=en&q=Hinterhof").text]
    for device in DEVICES:
        answer = visitor.get(f"/public/stations/{device}", params={"span": "week"})
        assert answer.status_code == (404 if device == SECRET else 200)
        shown.append(answer.text.replace(SECRET, "") if device == SECRET else answer.text)
    for text in shown:
        plain = text.replace('value="Hinterhof"', "").replace("q=Hinterhof", "")
        assert not [word for word in HIDDEN if word in plain]
    assert "Füllstand" not in visitor.get(f"/public/stations/{GAPS}").text  # this series of it is not open
    assert "Füllstand" in visitor.get(f"/public/stations/{PARK}").text
    for device, series in ((SECRET, "air/air_temperature"), (GAPS, "bin/fill_level"), (PARK, "health/voltage")):
        assert visitor.get(f"/public/stations/{device}/plot.json", params={"series": series}).status_code == 404
    assert "unplausibel" in next(row for row in rows(first.text) if "Bahnhof" in row)
    assert "dl-de/by-2-0" in first.text and "Stadt Musterstadt" in first.text and 'href="/open/' in first.text


def test_the_public_view_is_the_same_for_all_and_may_be_cached(town: Town, dispatcher: TestClient) -> None:
    visitor = town.client()
    one, other = visitor.get("/public/"), dispatcher.get("/public/", headers={"accept-language": "de"})
    assert one.text == other.text and "set-cookie" not in one.headers
    assert one.headers["cache-control"] == "public, max-age=60" and "Accept-Language" in one.headers["vary"]
    assert visitor.get("/public/", headers={"if-none-match": one.headers["etag"]}).status_code == 304
    missing = visitor.get("/public/stations/nobody")
    assert missing.status_code == 404 and "set-cookie" not in missing.headers


def test_who_publishes_nothing_says_so_kindly(tmp_path: Path) -> None:
    from bordstein_gateway.status import ServiceState
    from bordstein_gateway.web import app as web
    from tests.gateway.town_of import configuration

    store = Store.open(tmp_path / "empty.sqlite")
    visitor = TestClient(web.app(ServiceState(configuration(tmp_path, None), store)))
    answer = visitor.get("/public/")
    assert answer.status_code == 404 and "noch nichts veröffentlicht" in answer.text
    assert visitor.get("/public/stations.json").status_code == 404
    assert visitor.get(f"/public/stations/{PARK}").status_code == 404
    store.close()


def _plots(store: Store, device: str, now: int) -> list[tuple[int, float, float, float, int]]:
    (value,) = [one for one in store.latest(device) if one.series == "air/air_temperature"]
    made: Plot = plot(store, value, period("year", None, _zone(), now), now)
    return [(dot.start, round(dot.value, 6), dot.least, dot.most, dot.readings) for dot in made.dots]


def _zone() -> Any:
    from bordstein_gateway.config.config import Config, Mqtt

    return town_zone(Config(mqtt=Mqtt(host="localhost")))


def test_a_year_is_the_same_with_sums_by_day_as_without(on_both: Store) -> None:
    now = 1_795_521_600_000
    first = now - 9 * DAY_MS
    readings = [
        Reading("air/air_temperature", at, (at // HOUR_MS) % 17 / 4, "Cel", 0) for at in range(first, now, HOUR_MS)
    ]
    on_both.write([Arrival(PARK, "", b"", Pack(PARK, 1, 0, False, "set", readings[:-5]))], now_ms=now)
    without = _plots(on_both, PARK, now)
    while (future := on_both.aggregate(50, days_only=True)) is not None:
        future.result(10)
    assert _plots(on_both, PARK, now) == without and len(without) == 10
    assert on_both.aggregates(PARK, "air/air_temperature", 0, now) == []  # no hours were made
    on_both.write([Arrival(PARK, "", b"", Pack(PARK, 1, 1, False, "set", readings[-5:]))], now_ms=now)
    fresh = _plots(on_both, PARK, now)
    assert sum(row[4] for row in fresh) == len(readings)
    # Somebody wants hours, too: from the beginning, and each reading counts once.
    while (future := on_both.aggregate(50)) is not None:
        future.result(10)
    assert _plots(on_both, PARK, now) == fresh
    assert sum(hour.readings for hour in on_both.aggregates(PARK, "air/air_temperature", 0, now)) == len(readings)
