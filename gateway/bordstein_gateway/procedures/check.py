"""What a town's own drawing says that can't be run here: a sentence each, with its line."""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from ..config.config import Camunda7, Config, Flowable, NgsiLd, Open311, Webhook
from ..texts import pick, said
from . import conditions, script
from .model import BadModel, desk_of, desk_titles, executable, read, service_of, tree
from .words import PREFIXES, tag

KINDS = {"open311": Open311, "webhook": Webhook, "engine": Camunda7 | Flowable, "ngsi-ld": NgsiLd}
"""Kind of service -> of the [forward.x] that does it; mail goes to a desk."""
_RUN = (
    *("startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"),
    *("task", "userTask", "manualTask", "serviceTask", "scriptTask", "receiveTask", "subProcess"),
    *("exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway", "sequenceFlow"),
)
_SHOWN = (
    *(
        "documentation",
        "extensionElements",
        "laneSet",
        "association",
        "group",
        "textAnnotation",
        "incoming",
        "outgoing",
    ),
    *("dataObject", "dataObjectReference", "ioSpecification", "property"),
)
_EVENTS = (
    *("messageEventDefinition", "timerEventDefinition", "errorEventDefinition", "escalationEventDefinition"),
    *("signalEventDefinition", "terminateEventDefinition"),
)
_LOOPS = ("standardLoopCharacteristics", "multiInstanceLoopCharacteristics")
_RESERVED = ("Start", "End")


def mistakes(text: str, config: Config) -> list[str]:
    """All of them, in the order of the lines; empty: the gateway runs it."""
    try:
        root = tree(text)
        process = executable(root)
    except BadModel as error:
        return [said(error)]
    titles = desk_titles(config.desk)
    found = sorted(_found(process, config, titles), key=lambda one: one[0])
    if found:
        line = pick("Zeile", "line")
        return [f"{line} {at}: {sentence}" for at, sentence in found]
    try:
        read(text, config.desk)
    except BadModel as error:
        return [said(error)]
    return []


def _found(process: etree._Element, config: Config, titles: dict[str, str]) -> Iterator[tuple[int, str]]:
    yield from ((_line(node), sentence) for node, sentence in _starts(process))
    yield from ((_line(node), sentence) for node, sentence in _lanes(process, titles))
    for part in process.iter(etree.Element):
        yield from ((_line(node), sentence) for node, sentence in _node(part, config))


