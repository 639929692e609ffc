"""A sheet on past readings: the same as it does live, beside the sheet in force."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bordstein_gateway.cli.main import app
from bordstein_gateway.rules.rehearse import Rehearsal, rehearse
from bordstein_gateway.rules.sheet import Sheet
from bordstein_gateway.store import Where
from tests.gateway.rule_town import BIN, BIN_FULL, DAY, HOUR, NOON, OTHER, SILENT, Street, sheet_of, write

LOWER = BIN_FULL.replace("fill >= 0.8", "fill >= 0.7")
HIGHER = BIN_FULL.replace("fill >= 0.8", "fill >= 0.9")


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    found = Street(tmp_path)
    yield found
    found.store.close()


def try_it(street: Street, text: str = BIN_FULL, in_force: Sheet | None = None, begin: int = NOON) -> Rehearsal:
    sheet = sheet_of(text, street.config)
    return rehearse(sheet, in_force, street.config, street.store, begin, street.now + 1)


def test_on_the_same_readings_it_says_what_it_said_live(tmp_path: Path, place: Where) -> None:
    street = Street(tmp_path, place)
    write(street.config)
    street.turn()
    street.measure(0.5, 0.85, 0.9, 0.2)
    street.measure(0.9, device=OTHER)
    street.turn()
    found = try_it(street, in_force=sheet_of(BIN_FULL, street.config))
    live = [(case.object, case.event["time"], case.recovered) for case in street.found()]
    assert sorted((case.object, case.begin, case.end) for case in found.cases) == sorted(live)
    assert found.before == found.cases
    assert [case.object for case in found.real] == [case.object for case in street.found()]
    assert found.readings == 5
    assert found.summary == "2 cases, the same as with the sheet in force."
    street.store.close()


def test_what_another_threshold_would_change_is_one_sentence(street: Street) -> None:
    street.measure(0.5, 0.85, 0.1, 0.95)
    street.measure(0.85, 0.1, 0.75, device=OTHER)
    found = try_it(street, HIGHER, sheet_of(BIN_FULL, street.config))
    assert [(case.object, case.end) for case in found.cases] == [(BIN, None)]
    assert (found.gone, found.added) == ([BIN, OTHER], [])
    assert found.summary.de == f"1 statt 3 Vorgängen; 2 entfallen: {BIN}, {OTHER}."
    assert try_it(street, LOWER, sheet_of(BIN_FULL, street.config)).summary == (
        f"4 instead of 3 cases; 1 new: {OTHER}."
    )
    assert try_it(street).summary == "3 cases; no sheet of this name is in force."


def test_what_began_before_and_still_is_so_begins_with_the_time_that_is_looked_at(street: Street) -> None:
    street.measure(0.9)
    street.measure(0.9, 0.1, device=OTHER)
    begin = street.now + HOUR
    street.now = begin
    street.measure(0.95)
    (case,) = try_it(street, begin=begin).cases
    assert (case.object, case.begin, case.end) == (BIN, begin, None)


def test_silence_is_what_could_not_be_heard_not_what_was_not_measured(street: Street) -> None:
    street.measure(0.1)
    street.measure(0.1, device=OTHER)
    heard = street.now
    street.now += 30 * HOUR
    street.measure(0.2, age=10 * HOUR)  # it measured, and could not send
    street.now += HOUR
    found = try_it(street, SILENT)
    assert [case.object for case in found.cases] == [BIN, OTHER]
    assert all(abs(case.begin - (heard + DAY)) < 5000 for case in found.cases)
    assert [case.end is None for case in found.cases] == [False, True]


def test_without_readings_it_says_so(street: Street) -> None:
    found = try_it(street)
    assert (found.cases, found.readings) == ([], 0)
    assert "no reading" in found.summary


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.tuples(st.sampled_from([BIN, OTHER]), st.integers(0, 20)), min_size=1, max_size=30),
    cut=st.integers(0, 30),
)
def test_live_with_a_crash_anywhere_is_as_rehearsed(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[str, int]], cut: int
) -> None:
    street = Street(tmp_path_factory.mktemp("street"))
    write(street.config)
    street.turn()
    for place, (device, value) in enumerate(values):
        street.measure(value / 20, device=device)
        if place % 3 == 0:
            street.turn()
        if place == cut:
            street.crash()
    street.turn()
    counted = [entry.action for entry in street.audit() if entry.action in ("opened", "recovers", "fires again")]
    found = try_it(street)
    assert street.ends() == sorted((case.object, case.end is None) for case in found.cases if case.end is None)
    begins, ends = len(found.cases), sum(case.end is not None for case in found.cases)
    assert counted.count("opened") + counted.count("fires again") == begins
    assert counted.count("recovers") == ends
    street.store.close()


def test_the_command_line_rehearses_a_file_or_a_name(street: Street, tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(
        f'[gateway]\ndata = "{tmp_path}"\n[mqtt]\nhost = "localhost"\ntls = false\n'
        '[desk.depot]\ntitle = "Bauhof"\n[desk.office]\ntitle = "Amt"\n'
    )
    write(street.config)
    street.measure(0.5, 0.85, 0.1)
    file = tmp_path / "other.toml"
    file.write_text(HIGHER)

    def run(sheet: str, *more: str) -> str:
        words = ["rules", "rehearse", sheet, "--from", "2026-07-01", "--to", "2026-07-03", "-c", str(path), *more]
        found = CliRunner().invoke(app, words)
        assert found.exit_code == 0, found.output
        return found.output

    assert "1 case, the same as with the sheet in force." in run("bin-full")
    assert f"0 instead of 1 case; 1 no more: {BIN}." in run(str(file))
    answer = json.loads(run(str(file), "--json"))
    assert (answer["gone"], answer["cases"], len(answer["before"])) == ([BIN], [], 1)
    wrong = CliRunner().invoke(
        app, ["rules", "rehearse", "x", "--from", "2026-07-03", "--to", "2026-07-01", "-c", str(path)]
    )
    assert wrong.exit_code == 2
