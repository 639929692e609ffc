"""A board's label: a QR code with its URN (RFC 9039) and what people want to read, as SVG or PDF, to scale.

The code holds nothing secret: who scans it learns the device id, as everybody does who reads the label.
"""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ..keys import keyfiles
from ..texts import Problem

if TYPE_CHECKING:
    from fpdf import FPDF

_MARGIN = 2.0  # mm
_QUIET = 4  # modules round a QR code that have to stay white (ISO/IEC 18004)
_LARGEST, _PLEASANT, _SMALLEST = 4.2, 2.4, 1.6  # mm, height of the letters; below the second a text is rather broken
_BOLD = ' font-weight="bold"'
_WIDTH = 0.56  # of a letter, in heights, as it is on average in bold
_LINE = 1.25
_POINT = 72 / 25.4
# The PDF's own fonts know the letters of western Europe, and none of these.
_PLAIN = str.maketrans({"–": "-", "—": "-", "„": '"', "“": '"', "”": '"', "‚": "'", "‘": "'", "’": "'", "…": "..."})


def urn(device: str) -> str:
    """RFC 9039 name of a device: its MAC as an EUI-64. device: 12 hex digits."""
    return f"urn:dev:mac:{device[:6]}fffe{device[6:]}"


SUFFIXES = (".svg", ".pdf")


def of(device: str, texts: Iterable[str | None], width: float = 62, height: float = 29) -> "Label":
    """A label with these texts, the MAC behind the first, empty ones left out. Problem: they do not fit."""
    shown = ":".join(device[at : at + 2] for at in range(0, 12, 2)).upper()
    lines = [text for text in texts if text and text.strip()]
    label = Label(device, (*lines[:1], shown, *lines[1:]), width, height)
    label.check()
    return label


def make(path: Path, device: str, texts: Iterable[str | None], width: float = 62, height: float = 29) -> None:
    """Write such a label. path ends in a SUFFIX. Problem."""
    label = of(device, texts, width, height)
    keyfiles.replace(path, label.svg().encode() if path.suffix.lower() == ".svg" else label.pdf())


def pages(labels: Sequence["Label"]) -> bytes:
    """A PDF with a page for each label, all in the size of the first."""
    from fpdf import FPDF  # takes a second

    file = FPDF(unit="mm", format=(labels[0].width, labels[0].height))
    file.set_margin(0)
    file.set_auto_page_break(False)
    file.set_title(", ".join(urn(label.device) for label in labels))
    for label in labels:
        file.add_page()
        label.draw(file)
    return bytes(file.output())


@dataclass(frozen=True)
class Label:
    """device: 12 hex digits; lines: what stands beside the code, the first one bold; width, height: mm."""

    device: str
    lines: tuple[str, ...]
    width: float = 62
    height: float = 29

    def svg(self) -> str:
        """The label as one SVG file, in mm."""
        side = self._code_side()
        rows = self._matrix()
        scale = side / len(rows)
        squares = "".join(f"M{x} {y}h1v1h-1z" for x, y in _dark(rows))
        written = "".join(
            f'<text x="{x:g}" y="{y:.2f}" font-size="{size:.3f}"{_BOLD * (number == 0)}>{escape(text)}</text>'
            for number, (x, y, size, text) in enumerate(self._texts(side))
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:g}mm" height="{self.height:g}mm" '
            f'viewBox="0 0 {self.width:g} {self.height:g}"><rect width="100%" height="100%" fill="#fff"/>'
            f'<path transform="translate({_MARGIN:g} {(self.height - side) / 2:g}) scale({scale:.4f})" d="{squares}"/>'
            f'<g font-family="Helvetica, Arial, sans-serif">{written}</g></svg>\n'
        )

    def pdf(self) -> bytes:
        """The label as a PDF of one page in its size."""
        return pages([self])

    def check(self) -> None:
        """Problem: the texts do not fit legibly."""
        self._texts(self._code_side())

    def draw(self, page: "FPDF") -> None:
        """Onto the current page."""
        from fpdf.enums import XPos, YPos

        side = self._code_side()
        rows = self._matrix()
        scale = side / len(rows)
        for column, row in _dark(rows):
            page.rect(_MARGIN + column * scale, (self.height - side) / 2 + row * scale, scale, scale, style="F")
        for number, (x, y, size, text) in enumerate(self._texts(side)):
            page.set_font("Helvetica", "B" if number == 0 else "", size * _POINT)
            page.set_xy(x, y - size)
            plain = text.translate(_PLAIN).encode("latin-1", "replace").decode("latin-1")
            page.cell(text=plain, new_x=XPos.RIGHT, new_y=YPos.TOP)

    def _matrix(self) -> list[list[bool]]:
        import segno

        # What is scratched or dirty by a quarter is still read.
        code = segno.make(urn(self.device), error="q", micro=False)
        return [[bool(module) for module in row] for row in code.matrix_iter(border=_QUIET)]

    def _code_side(self) -> float:
        return min(self.height, self.width / 2) - _MARGIN  # its quiet zone is a margin, too

    def _texts(self, side: float) -> list[tuple[float, float, float, str]]:
        """(x, baseline, height of the letters, text) of each line, as large as the label lets it be."""
        left = _MARGIN + side
        room, high = self.width - left - _MARGIN, self.height - 2 * _MARGIN
        tall = min(_LARGEST, high / len(self.lines) / _LINE)
        sizes = [min(tall, room / len(line) / _WIDTH) for line in self.lines]
        lines = list(self.lines)
        if min(sizes) < _PLEASANT:
            tall, lines = self._broken(room, high)
            sizes = [tall] * len(lines)
        step = tall * _LINE
        top = (self.height - step * len(lines)) / 2 + tall
        return [(left, top + at * step, sizes[at], line) for at, line in enumerate(lines)]

    def _broken(self, room: float, high: float) -> tuple[float, list[str]]:
        """Height of the letters, and the texts broken into lines that have room then. Problem."""
        tall = _LARGEST
        while tall >= _SMALLEST:
            most = int(room / tall / _WIDTH)
            lines = [
                piece for text in self.lines for piece in textwrap.wrap(text, max(most, 1), break_long_words=False)
            ]
            if len(lines) * tall * _LINE <= high and max(map(len, lines)) <= most:
                return tall, lines
            tall -= 0.1
        raise Problem(
            f"Auf {self.width:g} × {self.height:g} mm passt das nicht lesbar; bitte kürzere Angaben oder ein größeres "
            "Etikett (--size).",
            f"that does not fit legibly on {self.width:g} × {self.height:g} mm; give shorter texts or a larger label "
            "(--size).",
        )


def _dark(rows: list[list[bool]]) -> Iterable[tuple[int, int]]:
    return ((x, y) for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
