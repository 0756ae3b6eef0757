"""Changes of a program: each differs from it in one place, and is a program."""

from __future__ import annotations

import ast
from typing import Any

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


def test_each_kind_of_change_is_made_and_leaves_the_rest_of_the_file(mutation: Any) -> None:
    made = {str(mutant).split(": ", 1)[1] for mutant in mutation("changes").mutants_of("page.py", SOURCE)}
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


def test_every_change_is_a_program_that_differs_in_one_place(mutation: Any) -> None:
    found = mutation("changes").mutants_of("page.py", SOURCE)
    changed = [mutant.applied(SOURCE) for mutant in found]
    assert SOURCE not in changed
    assert len(set(changed)) == len(found)
    for text in changed:
        ast.parse(text)
        assert sum(a != b for a, b in zip(text.splitlines(), SOURCE.splitlines(), strict=True)) == 1
