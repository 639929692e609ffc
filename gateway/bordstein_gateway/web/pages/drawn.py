"""Procedures as they are drawn: of a case with where it stands, and of a sheet."""

from collections.abc import Sequence

from ...cases.types import Case, CaseStep
from ...procedures.drawing import NoDrawing, draw
from ...store import Store


def drawing(store: Store, case: Case, steps: Sequence[CaseStep], lang: str) -> str:
    """SVG of a case's procedure with its current step marked; empty where the case has none, or none with a diagram."""
    with store.database.reading() as connection:
        row = connection.execute(
            "SELECT m.text FROM process AS p JOIN process_model AS m ON m.digest = p.model WHERE p.work = ?", (case.id,)
        ).fetchone()
    if row is None:
        return ""

    def nodes(*states: str) -> set[str]:
        return {step.node for step in steps if step.state in states}

    label = f"Verfahren von Vorgang {case.number}" if lang == "de" else f"Procedure of case {case.number}"
    try:
        return draw(str(row[0]), label, nodes("done"), nodes("ready", "failed"), nodes("skipped"))
    except NoDrawing:
        return ""
