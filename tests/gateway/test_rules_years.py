"""Rules over the years: boards that go, clocks that jump, starts in a row, sheets that change under open cases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_gateway.rules.running import Rule
from bordstein_gateway.rules.working import Mark, Working
from bordstein_gateway.rules.world import Still
from bordstein_gateway.store.sheets import move_place
from tests.gateway import ruling
from tests.gateway.rule_town import BIN, BIN_FULL, DAY, HOUR, OTHER, SILENT, Street, write


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    found = Street(tmp_path)
    yield found
    found.store.close()


def test_nobody_is_told_that_a_decommissioned_board_is_silent(street: Street) -> None:
    write(street.config, SILENT, "silent")
    street.turn()
    street.measure(0.1)
    street.measure(0.1, device=OTHER)
    street.turn()
    entry = {"device": BIN, "state": "decommissioned"}
    street.store.register([entry]).result()
    street.now += 2 * DAY
    street.turn()
    assert [case.object for case in street.found()] == [OTHER]
    street.store.register([{"device": BIN, "state": "active"}]).result()
    street.measure(0.1)
    street.turn()
    street.now += 2 * DAY
    street.turn()
    assert sorted(case.object for case in street.found()) == [BIN, OTHER]


def test_a_decommissioned_board_does_not_keep_its_group_firing() -> None:
    circuit = """
[objects]
each = "group"
[signal.fill]
property = "fill_level"
[condition]
fires = "fill > 0.8"
"""
    members = {"a": ("x",), "b": ("x",)}
    street = ruling.Street(circuit, Still(members=members))
    assert street.get(0.9, device="a") == ["fires group:x"]
    street.evaluator._world = street.evaluator._groups._world = Still(members=members, decommissioned=("a",))
    assert street.get(0.1, device="b") == ["recovers group:x"]


def test_a_state_that_nobody_can_read_costs_its_object_and_no_rule(street: Street) -> None:
    write(street.config)
    write(street.config, BIN_FULL.replace("bin-full", "other"), "other")
    street.turn()
    street.measure(0.7)
    street.turn()
    street.live._work.save()  # type: ignore[union-attr]
    street.store.submit(
        lambda connection: connection.execute(
            "UPDATE rule_state SET state = '{\"waits\": 3}' WHERE rule = 'other' AND object = ?", (BIN,)
        )
    ).result()
    street.crash()
    street.measure(0.9)
    street.turn()
    assert sorted(case.rule for case in street.found()) == ["bin-full", "other"]


def test_a_sheet_with_which_no_rule_can_begin_stops_no_other(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    write(street.config)
    other = write(street.config, BIN_FULL.replace("bin-full", "a-first"), "a-first")
    begin = Working._begin_anew

    def maybe(self: Working, rule: Rule, mark: Mark) -> None:
        if rule.name == "a-first":
            raise ZeroDivisionError
        begin(self, rule, mark)

    monkeypatch.setattr(Working, "_begin_anew", maybe)
    street.turn()
    street.measure(0.9)
    street.turn()
    assert [case.rule for case in street.found()] == ["bin-full"]
    assert "a-first" in street.live.troubles
    other.unlink()
    street.turn()
    street.turn()
    assert street.live.troubles == {}


def test_a_log_that_is_shorter_than_the_rules_place_is_read_from_its_end(street: Street) -> None:
    write(street.config)
    street.turn()
    street.measure(0.1)
    street.turn()
    street.live._work.save()  # type: ignore[union-attr]
    street.store.submit(lambda connection: move_place(connection, "rules", 1000)).result()
    street.crash()
    street.turn()
    street.measure(0.9)
    street.turn()
    assert len(street.found()) == 1


@pytest.mark.parametrize("cooldown", ["", 'cooldown = "2d"'])
def test_a_rule_that_begins_anew_ends_what_is_over_of_the_cases_that_are_open(street: Street, cooldown: str) -> None:
    text = BIN_FULL.replace("[condition]", f"[condition]\n{cooldown}")
    file = write(street.config, text)
    street.turn()
    street.measure(0.1, 0.9)
    street.measure(0.1, 0.9, device=OTHER)
    street.turn()
    file.unlink()
    street.turn()
    street.turn()
    street.measure(0.1)
    street.measure(0.7, device=OTHER)  # neither full nor empty
    write(street.config, text)
    street.turn()
    assert [(case.object, case.recovered is None) for case in street.found()] == [(BIN, False), (OTHER, True)]
    street.crash()
    street.measure(0.1, device=OTHER)
    street.turn()
    assert [(case.object, case.recovered is None) for case in street.found()] == [(BIN, False), (OTHER, False)]


def silent_now(street: Street) -> list[str]:
    street.turn()
    return [case.object for case in street.found() if case.open and case.recovered is None]


def test_who_starts_again_soon_is_still_patient(street: Street) -> None:
    write(street.config, SILENT, "silent")
    street.turn()
    street.measure(0.1)
    street.turn()
    street.now += 3 * DAY
    street.crash()
    street.turn()
    street.measure(0.1, device=OTHER)
    street.turn()
    street.crash()
    street.measure(0.1, device=OTHER)
    assert silent_now(street) == []
    street.now += 2 * HOUR
    street.measure(0.1, device=OTHER)
    assert silent_now(street) == [BIN]


def test_while_the_broker_is_away_nobody_is_silent(street: Street) -> None:
    write(street.config, SILENT, "silent")
    street.turn()
    street.measure(0.1)
    street.measure(0.1, device=OTHER)
    street.turn()
    street.hears = False
    for _ in range(30):
        street.now += HOUR
        street.turn()
    street.hears = True
    street.measure(0.1)
    assert silent_now(street) == []
    street.now += 2 * HOUR
    street.measure(0.1)
    assert silent_now(street) == [OTHER]


def test_a_clock_that_jumps_a_year_ahead_and_back_makes_nobody_silent_and_stops_no_rule(street: Street) -> None:
    write(street.config, SILENT, "silent")
    street.steady = street.now / 1000
    street.turn()
    street.measure(0.1)
    street.turn()
    street.now += 400 * DAY
    assert silent_now(street) == []
    street.now -= 400 * DAY
    assert silent_now(street) == []
    for _ in range(26):
        street.now += HOUR
        street.steady += 3600
        street.turn()
    assert silent_now(street) == [BIN]
