"""Windows of local time, seasons, holidays of the Länder, and working time, through both nights of the clock change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bordstein_gateway.config.office import Land, Town
from bordstein_gateway.rules.calendar import BadTimes, Season, Times, after, parsed, season
from tests.gateway.ruling import DAY, HOUR, MINUTE, ms

TOWN = Town(land="BY")
BERLIN = (52.5, 13.4)


def zulu(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")


def window(text: str, at: str, town: Town = TOWN) -> tuple[str, str] | None:
    span = Times([text], town, BERLIN).span(ms(at))
    return (zulu(span.start), zulu(span.end)) if span.inside else None


@pytest.mark.parametrize(
    ("text", "at", "found"),
    [
        ("mon-fri 06:00-20:00", "2026-07-06T06:00+02:00", ("2026-07-06T04:00Z", "2026-07-06T18:00Z")),
        ("mon-fri 06:00-20:00", "2026-07-06T20:00+02:00", None),
        ("mon-fri 06:00-20:00", "2026-07-05T12:00+02:00", None),
        ("sat,sun 08:00-18:00", "2026-07-05T12:00+02:00", ("2026-07-05T06:00Z", "2026-07-05T16:00Z")),
        ("fri-mon 22:00-06:00", "2026-07-07T05:00+02:00", ("2026-07-06T20:00Z", "2026-07-07T04:00Z")),
        ("fri-mon 22:00-06:00", "2026-07-08T05:00+02:00", None),
        # spring: 02:00 is 03:00
        ("daily 01:30-03:30", "2026-03-29T03:15+02:00", ("2026-03-29T00:30Z", "2026-03-29T01:30Z")),
        ("daily 01:30-02:30", "2026-03-29T01:45+01:00", ("2026-03-29T00:30Z", "2026-03-29T01:00Z")),
        ("daily 02:30-04:00", "2026-03-29T03:10+02:00", ("2026-03-29T01:00Z", "2026-03-29T02:00Z")),
        ("daily 02:10-02:50", "2026-03-29T03:10+02:00", None),
        # autumn: 03:00 is 02:00 again
        ("daily 01:30-03:30", "2026-10-25T02:30+02:00", ("2026-10-24T23:30Z", "2026-10-25T02:30Z")),
        ("daily 02:30-02:45", "2026-10-25T02:40+01:00", ("2026-10-25T00:30Z", "2026-10-25T01:45Z")),
        ("daily 00:00-02:30", "2026-10-25T02:20+01:00", ("2026-10-24T22:00Z", "2026-10-25T01:30Z")),
        # a holiday is its own day
        ("mon-fri 06:00-20:00", "2026-06-04T12:00+02:00", None),
        ("holiday 06:00-20:00", "2026-06-04T12:00+02:00", ("2026-06-04T04:00Z", "2026-06-04T18:00Z")),
        ("daily 06:00-20:00", "2026-06-04T12:00+02:00", ("2026-06-04T04:00Z", "2026-06-04T18:00Z")),
        # the sun in Berlin, by hand from hour angle, declination and equation of time of the day
        ("daily dusk-dawn", "2026-11-26T23:00+01:00", ("2026-11-26T15:39Z", "2026-11-27T06:08Z")),
        ("daily sunset+1h-23:00", "2026-11-26T20:00+01:00", ("2026-11-26T15:59Z", "2026-11-26T22:00Z")),
        ("daily 05:00-sunrise-30m", "2026-11-26T06:00+01:00", ("2026-11-26T04:00Z", "2026-11-26T06:18Z")),
    ],
)
def test_windows(text: str, at: str, found: tuple[str, str] | None) -> None:
    got = window(text, at)
    assert (got is None) == (found is None)
    if got is not None and found is not None:
        sun = 3 * MINUTE if "d" in text.partition(" ")[2] or "sun" in text.partition(" ")[2] else 0
        for mine, right in zip(got, found, strict=True):
            assert abs(ms(mine) - ms(right)) <= sun, (got, found)


@pytest.mark.parametrize(
    ("day", "laender"),
    [
        ("2026-01-06", "BW BY ST"),  # Heilige Drei Könige
        ("2026-03-08", "BE MV"),  # Frauentag
        ("2026-06-04", "BW BY HE NW RP SL"),  # Fronleichnam
        ("2026-08-15", "SL"),  # Mariä Himmelfahrt; in Bavaria not everywhere
        ("2026-09-20", "TH"),  # Weltkindertag
        ("2026-10-31", "BB HB HH MV NI SN ST SH TH"),  # Reformationstag
        ("2026-11-18", "SN"),  # Buß- und Bettag
        ("2026-10-03", "BW BY BE BB HB HH HE MV NI NW RP SL SN ST SH TH"),
        ("2026-10-02", ""),
    ],
)
def test_holidays_are_those_of_the_land(day: str, laender: str) -> None:
    lands: tuple[Land, ...] = Land.__args__  # type: ignore[attr-defined]
    found = [land for land in lands if window("holiday 08:00-10:00", f"{day}T09:00+02:00", Town(land=land))]
    assert sorted(found) == sorted(laender.split())
    assert bool(window("holiday 08:00-10:00", f"{day}T09:00+02:00", Town())) == (len(found) == 16)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mon 06:00",
        "mo 06:00-07:00",
        "mon-holiday 06:00-07:00",
        "mon 6:00-7:00",
        "mon 24:00-25:00",
        "mon 06:60-07:00",
    ],
)
def test_a_window_that_is_none_is_said(text: str) -> None:
    with pytest.raises(BadTimes):
        parsed(text)


def test_windows_that_touch_are_one_unless_they_are_counted() -> None:
    at = ms("2026-07-07T12:00+02:00")
    assert (
        Times(["mon-fri 00:00-24:00"], TOWN).span(at).end - Times(["mon-fri 00:00-24:00"], TOWN).span(at).start
        == 5 * DAY
    )
    counted = Times(["mon-fri 00:00-24:00"], TOWN, join=False)
    span = counted.span(at)
    assert span.end - span.start == DAY
    assert counted.before(span.start) == (True, span.start - DAY, span.start)
    monday = counted.span(at - DAY)
    friday = counted.before(monday.start)
    assert friday is not None
    assert zulu(friday.start) == "2026-07-02T22:00Z"


@settings(max_examples=40, deadline=None)
@given(
    st.integers(ms("2026-01-01T00:00Z"), ms("2027-12-31T00:00Z")),
    st.lists(
        st.sampled_from(["mon-fri 06:00-20:00", "daily 22:00-02:30", "sun,holiday 00:00-24:00", "daily dusk-dawn"]),
        min_size=1,
        max_size=2,
    ),
)
def test_spans_follow_one_another_without_gap_or_overlap(at: int, texts: list[str]) -> None:
    times = Times(texts, TOWN)
    span = times.span(at)
    assert span.start <= at < span.end
    following = Times(texts, TOWN).span(span.end)
    assert following.start <= span.end < following.end
    assert following.start == span.end or (not span.inside and not following.inside)
    if span.inside and following.inside:
        assert following.start == span.start  # nothing but one endless window


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("10-01..04-30", "2026-10-01T00:00 2027-04-30T23:59 2026-01-15T12:00", "2026-05-01T00:00 2026-09-30T23:59"),
        ("04-01..10-31", "2026-04-01T00:00 2026-10-31T23:59", "2026-03-31T23:59 2026-11-01T00:00"),
        ("02-01..02-29", "2026-02-28T23:59 2028-02-29T12:00", "2026-03-01T00:00 2028-03-01T00:00"),
        ("02-29..03-01", "2026-03-01T12:00 2028-02-29T00:00", "2026-02-28T23:59"),
        ("07-01..07-01", "2026-07-01T12:00", "2026-07-02T00:00 2026-06-30T23:59"),
    ],
)
def test_seasons(text: str, inside: str, outside: str) -> None:
    def found(times: str) -> list[bool]:
        zone = ZoneInfo("Europe/Berlin")
        local = [datetime.fromisoformat(at).replace(tzinfo=zone) for at in times.split()]
        return [Season(text, TOWN).span(round(at.timestamp() * 1000)).inside for at in local]

    assert set(found(inside)) == {True}
    assert set(found(outside)) == {False}


@pytest.mark.parametrize("text", ["", "10-01", "10-01..13-01", "02-30..03-01", "10-1..4-30", "10-01-04-30"])
def test_a_season_that_is_none_is_said(text: str) -> None:
    with pytest.raises(BadTimes):
        season(text)


WEEK = ["mon-thu 07:00-16:00", "fri 07:00-12:00"]


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-07-06T08:00+02:00", 2, "2026-07-06T10:00+02:00"),
        ("2026-07-06T15:00+02:00", 1, "2026-07-06T16:00+02:00"),
        ("2026-07-06T15:00+02:00", 2, "2026-07-07T08:00+02:00"),
        ("2026-07-06T20:00+02:00", 1, "2026-07-07T08:00+02:00"),
        ("2026-07-10T11:00+02:00", 2, "2026-07-13T08:00+02:00"),
        ("2026-06-03T15:00+02:00", 2, "2026-06-05T08:00+02:00"),  # between them Fronleichnam
        ("2026-12-23T15:00+01:00", 2, "2026-12-24T08:00+01:00"),
        ("2026-12-24T15:00+01:00", 2, "2026-12-28T08:00+01:00"),
    ],
)
def test_working_time_goes_on_when_somebody_is_there(start: str, hours: int, end: str) -> None:
    assert after(ms(start), hours * 3600, WEEK, TOWN) == ms(end)


def test_without_hours_all_time_is_working_time_and_real() -> None:
    start = ms("2026-03-28T12:00+01:00")
    assert after(start, 24 * 3600, [], TOWN) == ms("2026-03-29T13:00+02:00")


@settings(max_examples=40, deadline=None)
@given(st.integers(ms("2026-01-01T00:00Z"), ms("2027-01-01T00:00Z")), st.integers(0, 50 * 60), st.integers(0, 50 * 60))
def test_working_time_adds_up(start: int, first: int, second: int) -> None:
    once = after(start, (first + second) * 60, WEEK, TOWN)
    assert once >= start + (first + second) * MINUTE
    middle = after(start, first * 60, WEEK, TOWN)
    assert after(middle, second * 60, WEEK, TOWN) == once or not second
    assert once - start <= 60 * DAY + HOUR
