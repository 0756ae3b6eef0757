"""A finding is printed with its line and a caret below the column, whatever is before it in the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from vflow.cli.diagnostics import WIDTH, render
from vflow.errors import Diagnostic, Place


def shown(folder: Path, line: str, column: int, encoding: str = "utf-8") -> tuple[str, str]:
    """Return the source line and the caret's line of a finding, without their margin."""
    file = folder / "g.yaml"
    file.write_text(f"{line}\n", encoding=encoding)
    _, source, caret = render(Diagnostic("wrong", Place(str(file), 1, column))).splitlines()
    assert source.startswith("  ")
    assert caret.startswith("  ")
    return source[2:], caret[2:]


def test_the_caret_stands_below_the_column(tmp_path: Path) -> None:
    assert shown(tmp_path, "a: {b: 1}", 5) == ("a: {b: 1}", "    ^")


def test_a_tab_before_the_column_stays_a_tab(tmp_path: Path) -> None:
    assert shown(tmp_path, "\ta: 1", 2) == ("\ta: 1", "\t^")


@pytest.mark.parametrize(
    ("before", "cells"),
    [("日本", 4), ("\uff21", 2), ("e\u0301", 1), ("é", 1), ("\u1112\u1161\u11ab", 2), ("a\u200b", 1)],
)
def test_the_caret_counts_the_cells_of_a_terminal(tmp_path: Path, before: str, cells: int) -> None:
    _, caret = shown(tmp_path, f"{before}: 1", len(before) + 3)
    assert caret == " " * (cells + 2) + "^"


def test_a_byte_order_mark_does_not_move_the_caret(tmp_path: Path) -> None:
    assert shown(tmp_path, "a: 1", 4, encoding="utf-8-sig") == ("a: 1", "   ^")


@pytest.mark.parametrize("column", [1, WIDTH // 2, WIDTH, WIDTH + 1, 3 * WIDTH, 10_000])
def test_of_a_long_line_the_part_around_the_column_is_shown(tmp_path: Path, column: int) -> None:
    line = "x" * (column - 1) + "HERE" + "y" * 500
    source, caret = shown(tmp_path, line, column)
    assert source[len(caret) - 1 :].startswith("HERE")
    assert len(source) <= WIDTH + len("......")


def test_without_its_file_a_finding_has_no_line() -> None:
    assert render(Diagnostic("wrong", Place("no.yaml", 1, 1), "mend it")).splitlines() == [
        "no.yaml:1:1: error: wrong",
        "  mend: mend it",
    ]
