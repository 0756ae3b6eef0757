"""The widths of texts, and texts that are too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow.picture.text_width import shortened, text_width


@pytest.mark.parametrize(("text", "width"), [("", 0), ("i", 2.22), ("W", 9.44), ("漢", 10), ("Hi", 9.44)])
def test_the_width_is_that_of_helvetica(text: str, width: float) -> None:
    assert text_width(text, 10) == pytest.approx(width)


def test_bold_is_wider_and_an_accent_takes_no_room() -> None:
    assert text_width("bold", 10, bold=True) > text_width("bold", 10)
    assert text_width("e\u0301", 10) == text_width("e", 10)


@given(st.text(), st.floats(12, 200))
def test_a_text_is_cut_to_its_room(text: str, most: float) -> None:
    cut = shortened(text, 10, most)
    assert text_width(cut, 10) <= most
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))
