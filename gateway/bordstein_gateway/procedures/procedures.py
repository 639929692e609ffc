"""Procedures of sheets: which BPMN a sheet has, and how a case goes through it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..boards.stations import Station
from ..cases.types import Case
from ..config.config import Config
from ..config.durations import seconds
from ..rules.sheet import Sheet
from ..texts import both, os_reason
from . import run
from .make import make
from .model import BadModel, Model, read
from .names import values
from .progress import Progress
from .words import ESCALATE_AT, RECOVERED


class Procedures:
    """Pure but for the drawn files that it reads. Texts are kept by who calls, as a case goes on in the one in which
    it began: see digest() and read() of model.py."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def text(self, sheet: Sheet) -> str:
        """The BPMN that a new case of this sheet begins in. BadModel: the drawn file can't be read."""
        if sheet.procedure.file is None:
            return make(sheet, self._config.desk)
        return drawn(self._config.rules_path, sheet.procedure.file)

    def model(self, text: str) -> Model:
        """BadModel."""
        return read(text, self._config.desk)

    def start(self, model: Model, case: Case, sheet: Sheet, places: Mapping[str, Station], now: int) -> Progress:
        """A case begins. Stuck."""
        data = values(case, sheet, self._config, places)
        if (late := self.escalates_at(sheet, now)) is not None:
            from ..forward.times import zulu

            data[ESCALATE_AT] = zulu(late)
        return run.start(model, data, now)

    def escalates_at(self, sheet: Sheet, now: int) -> int | None:
        """When the deputy is told of a case that begins now, in ms."""
        if sheet.escalation is None:
            return None
        after = seconds(sheet.escalation.after)
        desk = self._config.desk.get(sheet.owner)
        if not sheet.escalation.working_time or desk is None:
            return now + after * 1000
        from ..rules import calendar

        return calendar.after(now, after, desk.hours, self._config.town)

    def complete(self, model: Model, state: str, task: str, answers: Mapping[str, Any], now: int) -> Progress:
        """A step was done. NoSuchTask, Stuck."""
        return run.complete(model, state, task, answers, now)

    def recovered(self, model: Model, state: str, now: int) -> Progress:
        """The condition is over: ends a procedure that closes then, while its first step is not done. Stuck."""
        return run.message(model, state, RECOVERED, {}, now)

    def wake(self, model: Model, state: str, now: int) -> Progress:
        """A time has come. Stuck."""
        return run.wake(model, state, now)

    def answered(self, model: Model, state: str, key: str, ok: bool, result: Mapping[str, Any], now: int) -> Progress:
        """An errand is through. NoSuchTask, Stuck."""
        return run.answered(model, state, key, ok, result, now)


def drawn(folder: Path, name: str) -> str:
    """A file that the town drew, beside the sheets. BadModel."""
    path = folder / name
    if path.parent.resolve() != folder.resolve():
        raise BadModel(both(f"{name} liegt nicht bei den Regelblättern", f"{name} is not beside the rule sheets"))
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise BadModel(
            both(f"{name} ist nicht zu lesen: {os_reason(error)}", f"{name} can't be read: {error.strerror}")
        ) from None
    except UnicodeDecodeError:
        raise BadModel(both(f"{name} ist kein UTF-8", f"{name} is no UTF-8")) from None
