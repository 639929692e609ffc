"""Handover and «Wenn X geht»: what whoever comes next has to know, and what goes with whoever goes."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from bordstein_gateway.boards.stations import Stations
from bordstein_gateway.knowledge.failing import failing
from bordstein_gateway.knowledge.handover import handover
from bordstein_gateway.knowledge.keepers import subjects
from bordstein_gateway.knowledge.leaving import gaps, leaving
from bordstein_gateway.store.accounts import Account
from bordstein_gateway.store.connection import Connection
from bordstein_gateway.store.keepers import keepers, put_keepers
from tests.gateway import packs
from tests.gateway.case_town import BIN, DAY, NOW, Hall, hall, sheet

EVA = Account("eva", "Eva Kurz", "administrator", ("depot",))
TOM = Account("tom", "Tom Beck", "worker", ("depot",))
INA = Account("ina", "Ina Roth", "dispatcher", ("office",))


def _keep(subject: str, holders: list[str], connection: Connection) -> None:
    put_keepers(connection, subject, holders, "eva", NOW)


@pytest.fixture
def town_hall(tmp_path: Path) -> Iterator[Hall]:
    found = hall(tmp_path / "bordstein.sqlite", tmp_path)
    yield found
    found.store.close()


def test_a_handover_has_what_is_open_and_what_changed(town_hall: Hall) -> None:
    before = town_hall.fires()
    assert before is not None
    town_hall.now += DAY
    town_hall.cases.take(before, "eva").result()
    stations = Stations(town_hall.config.devices, town_hall.store).all()
    sheets = {"bin-full": sheet()}
    found = handover(
        town_hall.store, town_hall.cases, sheets, stations, [], desk="depot", since=NOW + DAY // 2, now=town_hall.now
    )
    assert [case.number for case in found.cases] == ["2026-1"]
    assert [entry.action for entry in found.changes] == ["taken"]
    nobody = handover(town_hall.store, town_hall.cases, sheets, stations, [], desk="elsewhere", since=0)
    assert (nobody.cases, nobody.stations, nobody.changes) == ([], [], [])
    everything = handover(town_hall.store, town_hall.cases, sheets, stations, [], since=0)
    assert [entry.action for entry in everything.changes] == ["opened", "taken"]


def test_a_station_that_is_silent_is_handed_over(town_hall: Hall) -> None:
    packs.write(town_hall.store, [packs.pack(1, 0, device=BIN)])
    stations = Stations(town_hall.config.devices, town_hall.store).all()
    (found,) = failing(town_hall.store, stations)
    assert (found.device, found.name) == (BIN, "Marktplatz 7")
    assert found.wrong[0].de == "meldet sich nicht"


def test_who_keeps_what_is_kept(town_hall: Hall) -> None:
    names = [subject.name for subject in subjects(town_hall.config)]
    assert "key authority" in names
    for subject, holders in (
        ("key authority", ["account eva", "desk depot", "account eva"]),
        ("key signing", ["account eva"]),
        ("key signing", []),
    ):
        town_hall.store.submit(partial(_keep, subject, holders)).result()
    assert keepers(town_hall.store) == {"key authority": ["account eva", "desk depot"]}


def test_secrets_come_from_the_configuration(tmp_path: Path) -> None:
    other = hall(
        tmp_path / "other.sqlite",
        tmp_path,
        mqtt={"host": "localhost", "username": "x", "password_file": "p"},
        forward={
            "city": {"kind": "webhook", "url": "https://a.example/", "token_file": "t", "header_files": {"X": "h"}}
        },
    )
    other.store.close()
    names = {subject.name for subject in subjects(other.config)}
    assert {
        "secret mqtt.password_file",
        "secret forward.city.token_file",
        "secret forward.city.header_files.X",
    } <= names


def test_what_goes_with_a_person(town_hall: Hall) -> None:
    sheets = {"bin-full": sheet(), "lamps": sheet(name="lamps", owner="office", deputy="office")}
    held = {
        "key authority": ["account eva"],
        "key signing": ["account eva", "account tom"],
        "key broker": ["desk office"],
    }
    written = {BIN: {"ina", "gone"}, "24a160000002": {"ina", "tom"}}
    eva = leaving("account eva", town_hall.config, sheets, [EVA, TOM, INA], held, written)
    assert (eva.rules, eva.desks, eva.devices, eva.last_administrator) == ([], [], [], True)
    assert [subject.name for subject in eva.keys] == ["key authority"]
    ina = leaving("account ina", town_hall.config, sheets, [EVA, TOM, INA], held, written)
    assert (ina.rules, ina.desks, ina.devices) == (["lamps"], ["office"], [BIN])
    assert [subject.name for subject in ina.keys] == ["key broker"]
    assert not ina.last_administrator


def test_what_goes_with_a_desk(town_hall: Hall) -> None:
    sheets = {"bin-full": sheet(), "lamps": sheet(name="lamps", owner="office", deputy="office")}
    found = leaving(
        "desk office", town_hall.config, sheets, [EVA, INA], {"key broker": ["desk office"]}, {BIN: {"ina"}}
    )
    assert found.rules == ["lamps"]
    assert [subject.name for subject in found.keys] == ["key broker"]
    assert not leaving("desk office", town_hall.config, {"bin-full": sheet()}, [EVA, INA], {}, {}).rules


def test_a_disabled_account_stands_in_for_nobody(town_hall: Hall) -> None:
    away = TOM._replace(disabled=True, desks=("office",))
    assert leaving("account eva", town_hall.config, {"bin-full": sheet()}, [EVA, away], {}, {}).rules == ["bin-full"]


def test_what_nobody_looks_after(town_hall: Hall) -> None:
    sheets = {"bin-full": sheet(), "bare": sheet(name="bare", step=[], review="2026-01-01")}
    found = gaps(
        town_hall.config,
        sheets,
        [EVA],
        {"key signing": ["desk depot"]},
        {"bin-full": {"drive"}},
        [BIN],
        date(2026, 7, 1),
    )
    assert "key signing" not in [subject.name for subject in found.unkept]
    assert "key authority" in [subject.name for subject in found.unkept]
    assert found.stepless == ["bare"]
    assert found.unused == [("bin-full", "empty")]
    assert found.overdue == [("bare", date(2026, 1, 1))]
    assert found.deserted == ["office"]
    assert found.unwritten == [BIN]
