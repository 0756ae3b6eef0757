"""Short forms by the words around them."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english.doubtful_forms import established, is_state, minute_or_least, versus
from vflow_nodes.lib.spoken_form.reading import Before


@pytest.mark.parametrize(
    ("text", "before", "spoken"),
    [
        ("min. ago", "a", "minute"),
        ("min. fee", "a", "minimum"),
        ("min. fee", "the", "minimum"),
        ("min.", "a", "minute."),
    ],
)
def test_min_is_minute_or_minimum_by_its_place(text: str, before: str, spoken: str) -> None:
    assert minute_or_least(look(text, Before(before, paused=False, ended=False))).spoken == spoken


def test_established_stands_before_a_year() -> None:
    reading = established(look("Est. 1998"))
    assert reading is not None
    assert reading.spoken == "Established"
    assert established(look("est. wait")) is None


def test_state_stands_after_a_city() -> None:
    assert is_state(look("Mass.", Before("Boston", mark=",")))
    assert not is_state(look("Mass.", Before("the")))


def test_versus_stands_between_names() -> None:
    reading = versus(look("v. Wade", Before("Roe", paused=False, ended=False)))
    assert reading is not None
    assert reading.spoken == "versus"
    assert versus(look("v. Wade", Before("see", paused=False, ended=False))) is None
