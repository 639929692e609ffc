"""$orderby: values of any kind in an order."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from .evaluate import Compiler, Expression, Reader, Tree
from .functions import Period
from .kinds import Kind

Orders = list[tuple[Expression, bool]]
"""What to sort by, and whether descending."""


def orders(tree: Tree | None, kind: Kind, reader: Reader) -> Orders:
    """An $orderby's. Mistake."""
    compiler = Compiler(kind, reader, "$orderby")
    found = []
    for order in tree.children if tree is not None else ():
        way = str(order.children[1]).lower() if len(order.children) > 1 else "asc"
        found.append((compiler.expression(order.children[0]), way == "desc"))
    return found


def arranged(entities: Iterable[Any], orders: Orders) -> list[Any]:
    """Sorted; those that are equal stay in their order."""
    found = list(entities)
    for made, descending in reversed(orders):
        of, many = made.of, made.many

        def key(entity: Any, of: Any = of, many: bool = many) -> tuple[int, Any]:
            return rank(next(iter(of(entity)), None) if many else of(entity))

        found.sort(key=key, reverse=descending)
    return found


def rank(value: Any) -> tuple[int, Any]:
    """By this values of any kind can be sorted; None comes first."""
    if value is None:
        return 0, 0
    if isinstance(value, int | float):
        return 1, value
    if isinstance(value, str):
        return 2, value
    if isinstance(value, datetime):
        return 3, value.timestamp()
    if isinstance(value, Period):
        return 3, value.begin.timestamp()
    if isinstance(value, date):
        return 4, value.toordinal()
    return 5, str(value)
