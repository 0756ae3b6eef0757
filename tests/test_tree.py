"""The tree: each module has a test file of its name at its path, and none grows until nobody reads it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOMES = {"vflow": "tests", "nodes/vflow_nodes": "tests/nodes"}
"""The packages, and where their tests stand."""

TESTED_ELSEWHERE = {
    "nodes/vflow_nodes/lib/decode/kernels/attend.py": "tests/nodes/lib/decode/test_ops_triton.py",
    "nodes/vflow_nodes/lib/decode/kernels/attention.py": "tests/nodes/lib/decode/test_ops_triton.py",
    "nodes/vflow_nodes/lib/decode/kernels/choosing.py": "tests/nodes/lib/decode/test_sampling_triton.py",
    "nodes/vflow_nodes/lib/decode/kernels/chunk.py": "tests/nodes/lib/decode/test_ops_triton.py",
    "nodes/vflow_nodes/lib/decode/kernels/deferred.py": "tests/nodes/lib/decode/test_ops_triton.py",
    "nodes/vflow_nodes/lib/decode/kernels/linear.py": "tests/nodes/lib/decode/test_ops_triton.py",
    "nodes/vflow_nodes/lib/decode/kernels/product.py": "tests/nodes/lib/decode/test_ops_triton.py",
    "nodes/vflow_nodes/lib/decode/kernels/ranking.py": "tests/nodes/lib/decode/test_sampling_triton.py",
    "nodes/vflow_nodes/lib/decode/kernels/rowwise.py": "tests/nodes/lib/decode/test_ops_triton.py",
    "nodes/vflow_nodes/lib/decode/kernels/scratch.py": "tests/nodes/lib/decode/test_ops_triton.py",
    "nodes/vflow_nodes/lib/decode/kernels/tiling.py": "tests/nodes/lib/decode/test_ops_triton.py",
}
"""Modules that are tested with others of their kind, and where: devices on a sound server, kernels by the
operations that they are."""

MAX_LINES = 300
LONG_FILES = {
    "vflow/runtime/link.py": 350,  # put and pop are hot: one class, since each further hop is paid a packet
}
"""Files that may have more than MAX_LINES, and how many."""

MAX_CLASS_LINES = 260
LONG_CLASSES = {"Link": 294}
"""Classes that may have more than MAX_CLASS_LINES, and how many."""

MAX_INNER_IMPORTS = 25


def files() -> Iterator[Path]:
    """Yield every module of both packages."""
    for package in HOMES:
        yield from sorted((ROOT / package).rglob("*.py"))


def name_of(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


def own_tests(module: Path) -> Path:
    """The test file of a module's own."""
    home = next(package for package in HOMES if module.is_relative_to(ROOT / package))
    inner = module.relative_to(ROOT / home)
    return ROOT / HOMES[home] / inner.with_name(f"test_{inner.name}")


def inner_imports(node: ast.AST, inside: bool = False) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports of the project's own modules inside functions, but for those for type checkers alone."""
    for child in ast.iter_child_nodes(node):
        if (
            isinstance(child, ast.If)
            and isinstance(child.test, ast.Name)
            and child.test.id == "TYPE_CHECKING"
        ):
            continue
        if inside and isinstance(child, ast.Import | ast.ImportFrom) and any(map(is_own, imported(child))):
            yield child
        yield from inner_imports(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def imported(statement: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    return ["." * statement.level + (statement.module or "")]


def is_own(name: str) -> bool:
    return name.startswith(".") or name.partition(".")[0] in ("vflow", "vflow_nodes")


def lines_of(node: ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_every_module_has_a_test_file_of_its_name_or_says_where_it_is_tested() -> None:
    lacking = {
        name_of(path) for path in files() if path.name != "__init__.py" and not own_tests(path).is_file()
    }
    excused = TESTED_ELSEWHERE.keys()
    assert lacking - excused == set(), "add tests/<same path>/test_<name>.py"
    assert excused - lacking == set(), "these have one, or are gone: take them out of the list"


@pytest.mark.parametrize("place", sorted(set(TESTED_ELSEWHERE.values())))
def test_a_place_where_modules_are_tested_exists(place: str) -> None:
    assert (ROOT / place).is_file()


def test_no_file_is_longer_than_one_reads_at_a_sitting() -> None:
    sizes = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files()}
    long = {name: size for name, size in sizes.items() if size > LONG_FILES.get(name, MAX_LINES)}
    assert long == {}
    short = {name for name in LONG_FILES if sizes.get(name, 0) <= MAX_LINES}
    assert short == set(), "these are within the limit now: take them out of the list"


def test_no_class_is_longer_than_one_keeps_in_mind() -> None:
    classes = [
        node
        for path in files()
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ClassDef)
    ]
    long = {c.name: lines_of(c) for c in classes if lines_of(c) > LONG_CLASSES.get(c.name, MAX_CLASS_LINES)}
    assert long == {}
    short = LONG_CLASSES.keys() - {c.name for c in classes if lines_of(c) > MAX_CLASS_LINES}
    assert short == set(), "these are within the limit now: take them out of the list"


def test_own_modules_are_imported_inside_functions_at_few_places() -> None:
    found = [
        f"{name_of(path)}:{statement.lineno}"
        for path in files()
        for statement in inner_imports(ast.parse(path.read_bytes()))
    ]
    assert len(found) <= MAX_INNER_IMPORTS, "\n".join(found)


PLAIN = ("vflow", "nodes/vflow_nodes")
"""Folders, and files, whose docstrings begin with a verb or a noun."""


def test_docstrings_begin_with_the_thing_and_not_with_what() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for pattern in PLAIN
        for path in sorted(ROOT.glob(pattern if pattern.endswith(".py") else f"{pattern}/**/*.py"))
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if str(node.value.value).startswith("What ")
    ]
    assert found == [], "say the thing by its name"
