"""Make mutants: programs with one small change."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
SWAPPED = {"max": "min", "min": "max", "any": "all", "all": "any"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file. Lines count from 1, columns in bytes from 0, as in `ast`."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    was: str
    to: str

    def __str__(self) -> str:
        was, to = (" ".join(text.split()) for text in (self.was, self.to))
        return f"{self.path}:{self.line}: {was} -> {to}"

    def applied(self, source: str) -> str:
        """Return the file's source with this change."""
        lines = source.encode().splitlines(keepends=True)
        head = b"".join(lines[: self.line - 1]) + lines[self.line - 1][: self.column]
        tail = lines[self.end_line - 1][self.end_column :] + b"".join(lines[self.end_line :])
        return (head + self.to.encode() + tail).decode()


def changes(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield the changes at one node of a syntax tree: the part to replace, and its new text."""
    if isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            other = copy.deepcopy(node)
            other.ops[index] = COMPARISONS[type(op)]()
            yield node, f"({ast.unparse(other)})"
    elif isinstance(node, ast.BoolOp):
        other = copy.deepcopy(node)
        other.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield node, f"({ast.unparse(other)})"
        for index in range(len(node.values)):
            left = [value for at, value in enumerate(node.values) if at != index]
            yield node, f"({f' {_word(node.op)} '.join(f'({ast.unparse(value)})' for value in left)})"
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS and not _is_text(node):
        changed = copy.deepcopy(node)
        changed.op = OPERATORS[type(node.op)]()
        yield node, f"({ast.unparse(changed)})"
        if isinstance(node.op, ast.BitAnd | ast.BitOr):
            yield node, f"({ast.unparse(node.left)})"
            yield node, f"({ast.unparse(node.right)})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield node, str(node.value + 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SWAPPED:
        yield node.func, SWAPPED[node.func.id]
    elif isinstance(node, ast.If | ast.IfExp):
        yield node.test, "True"
        yield node.test, "False"
    elif isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
        changed_step = copy.deepcopy(node)
        changed_step.op = OPERATORS[type(node.op)]()
        yield node, ast.unparse(changed_step)
        yield node, "pass"
    elif isinstance(node, ast.Return) and node.value is not None:
        if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield node, "return None"
    elif _is_removable(node):
        yield node, "pass"


def _is_removable(node: ast.AST) -> bool:
    """Return whether a statement can be removed without making a name unknown."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call | ast.Await | ast.YieldFrom)
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets)
    return isinstance(node, ast.Raise | ast.Delete | ast.Continue | ast.Break)


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr | ast.Constant) and not _is_number(side)
        for side in (node.left, node.right)
    )


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _word(op: ast.boolop) -> str:
    return "and" if isinstance(op, ast.And) else "or"


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes that are executed. Annotations, messages and declarations by `prop` are left alone: a
    test of a default would be a copy of it."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_left_alone(child):
                yield child
                yield from _code(child)


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id == "prop"
    return isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom)


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Return every change of a file, in the order of its lines."""
    found = []
    for node in _code(ast.parse(source)):
        for part, to in changes(node):
            assert isinstance(part, ast.expr | ast.stmt)
            was = ast.get_source_segment(source, part) or ""
            end_line, end_column = part.end_lineno or part.lineno, part.end_col_offset or part.col_offset
            found.append(Mutant(path, part.lineno, part.col_offset, end_line, end_column, was, to))
    return sorted(set(found), key=lambda m: (m.line, m.column, m.to))
