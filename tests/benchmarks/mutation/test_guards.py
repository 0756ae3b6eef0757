"""The tests that guard each file."""

from __future__ import annotations

from typing import Any


def test_every_guard_is_a_file_of_the_tree(mutation: Any) -> None:
    guards = mutation("guards")
    for path, tests in guards.GUARDS.items():
        assert all((guards.ROOT / name).is_file() for name in (path, *tests)), path


def test_the_first_guard_is_the_test_of_the_file_s_own_name(mutation: Any) -> None:
    for path, (own, *_) in mutation("guards").GUARDS.items():
        assert own.rpartition("/")[2] == f"test_{path.rpartition('/')[2]}"
