"""Numbers with nothing attached."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.bare_numbers import bare_number
from vflow_nodes.lib.spoken_form.reading import Before, Stage


def spoken(text: str, before: Before) -> str:
    digits = text.split()[0].rstrip(".,")
    return bare_number(look(text, before), "", digits).spoken


@pytest.mark.parametrize(
    ("text", "before", "said"),
    [
        ("10 people", Before("March", "month", "in", paused=False, ended=False), "ten"),
        ("10 people", Before("March", "month", "on", paused=False, ended=False), "tenth"),
        ("10", Before("March", "month", "in", paused=False, ended=False), "tenth"),
        ("0800 hrs", Before("at", paused=False, ended=False), "oh eight hundred hours"),
        ("1430 hours", Before("took", paused=False, ended=False), "one thousand four hundred thirty"),
        ("75007 Paris", Before("Rue", paused=True, ended=False, mark=","), "seven five zero zero seven"),
        ("999", Before("1Z", "digits", paused=False, ended=False), "nine nine nine"),
    ],
)
def test_number_is_read_by_the_words_around_it(text: str, before: Before, said: str) -> None:
    assert spoken(text, before) == said


def test_release_says_the_number_that_stays_true_after_a_month() -> None:
    before = Before("March", "month", "in", paused=False, ended=False)
    assert bare_number(look("10", before, Stage.RELEASE), "", "10").spoken == "ten"
