"""A lone dash: a bullet, a range, a minus or a pause."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.english import dashes
from vflow_nodes.lib.spoken_form.reading import Before, Reading, Stage


def number(value: str, after_operator: bool = False) -> Before:
    return Before(value, "number", value, paused=False, ended=False, sum=after_operator)


def test_dash_at_the_start_is_a_bullet() -> None:
    assert dashes.dash(look("- item", Before())) == Reading(1, "")


def test_dash_between_numbers_is_a_range() -> None:
    assert dashes.dash(look("- 30 minutes", number("20"))).spoken == "to"


@pytest.mark.parametrize("text", ["- 5 = 7", "- 3 is 7", "- 3 equals 7"])
def test_dash_is_a_minus_where_a_result_is_told(text: str) -> None:
    assert dashes.dash(look(text, number("10"))) == Reading(1, "minus", "op")


def test_dash_after_another_operator_is_a_minus() -> None:
    assert dashes.dash(look("- 1 here", number("2", after_operator=True))).spoken == "minus"


def test_released_dash_is_left_to_the_next_number() -> None:
    assert dashes.dash(look("-", number("10"), Stage.RELEASE)) == Reading(1, "", "dash", "10")


@pytest.mark.parametrize(("first", "spoken"), [("10", "minus three"), ("2", "to three")])
def test_number_after_a_released_dash_says_it(first: str, spoken: str) -> None:
    before = Before("-", "dash", first, paused=False, ended=False)
    assert dashes.after_dash(look("3 is 7", before), Reading(1, "three")).spoken == spoken


def test_dash_between_times_is_a_range() -> None:
    assert dashes.dash(look("- 4 pm", Before("pm", "time", paused=False, ended=False))).spoken == "to"
