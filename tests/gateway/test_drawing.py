"""Procedures as SVG: what is drawn, what is marked, and what is refused."""

from xml.etree import ElementTree

import pytest

from bordstein_gateway.procedures.drawing import NoDrawing, draw
from bordstein_gateway.procedures.make import make
from tests.gateway.case_town import sheet

SVG = "{http://www.w3.org/2000/svg}"


def nodes(drawing: str) -> dict[str, str]:
    """Element -> its classes."""
    return {one.attrib["data-node"]: one.attrib["class"] for one in ElementTree.fromstring(drawing).iter(f"{SVG}g")}


def test_each_step_is_drawn_once_with_where_it_stands() -> None:
    drawing = draw(make(sheet(), {}), 'Ablauf "A" & B', done=["drive"], now=["empty"])
    found = nodes(drawing)
    assert found["drive"] == "userTask done"
    assert found["empty"] == "userTask now"
    assert found["Case_begins"].strip() == "startEvent"
    root = ElementTree.fromstring(drawing)
    assert root.attrib["aria-label"] == 'Ablauf "A" & B'
    texts = [one.text for one in root.iter(f"{SVG}tspan")]
    assert "Hinfahren" in texts
    assert {one.text for one in root.iter(f"{SVG}text") if one.get("class") == "sign"} == {"✓", "▶"}
    assert "style=" not in drawing  # the pages' policy takes none


def test_what_is_drawn_lies_inside_the_picture() -> None:
    root = ElementTree.fromstring(draw(make(sheet(), {}), "A"))
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    for one in root.iter(f"{SVG}rect"):
        x, y, wide, high = (float(one.attrib[name]) for name in ("x", "y", "width", "height"))
        assert left <= x <= x + wide <= left + width
        assert top <= y <= y + high <= top + height


def test_names_are_text_and_nothing_else() -> None:
    named = sheet(step=[{"id": "a", "title": '<script>alert("1")</script>', "do": ""}])
    drawing = draw(make(named, {}), "<b>")
    assert "<script" not in drawing
    assert "&lt;script&gt;" in drawing


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kein XML",
        "<a/>",
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p"/></definitions>',
    ],
)
def test_what_can_not_be_drawn_is_said(text: str) -> None:
    with pytest.raises(NoDrawing, match=r"\w"):
        draw(text, "A")
