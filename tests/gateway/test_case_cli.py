"""`bordstein-gateway case`, `audit` and `report`."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_gateway.store.audit import enter
from tests.gateway.case_town import BIN, NOW, Hall, hall
from tests.gateway.test_cli import gateway

TOML = f"""
[gateway]
data = "{{folder}}"
[mqtt]
host = "localhost"
tls = false
[desk.depot]
title = "Bauhof"
[desk.office]
title = "Ordnungsamt"
[[device]]
id = "{BIN}"
name = "Marktplatz 7"
"""


@pytest.fixture(scope="module")
def town_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """Two cases: one done, one open."""
    folder = tmp_path_factory.mktemp("town")
    (folder / "gateway.toml").write_text(TOML.format(folder=folder), encoding="utf-8")
    found = hall(folder / "bordstein.sqlite", folder)
    id = found.fires()
    assert id is not None
    found.cases.tick_off(id, 1, "eva", note="Tor war zu").result()
    found.cases.done(id, "eva").result()
    assert found.fires(object="group:Altstadt")
    yield found
    found.store.close()


@pytest.fixture
def config(town_hall: Hall) -> Path:
    return Path(town_hall.config.gateway.data) / "gateway.toml"


def test_cases_are_listed_and_shown(config: Path) -> None:
    said = gateway("case", "list", "--config", config, lang="de", COLUMNS="120").stdout
    assert "2026-2" in said and "Altstadt" in said and "neu" in said and "2026-1" not in said
    rows = [
        json.loads(line) for line in gateway("case", "list", "--all", "--json", "--config", config).stdout.splitlines()
    ]
    assert [row["number"] for row in rows] == ["2026-2", "2026-1"]
    assert gateway("case", "list", "--desk", "office", "--config", config).stdout == "no case\n"
    shown = gateway("case", "show", "2026-1", "--config", config, lang="de").stdout
    for part in ("Papierkorb voll: Marktplatz 7", "✓ 1. Hinfahren (eva, 2026-07-01 12:00) Tor war zu", "eva: erledigt"):
        assert part in shown
    whole = json.loads(gateway("case", "show", "2026-1", "--json", "--config", config).stdout)
    assert [entry["action"] for entry in whole["history"]] == ["opened", "step", "done"]
    missing = gateway("case", "show", "2026-9", "--config", config, lang="de")
    assert (missing.returncode, missing.stderr) == (1, "Einen Vorgang 2026-9 gibt es nicht.\n")


def test_the_audit_log_is_verified_and_exported(config: Path, town_hall: Hall, tmp_path: Path) -> None:
    said = gateway("audit", "verify", "--config", config, lang="de").stdout.splitlines()
    assert said[0] == "4 Zeilen, alle unverändert." and said[-1].startswith("Neueste Prüfsumme: ")
    noted = said[-1].rpartition(" ")[2]
    assert "is line 4's" in gateway("audit", "verify", "--expect", noted, "--config", config).stdout
    wrong = gateway("audit", "verify", "--expect", "0" * 64, "--config", config)
    assert wrong.returncode == 1 and "is none of this log" in wrong.stderr
    rows = list(csv.DictReader(io.StringIO(gateway("audit", "export", "--place", "Markt", "--config", config).stdout)))
    assert [row["action"] for row in rows] == ["opened", "step", "done"]
    file = tmp_path / "export.jsonl"
    options = ("--format", "jsonl", "--subject", "2026-2", "--from", "2026-07-01", "--to", "2026-07-02", "-o", file)
    assert gateway("audit", "export", *options, "--config", config).returncode == 0
    assert [json.loads(line)["case"] for line in file.read_text("utf-8").splitlines()] == ["2026-2"]
    assert gateway("audit", "export", "--to", "2026-01-01", "--format", "jsonl", "--config", config).stdout == ""
    nowhere = gateway("audit", "export", "-o", tmp_path / "no" / "file", "--config", config)
    assert nowhere.returncode == 1 and "can't be written" in nowhere.stderr
    assert gateway("audit", "export", "--from", "gestern", "--config", config).returncode == 2
    town_hall.store.submit(lambda connection: enter(connection, NOW, "command line", "test", "x")).result()
    assert json.loads(gateway("audit", "verify", "--json", "--config", config).stdout)["lines"] == 5


def test_a_years_report(config: Path) -> None:
    said = gateway("report", "2026", "--config", config, lang="de").stdout
    assert said.startswith("2026: 2 Vorgänge, davon 0 Fehlalarme; gespart: 1 Fahrt, 0,4 Stunden.")
    assert "Gespart: 1 Fahrt und 25 Minuten." in said and "eva" not in said
    assert json.loads(gateway("report", "2026", "--format", "json", "--config", config).stdout)["alarms"] == 2
    table = gateway("report", "2026", "--format", "csv", "--config", config).stdout
    assert "eva" not in table and table.startswith("rule,title,alarms")
