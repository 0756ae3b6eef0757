"""Abbreviations against words."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.abbreviations import abbreviation, letters_with_stops
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("No. 5", "number"),
        ("fig. 3", "figure"),
        ("Sgt. Miller", "Sergeant"),
        ("Jan. 5", "January"),
        ("e.g. this", "for example"),
        ("vs. Rome", "versus"),
        ("etc.", "et cetera."),
        ("Mon-Fri", "Monday to Friday"),
    ],
)
def test_abbreviation_is_said_in_full(text: str, spoken: str) -> None:
    reading = abbreviation(look(text))
    assert reading is not None
    assert reading.spoken == spoken


@pytest.mark.parametrize("text", ["no. Then", "fig. Then", "mar. Then", "art. Then", "word."])
def test_word_with_a_full_stop_is_a_word(text: str) -> None:
    assert abbreviation(look(text)) is None


def test_st_is_street_or_saint_by_its_place() -> None:
    street = abbreviation(look("St. near", Before("Main", paused=False, ended=False)))
    saint = abbreviation(look("St. Louis", Before("in", paused=False, ended=False)))
    assert street is not None
    assert saint is not None
    assert (street.spoken, saint.spoken) == ("Street", "Saint")


def test_letters_with_full_stops_are_spelled() -> None:
    reading = letters_with_stops(look("U.S. Then"))
    assert reading is not None
    assert reading.spoken == "U S."
