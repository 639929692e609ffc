"""Text to syntax trees, by grammar.lark. What can't be read is a Mistake with its place. Pure."""

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ..texts import both

if TYPE_CHECKING:
    from lark import Lark, Tree

LONGEST = 8_000
"""Characters of one query option."""
DEEPEST = 60
"""Levels of a syntax tree."""
LONGEST_PATH = 20
"""Names of one path."""
MOST_ORDERS = 10
"""Keys of one $orderby."""
LONGEST_NUMBER = 100
"""Digits: Python reads no more than 4,300."""


class Mistake(Exception):
    """What is wrong with a request, a sentence in both languages (texts.said()); `status` is HTTP's."""

    def __init__(self, de: str, en: str, status: int = 400) -> None:
        super().__init__(both(de, en))
        self.status = status


def mistake(option: str, position: int | None, de: str, en: str) -> Mistake:
    """`option`: as $filter; `position`: of the first wrong character, from 0; None: at the end."""
    if position is None:
        return Mistake(f"{option}, am Ende: {de}", f"{option}, at its end: {en}")
    return Mistake(f"{option}, Zeichen {position + 1}: {de}", f"{option}, at character {position + 1}: {en}")


def parse(start: str, option: str, text: str) -> "Tree[Any]":
    """The tree of a text by one of the grammar's rules resource, filter, orderby, select, expand. Mistake."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken

    if len(text) > LONGEST:
        raise mistake(
            option,
            LONGEST,
            f"länger als {LONGEST} Zeichen; weniger auf einmal fragen",
            f"longer than {LONGEST} characters; ask for less at once",
        )
    try:
        tree = _lark().parse(text, start=start)
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise _incomplete(option, error.accepts or error.expected) from None
        place = error.token.start_pos or 0
        raise _unfit(option, place, str(error.token), error.accepts or error.expected) from None
    except UnexpectedCharacters as error:
        place = error.pos_in_stream or 0
        raise _unfit(option, place, text[place : place + 20], error.allowed or ()) from None
    except UnexpectedEOF as error:
        raise _incomplete(option, error.expected) from None
    _limit(tree, option)
    return tree


@lru_cache(maxsize=1)
def _lark() -> "Lark":
    from lark import Lark

    return Lark(
        files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8"),
        parser="lalr",
        start=["resource", "filter", "orderby", "select", "expand"],
        propagate_positions=True,
        maybe_placeholders=False,
    )


_WORDS = {
    "COMPARE": "eq ne gt ge lt le",
    "ADD": "add sub",
    "MUL": "mul div mod",
    "WAY": "asc desc",
    "AND": "and",
    "OR": "or",
    "IN": "in",
    "NOT": "not",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "SLASH": "/",
    "SEMICOLON": ";",
    "NAME": "a name",
    "STRING": "'text'",
    "NUMBER": "a number",
    "INT": "a whole number",
    "DATETIME": "a time as 2026-11-24T12:00:00Z",
    "GEO": "geography'…'",
    "$END": "the end",
}
_GERMAN = {
    "a name": "ein Name",
    "'text'": "'Text'",
    "a number": "eine Zahl",
    "a whole number": "eine ganze Zahl",
    "a time as 2026-11-24T12:00:00Z": "eine Zeit wie 2026-11-24T12:00:00Z",
    "the end": "das Ende",
}


def _incomplete(option: str, expected: Iterable[str]) -> Mistake:
    de, en = _expected(expected)
    return mistake(option, None, f"da fehlt etwas: {de}", f"something is missing: {en}")


def _unfit(option: str, place: int, what: str, expected: Iterable[str]) -> Mistake:
    de, en = _expected(expected)
    return mistake(option, place, f"{what!r} passt dort nicht; {de}", f"{what!r} does not fit there; {en}")


def _expected(names: Iterable[str]) -> tuple[str, str]:
    """In German and English."""
    words = sorted({_WORDS[name] for name in names if name in _WORDS})
    if not words:
        return "erwartet ist nichts mehr", "nothing more is expected"
    german = ", ".join(_GERMAN.get(word, word) for word in words)
    return f"erwartet ist {german}", f"expected is {', '.join(words)}"


def _limit(tree: "Tree[Any]", option: str) -> None:
    """A tree so deep, or a path so long, that evaluating it could exhaust the stack is refused; without recursion."""
    from lark import Tree

    level: list[Any] = [tree]
    for _ in range(DEEPEST):
        for node in level:
            _limit_width(node, option)
        level = [child for node in level for child in node.children if isinstance(child, Tree)]
        if not level:
            return
    raise mistake(
        option,
        level[0].meta.start_pos,
        f"mehr als {DEEPEST} Ebenen tief geschachtelt",
        f"nested more than {DEEPEST} levels deep",
    )


def _limit_width(node: "Tree[Any]", option: str) -> None:
    from lark import Token

    most = {"path": LONGEST_PATH, "orderby": MOST_ORDERS}.get(node.data, len(node.children))
    if len(node.children) > most:
        raise mistake(
            option, node.meta.start_pos, f"mehr als {most} Teile hintereinander", f"more than {most} parts in a row"
        )
    for child in node.children:
        if isinstance(child, Token) and child.type in ("INT", "NUMBER") and len(child) > LONGEST_NUMBER:
            raise mistake(
                option,
                child.start_pos,
                f"eine Zahl mit mehr als {LONGEST_NUMBER} Ziffern",
                f"a number of more than {LONGEST_NUMBER} digits",
            )


def source(node: Any, text: str) -> str:
    """The piece of the text that a tree or token was read from."""
    span = getattr(node, "meta", node)
    return text[span.start_pos : span.end_pos]
