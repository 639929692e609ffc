"""Series drawn as SVG: gaps are gaps, days have 23, 24 or 25 hours, and what is drawn is said, too."""

import math
import xml.etree.ElementTree as ET
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bordstein_gateway.web.pages.charts import HEIGHT, WIDTH, Dot, Plot, chart, summary, time_ticks, written
from bordstein_gateway.web.pages.plots import HOUR_MS, folded, period
from bordstein_gateway.web.pages.sketch import Point, sketch

BERLIN = ZoneInfo("Europe/Berlin")
SVG = "{http://www.w3.org/2000/svg}"
DAY = 24 * HOUR_MS


def dots(*times: int, value: float = 1.0) -> list[Dot]:
    return [Dot(at, at, value, value, value) for at in times]


def plot_of(some: list[Dot], *, end: int = DAY, now: int = DAY, longest: int = HOUR_MS, **more: object) -> Plot:
    return Plot("day", 0, end, now, some, longest, **more)  # type: ignore[arg-type]


def drawn(plot: Plot, title: str = "t", lang: str = "de") -> ET.Element:
    return ET.fromstring(
        str(chart(plot, zone=BERLIN, lang=lang, title=title, name="c")).replace(
            "<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1
        )
    )


def test_what_was_not_measured_is_a_gap_and_no_line() -> None:
    hours = [hour * HOUR_MS for hour in (0, 1, 2, 6, 7)]
    plot = plot_of(dots(*hours), end=10 * HOUR_MS, now=10 * HOUR_MS)
    assert [(gap.start // HOUR_MS, gap.end // HOUR_MS) for gap in plot.gaps] == [(2, 6), (7, 10)]
    assert [len(run) for run in plot.runs] == [3, 2]
    picture = drawn(plot)
    assert len(picture.findall(f"{SVG}polyline[@class='line']")) == 2
    assert len(picture.findall(f"{SVG}rect[@class='gap']")) == 2
    assert "2 Lücken" in summary(plot, "de") and "2 gaps" in summary(plot, "en")


def test_the_future_is_no_gap() -> None:
    assert plot_of(dots(0, HOUR_MS), now=HOUR_MS).gaps == []


def test_without_readings_all_of_it_is_a_gap() -> None:
    plot = plot_of([])
    assert len(plot.gaps) == 1 and "Keine Messwerte" in summary(plot, "de")
    assert drawn(plot).find(f"{SVG}polyline") is None


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 24), 24)]
)
def test_a_day_is_as_long_as_it_is_there(day: date, hours: int) -> None:
    found = period("day", day, BERLIN, 0)
    assert (found.end - found.begin) // HOUR_MS == hours
    plot = Plot("day", found.begin, found.end, found.end, [], HOUR_MS)
    ticks = time_ticks(plot, BERLIN, "de")
    assert [label for _, label in ticks] == [f"{hour:02}:00" for hour in range(0, 25, 3)]
    for at, label in ticks:
        assert datetime.fromtimestamp(at / 1000, BERLIN).strftime("%H:%M") == label.replace("24", "00")
        assert found.begin <= at <= found.end
    spaces = {(after - before) // HOUR_MS for (before, _), (after, _) in pairwise(ticks)}
    assert spaces == {3} | ({3 + hours - 24} if hours != 24 else set())


def test_weeks_and_years_are_local_days() -> None:
    week = period("week", date(2026, 10, 27), BERLIN, 0)
    assert (week.end - week.begin) // HOUR_MS == 7 * 24 + 1
    assert week.moved(-1) == date(2026, 10, 20)
    plot = Plot("week", week.begin, week.end, week.end, [], HOUR_MS)
    assert [label for _, label in time_ticks(plot, BERLIN, "de")][:2] == ["Mi 21.10.", "Do 22.10."]
    year = period("year", date(2026, 11, 26), BERLIN, 0)
    labels = [label for _, label in time_ticks(Plot("year", year.begin, year.end, year.end, [], DAY), BERLIN, "en")]
    assert len(labels) == 12 and labels[0] == "Dec" and "2026" in labels


def test_titles_are_text_and_no_markup() -> None:
    picture = drawn(plot_of(dots(0), symbol="<b>"), title="<script>alert(1)</script> & mehr")
    title = picture.find(f"{SVG}title")
    assert title is not None and title.text == "<script>alert(1)</script> & mehr"
    assert picture.attrib["role"] == "img" and picture.attrib["aria-labelledby"] == "c-t c-d"


def test_yes_and_no_are_said_in_words() -> None:
    plot = plot_of([*dots(0), *dots(HOUR_MS, value=0.0)], steps=True, decimals=0)
    assert (written(1.0, plot, "de"), written(0.0, plot, "en")) == ("ja", "no")
    assert len((drawn(plot).find(f"{SVG}polyline").attrib["points"]).split()) == 3  # type: ignore[union-attr]


def test_marks_are_drawn() -> None:
    plot = plot_of([Dot(0, 0, 812.5, 812.5, 812.5, 1, 1), *dots(HOUR_MS)])
    assert len(drawn(plot).findall(f"{SVG}path[@class='flagged']")) == 1


@given(
    st.lists(
        st.tuples(st.integers(0, DAY - 1), st.floats(-1e9, 1e9), st.integers(0, 63)),
        max_size=60,
        unique_by=lambda one: one[0],
    ),
    st.booleans(),
    st.sampled_from(["de", "en"]),
)
@settings(max_examples=60, deadline=None)
def test_any_series_is_drawn_inside_its_frame(rows: list[tuple[int, float, int]], steps: bool, lang: str) -> None:
    some = [Dot(at, at, value, value, value, 1, flags) for at, value, flags in sorted(rows)]
    if steps:
        some = [dot._replace(value=1.0, least=1.0, most=1.0) for dot in some]
    plot = plot_of(some, steps=steps)
    assert sum(len(run) for run in plot.runs) == len(some)
    for line in drawn(plot, lang=lang).iter(f"{SVG}polyline"):
        for point in line.attrib["points"].split():
            left, top = map(float, point.split(","))
            assert 0 <= left <= WIDTH and 0 <= top <= HEIGHT
    once = list(folded(some, HOUR_MS))
    assert sum(dot.readings for dot in once) == len(some)
    if some:
        assert min(dot.least for dot in once) == min(dot.least for dot in some)
        mean = sum(dot.value * dot.readings for dot in once) / len(some)
        assert math.isclose(mean, sum(dot.value for dot in some) / len(some), rel_tol=1e-6, abs_tol=1e-3)


@given(st.lists(st.tuples(st.floats(-80, 80), st.floats(-170, 170)), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_every_station_is_on_the_sketch(places: list[tuple[float, float]]) -> None:
    points = [Point(f"<{number}>", "ok", *place) for number, place in enumerate(places)]
    picture = ET.fromstring(str(sketch(points, "Karte")))
    found = [one.attrib["transform"][10:-1].split() for one in picture.iter("path") if "transform" in one.attrib]
    assert len(found) == len(points)
    assert all(-1 <= float(left) <= 721 and -1 <= float(top) <= 421 for left, top in found)
