"""The status line: redrawn on a terminal, elsewhere by lines, and never the end of what it tells of."""

from __future__ import annotations

import io

import pytest

from vflow.cli.status_line import ERASE, StatusLine


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminals_line_is_redrawn_and_left_at_the_end() -> None:
    stream = Screen()
    status = StatusLine(stream)
    status.show("downloading a long name", 0.5)
    status.show("done")
    status.end()
    status.end()
    before, first, second = stream.getvalue().split(ERASE)
    assert before == ""
    assert first == f"[{'#' * 15}{'.' * 15}]  50%  downloading a long name"
    assert second == "done\n"


def test_a_terminals_line_is_taken_away_once() -> None:
    stream = Screen()
    status = StatusLine(stream)
    status.clear()
    status.show("loading")
    status.clear()
    status.clear()
    assert stream.getvalue() == f"{ERASE}loading{ERASE}"


def test_elsewhere_a_fraction_is_a_line_every_tenth() -> None:
    stream = io.StringIO()
    status = StatusLine(stream)
    for n in range(101):
        status.show("downloading", n / 100)
    status.end()
    assert stream.getvalue().splitlines() == [f"downloading: {n}%" for n in range(0, 101, 10)]


def test_elsewhere_the_fractions_of_the_next_model_are_printed_too() -> None:
    stream = io.StringIO()
    status = StatusLine(stream)
    for model in ("first", "second"):
        status.show(f"opening {model}")
        for fraction in (0.0, 0.5, 0.55, 1.0):
            status.show(model, fraction)
    assert stream.getvalue().splitlines() == [
        *("opening first", "first: 0%", "first: 50%", "first: 100%"),
        *("opening second", "second: 0%", "second: 50%", "second: 100%"),
    ]


def test_elsewhere_a_text_is_printed_once_in_a_row_for_each_source() -> None:
    stream = io.StringIO()
    status = StatusLine(stream)
    for source, text in [("a", "loads"), ("b", "waits"), ("a", "loads"), ("a", "warms up"), ("a", "loads")]:
        status.show(f"{source} {text}", source=source)
    status.clear()
    assert stream.getvalue().splitlines() == ["a loads", "b waits", "a warms up", "a loads"]


def test_without_a_screen_nothing_is_shown() -> None:
    status = StatusLine(None)
    status.show("loading", 0.5)
    status.clear()
    status.end()
    assert not status.redraws


def test_a_screen_that_has_gone_ends_nothing() -> None:
    stream = io.StringIO()
    status = StatusLine(stream)
    stream.close()
    status.show("loading")


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8", "\u65e5"), ("ascii", "?")])
def test_a_character_that_a_screen_does_not_know_is_replaced(encoding: str, shown: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    StatusLine(stream).show("\u65e5")
    assert stream.buffer.getvalue().decode(encoding) == f"{shown}\n"
