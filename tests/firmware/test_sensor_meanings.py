"""What readings mean, whatever chip they come from: levels, bins, places, rain. Under CPython."""

import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "firmware"))

from bordstein.sensors.rain import Rain  # noqa: E402
from bordstein.sensors.shared.distance import fill  # noqa: E402
from bordstein.sensors.shared.rise import Rise  # noqa: E402
from bordstein.sensors.shared.votes import Votes  # noqa: E402

# Levels, bins and places from a distance


@given(st.integers(60, 86400), st.integers(-3000, 3000), st.integers(-9000, 9000))
def test_rise_of_an_even_slope_is_that_slope(span_s, per_hour, level):
    rise = Rise(span_s)
    step = max(span_s // 40, 1)
    slopes = [rise.feed(at, level + per_hour * at // 3600) for at in range(0, 2 * span_s, step)]
    assert slopes[0] is None and slopes[-1] is not None
    assert len(rise._points) <= 62
    # A level is whole millimetres: what one of them makes of the slope.
    assert abs(slopes[-1] - per_hour) <= 2 * 3600 // span_s + 1


@given(st.integers(100, 20000), st.integers(0, 19999), st.integers(0, 25000))
def test_fill_is_within_0_and_1_or_a_sentence(depth, blind, distance):
    if depth > blind:
        try:
            full = fill(distance, depth, blind)
        except ValueError as error:
            assert distance > depth and "lid" in str(error)
        else:
            assert 0 <= full <= 1000
            assert (full == 1000) == (distance <= blind)
            assert full == 0 or distance < depth


@given(st.lists(st.sampled_from([True, False, None]), max_size=40))
def test_votes_change_only_when_four_of_five_agree(cast):
    votes = Votes()
    for count in range(len(cast)):
        before = votes.state
        after = votes.feed(cast[count])
        if after is not before:
            assert cast[max(0, count - 4) : count + 1].count(after) >= 4


# Rain


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1000, 500000))
def test_rain_loses_nothing_by_rounding(tips, tip_nm):
    rain = Rain(tip_nm)
    assert sum(rain.fell(count) for count in tips) == sum(tips) * tip_nm // 10000
