"""Rules on the live stream: what becomes a case, once, whatever happens to the gateway."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bordstein_gateway.store import Where
from tests.gateway.rule_town import BIN, BIN_FULL, DAY, HOUR, MINUTE, OTHER, Street, write


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
