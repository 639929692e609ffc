"""Sheets' steps as BPMN: what every other tool can open, and what SpiffWorkflow and another engine run alike."""

import json
import os
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnValidator

from bordstein_gateway.procedures import run
from bordstein_gateway.procedures.make import make
from bordstein_gateway.procedures.model import Model, read
from bordstein_gateway.procedures.progress import Progress
from bordstein_gateway.procedures.words import PREFIXES
from bordstein_gateway.rules.sheet import Escalation, Recovered, Sheet, Step
from tests.gateway.procedures_town import CASE, DESKS, EMPTY, FULL, LOOK, NOW, ORDER, TELL, sheet

ROOT = Path(__file__).parents[2]
HOUR = 3_600_000


def model(of: Sheet = FULL) -> Model:
    return read(make(of, DESKS), DESKS)


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    """Steps of all kinds in any order; the desks, escalations and ends that go with them."""
    steps = []
    for number in range(draw(st.integers(0, 6))):
        service = draw(st.sampled_from([None, None, "open311", "mail"]))
        steps.append(
            Step(
                id=f"step_{number}",
                title=draw(st.text(st.characters(codec="utf-8", categories=("L", "P", "Zs")), min_size=1, max_size=30)),
                desk=draw(st.sampled_from([None, "office", "driver"])),
                service=service,
                target="office" if service == "mail" else "city" if service else None,
                when=draw(st.sampled_from([None, None, "fill > 0.5", 'stage == "low"'])),
                on_error=draw(st.sampled_from(["continue", "stop"])),
            )
        )
    escalation = draw(st.sampled_from([None, Escalation(after="2h"), Escalation(after="30m", working_time=True)]))
    return sheet(*steps, escalation=escalation, recovered=Recovered(then=draw(st.sampled_from(["close", "mark"]))))


# What other tools get


@cache
def schema() -> BpmnValidator:
    """The OMG's BPMN20.xsd, with its parts for diagrams."""
    return BpmnValidator()


@settings(max_examples=20, deadline=None)
@given(sheets())
def test_any_sheet_is_valid_by_the_schema_and_all_that_refers_refers_to_something(any_sheet: Sheet) -> None:
    text = make(any_sheet, DESKS)
    assert make(any_sheet, DESKS) == text
    root = etree.fromstring(text.encode())
    schema().validate(root)
    ids = [node.get("id") for node in root.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    nodes = {n.get("id"): n for n in root.find("bpmn:process", PREFIXES).iterchildren() if n.get("id")}
    for flow in root.iter(f"{{{PREFIXES['bpmn']}}}sequenceFlow"):
        for end, way in (("sourceRef", "outgoing"), ("targetRef", "incoming")):
            named = [one.text for one in nodes[flow.get(end)].findall(f"bpmn:{way}", PREFIXES)]
            assert named.count(flow.get("id")) == 1
    in_lanes = [node.text for node in root.iter(f"{{{PREFIXES['bpmn']}}}flowNodeRef")]
    flow_nodes = [id for id, node in nodes.items() if not node.tag.endswith(("sequenceFlow", "laneSet"))]
    assert sorted(in_lanes) == sorted(flow_nodes)
    drawn = {one.get("bpmnElement") for one in root.iter() if one.get("bpmnElement")}
    flows = [id for id, node in nodes.items() if node.tag.endswith("sequenceFlow")]
    assert drawn >= {*flow_nodes, *flows} and drawn <= set(ids)


@settings(max_examples=20, deadline=None)
@given(sheets())
def test_in_any_diagram_nothing_lies_on_something_else_and_all_lines_are_orthogonal(any_sheet: Sheet) -> None:
    root = etree.fromstring(make(any_sheet, DESKS).encode())
    boxes: dict[str, tuple[int, int, int, int]] = {}
    for shape in root.iter(f"{{{PREFIXES['bpmndi']}}}BPMNShape"):
        bounds = shape.find("dc:Bounds", PREFIXES)
        boxes[shape.get("bpmnElement")] = tuple(int(bounds.get(key)) for key in ("x", "y", "width", "height"))  # type: ignore[assignment]
    pool = boxes.pop("Pool")
    lanes = {id: boxes.pop(id) for id in list(boxes) if id.startswith("Lane_")}
    assert sum(lane[3] for lane in lanes.values()) == pool[3]
    hanging = {node.get("id"): node.get("attachedToRef") for node in root.iter() if node.get("attachedToRef")}
    for one, (x, y, wide, high) in boxes.items():
        assert pool[0] <= x and x + wide <= pool[0] + pool[2]
        assert any(top <= y and y + high <= top + tall for _, top, _, tall in lanes.values())
        for other, (x2, y2, wide2, high2) in boxes.items():
            if one < other and other not in (hanging.get(one), one) and hanging.get(other) != one:
                assert x + wide <= x2 or x2 + wide2 <= x or y + high <= y2 or y2 + high2 <= y, (one, other)
    for edge in root.iter(f"{{{PREFIXES['bpmndi']}}}BPMNEdge"):
        points = [(int(p.get("x")), int(p.get("y"))) for p in edge.findall("di:waypoint", PREFIXES)]
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(points)), points