def _starts(process: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    starts = process.findall("bpmn:startEvent", PREFIXES)
    if len(starts) != 1:
        yield (
            process,
            pick(
                f"ein Prozess beginnt mit genau einem Startereignis; hier sind es {len(starts)}",
                f"a process begins with exactly one start event; here are {len(starts)}",
            ),
        )
    for start in starts:
        events = [child for child in start if _local(child).endswith("EventDefinition")]
        if any(_local(event) != "messageEventDefinition" for event in events):
            yield (
                start,
                pick(
                    f"{_called(start)} beginnt weder einfach noch mit einer Nachricht",
                    f"{_called(start)} begins neither plainly nor with a message",
                ),
            )


def _lanes(process: etree._Element, titles: dict[str, str]) -> Iterator[tuple[etree._Element, str]]:
    people = {node.get("id") for kind in ("userTask", "manualTask") for node in process.iter(tag("bpmn", kind))}
    for lane in process.iter(tag("bpmn", "lane")):
        holds = {(node.text or "").strip() for node in lane.iterchildren(tag("bpmn", "flowNodeRef"))}
        if holds & people and not desk_of(lane, titles):
            name, known = lane.get("name") or lane.get("id"), ", ".join(dict.fromkeys(titles.values()))
            yield (
                lane,
                pick(
                    f"die Bahn „{name}“ ist keine Stelle; in gateway.toml gibt es {known or 'keine'}",
                    f'the lane "{name}" is no desk; gateway.toml has {known or "none"}',
                ),
            )


def _node(node: etree._Element, config: Config) -> Iterator[tuple[etree._Element, str]]:
    if etree.QName(node).namespace != PREFIXES["bpmn"]:
        return
    kind = _local(node)
    parent = node.getparent()
    flows = parent is not None and _local(parent) in ("process", "subProcess")
    if (flows and kind not in (*_RUN, *_SHOWN, *_LOOPS)) or kind in _LOOPS:
        yield node, pick(f"{kind} wird hier nicht ausgeführt", f"{kind} is not run here")
    if kind.endswith("EventDefinition") and kind not in _EVENTS:
        yield node, pick(f"{kind} wird hier nicht ausgeführt", f"{kind} is not run here")
    if kind == "subProcess" and node.get("triggeredByEvent") == "true":
        yield node, pick("Ereignis-Teilprozesse werden hier nicht ausgeführt", "event subprocesses are not run here")
    if flows and node.get("id") in _RESERVED:
        yield (
            node,
            pick(f"die id {node.get('id')} ist vergeben; umbenennen", f"the id {node.get('id')} is taken; rename"),
        )
    if kind == "serviceTask":
        yield from ((node, sentence) for sentence in _service(node, config))
    if kind == "exclusiveGateway":
        yield from ((node, sentence) for sentence in _gateway(node))
    if kind == "conditionExpression" and (why := conditions.problem(node.text or "")):
        yield node, pick(f"die Bedingung: {why}", f"the condition: {why}")
    if kind == "scriptTask":
        yield from ((node, sentence) for sentence in _script(node))
    if kind in ("timeDate", "timeDuration", "timeCycle") and (why := _timer(kind, (node.text or "").strip())):
        yield node, why


def _service(node: etree._Element, config: Config) -> Iterator[str]:
    kind, target, _ = service_of(node)
    if kind != "mail" and kind not in KINDS:
        names = ", ".join([*KINDS, "mail"])
        yield pick(
            f"{_called(node)} sagt nicht, was zu tun ist: bordstein:service mit kind aus {names}",
            f"{_called(node)} does not say what to do: bordstein:service with kind of {names}",
        )
    elif kind == "mail":
        if target not in config.desk:
            yield pick(
                f"{_called(node)}: [desk.{target}] gibt es nicht", f"{_called(node)}: there is no [desk.{target}]"
            )
    elif not isinstance(config.forward.get(target), KINDS[kind]):
        yield pick(
            f"{_called(node)}: [forward.{target}] für {kind} gibt es nicht",
            f"{_called(node)}: there is no [forward.{target}] for {kind}",
        )


def _gateway(node: etree._Element) -> Iterator[str]:
    ways = node.findall("bpmn:outgoing", PREFIXES)
    if len(ways) > 1 and not node.get("default"):
        yield pick(
            f"{_called(node)} hat keinen Weg für den Fall, dass keine Bedingung gilt (default)",
            f"{_called(node)} has no way to go when no condition holds (default)",
        )


def _script(node: etree._Element) -> Iterator[str]:
    if (node.get("scriptFormat") or "python").lower() not in ("python", "text/x-python"):
        yield pick(f"{_called(node)}: nur Python, nicht {node.get('scriptFormat')}", f"{_called(node)}: only Python")
    elif why := script.problem(node.findtext("bpmn:script", "", PREFIXES)):
        yield pick(f"{_called(node)}: {why}", f"{_called(node)}: {why}")


def _timer(kind: str, text: str) -> str:
    from .engine import After, moment

    if kind == "timeCycle":
        return pick("timeCycle wird hier nicht ausgeführt", "timeCycle is not run here")
    if conditions.inner(text) != text:
        return ""
    try:
        if kind == "timeDate":
            moment(text)
        else:
            After.parse_iso_duration(text)
    except Exception:  # noqa: BLE001  (the library raises plain ones)
        return pick(f"{text or '(leer)'} ist keine Zeit nach ISO 8601", f"{text or '(empty)'} is no time of ISO 8601")
    return ""


def _line(node: etree._Element) -> int:
    at: Any = node.sourceline
    return int(at or 0)


def _local(node: etree._Element) -> str:
    return etree.QName(node).localname


def _called(node: etree._Element) -> str:
    return node.get("name") or node.get("id") or _local(node)
