"""A sheet's steps as BPMN 2.0 with its diagram: what the gateway runs, and what other tools open.

Element ids are the steps' own; all others begin with a capital letter, which no step's does.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from lxml import etree

from ..config.durations import seconds
from ..config.office import Desk, desk_title
from ..rules.sheet import Field, Sheet, Step, words
from . import words as xml
from .layout import Edge, Layout, Node, Way, layout
from .words import tag

_CAMUNDA_TYPES = {"boolean": "boolean", "number": "long", "text": "string", "choice": "enum", "photo": "string"}
_TEXTS = {
    "begins": ("Vorgang beginnt", "Case begins"),
    "ends": ("Vorgang erledigt", "Case done"),
    "recovered": ("wieder in Ordnung", "condition is over"),
    "closed": ("von selbst erledigt", "done by itself"),
    "marked": ("vermerkt", "marked"),
    "late": ("niemand hat übernommen", "nobody has taken it"),
    "deputy": ("Vertretung verständigen", "tell the deputy"),
    "failed": ("nicht gelungen", "failed"),
    "if": ("nötig?", "needed?"),
    "yes": ("ja", "yes"),
    "no": ("nein", "no"),
    "why": ("Warum", "Why"),
    "legal": ("Rechtsgrundlage", "Legal basis"),
}


def make(sheet: Sheet, desks: Mapping[str, Desk], language: str = "de") -> str:
    """The procedure of a sheet as BPMN 2.0 XML, the same for the same sheet. `desks`: of gateway.toml, for the lanes'
    names."""
    return _Maker(sheet, desks, language).text()


def steps_of(sheet: Sheet) -> list[Step]:
    """The sheet's steps; one, to deal with it, where it has none."""
    return sheet.steps or [Step(id="deal_with_it", title=sheet.title)]


