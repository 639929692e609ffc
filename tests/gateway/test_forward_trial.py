"""The marked trial record of each kind: what the other side answered, in words; nothing of it stays where it can go."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bordstein_gateway.config.config import Config, Gateway, Mqtt, SensorThings, Webhook
from bordstein_gateway.forward import trial
from bordstein_gateway.forward.starting import build
from bordstein_gateway.forward.target import Retry
from bordstein_gateway.properties import TABLE
from bordstein_gateway.store import Store
from bordstein_gateway.texts import said
from tests.gateway.loopback import Loopback
from tests.street.sensorthings_server import ROOT, Server
from tests.street.webhook_server import Receiver


def tried(folder: Path, settings: Any) -> str:
    config = trial.configured(
        Config(gateway=Gateway(data=str(folder)), mqtt=Mqtt(host="localhost"), forward={"x": settings})
    )

    async def run() -> str:
        store = Store.open(folder / "passing.sqlite")
        target = build("x", settings, config, store)
        try:
            return await target.trial()
        finally:
            await target.close()
            store.close()

    return asyncio.run(run())


@pytest.mark.parametrize("name", TABLE)
def test_a_trial_reading_of_any_property_is_plausible_and_of_no_real_board(name: str) -> None:
    reading = trial.reading(name)
    row = TABLE[name]
    assert row.min <= reading.value <= row.max
    assert isinstance(reading.value, {"number": float, "count": int, "boolean": bool}[row.kind])
    assert int(reading.device[:2], 16) & 0b11 == 0b10  # locally administered, of one board


def test_a_sensorthings_server_takes_shows_and_forgets_the_trial(tmp_path: Path) -> None:
    server = Server(projects=True)
    seen = []
    delete = server.model.delete

    def watched(kind: str, id: int) -> None:
        seen.append(server.model.entities[kind][id].get("name"))
        delete(kind, id)

    server.model.delete = watched  # type: ignore[method-assign]
    with Loopback(server.app()) as host:
        settings = SensorThings(url=host.url + ROOT, members={"Projects": [{"@iot.id": 1}]})
        sentence = tried(tmp_path, settings)
    assert said(sentence, "de").endswith("hat den Probewert angenommen und zeigt ihn; er ist dort wieder gelöscht.")
    assert sentence.endswith("took the trial record and shows it; it is deleted again.")
    assert seen[-1] == "Bordstein trial" and trial.NAME in seen
    left = server.model.statistics()
    assert (left["Things"], left["Sensors"], left["Datastreams"], left["Observations"]) == (0, 0, 0, 0)


def test_a_trial_that_can_not_be_deleted_is_named(tmp_path: Path) -> None:
    server = Server()
    server.deletes = False
    with Loopback(server.app()) as host:
        sentence = tried(tmp_path, SensorThings(url=host.url + ROOT))
    assert "stays there" in sentence and trial.NAME in sentence
    assert [thing["name"] for thing in server.model.entities["Things"].values()] == [trial.NAME]


def _refusing(server: Server) -> None:
    server.projects = True


def _broken(server: Server) -> None:
    server.fault = "before"


def _row(server: Server) -> None:
    server.fault = "rows"


@pytest.mark.parametrize(("how", "why"), [(_refusing, "has to be in one of your Projects"), (_broken, "500")])
def test_a_sensorthings_server_that_takes_no_trial_says_why(
    tmp_path: Path, how: Callable[[Server], None], why: str
) -> None:
    server = Server()
    how(server)
    with Loopback(server.app()) as host, pytest.raises(Retry, match=why):
        tried(tmp_path, SensorThings(url=host.url + ROOT))


def test_a_webhook_gets_an_event_of_a_type_of_its_own(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a town's secret\n")
    receiver = Receiver(b"a town's secret")
    with Loopback(receiver.app()) as host:
        sentence = tried(tmp_path, Webhook(url=host.url + "/events", secret_file=str(secret)))
    (event,) = receiver.events.values()
    assert event["type"] == "de.bordstein.trial.v1"
    assert event["data"]["place"]["name"] == trial.NAME
    assert "took the trial record" in sentence and "hat den Probewert angenommen" in said(sentence, "de")


def test_a_webhook_that_refuses_says_why(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("another secret\n")
    with (
        Loopback(Receiver(b"a town's secret").app()) as host,
        pytest.raises(Retry, match=r"signature|401|does not let"),
    ):
        tried(tmp_path, Webhook(url=host.url + "/events", secret_file=str(secret)))
