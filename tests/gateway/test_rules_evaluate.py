"""What a rule says of a stream of readings: every kind of condition at its edges."""

from typing import Any

import pytest

from bordstein_gateway.rules.world import Boot, Still
from tests.gateway.ruling import DAY, HOUR, MINUTE, Street, ms

FILL = '[signal.fill]\nproperty = "fill_level"\n'
FULL = FILL + '[condition]\nfires = "fill >= 0.8"\nclears = "fill < 0.6"\n'
BAY = '[signal.taken]\nproperty = "parking_bay_occupied"\nmax_age = "1d"\n[condition]\nfires = "taken"\n'
SILENT = '[signal.silent]\ntake = "silence"\n[condition]\nfires = "silent > 24"\n'
BOARD = "24a16000000"
FIRES, RECOVERS = ["fires d"], ["recovers d"]


def bay(street: Street, value: Any, **more: Any) -> list[str]:
    return street.get(value, "parking_bay_occupied", **more)


@pytest.mark.parametrize(
    ("more", "values", "said"),
    [
        ("", [0.79, 0.8, 0.7, 0.6, 0.59, 0.7, 0.9], {1: FIRES, 4: RECOVERS, 6: FIRES}),
        ('for = "2m"\n', [0.9, 0.9, 0.7, 0.9, 0.9, 0.9, 0.5], {5: FIRES, 6: RECOVERS}),
        ('clears_for = "2m"\n', [0.9, 0.5, 0.5, 0.7, 0.5, 0.5, 0.5], {0: FIRES, 6: RECOVERS}),
        ("samples = { n = 2, m = 3 }\n", [0.9, 0.1, 0.1, 0.9, 0.1, 0.9, 0.9], {5: FIRES}),
        ('cooldown = "3m"\n', [0.9, 0.5, 0.9, 0.9, 0.9, 0.9], {0: FIRES, 1: RECOVERS, 4: FIRES}),
    ],
)
def test_hysteresis_duration_samples_and_rest(more: str, values: list[float], said: dict[int, list[str]]) -> None:
    assert Street(FULL + more, ticks=False).get_all(values) == said


@pytest.mark.parametrize(
    ("signal", "fires", "values", "first"),
    [
        ('take = "mean"\nlast = 2\n', "x >= 0.5", [0.9, 0.0, 0.9, 0.1], 3),
        ('take = "median"\nlast = 3\n', "x > 0.5", [0.9, 0.1, 0.2, 0.9, 0.9], 4),
        ('take = "min"\nlast = 2\n', "x > 0.5", [0.9, 0.1, 0.9, 0.9], 3),
        ('take = "max"\nlast = 2\n', "x < 0.5", [0.1, 0.9, 0.1, 0.1], 3),
        ('take = "sum"\nover = "2m"\n', "x > 1", [0.5, 0.5, 0.5, 0.6], 3),
        ('take = "count"\nover = "3m"\n', "x >= 3", [0, 0, 0, 0], 2),
        ('take = "change"\nover = "2m"\n', "x >= 0.5", [0, 0.3, 0.5, 0.6], 2),
        ('take = "rate"\nover = "2m"\n', "x > 5.9", [0, 0.05, 0.1, 0.3], 3),
        ('take = "rate"\nlast = 3\n', "x < -5.9", [0.9, 0.8, 0.7], 2),
    ],
)
def test_a_signal_over_readings_or_time(signal: str, fires: str, values: list[float], first: int) -> None:
    text = f'[signal.x]\nproperty = "fill_level"\n{signal}[condition]\nfires = "{fires}"\n'
    assert min(Street(text).get_all(values)) == first


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        ('take = "mean"\nlast = 2\n', False),  # two readings in a row are not two days apart
        ('take = "mean"\nover = "1h"\n', True),
        ('take = "change"\nover = "1h"\n', False),
        ("", True),
    ],
)
def test_after_a_gap_a_signal_begins_anew(signal: str, said: bool) -> None:
    street = Street(FILL + signal + '[condition]\nfires = "fill > 0.5 || fill < -0.5"\n')
    street.get(0.0)
    street.wait(2 * DAY)
    assert bool(street.get(0.9)) == said


def test_what_is_no_evidence_changes_nothing() -> None:
    street = Street(FULL + 'for = "2m"\n')
    street.get(0.9)
    for value, flags in ((0.1, 2), (True, 0), ("0.1", 0), (None, 0), (b"x", 0)):
        assert street.get(value, flags=flags) == []
    assert street.get(0.1, time=street.now) == []  # of a time that was there
    assert street.get(0.1, time=street.now - 1) == []  # it waited on the board
    street.wait(2 * MINUTE)
    assert street.heard() == FIRES