class _Maker:
    def __init__(self, sheet: Sheet, desks: Mapping[str, Desk], language: str) -> None:
        self._sheet = sheet
        self._desks = desks
        self._language = language
        self._nodes: list[Node] = []
        self._edges: list[Edge] = []
        self._elements: list[etree._Element] = []
        self._roots: list[etree._Element] = []
        self._column = 0
        self._steps = steps_of(sheet)

    def text(self) -> str:
        sheet = self._sheet
        definitions = etree.Element(
            tag("bpmn", "definitions"),
            {"id": "Definitions", "targetNamespace": xml.BORDSTEIN, "exporter": "Bordstein"},
            nsmap=xml.PREFIXES,
        )
        self._root("message", "Message_case", name=xml.CASE)
        self._root("message", "Message_recovered", name=xml.RECOVERED)
        if sheet.escalation is not None:
            self._root("escalation", "Escalation_deputy", name="deputy", escalationCode="deputy")
        self._flow()
        made = layout(self._nodes, self._edges, self._lanes())
        collaboration = etree.Element(tag("bpmn", "collaboration"), id="Collaboration")
        title = words(sheet.title, self._language)
        etree.SubElement(
            collaboration, tag("bpmn", "participant"), id="Pool", name=title, processRef=process_id(sheet.name)
        )
        definitions.extend([*self._roots, collaboration, self._process(title), _diagram(made)])
        etree.indent(definitions)
        return etree.tostring(definitions, xml_declaration=True, encoding="UTF-8").decode()

    # The process

    def _flow(self) -> None:
        first = next((step for step in self._steps if step.service is None and step.when is None), None)
        first = first or next((step for step in self._steps if step.service is None), None)
        self._event("Case_begins", "startEvent", self._desk(self._steps[0]), "begins", message="Message_case")
        last = "Case_begins"
        for step in self._steps:
            last = self._step(step, last, marked=step is first)
        self._event("Case_done", "endEvent", self._lane_of(last), "ends")
        self._edge(last, "Case_done")

    def _step(self, step: Step, last: str, *, marked: bool) -> str:
        """Add a step and what hangs on it; the part from which it goes on."""
        lane = self._desk(step)
        goes_on = step.service is not None and step.on_error == "continue"
        if step.when is not None:
            split, name = f"Split_{step.id}", f"{words(step.title, self._language)} {self._say('if')}"
            skip = f"Flow_{split}_Join_{step.id}"
            self._node(Node(split, "gateway", lane), "exclusiveGateway", name=name, default=skip)
            self._edge(last, split)
            last = split
        self._task(step, lane)
        self._edge(last, step.id, when=step.when)
        if marked:
            self._boundary_events(step, lane)
        if step.service is not None:
            self._error(step, lane)
        if step.when is None and not goes_on:
            return step.id
        join = f"Join_{step.id}"
        self._node(Node(join, "gateway", lane), "exclusiveGateway")
        self._edge(step.id, join)
        if step.when is not None:
            self._edge(f"Split_{step.id}", join, "over")
        if goes_on:
            self._edge(f"Failed_{step.id}", join, "under")
        return join

    def _task(self, step: Step, lane: str) -> None:
        title = words(step.title, self._language)
        if step.service is None:
            element = self._node(Node(step.id, "task", lane), "userTask", name=title)
        else:
            topic = {tag("camunda", "type"): "external", tag("camunda", "topic"): f"bordstein.{step.service}"}
            element = self._node(Node(step.id, "task", lane), "serviceTask", name=title, **topic)
        if instruction := words(step.do, self._language):
            _document(element, instruction)
        extensions = etree.SubElement(element, tag("bpmn", "extensionElements"))
        if step.service is not None:
            service = etree.SubElement(extensions, tag("bordstein", "service"), kind=step.service)
            service.set("target", step.target or "")
            for name, value in step.fields.items():
                made = etree.SubElement(service, tag("bordstein", "field"), name=name)
                made.text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
                if not isinstance(value, str):
                    made.set("json", "true")
        elif step.form:
            self._form(extensions, step.form)
        if not len(extensions):
            element.remove(extensions)

    def _form(self, extensions: etree._Element, fields: list[Field]) -> None:
        camunda = etree.SubElement(extensions, tag("camunda", "formData"))
        form = etree.SubElement(extensions, tag("bordstein", "form"))
        for field in fields:
            label = words(field.label, self._language)
            shown = etree.SubElement(
                camunda, tag("camunda", "formField"), id=field.name, label=label, type=_CAMUNDA_TYPES[field.type]
            )
            own = etree.SubElement(form, tag("bordstein", "field"), name=field.name, type=field.type)
            own.set("required", str(field.required).lower())
            if field.unit:
                own.set("unit", field.unit)
            _say_both(own, "label", field.label)
            for place, choice in enumerate(field.choices):
                name = words(choice, self._language)
                etree.SubElement(shown, tag("camunda", "value"), id=f"choice_{place}", name=name)
                _say_both(own, "choice", choice)
            if field.required:
                checks = etree.SubElement(shown, tag("camunda", "validation"))
                etree.SubElement(checks, tag("camunda", "constraint"), name="required")

    def _boundary_events(self, step: Step, lane: str) -> None:
        """What may come while nobody has dealt with the first step."""
        sheet = self._sheet
        closes = sheet.recovered.then == "close"
        recovered = self._event(
            "Recovered", "boundaryEvent", lane, "recovered", message="Message_recovered", hangs_on=step.id, right=True
        )
        recovered.set("attachedToRef", step.id)
        recovered.set("cancelActivity", str(closes).lower())
        self._event("Recovered_end", "endEvent", lane, "closed" if closes else "marked", below="Recovered")
        self._edge("Recovered", "Recovered_end", "down")
        if sheet.escalation is None:
            return
        late = self._event("Late", "boundaryEvent", lane, "late", hangs_on=step.id)
        late.set("attachedToRef", step.id)
        late.set("cancelActivity", "false")
        timer = etree.SubElement(late, tag("bpmn", "timerEventDefinition"), id="Late_timer")
        kind = "timeDate" if sheet.escalation.working_time else "timeDuration"
        time = etree.SubElement(timer, tag("bpmn", kind), {tag("xsi", "type"): "bpmn:tFormalExpression"})
        whole = f"PT{round(seconds(sheet.escalation.after))}S"
        time.text = f"${{{xml.ESCALATE_AT}}}" if sheet.escalation.working_time else whole
        told = self._event("Escalated", "endEvent", sheet.deputy, "deputy", below="Late")
        etree.SubElement(
            told, tag("bpmn", "escalationEventDefinition"), id="Escalated_to", escalationRef="Escalation_deputy"
        )
        self._edge("Late", "Escalated", "down")

    def _error(self, step: Step, lane: str) -> None:
        self._root("error", f"Error_{step.id}", name=step.id, errorCode=step.id)
        failed = self._event(f"Failed_{step.id}", "boundaryEvent", lane, "failed", hangs_on=step.id, right=True)
        failed.set("attachedToRef", step.id)
        etree.SubElement(
            failed, tag("bpmn", "errorEventDefinition"), id=f"Failed_{step.id}_error", errorRef=f"Error_{step.id}"
        )
        if step.on_error == "stop":
            self._event(f"Stopped_{step.id}", "endEvent", lane, "failed", below=f"Failed_{step.id}")
            self._edge(f"Failed_{step.id}", f"Stopped_{step.id}", "down")

    def _event(
        self,
        id: str,
        kind: str,
        lane: str,
        say: str,
        *,
        message: str = "",
        hangs_on: str | None = None,
        right: bool = False,
        below: str | None = None,
    ) -> etree._Element:
        node = Node(id, "event", lane, hangs_on=hangs_on, right=right, below=below)
        element = self._node(node, kind, name=self._say(say))
        if message:
            etree.SubElement(element, tag("bpmn", "messageEventDefinition"), id=f"{id}_message", messageRef=message)
        return element

    def _node(self, node: Node, kind: str, **attributes: str) -> etree._Element:
        if node.hangs_on is None and node.below is None:
            node.column = self._column
            self._column += 1
        self._nodes.append(node)
        element = etree.Element(tag("bpmn", kind), {"id": node.id, **attributes})
        self._elements.append(element)
        return element

    def _edge(self, source: str, target: str, way: Way = "straight", when: str | None = None) -> None:
        edge = Edge(f"Flow_{source}_{target}", source, target, way)
        self._edges.append(edge)
        element = etree.Element(tag("bpmn", "sequenceFlow"), {"id": edge.id, "sourceRef": source, "targetRef": target})
        if when is not None or way == "over":
            element.set("name", self._say("yes" if when is not None else "no"))
        if when is not None:
            condition = etree.SubElement(
                element, tag("bpmn", "conditionExpression"), {tag("xsi", "type"): "bpmn:tFormalExpression"}
            )
            condition.set("language", xml.CEL)
            condition.text = when
        self._elements.append(element)

    def _process(self, title: str) -> etree._Element:
        sheet = self._sheet
        process = etree.Element(tag("bpmn", "process"), id=process_id(sheet.name), name=title, isExecutable="true")
        process.set(tag("camunda", "historyTimeToLive"), "P365D")  # Camunda 7 deploys nothing without
        why, basis = words(sheet.why, self._language), words(sheet.legal_basis, self._language)
        _document(process, f"{self._say('why')}: {why}\n{self._say('legal')}: {basis}")
        lanes = etree.SubElement(process, tag("bpmn", "laneSet"), id="Lanes")
        for desk in self._lanes():
            lane = etree.SubElement(lanes, tag("bpmn", "lane"), id=lane_id(desk), name=self._title(desk))
            for node in self._nodes:
                if node.lane == desk:
                    etree.SubElement(lane, tag("bpmn", "flowNodeRef")).text = node.id
        for element in self._elements:
            self._connect(element)
            process.append(element)
        return process

    def _connect(self, element: etree._Element) -> None:
        """incoming and outgoing stand before what a node has of its own."""
        id = element.get("id")
        place = sum(child.tag in (tag("bpmn", "documentation"), tag("bpmn", "extensionElements")) for child in element)
        for name, found in (
            ("incoming", [edge.id for edge in self._edges if edge.target == id]),
            ("outgoing", [edge.id for edge in self._edges if edge.source == id]),
        ):
            for flow in found:
                made = etree.Element(tag("bpmn", name))
                made.text = flow
                element.insert(place, made)
                place += 1

    def _root(self, kind: str, id: str, **attributes: str) -> None:
        self._roots.append(etree.Element(tag("bpmn", kind), {"id": id, **attributes}))

    # Names

    def _desk(self, step: Step) -> str:
        return step.desk or self._sheet.owner

    def _lane_of(self, id: str) -> str:
        return next(node.lane for node in self._nodes if node.id == id)

    def _lanes(self) -> list[str]:
        """The deputy last, so that the line to its desk crosses no part."""
        used = dict.fromkeys([*map(self._desk, self._steps)])
        if self._sheet.escalation is None:
            return list(used)
        return [*(desk for desk in used if desk != self._sheet.deputy), self._sheet.deputy]

    def _title(self, desk: str) -> str:
        return desk_title(self._desks, desk, self._language)

    def _say(self, key: str) -> str:
        return _TEXTS[key][self._language == "en"]


