"""Reading back what a target holds: complete, in part, changed, doubled; in a sentence, and sent again on request."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bordstein_gateway.cli.main import app
from bordstein_gateway.config import config
from bordstein_gateway.forward.verify import same
from bordstein_gateway.store import Store
from tests.gateway.configuring import MQTT
from tests.gateway.forwarding import deliver, measure
from tests.gateway.loopback import Loopback
from tests.street.opensensemap_server import OpenSenseMapServer
from tests.street.sensorthings_server import ROOT, Server

SPAN = ["--from", "2026-09-21", "--to", "2026-09-22"]
"""The day of the readings that measure() makes."""


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def host(server: Server) -> Iterator[Loopback]:
    with Loopback(server.app()) as host:
        yield host


@pytest.fixture
def path(folder: Path, host: Loopback) -> Path:
    path = folder / "gateway.toml"
    path.write_text(
        f'[gateway]\ndata = "{folder}"\n{MQTT}[forward.frost]\nkind = "sensorthings"\nurl = "{host.url}{ROOT}"\n'
    )
    return path


def run(path: Path, *options: str) -> Any:
    return CliRunner().invoke(app, ["forward", "verify", *options, "--config", str(path)])


def failed(path: Path, *options: str) -> str:
    result = run(path, *options)
    assert result.exit_code != 0
    return str(result.exception)


def send(path: Path, name: str) -> None:
    """All there is, as the service does."""
    from bordstein_gateway.forward.starting import start

    settings = config.load(path)
    store = Store.open(settings.store_path)
    (box,) = [box for box in start(settings, store) if box.name == name]
    assert deliver(box) == []
    store.close()


@pytest.fixture
def filled(path: Path, store: Store) -> Path:
    """Sent: 20 readings each of two series."""
    measure(store, 20)
    measure(store, 20, series="soil/soil_temperature", first=3)
    send(path, "frost")
    return path


def observations(server: Server) -> dict[int, dict[str, Any]]:
    return server.model.entities["Observations"]


def test_a_target_that_has_all_is_said_to(filled: Path) -> None:
    result = run(filled, "frost", *SPAN)
    assert result.exit_code == 0
    assert result.output == "frost: 40 of 40 readings in 2 series are there as they were measured\n"
    rows = [json.loads(line) for line in run(filled, "frost", "--json", *SPAN).output.splitlines()]
    assert [(row["series"], row["stored"], row["there"]) for row in rows] == [
        ("air/air_temperature", 20, 20),
        ("soil/soil_temperature", 20, 20),
    ]


def test_ids_that_were_forgotten_are_looked_up_and_nothing_is_made(filled: Path, store: Store, server: Server) -> None:
    store.remote_clear("frost").result()
    measure(store, 1, device="24a160000009")
    before = server.model.statistics()
    assert "40 of 40" in run(filled, "frost", *SPAN).output
    assert "1 still waiting" in run(filled, "frost", *SPAN).output
    assert server.model.statistics() == before
    assert store.remote_get("frost") == {}


def test_what_is_missing_different_or_double_is_counted_and_refilled_where_it_is_missing(
    filled: Path, store: Store, server: Server
) -> None:
    for id in (3, 4, 5):
        server.model.delete("Observations", id)
    observations(server)[7]["result"] = 99.0
    server.model.create(
        "Observations", {"phenomenonTime": observations(server)[8]["phenomenonTime"], "result": 7.5}, {"Datastream": 1}
    )
    sentence = failed(filled, "frost", *SPAN)
    assert sentence == (
        "frost: 36 of 40 readings in 2 series are there as they were measured, 3 missing, 1 there with another value, "
        "1 doubled; --refill has it sent once more"
    )
    assert "refill 1 is ordered: 2026-09-21T14:13:22Z to 2026-09-21T14:13:24Z" in failed(
        filled, "frost", "--refill", *SPAN
    )
    send(filled, "frost")
    assert "39 of 40" in failed(filled, "frost", *SPAN)  # the other value stays: it is theirs to say which is right


def test_what_waits_or_was_refused_is_not_missing(filled: Path, store: Store, server: Server) -> None:
    server.fault = "rows"
    measure(store, 6, first=30)
    send(filled, "frost")
    server.fault = None
    measure(store, 2, first=40)
    result = run(filled, "frost", *SPAN)
    assert result.exit_code == 0
    assert result.output.endswith(
        "44 of 44 readings in 2 series are there as they were measured, 2 still waiting, 2 refused (forward dead)\n"
    )


def test_a_target_that_was_replaced_by_an_empty_one_is_found_out(filled: Path, host: Loopback, store: Store) -> None:
    store.remote_clear("frost").result()
    host.stop()
    host.app = Server().app()
    host.start()
    assert "0 of 40 readings in 2 series are there as they were measured, 40 missing" in failed(filled, "frost", *SPAN)


def test_a_target_that_is_away_or_can_not_be_asked_is_a_sentence(filled: Path, host: Loopback) -> None:
    with filled.open("a") as file:
        file.write('[forward.hook]\nkind = "webhook"\nurl = "http://127.0.0.1:9/"\n')
    assert failed(filled, "hook", *SPAN) == "hook: a target of this kind can't be asked what it has"
    assert "is frost meant?" in failed(filled, "frots", *SPAN)
    host.stop()
    assert "can't be reached" in failed(filled, "frost", *SPAN)
    host.start()
    assert run(filled, "frost", "--from", "2026-09-22", "--to", "2026-09-21").exit_code == 2


def test_opensensemap_is_read_back_too(folder: Path, store: Store) -> None:
    box, sensor, device = "5f2b56f4263635001c1dd1fd", "5f2b56f4263635001c1dd1fe", "24a160000001"
    server = OpenSenseMapServer({box: {"token": "t0ken", "device": device, "sensors": {sensor: "air/air_temperature"}}})
    (folder / "token").write_text("t0ken")
    with Loopback(server.app()) as host:
        path = folder / "gateway.toml"
        path.write_text(
            f'[gateway]\ndata = "{folder}"\n{MQTT}[forward.map]\nkind = "opensensemap"\nurl = "{host.url}"\n'
            f'api = "{host.url}"\n[[forward.map.box]]\nid = "{box}"\ndevice = "{device}"\n'
            f'access_token_file = "token"\nsensors = {{ air_temperature = "{sensor}" }}\n'
        )
        measure(store, 5)
        send(path, "map")
        assert "map: 5 of 5 readings in 1 series" in run(path, "map", *SPAN).output
        server.stored.pop(2)
        assert "4 of 5 readings" in failed(path, "map", *SPAN)


@pytest.mark.parametrize(
    ("ours", "theirs", "right"),
    [
        (0.1 + 0.2, 0.3, True),
        (1, 1.0, True),
        (1.0, 1.001, False),
        ("a", "a", True),
        ("1", 1, False),
        (True, True, True),
    ],
)
def test_numbers_are_the_same_but_for_their_last_digits(ours: Any, theirs: Any, right: bool) -> None:
    assert same(ours, theirs) is right
