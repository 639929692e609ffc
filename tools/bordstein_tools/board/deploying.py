"""Puts software onto a board over the cable: only what differs, in an order in which the cable may be pulled.

main.py goes first and comes last: in between a board starts to its prompt and waits for the same command. What a
release from afar chose (`slot`) goes, as what comes over the cable is to run (firmware/README.md).
"""

from collections.abc import Callable
from typing import NamedTuple

from ..texts import Problem
from .cable import Cable, File, digest
from .software import PACKAGE, Software

KEYS = "release.pub"
LAST = "main.py"
_FOLDER = PACKAGE.rstrip("/")
_CHOICE = ("slot", "slot.new")
_BLOCK = 4096
_RESERVE = 8 * _BLOCK  # littlefs keeps its own notes in blocks, too


class Done(NamedTuple):
    """written, removed: how many files. bytes: how many went over the cable. Zeros: it was all there."""

    written: int
    removed: int
    bytes: int


def deploy(
    cable: Cable, software: Software, keys: bytes | None, progress: Callable[[int, int], None] = lambda done, of: None
) -> Done:
    """keys: for the board's release.pub; None: it keeps what it has. progress: bytes that went, of how many.

    Problem; what is on the board afterwards can be deployed again. The board is not restarted.
    """
    _check(cable, software)
    wanted = dict(software.files)
    if keys is not None:
        wanted[KEYS] = keys
    there = cable.tree("boot.py", LAST, _FOLDER, KEYS)
    differing = _differing(there, wanted)
    obsolete = [name for name in there if name.startswith(PACKAGE) and name not in wanted]
    obsolete += [name for name in _CHOICE if cable.exists(name)]
    if not differing and not obsolete:
        return Done(0, 0, 0)
    _check_space(cable, [len(wanted[name]) for name in differing], [there[n].size for n in differing if n in there])
    cable.remove(LAST)
    cable.remove(*obsolete)
    cable.prune(_FOLDER)
    differing = sorted({*differing, LAST}, key=lambda name: (name == LAST, name == "boot.py", name))
    total = sum(len(wanted[name]) for name in differing)
    gone = 0

    def sent(count: int) -> None:
        nonlocal gone
        gone += count
        progress(gone, total)

    progress(0, total)
    for name in differing:
        if name == LAST:
            _look_again(cable, wanted)
        cable.write(name, wanted[name], sent)
    return Done(len(differing), len(obsolete), total)


def _differing(there: dict[str, File], wanted: dict[str, bytes]) -> list[str]:
    return [name for name, content in wanted.items() if name not in there or there[name].digest != digest(content)]


def _look_again(cable: Cable, wanted: dict[str, bytes]) -> None:
    wrong = [name for name in _differing(cable.tree("boot.py", _FOLDER, KEYS), wanted) if name != LAST]
    if wrong:
        raise Problem(
            f"Auf dem Gerät ist {wrong[0]} nicht so angekommen, wie es gesendet wurde; sein Flash ist schadhaft.",
            f"on the board {wrong[0]} is not as it was sent; its flash is bad.",
        )


def _check(cable: Cable, software: Software) -> None:
    facts = cable.facts()
    needed, there = (_numbers(text) for text in (software.micropython, str(facts["micropython"])))
    if there < needed or facts["mpy"] != software.mpy:
        raise Problem(
            f"Auf dem Gerät ist MicroPython {facts['micropython']}, die Software braucht {software.micropython}; "
            "zuerst «bordstein flash».",
            f"the board has MicroPython {facts['micropython']}, the software needs {software.micropython}; "
            'first "bordstein flash".',
        )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdecimal()]


def _check_space(cable: Cable, new: list[int], old: list[int]) -> None:
    def blocks(sizes: list[int]) -> int:
        return sum(-(-size // _BLOCK) * _BLOCK for size in sizes)

    # Each file is written beside the old one before that goes.
    missing = blocks(new) - blocks(old) + blocks([max(new, default=0)]) + _RESERVE - cable.free()[0]
    if missing > 0:
        raise Problem(
            f"Auf dem Gerät fehlen {missing // 1024 + 1} kB Platz. «bordstein show» sagt, was dort liegt.",
            f'the board lacks {missing // 1024 + 1} kB of room. "bordstein show" says what lies there.',
        )
