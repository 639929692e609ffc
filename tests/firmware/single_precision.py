"""A copy of the firmware whose floats have 32 bits, as on an ESP32; the Unix port's have 64.

Every place in the source that can give a float is led through binary32.py: literals, arithmetic, comparisons of size,
`float`, `round` and `sum`, and the modules `math` and `json`. What `const()` holds stays, as the compiler works it out.
"""

import ast
import shutil
from pathlib import Path

_ARITHMETIC = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mult", ast.Div: "div", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.Pow: "pow",
}  # fmt: skip
_COMPARISONS = {ast.Lt: "lt", ast.LtE: "lte", ast.Gt: "gt", ast.GtE: "gte"}
_MODULES = ("math", "json")


class _Transform(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return _call("single", node) if isinstance(node.value, float) else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        name = _ARITHMETIC.get(type(node.op))
        return _call(name, node.left, node.right) if name else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        name = _ARITHMETIC.get(type(node.op))
        if not name:
            return node
        if any(isinstance(part, ast.Call | ast.Yield | ast.Await) for part in ast.walk(node.target)):
            raise ValueError(f"line {node.lineno}: what it adds to would be worked out twice in the copy")
        before = ast.parse(ast.unparse(node.target), mode="eval").body
        name = "added" if name == "add" else name
        return ast.Assign([node.target], _call(name, before, node.value), lineno=node.lineno)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        name = _COMPARISONS.get(type(node.ops[0]))
        return _call(name, node.left, node.comparators[0]) if name and len(node.ops) == 1 else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "const":
            return node
        self.generic_visit(node)
        if name == "sum":
            return _call("sum", *node.args)
        return _call("rounded", node) if name in ("float", "round") else node

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for alias in node.names:
            if alias.name in _MODULES:
                found.append(ast.ImportFrom("binary32", [alias], 0))
            else:
                found.append(ast.Import([alias]))
        return found

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if node.module in _MODULES:
            raise ValueError(f"line {node.lineno}: import {node.module} as a whole, or its floats stay long")
        return node


def _call(function: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(ast.Name("_binary32", ast.Load()), function, ast.Load()), list(arguments), [])


def instrumented(source: str) -> str:
    """The same module with floats of 32 bits. ValueError: it is written so that this can't be done."""
    tree = _Transform().visit(ast.parse(source))
    # Docstrings are not needed; without one, the import may stand first.
    return "import binary32 as _binary32\n" + ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def instrumented_copy(firmware: Path, target: Path) -> Path:
    """Copies a folder with the firmware, instrumented; returns the copy."""
    shutil.copytree(firmware, target, ignore=shutil.ignore_patterns("__pycache__", "*.md"))
    for module in target.rglob("*.py"):
        module.write_text(instrumented(module.read_text(encoding="utf-8")), encoding="utf-8")
    return target
