"""The street's own bookkeeping finds what it is there to find."""

import pytest

from tests.street.account import describe, examine, pin, same
from tests.street.recorder import Flight, Taken

A, B, C = (("24a160000001", "air/air_temperature", second * 1000) for second in (1, 2, 3))
TAKEN = {A: 8.15, B: True}


def test_a_whole_place_is_whole():
    place = examine("store", TAKEN, {C: 1}, [(A, 8.15), (B, True)])
    assert place.whole
    assert place.arrived == 2


def test_a_missing_reading_is_lost():
    assert examine("store", TAKEN, {}, [(A, 8.15)]).lost == [B]


def test_a_reading_cut_off_by_power_counts_only_if_it_arrived():
    place = examine("store", TAKEN, {C: 1}, [(A, 8.15), (B, True), (C, 1)])
    assert place.whole
    assert place.arrived == 3


def test_a_reading_that_lies_there_three_times_is_doubled_once():
    place = examine("store", TAKEN, {}, [(A, 8.15), (B, True), (A, 8.15), (A, 8.15)])
    assert place.doubled == [A]
    assert place.arrived == 2


def test_a_reading_no_board_took_is_seen():
    assert examine("store", TAKEN, {}, [(A, 8.15), (B, True), (C, 1), (C, 1)]).invented == [C]


def test_a_changed_value_is_seen():
    place = examine("store", TAKEN, {}, [(A, 8.2), (B, True)])
    assert place.changed == [(A, 8.15, 8.2)]
    assert "8.2" in describe(place)[0]


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (8.15, 8.150000000000001, True),
        (1, 1.0, True),
        (True, 1, False),
        (True, True, True),
        (0, 1, False),
        ("a", "a", True),
    ],
)
def test_values_are_compared_as_what_they_are(one, other, equal):
    assert same(one, other) is equal


def test_long_lists_are_cut_and_counted():
    lines = describe(examine("store", {(d, "a/b", 0): 1 for d in "abcdefghijklmno"}, {}, []))
    assert len(lines) == 11
    assert lines[-1].endswith("and 5 more")


def floating(time: int, value: float = 8.15, sure: bool = True) -> Taken:
    return Taken(A[0], A[1], time, value, False, 77_000_000, sure)


def key(time: int) -> tuple[str, str, int]:
    return (*A[:2], time)


@pytest.mark.parametrize("arrived", [100_000, 95_000, 104_000, 77_000_000])
def test_a_reading_without_clock_is_found_where_it_was_taken_or_believed_to_be(arrived):
    assert pin([floating(100_000)], {key(arrived): 8.15}) == ({key(arrived): 8.15}, {})


def test_a_reading_without_clock_that_is_nowhere_near_is_lost_and_what_is_there_invented():
    stored = {key(200_000): 8.15, key(100_000): 8.2}
    taken, unsure = pin([floating(100_500)], stored)
    place = examine("store", taken, unsure, stored.items())
    assert place.lost == [key(100_500)]
    assert len(place.invented) == 2


def test_two_equal_readings_without_clock_need_two_places():
    stored = {key(100_000): 8.15}
    taken, _ = pin([floating(100_000), floating(102_000)], stored)
    assert len(taken) == 2
    assert len(examine("store", taken, {}, stored.items()).lost) == 1


def test_a_reading_with_a_clock_is_not_taken_for_one_without():
    exact = Taken(*A, 8.15, True, A[2], True)
    assert pin([exact, floating(A[2] + 1)], {A: 8.15})[0] == {A: 8.15, key(A[2] + 1): 8.15}


def test_flight_recorder_is_read_as_it_grows(tmp_path):
    path = tmp_path / "recorder"
    flight = Flight(path)
    flight.read()
    path.write_bytes(b"b 5 power-on\ni 0 1000 2 T9;air/air_temperature=-0.15;bay/parking_bay_occupied=t\nc 0 1001 1")
    flight.read()
    assert (flight.taken, flight.packs[0].number) == (0, None)
    with path.open("ab") as file:
        file.write(b" 0\ni 1 2000 1 U7,8;air/co2=410\nb 9 watchdog\ni 0 3000 1 T9;a/b=f\ne 0 3001 no room left\n")
    flight.read()
    assert flight.taken == 2
    assert flight.starts == ["power-on", "watchdog"]
    assert [(pack.number, pack.error) for pack in flight.packs] == [
        ((1, 0), None),
        (None, None),
        (None, "no room left"),
    ]
    assert list(flight.packs[0].readings_of("x")) == [
        Taken("x", "air/air_temperature", 9000, -0.15, True, 9000, True),
        Taken("x", "bay/parking_bay_occupied", 9000, True, True, 9000, True),
    ]
    assert list(flight.packs[1].readings_of("x")) == [Taken("x", "air/co2", 2000, 410.0, False, 8000, False)]
