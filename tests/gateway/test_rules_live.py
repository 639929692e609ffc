"""Rules on the live stream: what becomes a case, once, whatever happens to the gateway."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from subprocess import PIPE
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from bordstein_gateway.cases.cases import Cases, InForce
from bordstein_gateway.doctor import rules as doctor
from bordstein_gateway.rules.rehearse import rehearse
from bordstein_gateway.rules.verdict import Verdict
from bordstein_gateway.status import ServiceState
from bordstein_gateway.store import Store, StoreError, Where
from bordstein_gateway.store.cases import CaseFilter, listed
from bordstein_gateway.store.connection import Connection
from bordstein_gateway.store.types import Job
from bordstein_gateway.web import app as web
from tests.gateway.rule_town import BIN, BIN_FULL, DAY, HOUR, MINUTE, NOON, OTHER, SILENT, Street, sheet_of, write
from tests.street.client import Client
from tests.street.processes import until
from tests.street.servers import Gateway, Mosquitto, Town

ROOT = Path(__file__).parents[2]


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    found = Street(tmp_path)
    yield found
    found.store.close()


def test_a_reading_begins_a_case_and_another_one_ends_it(tmp_path: Path, place: Where) -> None:
    street = Street(tmp_path, place)
    with closing(street.store):
        write(street.config)
        street.turn()
        street.measure(0.5, 0.85, 0.9)
        street.turn()
        (case,) = street.found()
        assert (case.rule, case.object, case.state, case.sheet_version) == ("bin-full", BIN, "new", 1)
        assert case.event["signals"] == {"fill": 0.85}
        street.measure(0.2)
        street.turn()
        (case,) = street.found()
        assert case.recovered == street.now
        assert street.live.status.verdicts == 2
        assert street.live.lag() == 0


def test_without_sheets_nothing_heavy_is_loaded_and_the_log_is_not_read(street: Street) -> None:
    street.measure(0.95)
    street.turn()
    assert (street.live.status.rules, street.live.lag()) == (0, 0)
    assert street.live._work is None


def test_a_new_sheet_begins_with_how_things_are(street: Street) -> None:
    street.measure(0.95)  # still is
    street.measure(0.95, 0.1, device=OTHER)  # is over
    street.turn()
    street.now += 3 * HOUR
    write(street.config)
    street.turn()
    assert [case.object for case in street.found()] == [BIN]
    street.crash()
    street.turn()
    assert len(street.found()) == 1


def test_what_is_known_of_is_too_old_waits_for_the_next_reading(street: Street) -> None:
    street.measure(0.95)
    street.measure(0.95, device=OTHER)
    street.now += DAY + HOUR
    write(street.config)
    street.turn()
    assert street.found() == []
    street.crash()
    street.measure(0.94)
    street.measure(0.12, device=OTHER)
    street.turn()
    assert [case.object for case in street.found()] == [BIN]


def test_what_is_old_when_it_comes_begins_nothing(street: Street) -> None:
    write(street.config)
    street.turn()
    street.measure(0.95, age=3 * HOUR)
    street.turn()
    assert street.found() == []
    street.measure(0.95, age=MINUTE)
    street.turn()
    assert len(street.found()) == 1


def test_a_case_is_begun_once_however_often_the_gateway_starts(street: Street) -> None:
    write(street.config)
    street.turn()
    street.measure(0.95)
    street.turn()
    street.cases.done(street.found()[0].id, "eva").result()
    for _ in range(3):
        street.crash()
        street.measure(0.96)
        street.turn()
    assert [case.state for case in street.found()] == ["done"]
    street.measure(0.1, 0.95)
    street.turn()
    assert [case.state for case in street.found()] == ["done", "new"]


def test_a_new_version_keeps_what_was_known(street: Street) -> None:
    write(street.config)
    street.turn()
    street.measure(0.95)
    street.measure(0.7, device=OTHER)
    street.turn()
    street.cases.done(street.found()[0].id, "eva").result()
    write(street.config, BIN_FULL.replace("fill >= 0.8", "fill >= 0.75"))
    street.turn()
    street.measure(0.96)
    street.measure(0.76, device=OTHER)
    street.turn()
    assert [(case.object, case.sheet_version) for case in street.found()] == [(BIN, 1), (OTHER, 2)]


def test_a_version_that_looks_at_something_else_begins_anew(street: Street) -> None:
    write(street.config)
    street.turn()
    street.measure(0.95)
    street.turn()
    text = BIN_FULL.replace('max_age = "1d"', 'max_age = "1d"\ntake = "min"\nlast = 3')
    write(street.config, text)
    street.turn()
    assert len(street.found()) == 1
    street.measure(0.96, 0.97)
    street.measure(0.1, 0.95, device=OTHER)
    street.turn()
    assert len(street.found()) == 1
    street.measure(0.95, 0.95, device=OTHER)
    street.turn()
    assert [case.object for case in street.found()] == [BIN, OTHER]


def test_a_sheet_that_is_switched_off_or_taken_away_begins_nothing(street: Street) -> None:
    file = write(street.config)
    street.turn()
    write(street.config, BIN_FULL.replace("review", "enabled = false\nreview"))
    street.turn()
    street.measure(0.95)
    street.turn()
    assert street.live.status.rules == 0
    file.unlink()
    street.turn()
    assert street.found() == []
    write(street.config)
    street.turn()
    assert len(street.found()) == 1


def test_what_still_is_so_after_the_cool_down_begins_a_case_again(street: Street) -> None:
    write(street.config, BIN_FULL.replace("[condition]", '[condition]\ncooldown = "6h"'))
    street.turn()
    street.measure(0.9)
    street.turn()
    street.cases.done(street.found()[0].id, "eva").result()
    street.turn()
    street.crash()
    street.now += 5 * HOUR
    street.measure(0.9)
    street.turn()
    assert len(street.found()) == 1
    street.crash()
    street.now += HOUR
    street.measure(0.9)
    street.turn()
    street.crash()
    street.turn()
    assert [case.state for case in street.found()] == ["done", "new"]


def test_what_a_case_can_not_begin_with_is_the_rules_trouble_and_begins_one_later(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(street.config)
    write(street.config, BIN_FULL.replace("bin-full", "other"), "other")
    street.turn()
    begin = Cases.apply

    def broken(self: Cases, connection: Connection, verdict: Verdict, in_force: InForce, now: int) -> int | None:
        if verdict.rule == "other":
            raise KeyError("mistake")
        return begin(self, connection, verdict, in_force, now)

    monkeypatch.setattr(Cases, "apply", broken)
    street.measure(0.9)
    street.turn()
    assert [case.rule for case in street.found()] == ["bin-full"]
    assert "other rests" in street.live.troubles["other"]
    assert street.live.problems() == [street.live.troubles["other"]]
    monkeypatch.undo()
    street.crash()
    street.measure(0.9)
    street.turn()
    assert sorted(case.rule for case in street.found()) == ["bin-full", "other"]
    assert street.live.problems() == []


def test_while_the_store_takes_nothing_no_verdict_is_lost(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    write(street.config)
    street.turn()
    street.measure(0.9)
    submit = street.store.submit
    full = True

    def maybe(job: Job) -> Any:
        if full:
            raise StoreError("the disk is full")
        return submit(job)

    monkeypatch.setattr(street.store, "submit", maybe)
    with pytest.raises(StoreError):
        street.turn()
    with pytest.raises(StoreError):
        street.turn()
    full = False
    street.turn()
    assert len(street.found()) == 1


def test_the_states_of_everything_are_kept_when_the_gateway_ends(street: Street) -> None:
    text = BIN_FULL.replace("[condition]", "[condition]\nsamples = { n = 3, m = 3 }")
    write(street.config, text)
    street.turn()
    street.measure(0.9, 0.9)
    street.turn()
    street.live._work.save()  # type: ignore[union-attr]
    assert street.store.place_get("rules").next_id == street.store.newest_id() + 1
    street.crash()
    street.turn()
    assert street.live.status.evaluations == 0
    street.measure(0.9)
    street.turn()
    assert len(street.found()) == 1


def test_a_gateway_that_was_away_itself_takes_nobody_for_silent_at_once(street: Street) -> None:
    write(street.config, SILENT, "silent")
    street.measure(0.1)
    street.turn()
    street.live._work.save()  # type: ignore[union-attr]
    street.now += 3 * DAY
    street.crash()
    street.turn()
    street.measure(0.1, device=OTHER)
    street.turn()
    assert street.found() == []
    street.now += 2 * HOUR
    street.measure(0.1, device=OTHER)
    street.turn()
    assert [case.object for case in street.found()] == [BIN]


def test_a_gateway_killed_anywhere_neither_loses_nor_repeats_a_case(street: Street, tmp_path: Path) -> None:
    write(street.config)
    street.turn()
    command = [sys.executable, "-m", "tests.gateway.rule_process", str(tmp_path), "120"]
    dice = random.Random(6)
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def begin() -> int:
            stdin.write("\n")
            stdin.flush()
            return int(stdout.readline())

        for _ in range(3):
            pid = begin()
            for _ in range(dice.randrange(10, 35)):
                assert stdout.readline().strip().isdigit()
            os.kill(pid, signal.SIGKILL)
            list(iter(stdout.readline, f"ended {signal.SIGKILL:d}\n"))
        begin()
        assert list(iter(stdout.readline, "ended 0\n"))
        stdin.close()
    actions = [entry.action for entry in street.audit()]
    found = rehearse(sheet_of(BIN_FULL, street.config), None, street.config, street.store, NOON, NOON + 121_000)
    assert len(found.cases) > 15
    assert actions.count("opened") + actions.count("fires again") == len(found.cases)
    assert actions.count("recovers") == sum(case.end is not None for case in found.cases)


def test_what_came_while_there_was_no_rule_begins_no_case(street: Street) -> None:
    file = write(street.config)
    street.turn()
    file.unlink()
    street.turn()
    street.turn()
    street.measure(0.9, 0.1)
    street.turn()
    assert street.live.lag() == 0
    write(street.config)
    street.turn()
    assert street.found() == []
    file.unlink()
    street.crash()
    street.turn()
    street.measure(0.9, 0.1)
    write(street.config)
    street.turn()
    street.measure(0.9, device=OTHER)
    street.crash()
    street.turn()
    assert [case.object for case in street.found()] == [OTHER]


def test_the_doctor_and_the_metrics_tell_of_rules(street: Street) -> None:
    assert list(doctor.sheets(street.config)) == []
    write(street.config)
    street.turn()
    assert [found.level for found in doctor.sheets(street.config)] == ["fine"]
    street.measure(0.1)
    street.turn()
    assert list(doctor.keeping_up(street.config)) == []
    street.now += HOUR
    street.measure(0.1)
    (found,) = doctor.keeping_up(street.config)
    assert "60 minutes behind" in found.en
    street.turn()
    write(street.config, "name =")
    street.turn()
    (found,) = doctor.sheets(street.config)
    assert "bin-full.toml: 1 mistake;" in found.en
    state = ServiceState(street.config, street.store)
    state.office.__dict__["live"] = street.live
    text = TestClient(web.app(state)).get("/metrics").text
    for line in ("rules 1.0", "rules_backlog 0.0", "rule_sheets_wrong 1.0", "rule_evaluations_total 2.0"):
        assert f"bordstein_{line}\n" in text


def test_a_reading_at_the_broker_becomes_a_case_while_the_gateway_runs(town: Town, tmp_path: Path) -> None:
    desks: dict[str, dict[str, Any]] = {f"desk.{name}": {"title": name} for name in ("depot", "office")}
    with (
        Mosquitto(town, folder=tmp_path / "broker") as broker,
        Gateway(town, broker, folder=tmp_path / "gateway", settings=desks) as gateway,
        Client(broker.port, town.context(town.device(BIN))) as board,
    ):
        sheet = gateway.data / "rules" / "bin-full.toml"
        sheet.parent.mkdir()
        sheet.write_text(BIN_FULL)
        assert until(lambda: "bordstein_rules 1.0" in httpx2.get(f"{gateway.url}/metrics").text, 60)
        now = int(time.time())
        for seq, value in enumerate((0.5, 0.9)):
            pack = [
                {"bn": f"urn:dev:mac:{BIN[:6]}fffe{BIN[6:]}:", "bt": now + seq, "n": "boot", "v": 1},
                {"n": "seq", "v": seq},
                {"n": "bin/fill_level", "u": "/", "v": value},
            ]
            assert board.publish(f"bordstein/v1/{BIN}/readings", json.dumps(pack)) == "Success"
        assert until(lambda: "bordstein_rule_verdicts_total 1.0" in httpx2.get(f"{gateway.url}/metrics").text, 60)
        with closing(Store.open(gateway.store)) as store, store.database.reading() as connection:
            (case,), _ = listed(connection, CaseFilter(), "newest", 10, 0)
        assert (case.rule, case.object, case.place) == ("bin-full", BIN, BIN)
