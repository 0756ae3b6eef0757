from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "mutants.py"
SOURCE = '''
"""A page."""

LIMIT: int = 3


def grow(self, size: int) -> int:
    """Grow."""
    if size < LIMIT and not self.full:
        self.note("é", size)
        self.count += 1
        return max(size, self.count - 1)
    raise ValueError(f"{size + 1} is too much")
'''


@pytest.fixture(scope="module")
def mutants() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutants", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutants"] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def test_each_kind_of_change_is_made_and_leaves_the_rest_of_the_file(mutants: ModuleType) -> None:
    made = {str(mutant).split(": ", 1)[1] for mutant in mutants.mutants_of("page.py", SOURCE)}
    assert {
        "3 -> 4",
        "size < LIMIT -> (size <= LIMIT)",
        "size < LIMIT and not self.full -> (size < LIMIT or not self.full)",
        "size < LIMIT and not self.full -> True",
        "not self.full -> (self.full)",
        'self.note("é", size) -> pass',
        "self.count += 1 -> self.count -= 1",
        "max -> min",
        "self.count - 1 -> (self.count + 1)",
        "return max(size, self.count - 1) -> return None",
        'raise ValueError(f"{size + 1} is too much") -> pass',
    } <= made
    assert not any(change.startswith("size + 1") for change in made), "a message"


def test_every_change_is_a_program_that_differs_in_one_place(mutants: ModuleType) -> None:
    found = mutants.mutants_of("page.py", SOURCE)
    changed = [mutant.applied(SOURCE) for mutant in found]
    assert SOURCE not in changed
    assert len(set(changed)) == len(found)
    for text in changed:
        ast.parse(text)
        assert sum(a != b for a, b in zip(text.splitlines(), SOURCE.splitlines(), strict=True)) == 1


def test_a_sample_is_the_same_for_the_same_seed(mutants: ModuleType) -> None:
    path = "vflow/runtime/link.py"
    first = mutants.chosen([path], 12, 1)
    assert first == mutants.chosen([path], 12, 1)
    assert first != mutants.chosen([path], 12, 2)
    assert len(first) == 12
    assert len(mutants.chosen([path], None, 1)) > 100


def test_every_guard_is_a_file_of_the_tree(mutants: ModuleType) -> None:
    root = SCRIPT.parents[1]
    for path, tests in mutants.GUARDS.items():
        assert all((root / name).exists() for name in (path, *tests)), path
