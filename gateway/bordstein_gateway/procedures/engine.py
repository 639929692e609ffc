"""SpiffWorkflow as it is used here: service tasks wait for an answer, time is given, conditions are CEL.

A process's model is not part of its state: that would be ten times as long, and is the same for all of them.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.parser.event_parsers import BoundaryEventParser, IntermediateCatchEventParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.script_engine import BasePythonScriptEngineEnvironment, PythonScriptEngine
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.serializer.config import DEFAULT_CONFIG
from SpiffWorkflow.bpmn.serializer.default.workflow import BpmnWorkflowConverter
from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent, IntermediateCatchEvent
from SpiffWorkflow.bpmn.specs.event_definitions.timer import (
    DurationTimerEventDefinition,
    TimeDateEventDefinition,
    TimerEventDefinition,
)
from SpiffWorkflow.bpmn.specs.mixins import BpmnSpecMixin
from SpiffWorkflow.bpmn.specs.mixins.user_task import UserTask

from . import conditions, script


class ServiceCall(UserTask, BpmnSpecMixin):  # type: ignore[misc]
    """A service task: others do it, and say when it is done."""


def moment(text: str) -> datetime:
    """A point in time of ISO 8601; one without a zone is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class _Given(TimerEventDefinition):  # type: ignore[misc]
    """A timer by the time that the engine is given."""

    def has_fired(self, task: Any) -> bool:
        at = task._get_internal_data("event_value")
        engine = task.workflow.script_engine
        if at is None:
            at = self.due(engine.literal(task, self.expression), engine.now).isoformat()
            task._set_internal_data(event_value=at)
        if moment(at) <= engine.now:
            task._set_internal_data(event_fired=True)
        return bool(task._get_internal_data("event_fired", False))

    def due(self, text: str, now: datetime) -> datetime:
        """When it goes off."""
        raise NotImplementedError


class At(_Given, TimeDateEventDefinition):  # type: ignore[misc]
    """timeDate."""

    def due(self, text: str, now: datetime) -> datetime:
        """The time that is written."""
        return moment(text)


class After(_Given, DurationTimerEventDefinition):  # type: ignore[misc]
    """timeDuration."""

    def due(self, text: str, now: datetime) -> datetime:
        """So long from now."""
        length: timedelta = self.get_timedelta_from_start(self.parse_iso_duration(text), now)
        return now + length


class _Timers:
    def parse_timer_event(self, event: Any) -> TimerEventDefinition:
        """Timers of our own for those of the library."""
        made = super().parse_timer_event(event)  # type: ignore[misc]
        kind = {TimeDateEventDefinition: At, DurationTimerEventDefinition: After}[type(made)]
        return kind(made.name, made.expression.strip(), description=made.description)


class _Boundary(_Timers, BoundaryEventParser):  # type: ignore[misc]
    pass


class _Catch(_Timers, IntermediateCatchEventParser):  # type: ignore[misc]
    pass


class Parser(BpmnParser):  # type: ignore[misc]
    """BPMN into what is run."""

    OVERRIDE_PARSER_CLASSES = {  # noqa: RUF012
        full_tag("serviceTask"): (TaskParser, ServiceCall),
        full_tag("boundaryEvent"): (_Boundary, BoundaryEvent),
        full_tag("intermediateCatchEvent"): (_Catch, IntermediateCatchEvent),
    }


class _Environment(BasePythonScriptEngineEnvironment):  # type: ignore[misc]
    def evaluate(self, expression: str, context: dict[str, Any], external_context: Any = None) -> Any:
        return conditions.holds(expression, context)

    def execute(self, text: str, context: dict[str, Any], external_context: Any = None) -> bool:
        script.execute(text, context)
        return True


class Engine(PythonScriptEngine):  # type: ignore[misc]
    """`now`: the time that all timers go by."""

    def __init__(self, now: datetime) -> None:
        super().__init__(_Environment())
        self.now = now

    def literal(self, task: Any, expression: str) -> str:
        """A timer's text, or the value that it names."""
        text = conditions.inner(expression)
        return str(task.data.get(text, "")) if text != expression else text


class _Converter(BpmnWorkflowConverter):  # type: ignore[misc]
    """Without the models."""

    def to_dict(self, workflow: BpmnWorkflow) -> dict[str, Any]:
        spec, specs = workflow.spec, workflow.subprocess_specs
        workflow.spec, workflow.subprocess_specs = None, {}
        workflow.bpmn_events = []
        try:
            found: dict[str, Any] = super().to_dict(workflow)
        finally:
            workflow.spec, workflow.subprocess_specs = spec, specs
        return found

    def from_dict(self, found: dict[str, Any], spec: Any = None, specs: Any = None) -> BpmnWorkflow:
        workflow = self.target_class(spec, specs, deserializing=True)
        workflow.tasks = self.mapping_from_dict(found["tasks"], UUID, workflow=workflow)
        workflow.task_tree = workflow.tasks.get(UUID(found["root"]))
        self.set_default_attributes(workflow, found)
        self.subprocesses_from_dict(found["subprocesses"], workflow)
        return workflow


SERIALIZER = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure({**DEFAULT_CONFIG, BpmnWorkflow: _Converter}))
