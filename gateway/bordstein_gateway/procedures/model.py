"""A procedure's BPMN, made or drawn, read into what is run and what people see of it."""

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from xml.parsers import expat

from lxml import etree

from ..config.office import Desk
from ..safe_xml import refuse_doctype
from ..texts import both
from .words import PREFIXES, tag

LARGEST = 2 << 20
_CAMUNDA = {"boolean": "boolean", "long": "number", "enum": "choice"}


class BadModel(ValueError):
    """BPMN that can't be run; the message is one sentence, both(de, en)."""


class Part(NamedTuple):
    """A task. `desk`: by its lane; empty: its lane is no desk. `form`: fields as in rules/sheet.py. `service`,
    `target`, `fields`: of a service task."""

    id: str
    kind: Literal["user", "service"]
    title: str
    instruction: str
    desk: str
    form: list[dict[str, Any]]
    service: str
    target: str
    fields: Mapping[str, Any]


class Model(NamedTuple):
    """`spec`, `specs`: SpiffWorkflow's. `parts`: the tasks, as they stand in the file. `starts_by`: a message."""

    digest: str
    text: str
    spec: Any
    specs: Mapping[str, Any]
    parts: Mapping[str, Part]
    starts_by: str | None


def read(text: str, desks: Mapping[str, Desk] | None = None) -> Model:
    """The model; BadModel. Read once for each text: what comes of it is shared. `desks`: by whose titles lanes may be
    called."""
    return _read(text, tuple(sorted(desk_titles(desks or {}).items())))


def digest(text: str) -> str:
    """What a model is kept by."""
    return hashlib.sha256(text.encode()).hexdigest()


def tree(text: str) -> etree._Element:
    """The XML; BadModel."""
    content = text.encode()
    if len(content) > LARGEST:
        raise BadModel(both("die Datei ist größer als 2 MB", "the file is larger than 2 MB"))
    try:
        refuse_doctype(content)
        # Its own limits on depth and size stay.
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        found = etree.fromstring(content, parser)
    except (ValueError, expat.ExpatError, etree.XMLSyntaxError) as error:
        raise BadModel(both(f"kein lesbares XML: {error}", f"no readable XML: {error}")) from None
    if found.tag != tag("bpmn", "definitions"):
        raise BadModel(both("kein BPMN 2.0: definitions fehlt", "no BPMN 2.0: definitions is missing"))
    return found


def executable(root: etree._Element) -> etree._Element:
    """The process that is run; BadModel."""
    found = [one for one in root.iter(tag("bpmn", "process")) if one.get("isExecutable") == "true"]
    if len(found) != 1:
        raise BadModel(
            both(
                f"genau ein Prozess muss ausführbar sein (isExecutable); hier sind es {len(found)}",
                f"exactly one process has to be executable (isExecutable); here are {len(found)}",
            )
        )
    return found[0]


def desk_titles(desks: Mapping[str, Desk]) -> dict[str, str]:
    """What lanes may be called -> the desk's key."""
    titles = {(desk.title_en or "").casefold(): key for key, desk in desks.items()}
    titles |= {desk.title.casefold(): key for key, desk in desks.items()}
    return {title: key for title, key in (titles | {key.casefold(): key for key in desks}).items() if title}


def desk_of(lane: etree._Element, titles: Mapping[str, str]) -> str:
    """A lane's desk, by its name or by the id that make.py gives it; empty: none."""
    own = (lane.get("id") or "").removeprefix("Lane_")
    return titles.get((lane.get("name") or "").casefold()) or titles.get(own.casefold(), "")


