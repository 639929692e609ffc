"""What a verdict makes of a case: how it begins, and how its stage rises. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..boards.stations import Station
from ..config.office import Town
from ..rules.sheet import Sheet, words
from ..rules.verdict import Verdict
from .types import Case

_URGENT = ("low", "normal", "high")


def begun(verdict: Verdict, sheet: Sheet, version: int, places: Mapping[str, Station], now: int) -> Case:
    """A new case; its id and number come with storing."""
    return Case(
        id=0,
        number="",
        rule=verdict.rule,
        sheet_version=version,
        object=verdict.object,
        title=words(sheet.title, "de"),
        place=place_of(verdict.object, places),
        state="new",
        stage=verdict.stage,
        priority=priority(sheet, verdict.stage),
        desk=sheet.owner,
        deputy="",
        account=None,
        opened=now,
        changed=now,
        taken=None,
        ended=None,
        recovered=None,
        escalated=0,
        reason="",
        event=event(verdict),
        ledger={},
    )


def risen(case: Case, verdict: Verdict, sheet: Sheet, now: int) -> Case:
    """The case with its new stage; never less urgent than before."""
    urgent = max(case.priority, priority(sheet, verdict.stage), key=_URGENT.index)
    return case._replace(stage=verdict.stage, priority=urgent, recovered=None, changed=now)


def higher(sheet: Sheet, stage: str, than: str) -> bool:
    """Whether a stage lies above another one."""
    names = ["", *(one.name for one in sheet.stages)]
    return stage in names and (than not in names or names.index(stage) > names.index(than))


def priority(sheet: Sheet, stage: str) -> str:
    """Of a stage, or the sheet's."""
    return next((one.priority for one in sheet.stages if one.name == stage), sheet.priority)


def event(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON."""
    return {**verdict._asdict(), "devices": list(verdict.devices), "signals": dict(verdict.signals)}


def verdict_of(event: Mapping[str, Any]) -> Verdict:
    """And back."""
    return Verdict(**{**event, "devices": tuple(event["devices"])})


def place_of(object: str, places: Mapping[str, Station]) -> str:
    """Where it is, as people say it: the station's name, its asset number, or the object's name itself; of one of its
    series with the sensor's name, as in "Feuerwehrzufahrt, bay1"."""
    kind, found, name = object.partition(":")
    if found and kind == "group":
        return name
    device, _, series = object.partition("/")
    station = places.get(device)
    place = (station.name or station.asset if station else None) or device
    sensor, named, _ = series.rpartition("/")
    return f"{place}, {sensor}" if named else place


def year_of(now: int, town: Town) -> int:
    """The year in which a case gets its number: the town's own."""
    return datetime.fromtimestamp(now / 1000, ZoneInfo(town.timezone)).year
