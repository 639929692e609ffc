"""Rules over the years: boards that go, clocks that jump, starts in a row, sheets that change under open cases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bordstein_gateway.rules.world import Still
from tests.gateway import ruling
from tests.gateway.rule_town import BIN, DAY, OTHER, SILENT, Street, write


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