@lru_cache(maxsize=64)
def _read(text: str, titles: tuple[tuple[str, str], ...]) -> Model:
    from .engine import Parser

    root = tree(text)
    process = executable(root)
    parser = Parser()
    bare = deepcopy(
        root
    )  # the engine looks for a flow's ends by id alone, and a form's field may be called like a step
    for form in list(bare.iter("{*}formData")):
        if (parent := form.getparent()) is not None:
            parent.remove(form)
    try:
        parser.add_bpmn_xml(bare)
        spec = parser.get_spec(process.get("id"))
        specs = parser.get_subprocess_specs(process.get("id"))
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the file's)
        why = " ".join(str(error).split())[:300]
        raise BadModel(both(f"nicht ausführbar: {why}", f"can't be run: {why}")) from None
    parts = {part.id: part for part in map(_part(process, dict(titles)), process.iter()) if part is not None}
    return Model(digest(text), text, spec, specs, parts, _start_message(root, process))


def _part(process: etree._Element, titles: Mapping[str, str]) -> Any:
    lanes = {
        (node.text or "").strip(): desk_of(lane, titles) or (lane.get("id") or "").removeprefix("Lane_")
        if not titles
        else desk_of(lane, titles)
        for lane in process.iter(tag("bpmn", "lane"))
        for node in lane.iterchildren(tag("bpmn", "flowNodeRef"))
    }

    def part(node: etree._Element) -> Part | None:
        if node.tag == tag("bpmn", "serviceTask"):
            kind: Literal["user", "service"] = "service"
        elif node.tag in (tag("bpmn", "userTask"), tag("bpmn", "manualTask")):
            kind = "user"
        else:
            return None
        id = node.get("id") or ""
        said = node.findtext("bpmn:documentation", "", PREFIXES)
        service, target, fields = service_of(node)
        title = node.get("name") or id
        return Part(id, kind, title, said.strip(), lanes.get(id, ""), _form(node), service, target, fields)

    return part


def service_of(node: etree._Element) -> tuple[str, str, dict[str, Any]]:
    """A service task's kind, target and fields, as our own element or an external task's topic says."""
    found = node.find("bpmn:extensionElements/bordstein:service", PREFIXES)
    if found is None:
        topic = node.get(tag("camunda", "topic")) or ""
        return topic.removeprefix("bordstein.") if topic.startswith("bordstein.") else "", "", {}
    fields = {}
    for field in found.iterchildren(tag("bordstein", "field")):
        value = field.text or ""
        try:
            fields[field.get("name") or ""] = json.loads(value) if field.get("json") == "true" else value
        except ValueError:
            fields[field.get("name") or ""] = value
    return found.get("kind") or "", found.get("target") or "", fields


def _form(node: etree._Element) -> list[dict[str, Any]]:
    own = node.find("bpmn:extensionElements/bordstein:form", PREFIXES)
    if own is not None:
        return [_own_field(field) for field in own.iterchildren(tag("bordstein", "field"))]
    return [_camunda_field(field) for field in node.iter(tag("camunda", "formField"))]


def _own_field(field: etree._Element) -> dict[str, Any]:
    label = field.find("bordstein:label", PREFIXES)
    return {
        "name": field.get("name"),
        "label": dict(label.attrib) if label is not None else field.get("name"),
        "type": field.get("type", "text"),
        "choices": [dict(choice.attrib) for choice in field.iterchildren(tag("bordstein", "choice"))],
        "unit": field.get("unit"),
        "required": field.get("required") == "true",
    }


def _camunda_field(field: etree._Element) -> dict[str, Any]:
    return {
        "name": field.get("id"),
        "label": field.get("label") or field.get("id"),
        "type": _CAMUNDA.get(field.get("type", ""), "text"),
        "choices": [value.get("name") or value.get("id") for value in field.iterchildren(tag("camunda", "value"))],
        "unit": None,
        "required": any(check.get("name") == "required" for check in field.iter(tag("camunda", "constraint"))),
    }


def _start_message(root: etree._Element, process: etree._Element) -> str | None:
    start = process.find("bpmn:startEvent[bpmn:messageEventDefinition]", PREFIXES)
    if start is None:
        return None
    named = {message.get("id"): message.get("name") for message in root.iter(tag("bpmn", "message"))}
    refers = [event.get("messageRef") for event in start.iterchildren(tag("bpmn", "messageEventDefinition"))]
    return named.get(refers[0]) or start.get("name")
