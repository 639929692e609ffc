"""Files that a town drew: what is run of them, what is said of the rest, and what can't be done with them."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bordstein_gateway.config.config import AnyForward
from bordstein_gateway.procedures import conditions, run, script
from bordstein_gateway.procedures.check import mistakes
from bordstein_gateway.procedures.make import make
from bordstein_gateway.procedures.model import BadModel, Model, read
from bordstein_gateway.procedures.procedures import Procedures, drawn
from bordstein_gateway.rules.sheet import Procedure
from tests.gateway.procedures_town import CASE, DESKS, FULL, NOW, config, sheet

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<bpmn:definitions id="d" targetNamespace="http://bpmn.io/schema/bpmn"'
    ' xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"'
    ' xmlns:bordstein="urn:bordstein:procedure:1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
    '<bpmn:escalation id="esc" name="late" escalationCode="late"/>\n'
)
SERVICE = '<bpmn:extensionElements><bordstein:service kind="mail" target="office"/></bpmn:extensionElements>'
LOOP = """
<bpmn:laneSet id="lanes"><bpmn:lane id="l1" name="Bauhof"><bpmn:flowNodeRef>try</bpmn:flowNodeRef></bpmn:lane>
</bpmn:laneSet>
<bpmn:startEvent id="s"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
<bpmn:sequenceFlow id="f1" sourceRef="s" targetRef="count"/>
<bpmn:scriptTask id="count" scriptFormat="python"><bpmn:incoming>f1</bpmn:incoming><bpmn:incoming>f4</bpmn:incoming>
<bpmn:outgoing>f2</bpmn:outgoing><bpmn:script>tries = (tries if fill &gt; 2 else 0) + 1</bpmn:script></bpmn:scriptTask>
<bpmn:sequenceFlow id="f2" sourceRef="count" targetRef="try"/>
<bpmn:userTask id="try" name="Versuchen"><bpmn:extensionElements><camunda:formData>
<camunda:formField id="gone" label="Weg?" type="boolean"/></camunda:formData></bpmn:extensionElements>
<bpmn:incoming>f2</bpmn:incoming><bpmn:outgoing>f3</bpmn:outgoing></bpmn:userTask>
<bpmn:sequenceFlow id="f3" sourceRef="try" targetRef="ok"/>
<bpmn:exclusiveGateway id="ok" default="f4"><bpmn:incoming>f3</bpmn:incoming><bpmn:outgoing>f4</bpmn:outgoing>
<bpmn:outgoing>f5</bpmn:outgoing></bpmn:exclusiveGateway>
<bpmn:sequenceFlow id="f4" sourceRef="ok" targetRef="count"/>
<bpmn:sequenceFlow id="f5" sourceRef="ok" targetRef="e">
<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">${gone == true}</bpmn:conditionExpression>
</bpmn:sequenceFlow>
<bpmn:endEvent id="e"><bpmn:incoming>f5</bpmn:incoming></bpmn:endEvent>
"""


def file(inside: str) -> str:
    return f'{HEAD}<bpmn:process id="p" isExecutable="true">{inside}</bpmn:process></bpmn:definitions>'


def model(inside: str = LOOP) -> Model:
    return read(file(inside), DESKS)


def said(inside: str, **more: Any) -> list[str]:
    return mistakes(file(inside), config(**more))


def between(node: str, more: str = "") -> str:
    """A process with one node between start and end."""
    return (
        f'<bpmn:startEvent id="s"/><bpmn:sequenceFlow id="a" sourceRef="s" targetRef="x"/>\n{node}\n'
        f'<bpmn:sequenceFlow id="b" sourceRef="x" targetRef="e"/><bpmn:endEvent id="e"/>{more}'
    )


def test_a_drawn_file_is_run_with_its_loops_scripts_and_forms() -> None:
    assert said(LOOP) == []
    progress = run.start(model(), {**CASE, "tries": 0}, NOW)
    assert [(task.id, task.desk, task.form[0]["type"]) for task in progress.ready] == [("try", "depot", "boolean")]
    progress = run.complete(model(), progress.state, "try", {"gone": False}, NOW)
    assert [task.id for task in progress.ready] == ["try#2"]
    with pytest.raises(run.NoSuchTask):
        run.complete(model(), progress.state, "try", {"gone": True}, NOW)
    progress = run.complete(model(), progress.state, "try#2", {"gone": True}, NOW)
    assert progress.ended and progress.done == ("try",)


def test_a_service_without_an_error_s_way_goes_on_and_is_noted() -> None:
    inside = between(f'<bpmn:serviceTask id="x" name="Melden">{SERVICE}</bpmn:serviceTask>')
    assert said(inside) == []
    progress = run.start(model(inside), CASE, NOW)
    assert progress.errands[0].key == "2026-17/x"
    progress = run.answered(model(inside), progress.state, "2026-17/x", False, {"reason": "no"}, NOW)
    assert (progress.ended, progress.failed, progress.done) == (True, ("x",), ())


def test_a_procedure_that_goes_round_in_circles_is_stuck() -> None:
    circle = (
        '<bpmn:startEvent id="s"/><bpmn:sequenceFlow id="a" sourceRef="s" targetRef="x"/>'
        '<bpmn:exclusiveGateway id="x" default="b"/><bpmn:sequenceFlow id="b" sourceRef="x" targetRef="y"/>'
        '<bpmn:scriptTask id="y"><bpmn:script>z = 1</bpmn:script></bpmn:scriptTask>'
        '<bpmn:sequenceFlow id="c" sourceRef="y" targetRef="x"/>'
    )
    with pytest.raises(run.Stuck, match="round in circles"):
        run.start(model(circle), {"case": "2026-17"}, 0)


def test_timers_wait_for_the_time_they_are_given() -> None:
    inside = between(
        '<bpmn:intermediateCatchEvent id="x"><bpmn:timerEventDefinition id="t"><bpmn:timeDuration>P1DT2H'
        "</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>"
    )
    assert said(inside) == []
    progress = run.start(model(inside), CASE, NOW)
    assert progress.due == NOW + 26 * 3_600_000
    assert not run.wake(model(inside), progress.state, NOW + 26 * 3_600_000 - 1).ended
    assert run.wake(model(inside), progress.state, NOW + 26 * 3_600_000).ended


def test_what_fails_in_the_middle_is_said_and_nothing_is_lost() -> None:
    inside = between('<bpmn:scriptTask id="x"><bpmn:script>y = 1 / nothing</bpmn:script></bpmn:scriptTask>')
    with pytest.raises(run.Stuck, match="there is no nothing"):
        run.start(model(inside), CASE, NOW)


@pytest.mark.parametrize(
    ("inside", "sentence"),
    [
        ("", "exactly one start event"),
        ('<bpmn:startEvent id="s"/><bpmn:startEvent id="s2"/>', "exactly one start event; here are 2"),
        (
            '<bpmn:startEvent id="s"><bpmn:timerEventDefinition id="t"/></bpmn:startEvent>',
            "s begins neither plainly nor with a message",
        ),
        (between('<bpmn:serviceTask id="x" name="Rufen"/>'), "Rufen does not say what to do"),
        (
            between(f'<bpmn:serviceTask id="x" name="R">{SERVICE.replace("office", "nobody")}</bpmn:serviceTask>'),
            "R: there is no [desk.nobody]",
        ),
        (
            between(f'<bpmn:serviceTask id="x" name="R">{SERVICE.replace("mail", "open311")}</bpmn:serviceTask>'),
            "R: there is no [forward.office] for open311",
        ),
        (
            '<bpmn:laneSet id="ls"><bpmn:lane id="l" name="Mars"><bpmn:flowNodeRef>x</bpmn:flowNodeRef></bpmn:lane>'
            "</bpmn:laneSet>" + between('<bpmn:userTask id="x"/>'),
            'the lane "Mars" is no desk; gateway.toml has',
        ),
        (between('<bpmn:businessRuleTask id="x"/>'), "businessRuleTask is not run here"),
        (between('<bpmn:callActivity id="x"/>'), "callActivity is not run here"),
        (
            between('<bpmn:userTask id="x"><bpmn:multiInstanceLoopCharacteristics/></bpmn:userTask>'),
            "multiInstanceLoopCharacteristics is not run here",
        ),
        (
            between(
                '<bpmn:intermediateCatchEvent id="x"><bpmn:timerEventDefinition><bpmn:timeCycle>R3/PT1H'
                "</bpmn:timeCycle></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>"
            ),
            "timeCycle is not run here",
        ),
        (
            between(
                '<bpmn:intermediateCatchEvent id="x"><bpmn:timerEventDefinition><bpmn:timeDuration>2 Tage'
                "</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>"
            ),
            "2 Tage is no time of ISO 8601",
        ),
        (
            between('<bpmn:scriptTask id="x"><bpmn:script>import os</bpmn:script></bpmn:scriptTask>'),
            "Import is not part",
        ),
        (between('<bpmn:scriptTask id="x" scriptFormat="groovy"/>'), "only Python"),
        (LOOP.replace("${gone == true}", "${gone ===}"), "the condition: column"),
        (LOOP.replace(' default="f4"', ""), "ok has no way to go when no condition holds"),
        (between('<bpmn:userTask id="End"/>').replace('"x"', '"End"'), "the id End is taken"),
        (
            LOOP + '<bpmn:subProcess id="sub" triggeredByEvent="true"/>',
            "event subprocesses are not run here",
        ),
    ],
)
def test_what_can_t_be_run_is_said_with_its_line(inside: str, sentence: str) -> None:
    found = said(inside)
    assert len(found) == 1, found
    assert found[0].startswith("line ")
    assert sentence in found[0]


def test_what_the_gateway_makes_has_no_mistakes() -> None:
    city = {"kind": "open311", "url": "http://x.example", "service_code": "1"}
    forward = {"city": msgspec.convert(city, AnyForward)}
    assert mistakes(make(FULL, DESKS), config(forward=forward)) == []


# Attacks


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
    + ']><d x="&j;">&j;</d>'
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>',
        '<!DOCTYPE d SYSTEM "http://127.0.0.1:1/x.dtd"><d/>',
        "<d>" * 100_000,
        "not xml",
        "<d/>",
        "",
        "<a>" + "x" * (3 << 20) + "</a>",
        f"{HEAD}</bpmn:definitions>",
    ],
    ids=["laughs", "file", "dtd", "deep", "text", "other", "empty", "large", "no process"],
)
def test_hostile_files_are_refused_in_a_sentence_and_at_once(text: str) -> None:
    with pytest.raises(BadModel) as error:
        read(text)
    assert "root:" not in str(error.value)
    assert len(mistakes(text, config())) == 1


@pytest.mark.parametrize(
    "attack",
    [
        "import os",
        "__import__('os').system('x')",
        "().__class__.__bases__[0].__subclasses__()",
        "x = ''.join(['a'])",
        "eval('1')",
        "open('/etc/passwd')",
        "getattr(1, 'real')",
        "f = lambda: 1",
        "def f(): pass",
        "while True: pass",
        "for x in [1]: pass",
        "x = [y for y in [1]]",
        "x = 9 ** 9 ** 9",
        "x = 1 << 10000",
        "x = f'{1}'",
        "class A: pass",
        "del case",
        "global x",
        "x = __builtins__",
        "_ = 1",
        "max = 3",
        "x = str(print)",
        "x = max(*[1, 2])",
        "x = max([1], key=str)",
        "raise ValueError",
        "with 1: pass",
        "x = (y := 3)",
        "await x",
        "x: int = 3",
        "x = 'a' * 100000000",
        "x = [0] * 100000000",
        "x = '%1000000000d' % 3",
        "x = " + "+".join(["1"] * 5000),
        "x = " + "(" * 500 + "1" + ")" * 500,
        "x = 'a'\n" + "x = x + x\n" * 60,
        "x = 2\n" + "x = x * x\n" * 60,
        "x = [1]\n" + "x = [x, x]\n" * 100,
        "x = {}\n" + "x = {1: x, 2: x}\n" * 100,
        "x = case['__class__']",
    ],
)
def test_no_script_gets_out_or_takes_long(attack: str) -> None:
    data: dict[str, Any] = {"case": "2026-17"}
    began = time.process_time()
    with pytest.raises(script.BadScript):
        script.execute(attack, data)
    assert data == {"case": "2026-17"}
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1 + 2 * 3", 7),
        ("x = 'a' if fill > 0.5 else 'b'", "a"),
        ("x = {'n': [1, 2]}\nx['n'][0] = 5", {"n": [5, 2]}),
        ("x = 0\nif fill > 2:\n    x = 1\nelif not bags == 4:\n    x = 2", 2),
        ("x = round(sum([1.26, 2]), 1)", 3.3),
        ("x = 3\nx += 4", 7),
        ("x = 1 < 2 < 3 and 'e' in title", True),
        ("x = len(title) // 2 % 4 - -1", 2),
        ("x = sorted([3, 1])[0] or 5", 1),
    ],
)
def test_what_scripts_are_for_works(text: str, expected: Any) -> None:
    data: dict[str, Any] = {"fill": 0.9, "bags": 2, "title": "Papierkorb"}
    script.execute(text, data)
    assert data["x"] == expected


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("abx_=+*()[]{}.,:'\" \n0123456789<>%"), max_size=60))
def test_whatever_a_script_is_it_runs_or_is_refused(text: str) -> None:
    try:
        script.execute(text, {"a": 1, "b": [1]})
    except script.BadScript as error:
        assert str(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("look.full && fill > 0", True),
        ("${look.full}", True),
        ("look.nothing", False),
        ("nobody || look.full", True),
        ("nobody.at.all", False),
        ("look.bags >= 2", True),
        ('title.startsWith("Pap") && title != "x"', True),
        ("fill", False),
    ],
)
def test_conditions_are_those_of_sheets_and_unknown_is_no(text: str, expected: bool) -> None:
    data = {"look": {"full": True, "bags": 2}, "fill": 0.9, "title": "Papierkorb"}
    assert conditions.holds(text, data) is expected


# Beside the sheet


def test_a_sheet_s_drawn_file_lies_beside_it_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/loop.bpmn").write_text(file(LOOP))
    (tmp_path / "secret").write_text("geheim")
    settings_ = config()
    settings_.rules.folder = str(tmp_path / "rules")
    procedures = Procedures(settings_)
    assert procedures.text(sheet(procedure=Procedure(file="loop.bpmn"))) == file(LOOP)
    for name in ("../secret", "no.bpmn", str(tmp_path / "secret"), "."):
        with pytest.raises(BadModel) as error:
            drawn(tmp_path / "rules", name)
        assert "geheim" not in str(error.value)
