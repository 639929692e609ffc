"""What a board makes of its readings before it sends them. Through the sampler: mpy_sampler_derived.py."""

import math
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "firmware"))

from bordstein.derived import Derived  # noqa: E402
from bordstein.sensors.shared.air import dew_point  # noqa: E402


@given(st.lists(st.integers(-4000, 8500), min_size=1, max_size=50))
def test_averages_and_statistics_are_those_of_all_readings_since_the_report_before(values):
    derived = Derived({"sample_s": 1, "statistics": True})
    assert derived.take([("air_temperature", 77)], 0, False)  # the first is reported at once
    for value in values[:-1]:
        assert derived.take([("air_temperature", value)], 0, False) == []
    found = dict(derived.take([("air_temperature", values[-1])], 1, False))
    assert found["air_temperature"] == math.floor(sum(values) / len(values) + 0.5)
    assert found[".min/air_temperature"] == min(values)
    assert found[".max/air_temperature"] == max(values)
    assert found[".count/taken"] == len(values)


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans(), st.booleans()), max_size=60))
def test_nothing_that_was_counted_is_lost_or_counted_twice(steps):
    for name in ("pedestrian_count", "precipitation"):
        derived = Derived({"sample_s": 1, "deadband": 0})
        slot = total = 0
        for count, next_slot, asked in steps:
            slot += next_slot
            total += sum(value for _, value in derived.take([(name, count)], slot, asked))
        total += sum(value for _, value in derived.take([(name, 0)], slot + 1, False))
        assert total == sum(count for count, _, _ in steps)


def test_sound_is_averaged_by_its_energy_and_extremes_stay_extremes():
    derived = Derived({"sample_s": 1})
    quiet = [("sound_level_laeq", 400), ("sound_level_lamin", 380), ("sound_level_lamax", 450), ("wind_gust", 3)]
    loud = [("sound_level_laeq", 800), ("sound_level_lamin", 700), ("sound_level_lamax", 900), ("wind_gust", 40)]
    derived.take(quiet, 0, False)
    for values in (loud, quiet, quiet):
        derived.take(values, 0, False)
    found = dict(derived.take(quiet, 1, False))
    assert found == {
        "sound_level_laeq": 740,  # a quarter of 80 dB's energy is 6 dB less
        "sound_level_lamin": 380,
        "sound_level_lamax": 900,
        "wind_gust": 40,
    }


@given(st.lists(st.integers(0, 300), min_size=1, max_size=60), st.integers(0, 50))
def test_the_receiver_is_never_farther_off_than_the_dead_band(values, deadband):
    derived = Derived({"sample_s": 1, "deadband": deadband})
    known = None
    for value in values:
        for _, reported in derived.take([("distance", value)], 0, False):
            assert reported == value
            assert known is None or abs(value - known) > deadband
            known = value
        assert abs(value - known) <= deadband
    assert derived.take([("distance", known)], 1, False) == [("distance", known)]  # the heartbeat


def test_a_changed_state_is_reported_at_once_and_only_once():
    derived = Derived({"sample_s": 1})
    seen = [
        derived.take([] if state is None else [("presence", state)], 0, False)
        for state in (None, None, False, False, True, True, False)
    ]
    assert seen == [[], [], [("presence", False)], [], [("presence", True)], [], [("presence", False)]]
    assert derived.take([("presence", False)], 1, False) == [("presence", False)]


def test_what_did_not_move_is_not_reported_with_what_did():
    derived = Derived({"sample_s": 1, "deadband": 10})
    derived.take([("air_temperature", 100), ("relative_humidity", 5000)], 0, False)
    moved = derived.take([("air_temperature", 120), ("relative_humidity", 5010)], 0, False)
    assert moved == [("air_temperature", 120)]
    assert derived.take([("air_temperature", 110), ("relative_humidity", 5011)], 0, False) == [
        ("relative_humidity", 5011)
    ]


@pytest.mark.parametrize(("count", "found"), [(0, 0), (1, None), (4, None), (5, 5), (6, 6)])
def test_small_counts_are_not_given(count, found):
    derived = Derived({"suppress_below": 5})
    derived.take([("pedestrian_count", 9)], 0, False)
    wanted = [("count_withheld", True)] if found is None else [("pedestrian_count", found)]
    assert derived.take([("pedestrian_count", count)], 1, False) == wanted


def test_asking_again_and_again_tells_no_small_counts():
    derived = Derived({"sample_s": 1, "suppress_below": 5})
    for _ in range(20):
        assert ("pedestrian_count", 1) not in derived.take([("pedestrian_count", 1)], 0, True)


@pytest.mark.parametrize(
    ("celsius", "humidity", "wanted"),
    # As in the usual tables, to a tenth of a degree.
    [(2000, 5000, 927), (0, 10000, 0), (2500, 10000, 2500), (-1000, 8000, -1278), (3000, 2000, 464)],
)
def test_dew_point_of_the_tables(celsius, humidity, wanted):
    assert abs(dew_point(celsius, humidity) - wanted) <= 10


@given(st.integers(-4000, 6000), st.integers(1, 10000))
def test_dew_point_is_never_above_the_temperature(celsius, humidity):
    assert dew_point(celsius, humidity) <= celsius
    with pytest.raises(ValueError, match="0 %RH"):
        dew_point(celsius, 0)
