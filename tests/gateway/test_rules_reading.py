"""A rule sheet's text: all its mistakes at once, each with its line and what to do."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from bordstein_gateway.config.config import Config
from bordstein_gateway.procedures.make import make
from bordstein_gateway.rules.reading import read, warnings
from tests.gateway import ruling

Problems = Callable[[str], list[str]]

HEAD = """name = "bin-full"
title = "Papierkorb voll"
why = "Ab vier Fünfteln liegt am nächsten Tag etwas daneben."
owner = "depot"
deputy = "office"
legal_basis = "§ 17 KrWG"
review = 2027-06-30
"""
FILL = """[signal.fill]
property = "fill_level"
"""
FIRES = """[condition]
fires = "fill > 0.8"
"""
WHOLE = HEAD + FILL + FIRES
STEP = WHOLE + '[[step]]\nid = "go"\ntitle = "Go"\n'
CALL = STEP + 'service = "webhook"\ntarget = "hook"\n'


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return ruling.town(tmp_path)


@pytest.fixture
def problems(config: Config) -> Problems:
    def found(text: str) -> list[str]:
        sheet, mistakes = read(text, config, "bin-full")
        assert (sheet is None) == bool(mistakes)
        return mistakes

    return found


def test_a_sheet_in_order_is_read(config: Config) -> None:
    sheet, mistakes = read(WHOLE, config, "bin-full")
    assert mistakes == []
    assert sheet is not None
    assert sheet.condition.fires == "fill > 0.8"
    assert sheet.review == date(2027, 6, 30)


def test_a_sheet_with_everything_is_in_order(problems: Problems) -> None:
    assert problems(ruling.EVERYTHING) == []


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "there is nothing in it"),
        ("name = full\n", 1, "text has to be in quotes"),
        (WHOLE.replace("bin-full", "bin"), 1, 'name = "bin-full"'),
        (WHOLE.replace("why =", "wy ="), 3, "is why meant?"),
        (WHOLE.replace("deputy", "#"), 1, "deputy is missing"),
        (WHOLE.replace("§ 17 KrWG", " "), 6, "is empty: on which legal basis"),
        (WHOLE.replace('"Papierkorb voll"', '{ de = "", en = "x" }'), 2, "is empty"),
        (WHOLE.replace("2027-06-30", '"soon"'), 7, "expected a date"),
        (WHOLE.replace('"depot"', '"depo"'), 4, "gateway.toml has no [desk.depo]; is depot meant?"),
        (WHOLE.replace("fill_level", "fil_level"), 9, "is fill_level meant?"),
        (WHOLE.replace("> 0.8", "> 80"), 11, "fill never gets to 80: 0 to 1 is plausible"),
        (WHOLE.replace("fill >", "full >"), 11, "column 1: there is no full here; is fill meant?"),
        (WHOLE.replace("fill > 0.8", "fill"), 11, "it needs a comparison"),
        (WHOLE.replace("fill > 0.8", "fill > 0.8 and fill < 1"), 11, "column 12: instead of and write: &&"),
        (WHOLE.replace("fill > 0.8", "fill > 0,8"), 11, "column 9: write decimals with a point"),
        (WHOLE.replace("fill > 0.8", "fill = 0.8"), 11, "column 6: instead of = write: =="),
        (WHOLE.replace("fill > 0.8", "fill && true"), 11, "&& does not go with: a number and yes or no"),
        (WHOLE.replace("fill > 0.8", "abs(fill) > 0.5"), 11, "CEL has no function abs"),
        (WHOLE.replace("fill > 0.8", "1 < 2"), 8, "no expression uses this signal"),
        (WHOLE + 'clears = "fill < 0.9"\n', 12, "is on the wrong side"),
        (WHOLE + 'season = "13-01..04-30"\n', 12, "expected two days as month-day"),
        (WHOLE + 'times = ["mo-fr 06:00-20:00"]\n', 12, "mo-fr is no day"),
        (WHOLE + 'times = ["mon-fri 06:00-25:00"]\n', 12, "25:00 is no time of day"),
        (WHOLE + 'not_times = ["mon-fri morning"]\n', 12, "expected days and times"),
        (WHOLE + "in_a_row = 2\n", 12, "needs times"),
        (WHOLE + "samples = { n = 3, m = 2 }\n", 12, "3 of 2 can't be"),
        (HEAD + FILL + "[condition]\n", 10, "fires is missing"),
        (HEAD + FILL + "last = 3\n" + FIRES, 10, "needs take"),
        (HEAD + FILL + 'take = "mean"\n' + FIRES, 10, "needs either last"),
        (HEAD + FILL + 'take = "mean"\nlast = 3\nover = "1h"\n' + FIRES, 10, "needs either last"),
        (HEAD + FILL + 'take = "rate"\nlast = 1\n' + FIRES, 11, "it takes 2 at least"),
        (HEAD + FILL + 'series = "bin/fill"\n' + FIRES, 10, "this is no series of fill_level"),
        (HEAD + FILL + "nearest = true\n" + FIRES, 10, "the first signal is the objects' own"),
        (HEAD + FILL + "within = 20\n" + FIRES, 10, "needs nearest = true"),
        (HEAD + FILL.replace("fill]", "while]") + FIRES.replace("fill", "1.0"), 8, "is a word of expressions"),
        (HEAD + FILL.replace("fill]", "place]") + FIRES.replace("fill", "place"), 8, "means something else in steps"),
        (HEAD + '[signal.fill]\ntake = "silence"\nover = "1h"\n' + FIRES, 10, "has no use with take"),
        (HEAD + '[signal.fill]\ntake = "last"\n' + FIRES, 8, "property is missing"),
        (
            HEAD + '[signal.fill]\nproperty = "tilted"\ntake = "median"\nlast = 3\n' + FIRES,
            10,
            "tilted is yes or no: mean, sum, count, last only",
        ),
        (WHOLE + '[objects]\neach = "group"\n', 12, "group_prefix is missing"),
        (WHOLE + "[objects]\nat_least = 2\n", 13, 'needs each = "group"'),
        (WHOLE + '[objects]\ndevices = ["24a160000001", "24a160000001"]\n', 13, "is there already"),
        (
            WHOLE + '[objects]\ndevices = ["24a160000001"]\n[objects.stands_for]\n24a160000002 = 3\n',
            15,
            "is not among this sheet's devices",
        ),
        (WHOLE + '[[stage]]\nname = "a"\ntitle = "A"\nfires = "fil > 1"\n', 15, "is fill meant?"),
        (WHOLE + 2 * '[[stage]]\nname = "a"\ntitle = "A"\nfires = "fill > 0.9"\n', 17, "another stage is called so"),
        (WHOLE + 2 * '[[step]]\nid = "go"\ntitle = "Go"\n', 16, "another step is called so"),
        (WHOLE + '[[step]]\nid = "fill"\ntitle = "Go"\n', 13, "a signal or value is called so"),
        (WHOLE + '[[step]]\nid = "go"\ntitle = ""\n', 14, "is empty"),
        (STEP + 'desk = "nobody"\n', 15, "has no [desk.nobody]"),
        (STEP + 'when = "look.full"\n', 15, "there is no look.full here"),
        (
            STEP + 'when = "see.ok"\n[[step]]\nid = "see"\ntitle = "See"\n',
            15,
            "the answers of see are not there yet",
        ),
        (STEP + "when = 'stage == \"high\"'\n", 15, "there is no stage high"),
        (STEP + 'target = "x"\n', 15, "needs service"),
        (STEP + 'service = "webhook"\n', 12, "target is missing"),
        (STEP + 'service = "webhook"\ntarget = "hok"\n', 16, "is hook meant?"),
        (
            STEP + 'service = "open311"\ntarget = "hook"\n',
            16,
            "[forward.hook] is not of kind open311",
        ),
        (STEP + 'service = "mail"\ntarget = "office"\n', 16, "has no [mail]"),
        (
            CALL + 'fields = { a = "{{ plac }}" }\n',
            17,
            "there is no plac",
        ),
        (
            CALL + 'fields = { a = ["{{ place"] }\n',
            17,
            "is no valid template",
        ),
        (
            STEP + 'form = [{ name = "a", label = "A", type = "choice" }]\n',
            15,
            "choices",
        ),
        (
            WHOLE
            + '[[step]]\nid = "go"\ntitle = "Go"\nform = [{ name = "a", label = "A" }, { name = "a", label = "B" }]\n',
            15,
            "another field is called so",
        ),
        (WHOLE + '[escalation]\nafter = "2h"\nworking_time = true\n', 14, "[desk.depot] has no hours"),
        (WHOLE + '[procedure]\nfile = "bin.bpmn"\n', 13, "there is no"),
        (WHOLE + '[procedure]\nfile = "../bin.bpmn"\n', 13, "its name only"),
        (WHOLE + '[procedure]\nengine = "hook"\nprocess = "p"\n', 13, "is not of kind camunda7 or flowable"),
        (WHOLE + '[procedure]\nprocess = "p"\n', 13, "needs engine"),
    ],
)
def test_every_mistake_is_said_with_its_line(problems: Problems, text: str, line: int, said: str) -> None:
    found = problems(text)
    assert any(problem.startswith(f"{line}: ") and said in problem for problem in found), found


def test_all_mistakes_are_said_at_once_in_the_order_of_the_lines(problems: Problems) -> None:
    found = problems(WHOLE.replace('"depot"', '"x"').replace("fill >", "full >").replace("2027-06-30", "1"))
    assert [int(problem.partition(":")[0]) for problem in found] == [4, 7, 8, 11]


def test_mistakes_are_said_in_german(problems: Problems, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BORDSTEIN_LANG", "de")
    (found,) = problems(WHOLE.replace("> 0.8", "=> 0.8"))
    assert found == "11: condition.fires: Spalte 6: statt => schreiben: >="


def test_a_review_that_is_overdue_and_no_steps_are_no_mistakes_but_said(config: Config) -> None:
    sheet, _ = read(WHOLE, config)
    assert sheet is not None
    assert warnings(sheet, date(2027, 6, 30)) == ["bin-full: no step says what there is to do"]
    assert warnings(sheet, date(2027, 7, 1))[0] == "bin-full: its review was due on 2027-06-30"


def test_a_drawn_procedure_that_lies_beside_the_sheet_is_found(config: Config) -> None:
    config.rules_path.mkdir(exist_ok=True)
    (config.rules_path / "bin.bpmn").write_text("<x/>")
    (mistake,) = read(WHOLE + '[procedure]\nfile = "bin.bpmn"\n', config)[1]
    assert "procedure.file: bin.bpmn: no BPMN 2.0" in mistake
    (sheet, _) = read(WHOLE, config)
    assert sheet is not None
    (config.rules_path / "bin.bpmn").write_text(make(sheet, config.desk))
    assert read(WHOLE + '[procedure]\nfile = "bin.bpmn"\n', config)[1] == []