# Another engine


class Other(NamedTuple):
    """What it is to do; see bpmn_engine/run.cjs."""

    source: str
    yes: tuple[str, ...] = ()
    fail: tuple[str, ...] = ()
    message: str | None = None


def other_engine(jobs: list[Other]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [Path(sys.executable).with_name("node"), ROOT / "tests/gateway/bpmn_engine/run.cjs"],
        input=json.dumps([job._asdict() for job in jobs]),
        env={**os.environ, "NODE_PATH": str(ROOT / ".cache/bpmn_engine/node_modules")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def through(of: Model, answers: dict[str, dict[str, Any]], fail: tuple[str, ...]) -> tuple[list[str], Progress]:
    """All tasks in the order in which they were done, and where it ends."""
    progress = run.start(of, CASE, NOW)
    order: list[str] = []
    while not progress.ended:
        if progress.ready:
            task = progress.ready[0]
            order.append(task.node)
            progress = run.complete(of, progress.state, task.id, answers.get(task.node, {}), NOW)
        else:
            errand = progress.errands[0]
            if errand.node not in fail:
                order.append(errand.node)
            progress = run.answered(of, progress.state, errand.key, errand.node not in fail, {}, NOW)
    return order, progress


def test_bpmn_engine_runs_the_same_steps_and_bpmn_moddle_has_nothing_to_say() -> None:
    """Each case: which conditions hold, which services fail."""
    yes = {"look": {"full": True, "kind": "Glas"}}
    ways: list[tuple[Sheet, dict[str, dict[str, Any]], tuple[str, ...]]] = [
        (FULL, yes, ()),
        (FULL, {"look": {"full": False, "bags": 1}}, ()),
        (FULL, {"look": {"full": False, "bags": 2}}, ()),
        (FULL, yes, ("order",)),
        (FULL, yes, ("tell",)),
        (FULL, yes, ("order", "tell")),
        (sheet(), {}, ()),
        (sheet(ORDER, EMPTY), {}, ()),
        (sheet(TELL, LOOK), yes, ("tell",)),
    ]
    jobs, ours = [], []
    for of, answers, fail in ways:
        order, progress = through(model(of), answers, fail)
        taken = [*progress.done, *progress.failed]
        flows = tuple(f"Flow_Split_{step.id}_{step.id}" for step in of.steps if step.when and step.id in taken)
        jobs.append(Other(make(of, DESKS), flows, fail))
        ours.append(order)
    jobs.append(Other(make(FULL, DESKS), message="Message_recovered"))
    found = other_engine(jobs)
    steps = {"look", "order", "tell", "empty", "deal_with_it"}
    assert [one["warnings"] for one in found] == [[]] * len(jobs)
    assert [one["error"] for one in found] == [None] * len(jobs)
    assert [[id for id in one["done"] if id in steps] for one in found[:-1]] == ours
    assert found[-1]["done"] == ["Recovered_end"]


# Ours


def test_a_task_says_who_does_what_with_which_form() -> None:
    (task,) = run.start(model(), CASE, NOW).ready
    assert (task.id, task.node, task.title, task.desk) == ("look", "look", "Nachsehen", "depot")
    assert task.instruction == "Hinfahren & nachsehen: <voll?>"
    assert [field["name"] for field in task.form] == ["full", "kind", "bags"]
    assert task.form[0]["label"] == {"de": "Voll?", "en": "Full?"}
    assert task.form[0]["required"]
    assert task.form[1]["choices"] == [{"de": "Glas", "en": "Glas"}, {"de": "Papier", "en": "Paper"}]


def test_camunda_modeler_s_forms_have_the_same_fields() -> None:
    text = make(FULL, DESKS)
    root = etree.fromstring(text.encode())
    for own in root.findall(".//bordstein:form", PREFIXES):
        own.getparent().remove(own)
    (task,) = run.start(read(etree.tostring(root).decode(), DESKS), CASE, NOW).ready
    assert [(field["name"], field["type"], field["required"]) for field in task.form] == [
        ("full", "boolean", True),
        ("kind", "choice", False),
        ("bags", "number", False),
    ]


def test_what_is_asked_of_others_has_the_case_s_values_and_the_answers_before() -> None:
    progress = run.start(model(), CASE, NOW)
    progress = run.complete(model(), progress.state, "look", {"full": True, "kind": "Glas"}, NOW)
    (errand,) = progress.errands
    assert (errand.key, errand.kind, errand.target) == ("2026-17/order", "open311", "city")
    assert errand.request["description"] == "Marktplatz 7: Glas"
    assert errand.request["about"]["latitude"] == 53.5511
    assert "fill" not in errand.request["about"]


def test_what_was_not_answered_is_nothing_in_a_template() -> None:
    tell = Step(
        id="tell", title="x", service="mail", target="office", fields={"body": "{{ look.kind }}/{{ look.bags }}."}
    )
    of = model(sheet(LOOK, tell))
    progress = run.complete(of, run.start(of, CASE, NOW).state, "look", {"full": True, "bags": 2.0}, NOW)
    assert progress.errands[0].request["body"] == "/2.0."


def test_a_template_that_can_t_be_filled_says_so_and_is_no_crash() -> None:
    of = model(sheet(Step(id="x", title="x", service="mail", target="office", fields={"subject": "{{ nobody }}"})))
    (errand,) = run.start(of, CASE, NOW).errands
    assert "nobody" in errand.request["problem"]


def test_a_step_is_done_once() -> None:
    progress = run.start(model(), CASE, NOW)
    after = run.complete(model(), progress.state, "look", {"full": True}, NOW)
    with pytest.raises(run.NoSuchTask):
        run.complete(model(), after.state, "look", {"full": True}, NOW)
    with pytest.raises(run.NoSuchTask):
        run.complete(model(), after.state, "nope", {}, NOW)
    late = run.answered(model(), after.state, "2026-17/order", True, {"id": "4711"}, NOW)
    with pytest.raises(run.NoSuchTask):
        run.answered(model(), late.state, "2026-17/order", True, {}, NOW)


def test_what_no_way_leads_to_any_more_is_skipped() -> None:
    progress = run.start(model(), CASE, NOW)
    progress = run.complete(model(), progress.state, "look", {"full": False}, NOW)
    assert progress.skipped == ("order",)
    progress = run.answered(model(), progress.state, "2026-17/tell", True, {}, NOW)
    assert (progress.done, progress.skipped, progress.ended) == (("look", "tell"), ("order", "empty"), True)


def test_an_unknown_answer_is_no_yes() -> None:
    progress = run.start(model(), CASE, NOW)
    assert run.complete(model(), progress.state, "look", {}, NOW).skipped == ("order",)


def test_the_deputy_is_told_when_the_time_has_come_and_once() -> None:
    progress = run.start(model(), CASE, NOW)
    assert progress.due == NOW + 2 * HOUR
    early = run.wake(model(), progress.state, NOW + 2 * HOUR - 1)
    assert (early.escalate, early.due) == ((), NOW + 2 * HOUR)
    late = run.wake(model(), early.state, NOW + 2 * HOUR)
    assert (late.escalate, late.due, late.ended) == (("Escalated",), None, False)
    assert run.wake(model(), late.state, NOW + 9 * HOUR).escalate == ()
    assert [task.id for task in late.ready] == ["look"]


def test_a_first_step_that_is_done_escalates_no_more() -> None:
    progress = run.complete(model(), run.start(model(), CASE, NOW).state, "look", {"full": True}, NOW)
    assert progress.due is None
    assert run.wake(model(), progress.state, NOW + 9 * HOUR).escalate == ()


def test_working_time_is_a_date_given_at_the_start() -> None:
    of = model(sheet(LOOK, escalation=Escalation(after="2h", working_time=True)))
    progress = run.start(of, {**CASE, "escalate_at": "2026-09-22T07:30:00Z"}, NOW)
    assert progress.due == 1_790_062_200_000
    assert run.wake(of, progress.state, 1_790_062_200_000).escalate == ("Escalated",)


@pytest.mark.parametrize(("then", "ends"), [("close", True), ("mark", False)])
def test_a_recovered_sensor_closes_or_marks(then: Any, ends: bool) -> None:
    of = model(sheet(LOOK, EMPTY, recovered=Recovered(then=then)))
    progress = run.message(of, run.start(of, CASE, NOW).state, "recovered", {}, NOW)
    assert progress.ended == ends
    assert [task.id for task in progress.ready] == ([] if ends else ["look"])


def test_a_message_that_nobody_waits_for_changes_nothing() -> None:
    progress = run.complete(model(), run.start(model(), CASE, NOW).state, "look", {"full": True}, NOW)
    again = run.message(model(), progress.state, "recovered", {}, NOW)
    assert again.errands == progress.errands
    assert not again.ended


def test_all_state_is_in_the_text_that_is_kept() -> None:
    """Each step in a process of its own would do the same: nothing is remembered but the text."""
    of = model()
    progress = run.start(of, CASE, NOW)
    kept = json.loads(progress.state)
    assert "spec" not in json.dumps(kept.get("spec"))
    read.__globals__["_read"].cache_clear()
    again = run.complete(model(), progress.state, "look", {"full": True}, NOW)
    assert [errand.key for errand in again.errands] == ["2026-17/order"]
    assert len(again.state) < 20_000
