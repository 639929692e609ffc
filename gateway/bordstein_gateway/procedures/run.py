"""Runs procedures: a model and a state in, a Progress out. No store, no clock, no network.

All functions take the time (`now`, ms UTC) and give the state to go on from. Whoever calls keeps that state in the
commit in which the steps it names become visible: then a restart loses no step, and repeats none.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import ErrorEventDefinition, EscalationEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.event_types import ThrowingEvent
from SpiffWorkflow.bpmn.util import BpmnEvent
from SpiffWorkflow.exceptions import SpiffWorkflowException
from SpiffWorkflow.util.task import TaskState

from ..forward.wording import BadTemplate, fill
from ..texts import both
from .engine import SERIALIZER, Engine, moment
from .model import Model, Part
from .names import NAMES
from .progress import Errand, Progress, Task

_GIVEN, _FAILED = "given", "failed"
_MOST_PARTS = 500
"""That a procedure goes through in one go: a drawn one may lead in a circle in which nobody is waited for."""
_ANSWER = ("ok", "id", "reason")


class NoSuchTask(LookupError):
    """There is no such task to do (any more); the message is one sentence, both(de, en)."""


class Stuck(Exception):
    """A procedure can't go on: a script or a condition failed. The message is one sentence, both(de, en)."""


def start(model: Model, data: Mapping[str, Any], now: int) -> Progress:
    """Begin. `data`: the case's values (see names.py), JSON-able; `case`: its number, in the errands' keys. Stuck."""
    engine = _engine(now)
    workflow = BpmnWorkflow(model.spec, dict(model.specs), script_engine=engine)
    workflow.data[_GIVEN] = sorted(data)
    workflow.data[_FAILED] = []
    workflow.data["case"] = str(data["case"])
    run = _Run(model, workflow, engine)
    workflow.task_tree.data.update(json.loads(json.dumps(data)))
    run.go()
    if model.starts_by is not None:
        workflow.catch(BpmnEvent(MessageEventDefinition(model.starts_by), payload={}))
        run.go()
    return run.progress()


def complete(model: Model, state: str, task: str, answers: Mapping[str, Any], now: int) -> Progress:
    """A user task was done. NoSuchTask, Stuck."""
    run = _Run.load(model, state, now)
    run.finish(task, dict(answers))
    return run.progress()


def message(model: Model, state: str, name: str, data: Mapping[str, Any], now: int) -> Progress:
    """Something was heard. Where nothing waits for it, all stays as it is. Stuck."""
    run = _Run.load(model, state, now)
    run.workflow.catch(BpmnEvent(MessageEventDefinition(name), payload=dict(data)))
    run.go()
    return run.progress()


def wake(model: Model, state: str, now: int) -> Progress:
    """Let go off what is due. Stuck."""
    run = _Run.load(model, state, now)
    run.go()
    return run.progress()


def answered(model: Model, state: str, key: str, ok: bool, result: Mapping[str, Any], now: int) -> Progress:
    """An errand is through. `result`: what the other side said (`id`, `url`, …), or `reason`. A second answer to the
    same errand raises NoSuchTask. Stuck."""
    run = _Run.load(model, state, now)
    task = key.rpartition("/")[2]
    if ok:
        run.finish(task, {**result, "ok": True})
    else:
        run.fail(task, {**result, "ok": False})
    return run.progress()


