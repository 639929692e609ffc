"""Script tasks: the small part of Python that puts values together, interpreted here and never given to exec.

Libraries that restrict Python run real Python behind a filter; what is not interpreted here does not exist: no
attribute, no import, no function but FUNCTIONS, no loop without end. Work and sizes are bounded.
"""

import ast
import operator
from collections.abc import Callable
from typing import Any

LONGEST = 4000
STEPS = 10_000
LARGEST = 10_000
"""Of a text or list; numbers have at most so many bits."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function for function in (abs, bool, float, int, len, max, min, round, sorted, str, sum)
}
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


class BadScript(ValueError):
    """A script that can't be run; the message says what and in which line."""


def problem(script: str) -> str:
    """What in a script can't be run, whatever its data; empty: nothing."""
    try:
        for part in ast.walk(_parsed(script)):
            if not isinstance(part, (*_ALLOWED, ast.expr_context)):
                raise _bad(part, f"{type(part).__name__} is not part of scripts here")
            if isinstance(part, ast.Name) and part.id.startswith("_"):
                raise _bad(part, f"{part.id}: names begin with no _")
            if isinstance(part, ast.Call) and not (isinstance(part.func, ast.Name) and part.func.id in FUNCTIONS):
                raise _bad(part, f"there are only the functions {', '.join(FUNCTIONS)}")
    except BadScript as error:
        return str(error)
    return ""


def execute(script: str, data: dict[str, Any]) -> None:
    """Run it; what it assigns is in `data` then. BadScript, and then `data` is as it was."""
    if why := problem(script):
        raise BadScript(why)
    names = dict(data)
    run = _Run(names)
    try:
        run.all(_parsed(script).body)
    except BadScript:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise BadScript(f"{type(error).__name__}: {' '.join(str(error).split())[:150]}") from None
    data.update(names)


_ALLOWED: tuple[type[ast.AST], ...] = (
    *(ast.Module, ast.Expr, ast.Assign, ast.AugAssign, ast.If, ast.Pass),
    *(ast.BinOp, ast.BoolOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.Constant, ast.Name, ast.Subscript, ast.Call),
    *(ast.List, ast.Tuple, ast.Dict, ast.And, ast.Or),
    *_BINARY,
    *_COMPARE,
    *_UNARY,
)


class _Run:
    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self._steps = 0

    def all(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if isinstance(statement, ast.Assign):
                value = self._value(statement.value)
                for target in statement.targets:
                    self._assign(target, value)
            elif isinstance(statement, ast.AugAssign):
                old = self._value(statement.target)
                self._assign(statement.target, self._binary(statement.op, old, self._value(statement.value)))
            elif isinstance(statement, ast.If):
                self.all(statement.body if self._value(statement.test) else statement.orelse)
            elif isinstance(statement, ast.Expr):
                self._value(statement.value)

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            if target.id in FUNCTIONS:
                raise _bad(target, f"{target.id} is the name of a function")
            self._names[target.id] = value
        elif isinstance(target, ast.Subscript):
            # A copy, as others may have the same list or table.
            held = self._value(target.value)
            held = dict(held) if isinstance(held, dict) else list(held)
            held[self._value(target.slice)] = value
            self._assign(target.value, held)
        else:
            raise _bad(target, "only names and parts of lists and tables can be assigned to")

    def _value(self, node: ast.expr) -> Any:
        self._steps += 1
        if self._steps > STEPS:
            raise BadScript("it does too much")
        return self._bounded(self._evaluate(node))

    def _evaluate(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                if node.id not in self._names:
                    raise _bad(node, f"there is no {node.id}")
                return self._names[node.id]
            case ast.BinOp():
                return self._binary(node.op, self._value(node.left), self._value(node.right))
            case ast.UnaryOp():
                return _UNARY[type(node.op)](self._value(node.operand))
            case ast.BoolOp():
                last: Any = None
                for part in node.values:
                    last = self._value(part)
                    if bool(last) != isinstance(node.op, ast.And):
                        break
                return last
            case ast.Compare():
                left = self._value(node.left)
                for compare, part in zip(node.ops, node.comparators, strict=True):
                    right = self._value(part)
                    if not _COMPARE[type(compare)](left, right):
                        return False
                    left = right
                return True
            case ast.IfExp():
                return self._value(node.body if self._value(node.test) else node.orelse)
            case ast.Subscript():
                return self._value(node.value)[self._value(node.slice)]
            case ast.List() | ast.Tuple():
                return [self._value(part) for part in node.elts]
            case ast.Dict():
                keys = [self._value(key) if key is not None else None for key in node.keys]
                return dict(zip(keys, map(self._value, node.values), strict=True))
            case ast.Call(func=ast.Name(id=name)) if not node.keywords:
                return FUNCTIONS[name](*map(self._value, node.args))
            case _:
                raise _bad(node, f"{type(node).__name__} is not part of scripts here")

    def _binary(self, kind: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(kind, ast.Mult) and not (_number(left) and _number(right)):
            raise BadScript("only numbers are multiplied")
        if isinstance(kind, ast.Mod) and not (_number(left) and _number(right)):
            raise BadScript("% is for numbers")
        return self._bounded(_BINARY[type(kind)](left, right))

    def _bounded(self, value: Any) -> Any:
        size = value.bit_length() if isinstance(value, int) else _size(value, LARGEST)
        if size > LARGEST:
            raise BadScript("a value grows too large")
        return value


def _parsed(script: str) -> ast.Module:
    if len(script) > LONGEST:
        raise BadScript(f"longer than {LONGEST} characters")
    try:
        return ast.parse(script.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadScript(" ".join(str(error).split())[:150]) from None


def _size(value: Any, most: int) -> int:
    """Of all that is written when it is: a list that holds one list twice is twice as large. Counted up to `most`."""
    if isinstance(value, dict):
        parts: list[Any] = [*value, *value.values()]
    elif isinstance(value, list):
        parts = value
    else:
        return len(value) if hasattr(value, "__len__") else 0
    found = len(parts)
    for part in parts:
        if found > most:
            break
        found += _size(part, most - found)
    return found


def _number(value: Any) -> bool:
    return isinstance(value, int | float)


def _bad(node: ast.AST, why: str) -> BadScript:
    return BadScript(f"line {getattr(node, 'lineno', 1)}: {why}")
