"""A BPMN 2.0 diagram (its diagram interchange, BPMN DI) as SVG, with where a case stands: for pages and for print.

Pure, and without styles inside, so that a strict content security policy takes it: app.css colours by class. Whoever
tells no colours apart sees a tick on what was done and an arrow on what is to be done.
"""

import textwrap
from collections.abc import Collection
from html import escape
from typing import NamedTuple
from xml.etree import ElementTree

from ..texts import both

_BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
_DC = "{http://www.omg.org/spec/DD/20100524/DC}"
_DD = "{http://www.omg.org/spec/DD/20100524/DI}"
_MARGIN = 12.0
_LETTER = 6.1
"""Width of a letter of 11 px, about."""
_LINE = 13.0
_MARKS = {
    "messageEventDefinition": "M-7 -5H7V5H-7ZM-7 -5L0 1L7 -5",
    "timerEventDefinition": "M0 -7A7 7 0 1 0 0.01 -7ZM0 -5V0L4 2",
    "errorEventDefinition": "M-6 6L-2 -6L2 2L6 -6L3 6L-1 -1Z",
    "escalationEventDefinition": "M0 -7L5 6L0 1L-5 6Z",
    "terminateEventDefinition": "M-5 0A5 5 0 1 1 5 0A5 5 0 1 1 -5 0Z",
    "conditionalEventDefinition": "M-5 -6H5V6H-5ZM-3 -3H3M-3 0H3M-3 3H3",
    "signalEventDefinition": "M0 -6L6 5H-6Z",
}
_GATEWAYS = {
    "exclusiveGateway": "M-7 -7L7 7M7 -7L-7 7",
    "parallelGateway": "M0 -9V9M-9 0H9",
    "inclusiveGateway": "M-9 0A9 9 0 1 1 9 0A9 9 0 1 1 -9 0Z",
    "eventBasedGateway": "M-8 0A8 8 0 1 1 8 0A8 8 0 1 1 -8 0ZM0 -5L5 -1L3 4H-3L-5 -1Z",
}
_TASKS = {
    "userTask": "M0 0A3 3 0 1 0 0.01 0ZM-5 13A5 6 0 0 1 5 13Z",
    "serviceTask": "M-4 5A4 4 0 1 0 4 5A4 4 0 1 0 -4 5ZM0 -2V1M0 9V12M-7 5H-4M4 5H7",
    "sendTask": "M-6 0H6V9H-6ZM-6 0L0 5L6 0",
    "receiveTask": "M-6 0H6V9H-6ZM-6 0L0 5L6 0",
    "scriptTask": "M-4 0H5V11H-5ZM-2 3H3M-2 6H3",
    "manualTask": "M-6 3H4M-6 3V9H3L6 6",
}
_ACTIVITIES = {"task", "callActivity", "subProcess", "transaction", "businessRuleTask", "adHocSubProcess", *_TASKS}


class NoDrawing(ValueError):
    """The sentence is the first argument."""


class _Box(NamedTuple):
    x: float
    y: float
    width: float
    height: float


class _Marks(NamedTuple):
    done: Collection[str]
    now: Collection[str]
    skipped: Collection[str]

    def of(self, node: str) -> str:
        for name in ("now", "done", "skipped"):
            if node in getattr(self, name):
                return name
        return ""


