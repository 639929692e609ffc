"""The sheets that come with the gateway: each is in order, says all it has to in both languages, and fires where it
should and nowhere beside."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bordstein_gateway.config import config
from bordstein_gateway.config.office import Town
from bordstein_gateway.procedures import make, model, run
from bordstein_gateway.procedures.names import NAMES
from bordstein_gateway.procedures.words import ESCALATE_AT
from bordstein_gateway.rules import readymade
from bordstein_gateway.rules.evaluate import Evaluator, Reading
from bordstein_gateway.rules.reading import read
from bordstein_gateway.rules.sheet import Both, Sheet, words
from bordstein_gateway.rules.verdict import Verdict
from bordstein_gateway.rules.world import Boot, Still
from tests import warm

A, B, C, GAUGE = "24a160000001", "24a160000002", "24a160000003", "24a160000009"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
WINTER = int(datetime(2026, 1, 13, 0, 0, tzinfo=UTC).timestamp() * 1000)
SUMMER = int(datetime(2026, 7, 14, 0, 0, tzinfo=UTC).timestamp() * 1000)
PLACE = (51.96, 7.63)
DESKS = ("bauhof", "bereitschaft", "entwaesserung", "ordnungsamt", "gruenflaechen", "beleuchtung", "sensorik")
ALL = ("bin-full", "device-silent", "fire-lane", "gully-level", "lamps-dark", "road-frost", "trees-dry")

VALUES = {"boolean": True, "number": 3.0, "text": "x", "photo": "a" * 64}

Row = tuple[float, str, str, float | bool]
"""Hours since the beginning, device, series, value."""


@pytest.fixture(scope="module")
def town() -> config.Config:
    desks = {name: {"title": name.title(), "hours": ["mon-fri 07:00-16:00"]} for name in DESKS}
    return msgspec.convert({"mqtt": {"host": "localhost", "tls": False}, "desk": desks}, config.Config)


def sheet(town: config.Config, name: str, **changes: str) -> Sheet:
    """changes: a line of the file that is otherwise, by its key."""
    text = readymade.text(name)
    for key, line in changes.items():
        text, count = re.subn(rf"(?m)^#?{key} = .*$", line, text)
        assert count == 1, key
    found, mistakes = read(text, town, name)
    assert found is not None and not mistakes, mistakes
    return found


def world(**members: list[str]) -> Still:
    """device -> groups, all of them at one place."""
    devices = members or {A: [], GAUGE: []}
    return Still(Town(land="NW"), members=devices, positions=dict.fromkeys(devices, PLACE))


def play(rules: Sheet, around: Still, begin: int, rows: Iterable[Row], until: float | None = None) -> list[Verdict]:
    """What a rule says of these readings, with a tick whenever it asks for one."""
    evaluator = Evaluator(rules, around)
    said: list[Verdict] = []

    def ticks(now: int) -> None:
        while (due := evaluator.next_tick()) is not None and due <= now:
            said.extend(evaluator.tick(max(due, begin)))

    for number, (hour, device, series, value) in enumerate(sorted(rows, key=lambda row: row[0]), 1):
        now = begin + round(hour * HOUR)
        ticks(now)
        found = series.rpartition("/")[2]
        said += evaluator.feed(Reading(device, series, found, now, value, 0, now, number))
    if until is not None:
        ticks(begin + round(until * HOUR))
    return said


def edges(said: list[Verdict]) -> list[tuple[str, str]]:
    return [(verdict.edge, verdict.stage) for verdict in said]


def series(name: str, values: Iterable[float | bool], every: float, device: str = A, start: float = 0) -> list[Row]:
    """every: hours between two."""
    return [(start + number * every, device, name, value) for number, value in enumerate(values)]


def texts(value: Any) -> Iterable[Both]:
    if isinstance(value, Both):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from texts(getattr(value, name))
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


def test_there_are_seven() -> None:
    assert tuple(readymade.names()) == ALL


@pytest.mark.parametrize("name", ALL)
def test_a_ready_sheet_is_in_order_and_complete_in_both_languages(town: config.Config, name: str) -> None:
    found = sheet(town, name)
    for needed in (found.title, found.why, found.legal_basis, *(step.title for step in found.steps)):
        assert isinstance(needed, Both)
    for said in texts(found):
        assert said.de and said.en and (said.de != said.en or len(said.de) < 8)
    assert isinstance(found.why, Both) and len(found.why.de) > 200 and found.deputy != found.owner
    assert any(step.form for step in found.steps) and all(step.minutes for step in found.steps)
    assert found.escalation and found.benefit.trips and found.benefit.minutes


@pytest.mark.parametrize("name", ALL)
def test_a_ready_sheets_steps_run_to_their_end(town: config.Config, name: str) -> None:
    """Every stage's; a box is ticked, of choices the first is taken."""
    found = sheet(town, name)
    forms = {step.id: step.form for step in found.steps}
    drawn = model.read(make.make(found, town.desk), town.desk)
    for stage in [stage.name for stage in found.stages] or [""]:
        signals = dict.fromkeys(found.signal, 1.0)
        given = {**NAMES, **signals, "stage": stage, ESCALATE_AT: "2026-07-15T06:00:00Z"}
        progress = run.start(drawn, given, SUMMER)
        passed = []
        while progress.ready:
            task = progress.ready[0]
            passed.append(task.node)
            answers = {
                field.name: words(field.choices[0], "de") if field.choices else VALUES[field.type]
                for field in forms[task.node]
            }
            progress = run.complete(drawn, progress.state, task.id, answers, SUMMER)
        assert progress.ended and passed
        assert name != "bin-full" or ("fire_brigade" in passed) == (stage == "burning")


