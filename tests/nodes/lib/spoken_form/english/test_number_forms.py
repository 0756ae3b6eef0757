"""Words whose form says what their digits are."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.number_forms import number_form


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("10.0.0.1", "one zero dot zero dot zero dot one"),
        ("UTC+2", "U T C plus two"),
        ("1.000.000", "one million"),
        ("08/2027", "August twenty twenty seven"),
        ("9" * 90, "a number of ninety digits"),
        ("0x1F", "zero X one F"),
    ],
)
def test_written_form_of_a_number_is_said(text: str, spoken: str) -> None:
    reading = number_form(look(text).first)
    assert reading is not None
    assert reading.spoken == spoken


def test_plain_number_is_left_to_other_readings() -> None:
    assert number_form(look("13/2027").first) is None
    assert number_form(look("12").first) is None