def draw(
    text: str, label: str, done: Collection[str] = (), now: Collection[str] = (), skipped: Collection[str] = ()
) -> str:
    """SVG of the file's first diagram. `label`: what a screen reader says; `done`, `now`, `skipped`: ids of elements.

    NoDrawing where there is no diagram in it.
    """
    root = _parsed(text)
    elements = {element.get("id", ""): element for element in root.iter() if element.tag.startswith(_BPMN)}
    boxes, edges, seen = [], [], []
    for shape in root.iter(f"{_DI}BPMNShape"):
        bounds = shape.find(f"{_DC}Bounds")
        node = shape.get("bpmnElement", "")
        if bounds is not None and node in elements:
            box = _Box(*(_number(bounds.get(name)) for name in ("x", "y", "width", "height")))
            boxes.append((elements[node], box, _label_box(shape)))
            seen += [(box.x, box.y), (box.x + box.width, box.y + box.height)]
    for edge in root.iter(f"{_DI}BPMNEdge"):
        points = [(_number(way.get("x")), _number(way.get("y"))) for way in edge.iter(f"{_DD}waypoint")]
        if len(points) > 1 and (element := elements.get(edge.get("bpmnElement", ""))) is not None:
            edges.append((element, points, _label_box(edge)))
            seen += points
    if not boxes:
        raise NoDrawing(
            both(
                "Das Verfahren enthält kein Bild (BPMN DI); im Camunda Modeler öffnen und neu speichern.",
                "The procedure has no diagram in it (BPMN DI); open it in Camunda Modeler and save it again.",
            )
        )
    for label_box in (one[2] for one in (*boxes, *edges)):
        if label_box is not None:
            x, y, width, height = label_box
            seen += [(x, y), (x + width, y + height)]
    marks = _Marks(done, now, skipped)
    # What holds others lies below them.
    boxes.sort(key=lambda one: (_kind(one[0]) not in ("participant", "lane"), -one[1].width * one[1].height))
    parts = [_edge(*one) for one in edges]
    body = "".join([*(_shape(*one, marks) for one in boxes if _large(one[0])), *parts])
    body += "".join(_shape(*one, marks) for one in boxes if not _large(one[0]))
    left, top = (min(point[axis] for point in seen) - _MARGIN for axis in (0, 1))
    right, bottom = (max(point[axis] for point in seen) + _MARGIN for axis in (0, 1))
    view = " ".join(_short(value) for value in (left, top, right - left, bottom - top))
    return (
        f'<svg class="bpmn" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(label)}" '
        f'viewBox="{view}" width="{_short(right - left)}" height="{_short(bottom - top)}" font-size="11" fill="none" '
        'stroke="currentColor" font-family="system-ui, sans-serif">'
        '<defs><marker id="bpmn-arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse"><path d="M0 1L9 5L0 9Z" fill="currentColor" stroke="none"/></marker></defs>'
        f"{body}</svg>"
    )


def _parsed(text: str) -> ElementTree.Element:
    # A document type could hold entities that read files or grow without end; BPMN needs none.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise NoDrawing(
            both("BPMN darf keinen Dokumenttyp (DOCTYPE) haben.", "BPMN must not have a document type (DOCTYPE).")
        )
    try:
        return ElementTree.fromstring(text)  # noqa: S314 - entities are refused above
    except ElementTree.ParseError as error:
        line = error.position[0]
        raise NoDrawing(
            both(
                f"Das Verfahren ist kein gültiges XML (Zeile {line}).", f"The procedure is not valid XML (line {line})."
            )
        ) from error


def _kind(element: ElementTree.Element) -> str:
    return element.tag.removeprefix(_BPMN)


