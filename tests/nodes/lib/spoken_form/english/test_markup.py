"""Markdown, HTML and LaTeX over several words."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.markup import markup
from vflow_nodes.lib.spoken_form.reading import Before, Stage, Wait


def said(text: str, before: Before | None = None) -> tuple[int, str]:
    found = look(text, before or Before("see", paused=False, ended=False))
    reading = markup(found, lambda inner: " ".join(inner.split()))
    assert reading is not None
    return reading.count, reading.spoken


@pytest.mark.parametrize(
    ("text", "count", "spoken"),
    [
        ("[guide](https://example.com/a_(b))", 1, "guide"),
        ('[guide](https://example.com "A title") now', 3, "guide"),
        ("![alt text](x.png) now", 2, ""),
        ('<a href="x">link</a> now', 2, "link"),
        ("$a + b$ is", 3, "A plus B"),
    ],
)
def test_markup_is_left_out(text: str, count: int, spoken: str) -> None:
    assert said(text) == (count, spoken)


def test_open_link_waits() -> None:
    with pytest.raises(Wait):
        markup(look("![alt", stage=Stage.MORE), str)


def test_amount_in_dollars_is_not_read_as_formula() -> None:
    assert markup(look("$5 and $10"), str) is None


def test_number_of_a_list_item_is_no_sentence() -> None:
    assert said("1. Open", Before()) == (1, "one,")


def test_cells_have_pauses() -> None:
    assert said("|Ann|Bob|", Before()) == (1, "Ann, Bob,")
