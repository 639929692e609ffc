"""Jinja for one sentence: no loop, no macro, nothing that makes much of little.

Jinja's own sandbox keeps a template from what it must not touch, not from work without end: "a".ljust(10**10) fills
the memory, 9**9**9 keeps the interpreter for good, and with it all that the gateway does. Imported lazily, as Jinja is.
"""

import re
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST = 100_000
"""Characters."""
_FILTERS = (
    *("abs", "capitalize", "d", "default", "first", "float", "int", "last", "length", "lower", "replace", "round"),
    *("string", "title", "trim", "truncate", "upper"),
)
_METHODS = (
    *("capitalize", "count", "endswith", "find", "get", "isalpha", "isdecimal", "isdigit", "items", "keys", "lower"),
    *("lstrip", "partition", "removeprefix", "removesuffix", "replace", "rpartition", "rsplit", "rstrip", "split"),
    *("splitlines", "startswith", "strip", "title", "upper", "values"),
)
_NODES = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.Expr, nodes.Helper),
    *(nodes.EvalContextModifier,),
)
_WIDE = re.compile(r"\d{3}|\*")


class Sandbox(ImmutableSandboxedEnvironment):
    """Only what _FILTERS, _METHODS and _NODES name."""

    intercepted_binops = frozenset(["**", "*", "%"])

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.globals.clear()
        own = {"format": _formatted, "replace": _replaced}
        self.filters = {name: self.filters[name] for name in _FILTERS} | own

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all(nodes.Node):
            if not isinstance(node, _NODES):
                raise TemplateSyntaxError(f"{type(node).__name__} is not part of templates here", node.lineno)
        return tree

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Also methods: those that only look, cut or replace."""
        return super().is_safe_attribute(obj, attr, value) and (attr in _METHODS or not callable(value))

    def wrap_str_format(self, value: Any) -> None:
        """No str.format, whose fields have widths of their own: the filter format is for numbers."""

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Numbers are counted with, and formatted; texts are not repeated."""
        if operator == "%" and isinstance(left, str):
            return _formatted(left, *(right if isinstance(right, tuple) else (right,)))
        small = isinstance(left, int | float) and isinstance(right, int | float)
        if not small or (operator == "**" and not (abs(left) <= 1e6 and abs(right) <= 64)):
            raise SecurityError(f"{operator} is for small numbers only")
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **values: Any) -> Any:
        """See _METHODS; a text is replaced in as far as it stays short."""
        text = getattr(__obj, "__self__", None)
        if isinstance(text, str) and getattr(__obj, "__name__", "") == "replace":
            return _replaced(text, *args)
        return super().call(__context, __obj, *args, **values)


def _formatted(text: str, *values: Any) -> str:
    if _WIDE.search(text):
        raise SecurityError("a width of more than 99 is too much")
    return text % values


def _replaced(text: str, old: str, new: str, count: int = -1) -> str:
    text, old, new = str(text), str(old), str(new)
    if len(text) + (text.count(old) if count < 0 else count) * len(new) > LARGEST:
        raise SecurityError("the text grows too long")
    return text.replace(old, new, count)