def _large(element: ElementTree.Element) -> bool:
    return _kind(element) in ("participant", "lane", "subProcess", "transaction", "group")


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _short(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _label_box(shape: ElementTree.Element) -> _Box | None:
    bounds = shape.find(f"{_DI}BPMNLabel/{_DC}Bounds")
    if bounds is None:
        return None
    return _Box(*(_number(bounds.get(name)) for name in ("x", "y", "width", "height")))


def _shape(element: ElementTree.Element, box: _Box, label: _Box | None, marks: _Marks) -> str:
    kind, name, node = _kind(element), element.get("name", ""), element.get("id", "")
    state = marks.of(node)
    middle_x, middle_y = box.x + box.width / 2, box.y + box.height / 2
    if kind in ("participant", "lane"):
        drawn = _rect(box) + _sideways(name, box)
    elif kind.endswith("Event"):
        drawn = _event(element, kind, box) + _lines(name, label or _Box(middle_x - 45, box.y + box.height + 3, 90, 26))
    elif kind.endswith("Gateway"):
        corners = f"M{_short(middle_x)} {_short(box.y)}L{_short(box.x + box.width)} {_short(middle_y)}"
        corners += f"L{_short(middle_x)} {_short(box.y + box.height)}L{_short(box.x)} {_short(middle_y)}Z"
        drawn = f'<path class="body" d="{corners}"/>{_icon(_GATEWAYS.get(kind, ""), middle_x, middle_y)}'
        drawn += _lines(name, label or _Box(middle_x - 45, box.y + box.height + 3, 90, 26))
    elif kind in _ACTIVITIES:
        drawn = _rect(box, 8) + _icon(_TASKS.get(kind, ""), box.x + 14, box.y + 7)
        whole = kind in ("subProcess", "transaction", "adHocSubProcess")
        inside = _Box(box.x + 4, box.y + 6, box.width - 8, 16 if whole else box.height - 8)
        drawn += _lines(name, inside, centred=not whole)
    elif kind == "textAnnotation":
        drawn = _lines("".join(element.itertext()).strip() or name, box)
    else:
        drawn = _rect(box) + _lines(name, label or box)
    sign = {"done": "✓", "now": "▶", "skipped": "–"}.get(state, "")
    if sign:
        x, y = _short(box.x + box.width - 4), _short(box.y + 3)
        drawn += f'<circle class="sign" cx="{x}" cy="{y}" r="9"/>'
        drawn += f'<text class="sign" x="{x}" y="{_short(box.y + 7)}" text-anchor="middle" stroke="none">{sign}</text>'
    return f'<g class="{kind} {state}" data-node="{escape(node)}"><title>{escape(name or kind)}</title>{drawn}</g>'


def _event(element: ElementTree.Element, kind: str, box: _Box) -> str:
    x, y, radius = box.x + box.width / 2, box.y + box.height / 2, box.width / 2
    wide = 3 if kind == "endEvent" else 1.5
    dashed = (
        ' stroke-dasharray="4 3"' if "false" in (element.get("cancelActivity"), element.get("isInterrupting")) else ""
    )
    drawn = (
        f'<circle class="body" cx="{_short(x)}" cy="{_short(y)}" r="{_short(radius)}" stroke-width="{wide}"{dashed}/>'
    )
    if kind in ("boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"):
        drawn += f'<circle cx="{_short(x)}" cy="{_short(y)}" r="{_short(max(radius - 3, 1))}"{dashed}/>'
    for child in element:
        if (mark := _MARKS.get(_kind(child))) is not None:
            return drawn + _icon(mark, x, y)
    return drawn


def _rect(box: _Box, round_: float = 0) -> str:
    place = f'x="{_short(box.x)}" y="{_short(box.y)}" width="{_short(box.width)}" height="{_short(box.height)}"'
    return f'<rect class="body" {place} rx="{_short(round_)}"/>'


def _icon(path: str, x: float, y: float) -> str:
    return f'<path class="icon" d="{path}" transform="translate({_short(x)} {_short(y)})"/>' if path else ""


def _edge(element: ElementTree.Element, points: list[tuple[float, float]], label: _Box | None) -> str:
    way = "L".join(f"{_short(x)} {_short(y)}" for x, y in points)
    kind, name = _kind(element), element.get("name", "")
    dashed = ' stroke-dasharray="4 3"' if kind in ("messageFlow", "association") else ""
    end = "" if kind == "association" else ' marker-end="url(#bpmn-arrow)"'
    drawn = f'<path class="flow" d="M{way}"{dashed}{end}/>'
    if name:
        (x1, y1), (x2, y2) = points[len(points) // 2 - 1], points[len(points) // 2]
        drawn += _lines(name, label or _Box((x1 + x2) / 2 - 40, (y1 + y2) / 2 - 16, 80, 14))
    return drawn


def _lines(text: str, box: _Box, *, centred: bool = False) -> str:
    """The text in lines as wide as the box, as many as fit; centred between its top and bottom, or from the top."""
    if not text:
        return ""
    most = max(1, int(box.height // _LINE)) if centred else 3
    lines = textwrap.wrap(
        text, max(4, int(box.width / _LETTER)), max_lines=most, placeholder="…", break_long_words=False
    )
    top = box.y + (box.height - len(lines) * _LINE) / 2 if centred else box.y
    x = _short(box.x + box.width / 2)
    spans = "".join(
        f'<tspan x="{x}" y="{_short(top + (number + 0.8) * _LINE)}">{escape(line)}</tspan>'
        for number, line in enumerate(lines)
    )
    return f'<text text-anchor="middle" fill="currentColor" stroke="none">{spans}</text>'


def _sideways(name: str, box: _Box) -> str:
    x, y = _short(box.x + 18), _short(box.y + box.height / 2)
    fitting = textwrap.shorten(name, max(4, int(box.height / _LETTER)), placeholder="…") if name else ""
    return (
        f'<text text-anchor="middle" fill="currentColor" stroke="none" x="{x}" y="{y}" '
        f'transform="rotate(-90 {x} {y})">{escape(fitting)}</text>'
    )
