"""A case's procedure as it is drawn, with where it stands."""

from collections.abc import Mapping, Sequence

from ...cases.types import Case, CaseStep
from ...config.office import Desk
from ...procedures.drawing import NoDrawing, draw
from ...rules.sheet import Sheet
from ...store import Store


def model_of(store: Store, case: int) -> str:
    """The BPMN in which a case began; empty where it has none."""
    with store.database.reading() as connection:
        row = connection.execute(
            "SELECT m.text FROM process AS p JOIN process_model AS m ON m.digest = p.model WHERE p.work = ?", (case,)
        ).fetchone()
    return "" if row is None else str(row[0])


def nodes(steps: Sequence[CaseStep], *states: str) -> list[str]:
    """The elements of steps in these states."""
    return sorted({step.node for step in steps if step.state in states})


def drawing(
    store: Store, case: Case, steps: Sequence[CaseStep], lang: str, sheet: Sheet | None, desks: Mapping[str, Desk]
) -> str:
    """SVG of a case's procedure with its current step marked; empty where the case has none, or none with a diagram."""
    text = model_of(store, case.id)
    if not text:
        return ""
    from ...procedures.make import make

    if lang != "de" and sheet is not None and text == make(sheet, desks):  # what the town drew has one language
        text = make(sheet, desks, lang)
    label = f"Ablauf von Vorgang {case.number}" if lang == "de" else f"Procedure of case {case.number}"
    try:
        return draw(text, label, nodes(steps, "done"), nodes(steps, "ready", "failed"), nodes(steps, "skipped"))
    except NoDrawing:
        return ""
