"""What is wrong in a sheet's steps and procedure that no type can say."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config.config import Camunda7, Config, Flowable, NgsiLd, Open311, Webhook
from ..config.words import Rule, missing, nearest, table
from ..forward import wording
from ..texts import pick, said
from .expression import BadExpression, Kind, compiled

_ENGINES = (Camunda7, Flowable)
_KINDS: dict[str, tuple[type, ...]] = {
    "open311": (Open311,),
    "webhook": (Webhook,),
    "engine": _ENGINES,
    "ngsi-ld": (NgsiLd,),
}
_FIELD_KINDS: dict[Any, Kind] = {"boolean": "boolean", "number": "number"}
_ANSWER: dict[str, Kind] = {"ok": "boolean", "id": "text", "reason": "text"}
_STAGE = re.compile(r"""\bstage\s*[=!]=\s*["'](\w*)["']""")


def step_rules(values: dict[str, Any], config: Config, signals: dict[str, Kind]) -> Rule:
    """`signals`: of what kind they are, by key."""
    from ..procedures.names import NAMES

    steps = values.get("step")
    steps = [step if isinstance(step, dict) else {} for step in steps] if isinstance(steps, list) else []
    stages = values.get("stage")
    named = [str(stage.get("name")) for stage in stages if isinstance(stage, dict)] if isinstance(stages, list) else []
    for key in signals:
        if key in NAMES:
            yield (
                ("signal", key),
                pick(
                    f"{key} heißt in Schritten schon etwas anderes: umbenennen",
                    f"{key} means something else in steps: rename it",
                ),
            )
    known: dict[str, Kind] = {
        name: "number" if isinstance(value, int | float) else "text" for name, value in NAMES.items()
    }
    known |= signals
    later = {str(step.get("id")) for step in steps}
    seen: set[str] = set()
    for place, step in enumerate(steps):
        path = ("step", place)
        id = str(step.get("id"))
        if id in seen:
            yield (*path, "id"), pick("so heißt schon ein Schritt", "another step is called so")
        if id in known:
            yield (*path, "id"), pick("so heißt schon ein Signal oder Wert", "a signal or value is called so")
        for under, wrong in _step(step, config):
            yield (*path, *under), wrong
        yield (*path, "when"), _when(step.get("when"), known, later - seen, named)
        yield from _templates((*path, "fields"), step.get("fields"), _examples(known))
        seen.add(id)
        known |= _answers(id, step)
    yield from _procedure(table(values, "procedure"), config)
    escalation = table(values, "escalation")
    owner = config.desk.get(str(values.get("owner")))
    if escalation.get("working_time") is True and owner is not None and not owner.hours:
        yield (
            ("escalation", "working_time"),
            pick(f"[desk.{values['owner']}] hat keine hours", f"[desk.{values['owner']}] has no hours"),
        )


def no_desk(name: Any, config: Config) -> str:
    """That gateway.toml has no such desk."""
    if not isinstance(name, str) or name in config.desk:
        return ""
    if not config.desk:
        return pick(
            f"gateway.toml hat noch keine Stelle: dort [desk.{name}] anlegen",
            f"gateway.toml has no desk yet: write [desk.{name}] there",
        )
    known = ", ".join(config.desk)
    near = nearest(name, list(config.desk)) or pick(f"; es gibt {known}", f"; known are {known}")
    return pick(f"gateway.toml hat keine Stelle [desk.{name}]{near}", f"gateway.toml has no [desk.{name}]{near}")


def blank(path: tuple[str | int, ...], text: Any, said: str = "") -> Rule:
    """That a text in one or two languages is empty."""
    said = said or pick("ist leer", "is empty")
    if isinstance(text, dict):
        for language, part in text.items():
            if isinstance(part, str) and not part.strip():
                yield (*path, language), said
    elif isinstance(text, str) and not text.strip():
        yield path, said


def _step(step: dict[str, Any], config: Config) -> Rule:
    yield from blank(("title",), step.get("title"))
    yield ("desk",), no_desk(step.get("desk"), config)
    service = step.get("service")
    if service is None:
        for key in ("target", "fields", "on_error"):
            if key in step:
                yield (key,), pick("braucht service", "needs service")
    else:
        for key in ("form", "desk", "minutes"):
            if key in step:
                yield (key,), pick("das Gateway tut diesen Schritt selbst", "the gateway does this step itself")
        yield from _target(step, str(service), config)
    form = step.get("form")
    seen: set[str] = set()
    for place, field in enumerate(form if isinstance(form, list) else []):
        if isinstance(field, dict):
            for under, said in _field(field, seen):
                yield ("form", place, *under), said
            seen.add(str(field.get("name")))


def _field(field: dict[str, Any], seen: set[str]) -> Rule:
    kind = field.get("type", "text")
    yield from blank(("label",), field.get("label"))
    if str(field.get("name")) in seen:
        yield ("name",), pick("so heißt schon ein Feld", "another field is called so")
    choices = field.get("choices")
    if kind == "choice" and (not isinstance(choices, list) or len(choices) < 2):
        yield (
            ("choices",) if "choices" in field else (),
            missing("choices", pick("wenigstens zwei zur Wahl", "two at least to choose from")),
        )
    if kind != "choice" and choices:
        yield ("choices",), pick('braucht type = "choice"', 'needs type = "choice"')
    if kind != "number" and "unit" in field:
        yield ("unit",), pick('braucht type = "number"', 'needs type = "number"')


def _target(step: dict[str, Any], service: str, config: Config) -> Rule:
    target = step.get("target")
    if "target" not in step:
        what = pick("eine Stelle", "a desk") if service == "mail" else pick("ein [forward.name]", "a [forward.name]")
        yield (), missing("target", what)
    elif service == "mail":
        yield ("target",), no_desk(target, config) or _no_mail(str(target), config)
    elif isinstance(target, str) and service in _KINDS:
        yield ("target",), no_target(target, _KINDS[service], config)


def _no_mail(name: str, config: Config) -> str:
    if config.mail is None:
        return pick("gateway.toml hat kein [mail]", "gateway.toml has no [mail]")
    if config.desk[name].mail is None:
        return pick(f"[desk.{name}] hat keine mail", f"[desk.{name}] has no mail")
    return ""


def no_target(name: str, kinds: tuple[type, ...], config: Config) -> str:
    """That there is no forward of this name and kind."""
    fit = [known for known, forward in config.forward.items() if isinstance(forward, kinds)]
    tags = pick(" oder ", " or ").join(str(kind.__struct_config__.tag) for kind in kinds)  # type: ignore[attr-defined]
    if name in fit:
        return ""
    if name in config.forward:
        return pick(f"[forward.{name}] ist nicht von der Art {tags}", f"[forward.{name}] is not of kind {tags}")
    near = nearest(name, fit)
    return pick(
        f"gateway.toml hat kein [forward.{name}] der Art {tags}{near}",
        f"gateway.toml has no [forward.{name}] of kind {tags}{near}",
    )


def _when(text: Any, known: dict[str, Kind], later: set[str], stages: list[str]) -> str:
    if not isinstance(text, str):
        return ""
    for found in _STAGE.finditer(text):
        if found[1] and found[1] not in stages:
            near = nearest(found[1], stages)
            return pick(f"eine Stufe {found[1]} gibt es nicht{near}", f"there is no stage {found[1]}{near}")
    try:
        compiled(text, known)
    except BadExpression as error:
        for id in later:
            if re.search(rf"(?<![\w.]){re.escape(id)}\.", text):
                return pick(
                    f"die Antworten von {id} gibt es hier noch nicht: nur die von Schritten davor",
                    f"the answers of {id} are not there yet: only those of steps before",
                )
        return str(error)
    return ""


def _answers(id: str, step: dict[str, Any]) -> dict[str, Kind]:
    """What a step leaves behind for those after it."""
    if step.get("service") is not None:
        return {f"{id}.{name}": kind for name, kind in _ANSWER.items()}
    form = step.get("form")
    fields = [field for field in form if isinstance(field, dict)] if isinstance(form, list) else []
    return {f"{id}.{field.get('name')}": _FIELD_KINDS.get(field.get("type"), "text") for field in fields}


def _templates(path: tuple[str | int, ...], value: Any, named: Mapping[str, Any]) -> Rule:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _templates((*path, key), item, named)
    elif isinstance(value, str):
        yield path, wording.problem(value, named=named)


def _examples(known: dict[str, Kind]) -> dict[str, Any]:
    """A value for each name; answers in a table of their step's name."""
    values: dict[str, Any] = {}
    for name, kind in known.items():
        step, dot, field = name.partition(".")
        value = {"number": 1.0, "boolean": True}.get(kind, "x")
        if dot:
            values.setdefault(step, {})[field] = value
        else:
            values[name] = value
    return values


def _procedure(procedure: dict[str, Any], config: Config) -> Rule:
    file, engine = procedure.get("file"), procedure.get("engine")
    if file is not None and engine is not None:
        yield (
            ("procedure", "engine"),
            pick("entweder file oder engine, nicht beides", "either file or engine, not both"),
        )
    if isinstance(engine, str):
        yield ("procedure", "engine"), no_target(engine, _ENGINES, config)
    if ("engine" in procedure) != ("process" in procedure):
        one, other = ("engine", "process") if "engine" in procedure else ("process", "engine")
        yield ("procedure", one), pick(f"braucht {other}", f"needs {other}")
    if isinstance(file, str):
        if Path(file).name != file:
            yield (
                ("procedure", "file"),
                pick("nur der Name: sie liegt neben dem Blatt", "its name only: it lies beside the sheet"),
            )
        elif not (config.rules_path / file).is_file():
            yield (
                ("procedure", "file"),
                pick(f"{config.rules_path / file} gibt es nicht", f"there is no {config.rules_path / file}"),
            )
        else:
            yield from ((("procedure", "file"), f"{file}: {mistake}") for mistake in _drawn(config, file))


def _drawn(config: Config, file: str) -> list[str]:
    from ..procedures.check import mistakes
    from ..procedures.model import BadModel
    from ..procedures.procedures import drawn

    try:
        return mistakes(drawn(config.rules_path, file), config)
    except BadModel as error:
        return [said(error)]
