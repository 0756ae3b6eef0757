"""Names with signs, and lone letters."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.signed_names import between, lone_letter, signed_name
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("C++", "C plus plus"),
        ("C#,", "C sharp,"),
        ("#1", "number one"),
        ("#10425", "number one zero four two five"),
        ("§5", "section five"),
        ("--help", "dash dash help"),
        ("A+", "A plus"),
    ],
)
def test_name_with_a_sign_is_said_with_it(text: str, spoken: str) -> None:
    reading = signed_name(look(text))
    assert reading is not None
    assert reading.spoken == spoken


@pytest.mark.parametrize(("text", "spoken"), [("a", "a"), ("a,", "A,"), ("x", "X"), ("I", "I"), ("C", "C")])
def test_single_letter_is_read_by_its_place(text: str, spoken: str) -> None:
    reading = lone_letter(look(text))
    assert reading is not None
    assert reading.spoken == spoken


def test_letter_after_degrees_is_a_scale() -> None:
    reading = lone_letter(look("C.", Before("degrees", paused=False)))
    assert reading is not None
    assert reading.spoken == "Celsius."


def test_sign_between_two_names_is_said_by_its_place() -> None:
    assert [between(text) for text in (["x", "/", "y"], ["weeks", "/", "year"], ["he", "/", "she"])] == [
        "over",
        "per",
        "",
    ]
