"""Trials of mutants: the guarded change is noticed, the other survives, and failing tests are no kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PAGE = """
def grow(size):
    if size > 3:
        return size - 1
    return size + 1
"""
GUARD = """
from pages.page import grow

def test_grow():
    assert grow(1) == {grown}
"""


@pytest.fixture
def page(mutation: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a tree of one file without a test; return the path for its test."""
    trial = mutation("trial")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "page.py").write_text(PAGE)
    guard = tmp_path / "pages" / "test_page.py"
    for name, value in {
        "ROOT": tmp_path,
        "COPIED": ("pages",),
        "FILES": (),
        "GUARDS": {"pages/page.py": ("pages/test_page.py",)},
    }.items():
        monkeypatch.setattr(trial, name, value)
    return guard


def test_a_change_that_no_test_notices_survives(
    mutation: Any, page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page.write_text(GUARD.format(grown=2))
    found = mutation("changes").mutants_of("pages/page.py", PAGE)
    tried = [mutant for mutant in found if mutant.was in ("size - 1", "size + 1")]
    (living,) = mutation("trial").survivors(tried, jobs=2, quiet=False)
    assert str(living) == "pages/page.py:4: size - 1 -> (size + 1)"
    assert "SURVIVED pages/page.py:4: size - 1 -> (size + 1)" in capsys.readouterr().out


def test_tests_that_fail_without_a_change_kill_nothing_and_are_named(mutation: Any, page: Path) -> None:
    page.write_text(GUARD.format(grown=9))
    found = mutation("changes").mutants_of("pages/page.py", PAGE)
    with pytest.raises(SystemExit, match=r"pages/test_page\.py fails without a change"):
        mutation("trial").survivors(found, jobs=1, quiet=True)