def test_time_alone_ends_a_duration_while_the_newest_value_is_fresh() -> None:
    street = Street(BAY + 'for = "15m"\n')
    bay(street, True)
    street.wait(15 * MINUTE - 1)
    assert street.heard() == []
    street.wait(1)
    assert street.heard() == FIRES
    assert (street.last[0].time, street.last[0].since) == (15 * MINUTE, 0)
    stale = Street(FULL + 'for = "3h"\n')  # max_age is two hours
    stale.get(0.9)
    stale.wait(4 * HOUR)
    assert stale.heard() == []
    assert stale.get(0.9) == []  # for longer than `for` nobody knew
    assert stale.get_all([0.9] * 4, every=HOUR) == {3: FIRES}


def test_a_gap_that_is_not_longer_than_for_is_not_known_to_be_a_break() -> None:
    street = Street(FULL + 'for = "3h"\n')
    street.get(0.9)
    street.wait(3 * HOUR)
    assert street.get(0.9) == FIRES


def test_time_alone_ends_what_is_over_for_long_enough() -> None:
    street = Street(BAY + 'clears_for = "2m"\n')
    bay(street, True)
    street.wait(HOUR)
    bay(street, False)
    assert street.wait(2 * MINUTE).heard() == RECOVERS
    assert street.last[0].time == HOUR + 2 * MINUTE


def test_while_it_fires_it_is_not_over_whatever_clears_says() -> None:
    text = FILL + '[signal.rise]\nproperty = "fill_level"\ntake = "change"\nlast = 2\n[condition]\n'
    street = Street(text + 'fires = "fill >= 0.7 || rise > 0.2"\nclears = "fill < 0.55"\n')
    assert street.get_all([0.1, 0.4, 0.65, 0.5]) == {1: FIRES, 3: RECOVERS}


def test_unknown_neither_fires_nor_clears() -> None:
    text = FILL + '[signal.air]\nproperty = "air_temperature"\nmax_age = "5m"\n[condition]\n'
    street = Street(text + 'fires = "fill > 0.8 && air > 20"\n')
    assert street.get(0.9) == []
    assert street.get(25, "air_temperature") == FIRES
    street.wait(6 * MINUTE)
    assert street.get(0.9) == []  # nobody knows the air's temperature now
    assert street.get(0.1) == []  # no news: its time was there
    assert street.wait(MINUTE).get(0.1) == RECOVERS  # whatever the air is, it does not fire
    either = Street(text + 'fires = "fill > 0.8 || air > 20"\n')
    assert either.get(0.9) == FIRES
    assert either.wait(MINUTE).get(0.1) == []
    assert either.get(10, "air_temperature") == RECOVERS
    assert either.evaluator.firing() == {}


def test_silence_is_known_to_the_minute_and_over_with_any_sign_of_life() -> None:
    street = Street(SILENT)
    street.get(1, "errors", flags=8)
    street.wait(DAY)
    assert street.heard() == []
    street.wait(1)
    assert street.heard() == FIRES
    assert street.last[0].signals == {"silent": pytest.approx(24, abs=1e-3)}
    street.wait(3 * DAY)
    assert street.get(0.9, flags=1) == RECOVERS
    assert street.evaluator.next_tick() is not None


def test_a_device_of_the_register_is_silent_since_it_was_last_heard_and_unknown_if_it_never_was() -> None:
    world = Still(members={"d": (), "never": ()}, heards={"d": 0})
    street = Street(SILENT, world, start=HOUR)
    street.until(2 * DAY)
    assert street.heard() == FIRES


def test_silence_in_an_expression_of_another_form_is_looked_at_each_minute() -> None:
    street = Street('[signal.silent]\ntake = "silence"\n[condition]\nfires = "silent * 2 > 24"\n')
    street.get(1, "errors")
    street.until(12 * HOUR - 1)
    assert street.heard() == []
    street.until(12 * HOUR + MINUTE)
    assert street.heard() == FIRES


def test_stages_begin_with_the_highest_and_rise() -> None:
    text = FILL + '[condition]\ncooldown = "1m"\n'
    for name, from_, to in (("low", 0.3, 0.2), ("mid", 0.6, 0.5), ("high", 0.9, 0.8)):
        text += f'[[stage]]\nname = "{name}"\ntitle = "x"\nfires = "fill >= {from_}"\nclears = "fill < {to}"\n'
    said = Street(text).get_all([0.1, 0.35, 0.25, 0.95, 0.55, 0.95, 0.1, 0.7])
    assert said == {1: ["fires d low"], 3: ["rises d high"], 6: ["recovers d high"], 7: ["fires d mid"]}


def test_a_condition_beside_stages_has_to_be_so_as_well() -> None:
    text = FILL + '[signal.tilted]\nproperty = "tilted"\n[condition]\nfires = "!tilted"\n'
    street = Street(text + '[[stage]]\nname = "full"\ntitle = "x"\nfires = "fill >= 0.8"\n')
    assert street.get(0.9) == []
    assert street.get(True, "tilted") == []
    assert street.wait(MINUTE).get(False, "tilted") == ["fires d full"]