def test_a_bin_fires_at_four_fifths_by_three_readings_and_is_empty_below_three_fifths(town: config.Config) -> None:
    bin_full = sheet(town, "bin-full")

    def said(*levels: float) -> list[tuple[str, str]]:
        return edges(play(bin_full, world(), SUMMER, series("bin/fill_level", levels, 1)))

    assert said(0.5, 0.79, 0.79, 0.79) == []
    assert said(0.5, 0.5, 0.97, 0.5, 0.5) == []  # a branch before the sensor
    full = said(0.5, 0.7, 0.8, 0.8)
    assert full == [("fires", "full")]
    assert said(0.5, 0.7, 0.8, 0.8, 0.6, 0.6, 0.6) == full
    assert [edge for edge, _ in said(0.5, 0.7, 0.8, 0.8, 0.59, 0.59)] == ["fires", "recovers"]
    rising = said(0.85, 0.85, 0.85, 0.96, 0.96, 0.96, 0.96, 0.96, 0.96)
    assert rising == [("fires", "full"), ("rises", "overflowing")]


def test_a_bin_on_fire_is_said_at_once_and_in_the_sun_it_is_not(town: config.Config) -> None:
    bin_full = sheet(town, "bin-full")
    for warmth, expected in ((69.9, []), (70.0, [("fires", "burning")])):
        rows = series("bin/fill_level", [0.3] * 4, 1) + series("bin/container_temperature", [25, warmth], 1)
        assert edges(play(bin_full, world(), SUMMER, rows)) == expected


def frost(surface: list[float], dew: float | None, rain: float | None, begin: int = WINTER) -> list[Row]:
    rows = series("road/road_surface_temperature", surface, 1 / 6)
    if dew is not None:
        rows += series("air/dew_point", [dew] * len(surface), 1 / 6, start=-0.01)
    if rain is not None:
        rows += series("rain/precipitation", [rain] * len(surface), 1 / 6, GAUGE, start=-0.02)
    return rows