def process_id(name: str) -> str:
    """A process's id is an NCName, which begins with no digit."""
    return name if name[:1].isalpha() else f"_{name}"


def lane_id(desk: str) -> str:
    """A desk's lane."""
    return f"Lane_{desk}"


def _document(element: etree._Element, text: str) -> None:
    made = etree.Element(tag("bpmn", "documentation"))
    made.text = text
    element.insert(0, made)


def _say_both(parent: etree._Element, name: str, text: Any) -> None:
    made = etree.SubElement(parent, tag("bordstein", name))
    for language in ("de", "en"):
        made.set(language, words(text, language))


def _diagram(made: Layout) -> etree._Element:
    diagram = etree.Element(tag("bpmndi", "BPMNDiagram"), id="Diagram")
    plane = etree.SubElement(diagram, tag("bpmndi", "BPMNPlane"), id="Plane", bpmnElement="Collaboration")
    _shape(plane, "Pool", made.pool, isHorizontal="true")
    for desk, bounds in made.lanes.items():
        _shape(plane, lane_id(desk), bounds, isHorizontal="true")
    for edge in made.edges:
        drawn = etree.SubElement(plane, tag("bpmndi", "BPMNEdge"), id=f"{edge.id}_di", bpmnElement=edge.id)
        for point in edge.points:
            etree.SubElement(drawn, tag("di", "waypoint"), x=str(point.x), y=str(point.y))
    for node in made.nodes.values():
        shape = _shape(plane, node.id, (node.x, node.y, *node.size))
        if node.shape == "gateway":
            shape.set("isMarkerVisible", "true")
        if node.shape != "task":
            label = etree.SubElement(shape, tag("bpmndi", "BPMNLabel"))
            middle, low = node.x + node.size[0] // 2, node.y + node.size[1] + 4
            if node.shape == "gateway":
                _bounds(label, (node.x - 32, node.y - 30, 56, 28))
            elif node.hangs_on is not None:
                beside = node.x + node.size[0] + 2 if node.right else node.x - 74
                _bounds(label, (beside, low - 22, 72, 40))
            else:
                _bounds(label, (middle - 38, low, 76, 28))
    return diagram


def _shape(plane: etree._Element, id: str, bounds: tuple[int, int, int, int], **attributes: str) -> etree._Element:
    shape = etree.SubElement(plane, tag("bpmndi", "BPMNShape"), {"id": f"{id}_di", "bpmnElement": id, **attributes})
    _bounds(shape, bounds)
    return shape


def _bounds(parent: etree._Element, bounds: tuple[int, int, int, int]) -> None:
    x, y, width, height = map(str, bounds)
    etree.SubElement(parent, tag("dc", "Bounds"), x=x, y=y, width=width, height=height)