def test_a_board_that_has_just_started_needs_a_second_reading_that_says_the_same() -> None:
    world = Still(boots={"d": Boot(7, 0)})
    street = Street(BAY, world)
    assert bay(street, True) == []
    assert street.wait(MINUTE).heard() == []
    assert bay(street, True) == FIRES
    street.evaluator._world = Still(boots={"d": Boot(8, street.id + 1)})
    assert bay(street.wait(MINUTE), False) == []  # may have been on its way when the board started
    assert bay(street.wait(MINUTE), True) == []
    assert bay(street.wait(MINUTE), False) == []
    assert street.wait(10 * MINUTE).heard() == []
    assert bay(street, False) == RECOVERS
    assert bay(street.wait(MINUTE), True) == FIRES


def test_a_reading_that_was_old_when_it_came_starts_nothing() -> None:
    street = Street(FULL, Still(max_age=HOUR))
    street.wait(DAY)
    assert street.get(0.9, time=street.now - HOUR - 1) == []
    assert street.get(0.9, time=street.now - HOUR) == FIRES
    assert street.wait(3 * HOUR).get(0.1, time=street.now - 2 * HOUR) == RECOVERS


@pytest.mark.parametrize(
    ("objects", "watched"),
    [
        ("", ["a", "b", "c"]),
        ('devices = ["24a16000000a"]', ["a"]),
        ('groups = ["bins"]', ["b"]),
        ('devices = ["24a16000000a"]\ngroups = ["bins"]', ["a", "b"]),
    ],
)
def test_which_boards_are_watched(objects: str, watched: list[str]) -> None:
    street = Street(f"[objects]\n{objects}\n{FULL}", Still(members={f"{BOARD}b": ("bins", "x"), f"{BOARD}c": ("x",)}))
    said = [street.get(0.9, device=BOARD + name) for name in "abc"]
    assert [name for name, found in zip("abc", said, strict=True) if found] == watched


def test_each_series_is_an_object_where_a_board_watches_several_bays() -> None:
    text = '[objects]\neach = "series"\n' + BAY.replace(
        "[condition]", '[signal.air]\nproperty = "air_temperature"\n[condition]'
    )
    street = Street(text.replace('"taken"', '"taken && air > 0"'))
    assert bay(street, True, series="b1/parking_bay_occupied") == []
    assert bay(street, False, series="b2/parking_bay_occupied") == []
    assert street.get(5, "air_temperature") == ["fires d/b1/parking_bay_occupied"]
    assert bay(street.wait(1), True, series="b2/parking_bay_occupied") == ["fires d/b2/parking_bay_occupied"]
    assert bay(street.wait(1), False, series="b1/parking_bay_occupied") == ["recovers d/b1/parking_bay_occupied"]


def test_another_board_or_the_nearest_says_the_rest() -> None:
    near = '[signal.rain]\nproperty = "precipitation"\nnearest = true\nwithin = 2000\n'
    near += '[condition]\nfires = "fill > 0.8 && rain < 1"\n'
    positions = {"d": (50.0, 10.0), "near": (50.01, 10.0), "far": (50.02, 10.0), "beyond": (50.0, 10.9)}
    street = Street(FILL + near, Still(positions=positions))
    for device, rain in (("far", 0.0), ("d", 0.0), ("beyond", 0.0)):
        street.get(rain, "precipitation", device)
    assert street.get(0.9) == []  # two kilometres are too far
    street.get(5.0, "precipitation", "near")
    assert street.wait(MINUTE).get(0.9) == []
    street.get(0.0, "precipitation", "near")
    assert street.wait(MINUTE).get(0.9) == FIRES
    named = FILL + near.replace("nearest = true\nwithin = 2000", f'device = "{BOARD}f"')
    street = Street(named)
    assert street.get(0.0, "precipitation", BOARD + "f") == []
    assert street.get(0.9) == FIRES


GROUP = '[objects]\neach = "group"\ngroup_prefix = "kreis-"\nat_least = 2\nstands_for = { 24a16000000a = 3 }\n'
A, B, C, D, E, F = (BOARD + name for name in "abcdef")
CIRCUIT = Still(members=dict.fromkeys((A, B, C, D), ("x", "kreis-1")) | {E: ("kreis-2",), F: ("x",)})


