"""Tokens that are not said do not count: for the limit, the minima, and the rules against repetition."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.nodes.lib.decode.models import free
from vflow_nodes.lib.decode.markup import Markup
from vflow_nodes.lib.decode.sampling import Sampling, Tuning
from vflow_nodes.lib.decode.spoken_tokens import STRETCH, THOUGHTS, SpokenTokens
from vflow_nodes.lib.decode.vocabulary import Vocabulary

TEXTS = [
    "",
    " Hi",
    " there",
    ".",
    "<",
    "think",
    ">",
    "</",
    " hm",
    "<think>",
    "</think>",
    "[TOOL_CALLS]",
    "[{}]",
]
OPEN, SHUT, CALL = 9, 10, 11
SPECIAL = {CALL: "[TOOL_CALLS]", 0: "<pad>"}
WORDS = Vocabulary(
    [b"" if i in SPECIAL else text.encode() for i, text in enumerate(TEXTS)],
    frozenset(),
    Markup(specials=SPECIAL),
)
SAMPLING = Sampling(min_words=5, min_tokens=7, repetition_penalty=1.2, seed=3)


def spoken(limit: int = 10, room: int = 100, prompt: str = "", sampling: Sampling = SAMPLING) -> SpokenTokens:
    return SpokenTokens(WORDS, sampling, limit, room, prompt)


def take(tokens: SpokenTokens, *ids: int) -> str:
    return "".join(map(tokens.take, ids))


@pytest.mark.parametrize("ids", [(OPEN, 8, 8, SHUT), (4, 5, 6, 8, 8, 7, 5, 6)])
def test_the_tokens_of_a_thought_and_of_its_marks_are_withheld(ids: tuple[int, ...]) -> None:
    tokens = spoken()
    assert take(tokens, *ids, 1, 2) == " Hi there"
    assert tokens.withheld == tokens.thought == len(ids)
    assert tokens.allowed == 10 + len(ids)


def test_tokens_of_an_incomplete_mark_count_as_speech() -> None:
    tokens = spoken()
    assert take(tokens, 1, 4, 8) == " Hi< hm"
    assert tokens.withheld == 0


def test_the_tokens_of_a_call_are_withheld_and_no_thought() -> None:
    tokens = spoken()
    take(tokens, CALL, 12)
    assert (tokens.withheld, tokens.thought) == (2, 0)
    assert [call.raw for call in tokens.parser.calls] == ["[{}]"]


def test_withheld_tokens_are_bounded_by_the_context_and_their_own_limit() -> None:
    tokens = spoken(limit=10, room=13)
    take(tokens, OPEN, *[8] * 20)
    assert tokens.allowed == 13
    wide = spoken(limit=10, room=10_000)
    take(wide, OPEN, *[8] * (THOUGHTS + 5))
    assert wide.allowed == 10 + THOUGHTS


def test_words_are_held_from_half_of_the_possible_speech_on() -> None:
    tokens = spoken(limit=10, room=16)
    assert tokens.half == 5
    take(tokens, OPEN, 8, SHUT)
    assert tokens.half == 3 + 5
    take(tokens, OPEN, *[8] * 6, SHUT)
    assert tokens.half == 11 + 2


def test_thought_is_drawn_without_minima_or_repetition_penalty() -> None:
    tokens = spoken()
    take(tokens, OPEN)
    free_of_rules = replace(SAMPLING, no_repeat_ngram=0, min_words=0, min_tokens=0)
    assert tokens.tuning() == Tuning(replace(free_of_rules, seed=SAMPLING.seed + 1))
    assert tokens.sampling == free_of_rules
    take(tokens, 8)
    assert tokens.tuning() is None


def test_thought_does_not_change_the_drawing_of_speech_after_it() -> None:
    tokens = spoken()
    take(tokens, 1, 2, OPEN)
    assert tokens.tuning() is not None
    take(tokens, 8, SHUT)
    assert tokens.tuning() == Tuning(SAMPLING, (1, 2), 2)
    take(tokens, 1)
    assert tokens.tuning() is None


def test_reply_that_begins_in_a_thought_uses_its_settings_at_once() -> None:
    tokens = spoken(prompt="<|im_start|>assistant\n<think>\n")
    assert tokens.sampling.min_words == 0
    assert tokens.tuning() is None
    take(tokens, 8, SHUT)
    assert tokens.tuning() == Tuning(SAMPLING)


def test_call_may_repeat_text_and_the_reply_may_end_after_it() -> None:
    tokens = spoken()
    take(tokens, CALL)
    tuning = tokens.tuning()
    assert tuning is not None
    assert (tuning.sampling.repetition_penalty, tuning.sampling.no_repeat_ngram) == (1, 0)
    take(tokens, 12)
    assert tokens.tuning() == Tuning(replace(SAMPLING, min_words=0, min_tokens=0))


def test_a_long_thought_s_history_begins_anew_before_it_is_full() -> None:
    tokens = spoken(room=5000)
    seeds = []
    for token in [OPEN, *[8] * (2 * STRETCH)]:
        take(tokens, token)
        if tuning := tokens.tuning():
            seeds.append(tuning.sampling.seed)
    assert len(set(seeds)) == len(seeds) == 3


def test_a_held_beginning_is_speech_at_the_replys_end_but_not_at_its_limit() -> None:
    for whole, said in ((True, "<"), (False, "")):
        tokens = spoken(sampling=free(9))
        assert take(tokens, 1, 4) == " Hi"
        assert tokens.finish(whole) == said


@pytest.mark.parametrize(("least", "told"), [(3, [None, 2, 3, 3, 4]), (0, [None] * 5)])
def test_words_of_scripts_without_spaces_are_counted_on_the_host(least: int, told: list[int | None]) -> None:
    pieces = [text.encode() for text in ("Hi ", "你好", "，世", "界", "。Hi")]
    spoken = SpokenTokens(Vocabulary(pieces, frozenset()), Sampling(min_words=least), 9)
    counted = []
    for token in (0, 1, 2, 3, 4):
        spoken.take(token)
        counted.append(spoken.words)
    assert counted == told
