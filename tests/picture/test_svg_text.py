"""Texts of a picture: escaped, and as wide as they were measured."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from vflow.picture.svg_text import drawn_text, number
from vflow.picture.text_width import text_width


def test_a_text_is_escaped_and_as_wide_as_it_was_measured() -> None:
    element = ElementTree.fromstring(drawn_text('a <b> & "c"', 1, 2, 10, "soft"))
    assert element.text == 'a <b> & "c"'
    assert float(element.attrib["textLength"]) == pytest.approx(text_width('a <b> & "c"', 10), abs=0.1)
    assert "textLength" not in ElementTree.fromstring(drawn_text(" ", 1, 2, 10, "soft")).attrib


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (1.04, "1"), (1.26, "1.3"), (-0.5, "-0.5")])
def test_numbers_have_no_more_digits_than_are_seen(value: float, text: str) -> None:
    assert number(value) == text
