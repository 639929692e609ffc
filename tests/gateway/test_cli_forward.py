"""`bordstein-gateway forward …` as a person runs it, beside a running gateway or without one."""

import asyncio
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from typer.testing import CliRunner

from bordstein_gateway.cli.common import Failed
from bordstein_gateway.cli.main import app
from bordstein_gateway.config import durations
from bordstein_gateway.config.config import load
from bordstein_gateway.forward.schedule import Schedule
from bordstein_gateway.forward.standing import standings
from bordstein_gateway.forward.trying import tried
from bordstein_gateway.store import Place, Store
from bordstein_gateway.texts import both, said
from tests.gateway.forwarding import BASE, measure
from tests.gateway.loopback import Loopback
from tests.gateway.test_cli import configured
from tests.street.processes import free_port
from tests.street.sensorthings_server import ROOT, Server
from tests.street.servers import Town


def gateway(*arguments: object, lang: str = "en") -> SimpleNamespace:
    """The command in this process, as starting another costs seconds; main() turns Failed into a line and a 1."""
    run = CliRunner(env={"BORDSTEIN_LANG": lang, "COLUMNS": "200"}).invoke(app, [str(word) for word in arguments])
    assert run.exception is None or isinstance(run.exception, SystemExit | Failed), run.exception
    failed = f"{run.exception}\n" if isinstance(run.exception, Failed) else ""
    return SimpleNamespace(returncode=run.exit_code, stdout=run.stdout, stderr=run.stderr + failed)


def section(url: str, kind: str = "webhook", more: str = "") -> str:
    return f'[forward.hook]\nkind = "{kind}"\nurl = "{url}"\ntimeout = 5\n{more}'


@pytest.fixture
def used(folder: Path) -> Path:
    """A gateway whose target refused two readings."""
    store = Store.open(folder / "bordstein.sqlite")
    measure(store, 5)
    store.place_set(Place("hook", 3, None), [(1, "422: no"), (2, "422: no")]).result()
    store.close()
    return configured(folder, section("http://127.0.0.1:9/"))


# --- test ------------------------------------------------------------------------------------------------------------


def test_a_trial_needs_no_store_and_leaves_none(folder: Path) -> None:
    server = Server()
    with Loopback(server.app()) as host:
        path = configured(folder, section(host.url + ROOT, "sensorthings"))
        run = gateway("forward", "test", "hook", "--config", path)
        assert (run.returncode, run.stderr) == (0, "")
        assert run.stdout == f"{host.url}{ROOT} took the trial record and shows it; it is deleted again.\n"
        answer = json.loads(gateway("forward", "test", "hook", "--json", "--config", path, lang="de").stdout)
    assert answer["ok"] is True and answer["de"].endswith("er ist dort wieder gelöscht.")
    assert not (folder / "bordstein.sqlite").exists()


def test_a_trial_that_fails_is_one_sentence_and_exit_code_1(folder: Path) -> None:
    path = configured(folder, section(f"http://127.0.0.1:{free_port()}/"))
    run = gateway("forward", "test", "hook", "--config", path, lang="de")
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (1, "", 1)
    assert "dort nimmt niemand Verbindungen an; läuft der Dienst? Sonst die url und die Firewall prüfen." in run.stderr
    run = gateway("forward", "test", "hook", "--json", "--config", path)
    assert run.returncode == 1 and json.loads(run.stdout)["ok"] is False


def _answering(status: int) -> Starlette:
    return Starlette(
        routes=[Route("/{path:path}", lambda _: JSONResponse({"message": "no"}, status), methods=["POST"])]
    )


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        (401, "check user, password or token"),
        (404, "check the url"),
        (422, "see at the receiver"),
        (500, "has a fault of its own (500): no"),
        (302, "put that into the url"),
        (429, "is busy"),
    ],
)
def test_what_the_other_side_says_is_said_with_the_cure(folder: Path, status: int, cure: str) -> None:
    with Loopback(_answering(status)) as host:
        taken, sentence = tried(load(configured(folder, section(host.url + "/x"))), "hook")
    assert not taken and cure in sentence and sentence.endswith(".")


class _Tls(Loopback):
    """With a certificate of the town's."""

    def __init__(self, app: Any, certificate: Path, key: Path) -> None:
        super().__init__(app)
        self._files = certificate, key

    def settings(self) -> uvicorn.Config:
        certificate, key = self._files
        return uvicorn.Config(
            self.app, port=self.port, log_config=None, lifespan="off", ssl_certfile=certificate, ssl_keyfile=key
        )