class _Run:
    """One call: a workflow on its way."""

    def __init__(self, model: Model, workflow: BpmnWorkflow, engine: Engine) -> None:
        self.workflow = workflow
        self._model = model
        self._engine = engine
        self._escalated: list[str] = []
        self._parts = 0

    @classmethod
    def load(cls, model: Model, state: str, now: int) -> "_Run":
        engine = _engine(now)
        kept = json.loads(state)
        workflow = SERIALIZER.from_dict(kept, spec=model.spec, specs=dict(model.specs))
        workflow.script_engine = engine
        return cls(model, workflow, engine)

    def go(self) -> None:
        """Until everything waits for somebody, or for a time."""
        try:
            self.workflow.refresh_timers()
            while any(not task.task_spec.manual for task in self.workflow.get_tasks(state=TaskState.READY)):
                self.workflow.do_engine_steps(did_complete_task=self._passed)
        except SpiffWorkflowException as error:
            why = " ".join(str(error).split())[:300]
            raise Stuck(both(f"Der Ablauf kommt nicht weiter: {why}", f"The procedure can't go on: {why}")) from None

    def finish(self, id: str, answers: dict[str, Any]) -> None:
        task = self._ready(id)
        given = set(self.workflow.data.get(_GIVEN, ()))
        # As drawn files have it, whose forms' fields are the process's variables.
        task.data.update({name: value for name, value in answers.items() if name not in given})
        task.data[task.task_spec.bpmn_id] = answers
        task.run()
        self.go()

    def fail(self, id: str, result: dict[str, Any]) -> None:
        """Along the error's way; where none is drawn, on as usual."""
        task = self._ready(id)
        node = task.task_spec.bpmn_id
        self.workflow.data[_FAILED] = [*self.workflow.data.get(_FAILED, ()), node]
        ways = [
            other
            for other in (task.parent.children if task.parent else ())
            if isinstance(getattr(other.task_spec, "event_definition", None), ErrorEventDefinition)
        ]
        if not ways:
            self.finish(id, result)
            return
        way = ways[0]
        event = BpmnEvent(way.task_spec.event_definition, payload={node: result})
        way.task_spec.catch(way, event)
        way.task_spec._update(way)
        self.go()

    def progress(self) -> Progress:
        workflow = self.workflow
        parts = self._model.parts
        done, alive = set(), set()
        ready, errands = [], []
        for id, task in self._tasks():
            part = parts[task.task_spec.bpmn_id]
            if task.state == TaskState.COMPLETED:
                done.add(part.id)
            elif task.state == TaskState.READY and part.kind == "user":
                ready.append(Task(id, part.id, part.title, part.instruction, part.desk, part.form))
            elif task.state == TaskState.READY:
                errands.append(self._errand(id, part, task.data))
        for task in workflow.get_tasks(state=TaskState.READY | TaskState.WAITING | TaskState.STARTED):
            alive |= _reachable(task.task_spec)
        failed = tuple(dict.fromkeys(workflow.data.get(_FAILED, ())))
        done -= set(failed)
        skipped = [id for id in parts if id not in done and id not in alive and id not in failed]
        return Progress(
            state=SERIALIZER.serialize_json(workflow),
            ready=tuple(ready),
            errands=tuple(errands),
            done=tuple(id for id in parts if id in done),
            skipped=tuple(skipped) if not self._model.specs else tuple(skipped if workflow.completed else ()),
            due=self._due(),
            escalate=tuple(self._escalated),
            ended=bool(workflow.completed),
            failed=failed,
        )

    def _errand(self, id: str, part: Part, data: Mapping[str, Any]) -> Errand:
        try:
            request: dict[str, Any] = _filled(part.fields, self._named(data))
        except BadTemplate as error:
            request = {"problem": str(error)}
        request["about"] = {name: data[name] for name in NAMES if name in data}
        kind: Any = part.service
        return Errand(f"{self.workflow.data['case']}/{id}", id, part.id, kind, part.target, request)

    def _named(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What templates may name; what was not answered, or not reached, is nothing."""
        named = dict(data)
        for part in self._model.parts.values():
            blank = _ANSWER if part.kind == "service" else [str(field["name"]) for field in part.form]
            answers = data.get(part.id)
            named[part.id] = {**dict.fromkeys(blank), **(answers if isinstance(answers, Mapping) else {})}
        return named

    def _tasks(self) -> Iterable[tuple[str, Any]]:
        """Those that people see or that are called, with their ids, in the order in which they were reached."""
        counts: dict[str, int] = {}
        definite = TaskState.READY | TaskState.STARTED | TaskState.COMPLETED | TaskState.CANCELLED
        for task in self.workflow.get_tasks(state=definite):
            node = task.task_spec.bpmn_id
            if node in self._model.parts and not task.task_spec.name.endswith("]"):
                counts[node] = counts.get(node, 0) + 1
                yield (node if counts[node] == 1 else f"{node}#{counts[node]}"), task

    def _ready(self, id: str) -> Any:
        for name, task in self._tasks():
            if name == id and task.state == TaskState.READY:
                return task
        raise NoSuchTask(
            both(f"der Schritt {id} ist gerade nicht zu tun", f"the step {id} is not to be done at the moment")
        )

    def _passed(self, task: Any) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise Stuck(both("Der Ablauf dreht sich im Kreis.", "The procedure goes round in circles."))
        spec = task.task_spec
        if isinstance(spec, ThrowingEvent) and isinstance(spec.event_definition, EscalationEventDefinition):
            self._escalated.append(spec.bpmn_id)

    def _due(self) -> int | None:
        times = [
            moment(task._get_internal_data("event_value"))
            for task in self.workflow.event_manager.tasks.values()
            if isinstance(task.task_spec.event_definition, TimerEventDefinition) and task.state == TaskState.WAITING
        ]
        return int(min(times).timestamp() * 1000) if times else None


def _engine(now: int) -> Engine:
    return Engine(datetime.fromtimestamp(now / 1000, UTC))


def _reachable(spec: Any) -> set[str]:
    """The nodes that may still come from here."""
    seen, todo = set(), [spec]
    while todo:
        one = todo.pop()
        if one.name not in seen:
            seen.add(one.name)
            todo.extend(one.outputs)
    return seen


def _filled(value: Any, data: Mapping[str, Any]) -> Any:
    """Templates in it with their values."""
    if isinstance(value, str):
        return fill(value, data) if "{" in value else value
    if isinstance(value, Mapping):
        return {key: _filled(part, data) for key, part in value.items()}
    return [_filled(part, data) for part in value] if isinstance(value, list) else value
