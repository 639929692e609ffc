"""From readings to events: when there is one, and what is no evidence."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bordstein_gateway.forward.triggers import State, step
from bordstein_gateway.forward.when import When
from bordstein_gateway.store.types import StoredReading

MINUTE = 60_000
FULL = When(what="fill_level", above=0.8, clear=0.6)
TAKEN = When(what="parking_bay_occupied", equals=True)


class Series:
    """A series' readings, a minute apart, each looked at as it comes; the board's start lies long ago."""

    def __init__(self, when: When) -> None:
        self.when = when
        self.state = State(id=1, time=0, boot=1)
        self.id = 1
        self.time = 0
        self.boot = 1

    def __call__(self, *values: Any, flags: int = 0, age: int = 0, late: int = 0, newest: int = 0) -> list[str | None]:
        """What comes of these values. `age`: minutes until they are looked at; `late`: and since they were measured."""
        found: list[str | None] = []
        for value in values:
            self.id += 1
            self.time += MINUTE
            time = self.time - late * MINUTE
            reading = StoredReading(self.id, "24a160000001", "x/y", "y", "/", time, value, flags, 0)
            now = self.time + age * MINUTE
            found.append(step(self.when, self.state, reading, now=now, boot=self.boot, newest=newest or self.id))
        return found


@pytest.mark.parametrize(
    ("when", "values", "events"),
    [
        (FULL, [0.79, 0.8, 0.9, 0.7, 0.81, 0.6, 0.7, 0.85], {1: "report", 5: "recovered", 7: "report"}),
        (When(what="x", above=1.0), [1, 0.9, 1.0], {0: "report", 1: "recovered", 2: "report"}),
        (When(what="x", below=2.0, clear=4.0), [3, 1.9, 2.5, 4.0], {1: "report", 3: "recovered"}),
        (When(what="x", above=1.0, hold="2m"), [2, 2, 0, 2, 2, 2, 0], {5: "report", 6: "recovered"}),
        (TAKEN, [False, True, True, False], {1: "report", 3: "recovered"}),
        (When(what="x", equals=False), [True, False, True], {1: "report", 2: "recovered"}),
        (FULL, ["full", b"\xff", True, None], {}),
        (TAKEN, [1, 0, "true"], {}),
    ],
)
def test_events_are_made_at_the_thresholds(when: When, values: list[Any], events: dict[int, str]) -> None:
    assert Series(when)(*values) == [events.get(place) for place in range(len(values))]


def test_what_is_marked_is_no_evidence_in_either_direction() -> None:
    series = Series(FULL)
    assert series(0.9, flags=2) == [None]
    assert series(0.9) == ["report"]
    assert series(0.1, flags=4) == [None]
    assert series(0.1) == ["recovered"]


def test_old_readings_make_no_event_but_what_they_begin_counts() -> None:
    series = Series(When(what="fill_level", above=0.8, hold="5m"))
    assert series(0.9, 0.9, 0.9, 0.9, age=61) == [None] * 4
    assert series(0.9, 0.9) == [None, "report"]  # so since five minutes
    assert series(0.1, age=61) == [None]
    assert series(0.1) == ["recovered"]
    assert series(0.9, 0.9, age=61) == [None, None]
    assert series(0.1, 0.9) == [None, None]


def test_a_reading_that_comes_after_a_newer_one_changes_nothing() -> None:
    series = Series(FULL)
    assert series(0.9) == ["report"]
    assert series(0.1, late=5) == [None]
    assert series(0.9) == [None]


@pytest.mark.parametrize("start", ["known board", "first time"])
def test_a_first_value_after_a_start_of_the_board_is_not_enough_alone(start: str) -> None:
    series = Series(TAKEN)
    if start == "known board":
        assert series(False, False) == [None, None]
        series.boot = 2
    else:
        series.state = State()
    assert series(True, False, True) == [None, None, "report"]
    series.boot = 3
    assert series(False, True) == [None, None]  # nor does it end anything
    series.boot = 4
    assert series(False, False) == [None, "recovered"]


def test_readings_that_were_stored_before_the_start_was_seen_are_no_proof_either() -> None:
    series = Series(TAKEN)
    series.boot = 2  # the board's first value after its start is the third of these
    assert series(False, False, True, newest=series.id + 3) == [None, None, None]
    assert series(True) == ["report"]


@settings(max_examples=100)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.integers(0, 70), st.booleans()), max_size=40))
def test_reports_and_recoveries_take_turns_and_looking_twice_changes_nothing(readings: list[Any]) -> None:
    once, twice = Series(FULL), Series(FULL)
    events = []
    for value, flags, age, restarted in readings:
        for series in (once, twice):
            series.boot += restarted
        events += once(value, flags=flags, age=age)
        twice(value, flags=flags, age=age)
        twice.id, twice.time = twice.id - 1, twice.time - MINUTE
        assert twice(value, flags=flags) == [None]
        assert once.state == twice.state
    found = [event for event in events if event]
    assert found == ["report", "recovered"] * (len(found) // 2) + ["report"] * (len(found) % 2)