def test_neighbours_make_one_case_with_those_that_fire() -> None:
    street = Street(GROUP + FULL, CIRCUIT)
    assert street.get(0.9, device=A) == []
    assert street.get(0.9, device=E) == []
    assert street.get(0.9, device=F) == []
    assert street.get(0.9, device=B) == ["fires group:kreis-1"]
    assert (street.last[0].devices, street.last[0].stands_for) == ((A, B), 4)
    assert street.get(0.9, device=C) == []
    street.wait(MINUTE)
    assert street.get(0.1, device=A) == []
    assert street.get(0.1, device=B) == ["recovers group:kreis-1"]
    assert street.evaluator.firing() == {}


def test_a_share_is_of_all_boards_of_a_group_and_the_silent_ones_do_not_help() -> None:
    street = Street(GROUP.replace("at_least = 2", "share = 0.5") + FULL, CIRCUIT)
    for device in (A, B, C, D):
        street.get(0.1, device=device)
    street.wait(MINUTE)
    assert street.get(0.9, device=A) == []
    street.wait(3 * HOUR)
    assert street.get(0.9, device=B) == []  # nobody has heard of a for longer than max_age
    assert street.get(0.9, device=C) == ["fires group:kreis-1"]


def test_a_board_that_is_moved_to_another_group_is_counted_there() -> None:
    street = Street(GROUP + FULL, CIRCUIT)
    street.get(0.9, device=A)
    street.get(0.9, device=B)
    street.evaluator._groups._world = Still(members={A: ("kreis-1",), B: ("kreis-2",), E: ("kreis-2",)})
    street.wait(MINUTE)
    assert street.get(0.9, device=B) == ["recovers group:kreis-1"]
    assert street.get(0.9, device=E) == ["fires group:kreis-2"]


def test_time_windows_look_and_not_times_begin_nothing() -> None:
    start = ms("2026-07-06T07:00+02:00")  # a Monday
    street = Street(BAY + 'for = "15m"\ntimes = ["mon-fri 08:00-18:00"]\n', start=start)
    bay(street, True)
    street.until(ms("2026-07-06T08:14:59+02:00"))
    assert street.heard() == []
    street.until(ms("2026-07-06T08:15+02:00"))
    assert street.heard() == FIRES
    street.until(ms("2026-07-06T19:00+02:00"))
    assert bay(street, False) == []  # nobody looks in the evening
    street.until(ms("2026-07-07T08:30+02:00"))
    assert bay(street, False) == RECOVERS
    market = Street(BAY + 'not_times = ["daily 06:00-14:00"]\n', start=start)
    bay(market, True)
    market.until(ms("2026-07-06T13:59:59+02:00"))
    assert market.heard() == []
    market.until(ms("2026-07-06T14:00+02:00"))
    assert market.heard() == FIRES
    market.until(ms("2026-07-07T07:00+02:00"))
    assert bay(market, False) == RECOVERS  # an end is seen at any time


def test_a_season_begins_and_ends_on_its_days() -> None:
    street = Street(FULL + 'season = "10-01..04-30"\n', start=ms("2026-09-30T23:59+02:00"))
    assert street.get(0.9) == []
    assert street.wait(MINUTE).heard() == FIRES
    assert street.get(0.1) == RECOVERS
    street.until(ms("2027-04-30T23:59+02:00"))
    assert street.get(0.9) == FIRES
    assert street.wait(MINUTE).get(0.1) == RECOVERS
    assert street.wait(MINUTE).get(0.9) == []


DARK = (
    '[signal.light]\nproperty = "illuminance"\nmax_age = "1h"\n[condition]\n'
    'fires = "light < 3"\nclears = "light >= 5"\n'
    'for = "20m"\ntimes = ["daily dusk+30m-dusk+150m"]\nin_a_row = 2\n'
)


@pytest.mark.parametrize(
    ("nights", "said"),
    [
        (["dark", "dark"], [1]),
        (["dark", "light", "dark", "dark"], [3]),
        (["dark", "silent", "dark", "dark"], [3]),  # what is not known is not in a row
        (["light", "dark", "light"], []),
    ],
)
def test_dark_at_dusk_for_two_nights(nights: list[str], said: list[int]) -> None:
    start = ms("2026-11-20T12:00+01:00")
    street = Street(DARK, start=start)
    found = []
    for night, what in enumerate(nights):
        for step in range(144):
            street.until(start + night * DAY + step * 10 * MINUTE)
            if what != "silent":
                day = 24 < 144 - step < 40 or step > 114
                heard = street.get(2000.0 if day else 1.0 if what == "dark" else 20.0, "illuminance")
                if heard:
                    found.append(night)
    assert found == said


def test_a_case_that_a_person_ended_fires_again_after_the_rest_if_it_still_is_so() -> None:
    street = Street(FULL + 'cooldown = "1h"\n')
    assert street.get(0.9) == FIRES
    street.wait(MINUTE)
    street.evaluator.ended("d", street.now)
    assert street.get(0.9) == []
    street.wait(HOUR - 1)
    assert street.heard() == []
    street.wait(1)
    assert street.heard() == FIRES
