"""SIGKILL at every commit of every procedure: it is finished all the same, once, and nobody was called twice."""

import json
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from bordstein_gateway.rules.sheet import Sheet
from tests.gateway.case_town import BIN as CONTAINER
from tests.gateway.errands_town import DESK_MAIL, Mailbox, Systems
from tests.gateway.loopback import Loopback
from tests.gateway.test_errands import BIN

ROOT = Path(__file__).parents[2]
RULE: dict[str, Any] = {
    "why": "x",
    "owner": "depot",
    "deputy": "office",
    "legal_basis": "x",
    "review": "2027-06-01",
    "signal": {"fill": {"property": "fill_level"}},
    "condition": {"fires": "fill >= 80"},
}
LOOK = {"id": "look", "title": "Nachsehen", "form": [{"name": "full", "label": "voll", "type": "boolean"}]}
PLACE = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [10.0, 53.5]}}
ALL = [
    LOOK,
    {"id": "order", "title": "Auftrag", "service": "open311", "target": "city", "when": "look.full"},
    {"id": "event", "title": "Ereignis", "service": "webhook", "target": "hook", "fields": {"full": "{{ look.full }}"}},
    {"id": "start", "title": "Ablauf", "service": "engine", "target": "bpm", "fields": {"variables": {"n": 1}}},
    {
        "id": "publish",
        "title": "Zeigen",
        "service": "ngsi-ld",
        "target": "broker",
        "fields": {**BIN, "attributes": {"status": "ok", "location": PLACE}},
    },
    {"id": "tell", "title": "Melden", "service": "mail", "target": "office", "fields": {"subject": "{{ case }}"}},
    {"id": "empty", "title": "Leeren", "desk": "office"},
]
WRONG = [
    {"id": "order", "title": "Auftrag", "service": "open311", "target": "nowhere"},
    {"id": "look", "title": "Nachsehen", "when": "order.ok"},
    {"id": "event", "title": "Ereignis", "service": "webhook", "target": "nowhere", "on_error": "stop"},
    {"id": "empty", "title": "Leeren"},
]


def sheets() -> dict[str, Any]:
    """One with all kinds of steps, one whose services fail, and those that come with the gateway."""
    late = {"escalation": {"after": "1s"}}
    found = {
        "all": {**RULE, "name": "all", "title": "Alles", "step": ALL, **late},
        "wrong": {**RULE, "name": "wrong", "title": "Nichts geht", "step": WRONG},
    }
    for path in sorted(READY.glob("*.toml")):
        sheet = msgspec.convert(tomllib.loads(path.read_text()), Sheet)
        found[sheet.name] = msgspec.to_builtins(sheet)
    return found


READY = ROOT / "gateway/bordstein_gateway/rules/ready"


class Lives(NamedTuple):
    """What the lives told in the end, and what the others saw of them."""

    told: list[dict[str, Any]]
    systems: Systems
    mailbox: Mailbox


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Lives:
    folder, systems = tmp_path_factory.mktemp("lives"), Systems()
    with Loopback(systems) as host, Mailbox() as mailbox:
        desks = {name: {"title": name} for name in ("depot", "office")}
        for sheet in sheets().values():
            steps = sheet.get("step", [])
            for desk in (sheet["owner"], sheet["deputy"], *(step.get("desk") for step in steps)):
                if desk:
                    desks.setdefault(desk, {"title": desk})
        desks["office"]["mail"] = DESK_MAIL
        sections = {
            "mqtt": {"host": "localhost"},
            "device": [{"id": CONTAINER, "name": "Marktplatz 7", "latitude": 53.5, "longitude": 10.0}],
            "forward": systems.sections(host.url, folder),
            "desk": desks,
            "mail": {"host": "127.0.0.1", "port": mailbox.port, "tls": "none", "sender": "s@musterstadt.example"},
        }
        settings = folder / "settings.json"
        settings.write_text(json.dumps({"folder": str(folder), "sections": sections, "sheets": sheets()}))
        done = subprocess.run(
            [sys.executable, "-m", "tests.gateway.killed_town", str(settings)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return Lives(found, systems, mailbox)


def test_each_procedure_is_finished_wherever_its_gateway_was_killed(lives: Lives) -> None:
    found = {(one["sheet"], one["lives"] > 1): one for one in lives.told}
    assert len(found) == 2 * len(sheets())
    for name in sheets():
        peace, war = found[name, False], found[name, True]
        assert war["lives"] > 2 * len(peace["steps"]), name  # each step has a commit, and each commit two edges
        assert {**war, "lives": 1} == peace
        assert peace["state"] == "done"
        assert {state for _, state in peace["errands"]} <= {"done", "failed"}
    steps = found["all", True]["steps"]
    assert steps == [[step["id"], "done"] for step in ALL]
    assert found["wrong", True]["steps"] == [
        ["order", "failed"],
        ["look", "skipped"],
        ["event", "failed"],
        ["empty", "skipped"],
    ]


def test_no_other_system_was_asked_twice_for_the_same(lives: Lives) -> None:
    runs = 2  # of the sheet that asks
    requests, engine = lives.systems.open311.statistics(), lives.systems.engine.statistics()
    assert (requests["open311"], requests["doubled"]) == (runs, 0)
    assert (engine["instances"], engine["doubled"]) == (runs, 0)
    events = Counter(source for source, _ in lives.systems.webhook.events)
    assert events == {"urn:bordstein:all-peace": 1, "urn:bordstein:all-war": 1}
    assert lives.systems.webhook.repeated == 1  # before the commit, and it knew by the id
    assert list(lives.systems.broker.entities) == [BIN["id"]]
    told = Counter(one["Message-ID"] for one in lives.mailbox.mails if one["Subject"] == "2026-1")
    assert sorted(told.values()) == [1, 2]  # the same mail twice, and it says so