def test_ice_is_warned_of_when_two_readings_are_cold_and_damp(town: config.Config) -> None:
    road = sheet(town, "road-frost")

    def said(surface: list[float], dew: float | None, rain: float | None = None, begin: int = WINTER) -> list[str]:
        return [edge for edge, _ in edges(play(road, world(), begin, frost(surface, dew, rain)))]

    assert said([3, 1.0, 1.0], 1.0) == ["fires"]
    assert said([3, 1.1, 1.1], 2.0) == []
    assert said([3, 1.0, 1.5, 1.0, 1.5], 2.0) == []  # never two in a row
    assert said([3, 0, 0, 0], -2.0) == []  # cold, and dry
    assert said([3, 0, 0, 0], -2.0, 0.0) == []
    assert said([3, 0, 0, 0], -2.0, 0.2) == ["fires"]  # cold, and wet
    assert said([3, 0, 0, 0], None) == []  # unknown never fires
    assert said([3, 0, 0, 0], 1.0, begin=SUMMER) == []
    assert said([0, 0, *[2.1] * 8], 1.0) == ["fires", "recovers"]
    assert said([0, 0, *[2.0] * 8], 1.0) == ["fires"]


def test_a_gully_has_three_stages_that_a_quick_rise_reaches_earlier(town: config.Config) -> None:
    gully = sheet(town, "gully-level")

    def said(levels: list[float], every: float = 0.5) -> list[tuple[str, str]]:
        rows = series("level/water_level", levels, every)
        rows += series("rain/precipitation", [1.0] * 40, every * len(levels) / 40, GAUGE, start=-0.01)
        return edges(play(gully, world(), SUMMER, rows))

    assert said([0.1, 0.2, 0.3, 0.39, 0.39, 0.39]) == []
    slow = [0.30, 0.35, 0.40, 0.45, 0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95, 1.0, 1.05, 1.05]
    stages = [("fires", "stage1"), ("rises", "stage2"), ("rises", "stage3")]
    assert said(slow) == stages
    quick = [0.1] * 4 + [0.1 + 0.16 * number for number in range(1, 6)]  # 0.16 m in five minutes
    assert max(quick) < 1.0 and said(quick, 1 / 12)[-1] == ("rises", "stage3")


def test_water_that_stands_without_rain_means_a_blocked_inlet(town: config.Config) -> None:
    gully = sheet(town, "gully-level")

    def said(level: float, rain: float | None, hours: float = 14) -> list[tuple[str, str]]:
        count = int(hours * 4)
        rows = series("level/water_level", [level] * count, 0.25)
        if rain is not None:
            rows += series("rain/precipitation", [rain] * count, 0.25, GAUGE, start=-0.01)
        return edges(play(gully, world(), SUMMER, rows))

    assert said(0.25, 0.0) == [("fires", "blocked")]
    assert said(0.25, 0.0, hours=3) == [] and said(0.19, 0.0) == []
    assert said(0.25, 0.1) == []  # it rains
    assert said(0.25, None) == []  # whether it rains is not known


def test_a_fire_lane_is_a_hint_after_a_quarter_of_an_hour_and_never_by_a_restart(town: config.Config) -> None:
    lane = sheet(town, "fire-lane")
    bay = "bay1/parking_bay_occupied"
    around = world(**{A: ["feuerwehrzufahrt"], B: ["parkplatz"]})

    def said(rows: list[Row], until: float, where: Still = around) -> list[tuple[str, str, float]]:
        verdicts = play(lane, where, SUMMER, rows, until)
        return [(verdict.edge, verdict.object, (verdict.time - SUMMER) / MINUTE) for verdict in verdicts]

    car = [(0.0, A, bay, False), (0.1, A, bay, True)]
    assert said(car, 0.34) == []
    assert said(car, 0.4) == [("fires", f"{A}/bay1/parking_bay_occupied", 21.0)]
    assert said([*car, (0.3, A, bay, False)], 2) == []
    assert said([(0.0, B, bay, False), (0.1, B, bay, True)], 2) == []  # an ordinary car park
    assert [edge for edge, *_ in said([*car, (0.5, A, bay, False)], 2)] == ["fires", "recovers"]
    # The first reading after a start that was just now proves nothing.
    started = around._replace(boots={A: Boot(2, 1)})
    assert said(car, 2, started) == []


