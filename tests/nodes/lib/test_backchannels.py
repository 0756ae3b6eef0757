"""Words that only say "I am listening" are backchannels."""

from __future__ import annotations

import pytest

from vflow_nodes.lib.backchannels import is_backchannel


@pytest.mark.parametrize(
    "text",
    ["Mm-hmm.", "Uh-huh", "Uh-hu", "Yeah, yeah.", "Okay.", "OK, sure", "Oh, I see!", "Right. Right.",
     "Got it", "No problem, no problem.", "You do.", "Oh wow, that\N{RIGHT SINGLE QUOTATION MARK}s great"],
)  # fmt: skip
def test_words_of_assent_are_a_backchannel(text: str) -> None:
    assert is_backchannel(text) is True


@pytest.mark.parametrize(
    "text",
    ["No.", "Yes.", "Stop.", "Wait, wait.", "What?", "Okay, but when?", "I see a problem", "Two.",
     "Mountain view.", "You do it", "Right now", "Go on", "No"],
)  # fmt: skip
def test_answers_orders_and_questions_are_not_backchannels(text: str) -> None:
    assert is_backchannel(text) is False


@pytest.mark.parametrize("text", ["", " ", "...", "18, 18", "?"])
def test_empty_text_is_neither_backchannel_nor_other_words(text: str) -> None:
    assert is_backchannel(text) is None


def test_text_in_a_language_without_a_word_list_is_undecided() -> None:
    assert is_backchannel("Okay.", "de") is None
    assert is_backchannel("Okay.", "en-GB") is True
