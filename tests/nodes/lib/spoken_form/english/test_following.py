"""Words after a number, and the end of a sentence."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.following import after_number, end_of, follow, mixed_fraction
from vflow_nodes.lib.spoken_form.reading import Before, Stage


@pytest.mark.parametrize(
    ("text", "stage", "mark"),
    [
        ("p.m. Then", Stage.MORE, "."),
        ("p.m. then", Stage.MORE, ""),
        ("p.m. Monday", Stage.MORE, ""),
        ("p.m.", Stage.FINISH, "."),
        ("p.m.", Stage.RELEASE, ""),
        ("p.m.,", Stage.MORE, ","),
        ("p.m.?", Stage.MORE, "?"),
    ],
)
def test_full_stop_of_an_abbreviation_counts_where_a_sentence_ends(
    text: str, stage: Stage, mark: str
) -> None:
    assert end_of(look(text, stage=stage), 0) == mark


@pytest.mark.parametrize(
    ("text", "spoken", "count"),
    [
        ("5 km.", "five kilometers.", 2),
        ("5 million people", "five million", 2),
        ("5 cats", "five", 1),
        ("2 1/2 cups", "two and a half", 2),
    ],
)
def test_word_after_a_number_is_read_by_it(text: str, spoken: str, count: int) -> None:
    reading = follow(look(text), {"5": "five", "2": "two"}[text[0]], text[0])
    assert (reading.spoken, reading.count) == (spoken, count)


def test_unit_whose_number_was_said_has_its_number() -> None:
    one = after_number(look("km", Before("1", "number", "1", paused=False)))
    many = after_number(look("km", Before("5", "number", "5", paused=False)))
    assert one is not None
    assert many is not None
    assert (one.spoken, many.spoken) == ("kilometer", "kilometers")


def test_whole_number_before_a_fraction_is_joined_with_and() -> None:
    assert [mixed_fraction(text) for text in ("1/2", "3/4", "9/4", "1/0", "a/b")] == [
        "a half",
        "three quarters",
        "",
        "",
        "",
    ]