def test_dry_trees_are_one_list_for_all_they_stand_for_in_the_growing_season(town: config.Config) -> None:
    trees = sheet(town, "trees-dry", stands_for=f'stands_for = {{ "{A}" = 40 }}')

    def said(moisture: float, begin: int = SUMMER, hours: int = 60) -> list[Verdict]:
        return play(trees, world(), begin, series("soil/soil_moisture", [moisture] * (hours // 2), 2))

    (verdict,) = said(0.139)
    assert verdict.edge == "fires" and verdict.stands_for == 40
    assert said(0.14) == [] and said(0.139, hours=10) == [] and said(0.05, WINTER) == []


def test_dark_lamps_are_one_case_of_a_circuit_after_two_evenings(town: config.Config) -> None:
    lamps = sheet(town, "lamps-dark")
    around = world(**{A: ["kreis-12"], B: ["kreis-12"], C: ["kreis-13"]})

    def light(device: str, dark: Iterable[int]) -> list[Row]:
        """Four days from midnight on; daylight 07 to 16 h, a lamp in the evenings that are not dark."""
        rows: list[Row] = []
        for quarter in range(4 * 96):
            hour = quarter / 4 % 24
            lux = 5000 if 7 <= hour < 16 else 0.5 if quarter // 96 in dark else 12
            rows.append((quarter / 4, device, "lamp/illuminance", lux))
        return rows

    def said(*rows: list[Row]) -> list[Verdict]:
        return play(lamps, around, WINTER, [row for part in rows for row in part], 96)

    fires = [v for v in said(light(A, (0, 1)), light(B, (0, 1)), light(C, (0, 1, 2))) if v.edge == "fires"]
    (verdict,) = fires  # one for the circuit; that of the single lamp stays quiet
    assert verdict.object == "group:kreis-12" and sorted(verdict.devices) == [A, B]
    assert WINTER + DAY < verdict.time < WINTER + 2 * DAY
    for alone in (
        (light(A, (0, 1)), light(B, ())),
        (light(A, (0,)), light(B, (0,))),
        (light(A, (0, 2)), light(B, (0, 2))),
    ):
        assert said(*alone) == []


def test_a_device_is_visited_when_silent_for_more_than_a_day_or_low(town: config.Config) -> None:
    silent = sheet(town, "device-silent")
    alone = world(**{A: []})

    def said(volts: float, until: float) -> list[tuple[str, str]]:
        return edges(play(silent, alone, SUMMER, series("health/voltage", [volts] * 3, 0.5), until))

    assert said(3.3, 26.9) == []
    assert said(3.3, 28) == [("fires", "silent")]
    assert said(3.19, 2) == [("fires", "battery")]
    assert said(3.2, 2) == []
    assert said(3.1, 28) == [("fires", "battery"), ("rises", "silent")]


@pytest.mark.parametrize("lang", ["de", "en"])
def test_the_command_puts_a_ready_sheet_into_the_folder(tmp_path: Path, lang: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f'[gateway]\ndata = "{tmp_path}"\n[mqtt]\nhost = "localhost"\ntls = false\n')

    def rules(*words: str) -> tuple[int, str]:
        done = warm.run("bordstein-gateway", "rules", *words, "--config", file, lang=lang)
        return done.returncode, done.stdout + done.stderr

    code, said = rules("new", "papierkorb", "--from", "bin-full")
    assert code == 0 and "[desk.bauhof]" in said and "[desk.bereitschaft]" in said, said
    made = (tmp_path / "rules" / "papierkorb.toml").read_text(encoding="utf-8")
    assert made == readymade.text("bin-full", "papierkorb") and 'name = "papierkorb"' in made
    code, said = rules("new", "papierkorb", "--from", "bin-full")
    assert code == 1 and "papierkorb.toml" in said
    code, said = rules("new", "x", "--from", "nothing")
    assert code == 2 and all(name in said for name in ALL)
    assert rules("check")[0] == 1
    text = file.read_text(encoding="utf-8")
    for name in ("bauhof", "bereitschaft"):
        text += f'[desk.{name}]\ntitle = "{name}"\nhours = ["mon-fri 07:00-16:00"]\n'
    file.write_text(text, encoding="utf-8")
    assert rules("check")[0] == 0
