"""`bordstein label`: the code says the device's URN, and the texts fit."""

import json
import re

import pytest
import zxingcpp
from PIL import Image

from bordstein_tools.setup.label import Label, urn
from bordstein_tools.texts import Problem
from tests.tools.test_cli_ca import bordstein

DEVICE = "24a160123456"


def scanned(svg: str) -> str:
    """What a reader makes of the code's squares."""
    squares = [(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1", svg)]
    side = max(max(square) for square in squares) + 5
    image = Image.new("L", (side, side), 255)
    for square in squares:
        image.putpixel(square, 0)
    (found,) = zxingcpp.read_barcodes(image.resize((side * 4, side * 4), Image.Resampling.NEAREST))
    return found.text


def test_the_code_is_the_urn_of_rfc_9039_with_room_round_it() -> None:
    label = Label(DEVICE, ("BS-0042", "24:A1:60:12:34:56"))
    assert scanned(label.svg()) == urn(DEVICE) == "urn:dev:mac:24a160fffe123456"
    assert all(number >= 4 for pair in re.findall(r"M(\d+) (\d+)h1", label.svg()) for number in map(int, pair))


@pytest.mark.parametrize(("width", "height"), [(62, 29), (90, 38), (50, 50), (40, 60)])
def test_every_line_stays_on_the_label(width: int, height: int) -> None:
    lines = ("BS-0042", "24:A1:60:12:34:56", "Bahnhof")
    svg = Label(DEVICE, lines, width, height).svg()
    found = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)"', svg)
    assert len(found) == 3 and f'width="{width}mm"' in svg
    for (x, y, size), line in zip(found, lines, strict=True):
        assert float(x) + len(line) * float(size) * 0.5 <= width and float(size) < float(y) < height


def test_a_long_text_is_broken_into_lines_on_the_label() -> None:
    lines = (
        "BS-0042",
        "24:A1:60:12:34:56",
        "Marktplatz 7, Lampenmast vor der Apotheke",
        "Stadt Musterstadt, Tel. 0123 4567",
    )
    svg = Label(DEVICE, lines).svg()
    found = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)"[^>]*>([^<]*)<', svg)
    assert " ".join(text for *_, text in found) == " ".join(lines) and len(found) > 4
    for x, y, size, text in found:
        assert float(x) + len(text) * float(size) * 0.5 <= 62 and 1.6 <= float(size) < float(y) < 29


def test_what_does_not_fit_legibly_is_said() -> None:
    with pytest.raises(Problem, match=r"legibly|lesbar"):
        Label(DEVICE, ("An endless name " * 60,)).svg()


def test_markup_in_a_text_stays_text() -> None:
    assert "&lt;b&gt;Rathaus &amp; Markt" in Label(DEVICE, ("<b>Rathaus & Markt",)).svg()


def test_the_verb_writes_what_the_ending_says(tmp_path) -> None:
    texts = ("--asset", "BS-0042", "--place", "Münsterplatz 7", "--owner", "Stadt – Tiefbau")
    done = bordstein("label", "24:A1:60:12:34:56", *texts, "--out", "x.svg", "--json", folder=tmp_path)
    assert json.loads(done.stdout) == {"device": DEVICE, "urn": urn(DEVICE), "file": "x.svg"}
    svg = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert [line in svg for line in ("BS-0042", "24:A1:60:12:34:56", "Münsterplatz 7", "Stadt – Tiefbau")] == [True] * 4
    done = bordstein("label", DEVICE, *texts, folder=tmp_path, lang="de")
    assert done.returncode == 0 and "100 %" in done.stdout
    pdf = (tmp_path / f"etikett-{DEVICE}.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-") and b"/MediaBox [0 0 175.75 82.20]" in pdf  # 62 × 29 mm in points


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("nonsense",), 1, "12 hexadecimal digits"),
        ((DEVICE, "--size", "large"), 2, "62x29"),
        ((DEVICE, "--size", "5x5"), 2, "12 to 300"),
        ((DEVICE, "--out", "x.docx"), 2, ".svg or .pdf"),
        ((DEVICE, "--out", "gone/x.pdf"), 1, "cannot be written"),
        ((DEVICE, "--asset", "x" * 200), 1, "legibly"),
    ],
)
def test_mistakes_are_sentences(tmp_path, words, code, sentence) -> None:
    done = bordstein("label", *words, folder=tmp_path)
    assert done.returncode == code and sentence in done.stderr and "Traceback" not in done.stderr, done
