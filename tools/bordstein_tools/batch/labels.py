"""The labels of a batch, in a folder: a PDF for each board, named by its asset number, and one of all to be printed."""

import re
from collections.abc import Iterable
from pathlib import Path

from ..keys import keyfiles
from ..setup import label
from ..texts import Problem, pick
from .assigning import Book
from .rows import Row

_ALL = pick("alle-etiketten", "all-labels")


def mistakes(row: Row, owner: str) -> list[str]:
    """Whether the texts of its label have room, in a sentence."""
    try:
        label.of("0" * 12, (row.asset, row.place, owner))
    except Problem as problem:
        return [str(problem).rstrip(".")]
    return []


class Labels:
    """file: where the label of an asset number goes; no two are the same, whatever letters the numbers have."""

    def __init__(self, folder: Path, rows: Iterable[Row], owner: str) -> None:
        """Problem: the folder cannot be made."""
        self._folder, self._owner = folder, owner
        self.file: dict[str, Path] = {}
        taken = {_ALL}
        for row in rows:
            plain = stem = re.sub(r"[^\w.-]+", "-", row.asset)
            number = 2
            while stem.casefold() in taken:
                stem, number = f"{plain}_{number}", number + 1
            taken.add(stem.casefold())
            self.file[row.asset] = folder / f"{stem}.pdf"
        keyfiles.make_folder(folder)

    def write(self, book: Book) -> None:
        """What is missing of the boards that are ready, and the file of all. Problem."""
        made = []
        for standing in book.standings.values():
            if standing.state == "ready":
                texts = (standing.row.asset, str(standing.facts.get("place", "")), self._owner)
                made.append(label.of(standing.device, texts))
                if not (path := self.file[standing.row.asset]).exists():
                    label.make(path, standing.device, texts)
        if made:
            keyfiles.replace(self._folder / f"{_ALL}.pdf", label.pages(made))