def test_a_name_that_nobody_knows_and_a_certificate_that_nobody_signed(folder: Path, town: Town) -> None:
    def said_of(url: str, more: str = "") -> tuple[bool, str]:
        return tried(load(configured(folder, section(url, more=more))), "hook")

    assert "the host's name is not known; look at the url and the name server." in said_of("https://x.invalid/")[1]
    server = town.broker()
    with _Tls(_answering(202), server.certificate, server.key) as host:
        tls = host.url.replace("http://127.0.0.1", "https://localhost")
        taken, sentence = said_of(tls)
        assert not taken and "its certificate can't be trusted" in sentence and "look at ca" in sentence
        assert "seinem Zertifikat ist nicht zu trauen (es ist von keiner bekannten Stelle" in said(sentence, "de")
        assert said_of(tls, f'ca = "{server.ca}"\n')[0]
    with Loopback(_answering(202)) as plain:
        assert "TLS failed" in said_of(plain.url.replace("http", "https"))[1]


# --- pause, resume, list ---------------------------------------------------------------------------------------------


def test_a_pause_is_kept_shown_and_ended(used: Path) -> None:
    option = ("--config", used)
    run = gateway("forward", "pause", "hook", "--for", "2h", "--reason", "Umzug  der\nPlattform", *option)
    assert run.returncode == 0 and run.stdout.startswith("hook is paused until 2")
    (row,) = map(json.loads, gateway("forward", "list", "--json", *option).stdout.splitlines())
    assert (row["kind"], row["state"], row["paused"]["reason"]) == ("webhook", "paused", "Umzug der Plattform")
    shown = gateway("forward", "list", *option, lang="de").stdout
    assert "Pause" in shown and "Umzug der Plattform" in " ".join(shown.split())
    assert gateway("forward", "resume", "hook", *option).stdout == "hook goes on\n"
    assert gateway("forward", "resume", "hook", *option).stdout == "hook was not paused\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--for", "soon"),
        ("--for", "0h"),
        ("--until", "2001-01-01"),
        ("--until", "tomorrow"),
        ("--until", "2999-01-01", "--for", "1h"),
    ],
)
def test_a_pause_without_sense_ends_with_2(used: Path, words: tuple[str, ...]) -> None:
    run = gateway("forward", "pause", "hook", *words, "--config", used)
    assert (run.returncode, run.stdout) == (2, "")


def test_how_a_target_stands_comes_from_the_store_alone(used: Path) -> None:
    settings = load(used)
    store = Store.open(used.parent / "bordstein.sqlite")

    def standing() -> Any:
        return standings(settings.forward, store)["hook"]

    now = time.time()
    one = standing()
    assert (one.state, one.waiting, one.dead, one.last_success, one.rate) == ("running", 3, 2, None, 0.0)
    assert abs(one.oldest_since - now) < 60
    schedule = Schedule("hook", settings.forward["hook"], store)

    async def play() -> None:
        await schedule.failed(both("Das Ziel ist weg.", "The target is away."), 0.0)

    asyncio.run(play())
    one = standing()
    assert (one.state, said(one.trouble, "de")) == ("trouble", "Das Ziel ist weg.")
    asyncio.run(schedule.succeeded())
    asyncio.run(schedule.took(7.5))
    one = standing()
    assert one.state == "running" and one.rate == 7.5 and one.last_success >= now
    store.place_jump(store.place_get("hook"), 5).result()
    one = standing()
    assert (one.live, one.backfill, one.backfill_total, one.waiting) == (1, 2, 2, 3)
    order = store.refill_add("hook", BASE * 1000, (BASE + 100) * 1000).result()
    (refill,) = one._replace(refills=store.refills("hook")).refills
    assert (refill.id, refill.first_id) == (order, 1)
    store.pause_set("hook", reason="x").result()
    assert standing().state == "paused"
    store.close()


# --- dead ------------------------------------------------------------------------------------------------------------


def test_dead_letters_are_given_up_one_by_one_or_all(used: Path) -> None:
    option = ("--config", used)
    assert gateway("forward", "dead", "drop", "hook", *option).returncode == 2
    assert gateway("forward", "dead", "drop", "hook", "1", *option).stdout == "1 dead letters of hook are given up\n"
    rows = gateway("forward", "dead", "list", "hook", "--json", *option).stdout
    assert [json.loads(row)["reading"] for row in rows.splitlines()] == [2]
    assert (
        gateway("forward", "dead", "drop", "hook", "--all", *option).stdout == "1 dead letters of hook are given up\n"
    )


def test_lengths_of_time() -> None:
    assert [durations.seconds(text) for text in ("45s", "90m", " 2 h ", "3d")] == [45, 5400, 7200, 259_200]
    assert [durations.rough(value) for value in (-1, 45, 5400, 86_400 * 1.25, 86_400 * 12)] == [
        *("0 s", "45 s", "90 min", "30 h", "12 d")
    ]
