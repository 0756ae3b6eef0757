"""Degrees, and titles before and after names."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.titles import degree, senior
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize(
    ("core", "spoken"),
    [
        ("B.Sc", "B S C"),
        ("M.Phil", "M Phil"),
        ("LL.B", "L L B"),
        ("Psy.D", "Psy D"),
        ("BSc", "B S C"),
        ("PharmD", "Pharm D"),
        ("U.S", ""),
        ("Bed", ""),
        ("Mr", ""),
    ],
)
def test_academic_degree_is_spelled(core: str, spoken: str) -> None:
    assert degree(core) == spoken


@pytest.mark.parametrize(
    ("text", "before", "spoken"),
    [
        ("Sr. Maria", "meet", "Sister"),
        ("Sr. García", "meet", "Señor"),
        ("Sr. Engineer", "a", "Senior"),
        ("Sr. engineer", "a", "Senior"),
        ("Sr. won", "Smith", "Senior"),
        ("Sr.", "Smith", "Senior."),
    ],
)
def test_sr_is_read_by_the_words_around_it(text: str, before: str, spoken: str) -> None:
    assert senior(look(text, Before(before, paused=False, ended=False))).spoken == spoken
