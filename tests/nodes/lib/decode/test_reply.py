"""Replies as they are taken: when they may end, how they end, and that nothing comes behind a cancel."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.lib.decode.models import (
    LAGS,
    Scripted,
    answered,
    examples,
    free,
    hashed,
    ids,
    running,
    scripted,
    taken,
    text_of,
    tiny,
    tokens_of,
    vocabulary,
)
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.errors import DecodeError, Failed
from vflow_nodes.lib.decode.markup import Markup
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.reply import Reply, StopReason
from vflow_nodes.lib.decode.sampling import Sampling, Tuning
from vflow_nodes.lib.decode.session import DecodeSession
from vflow_nodes.lib.decode.stepper import Device, Tokens
from vflow_nodes.lib.decode.vocabulary import TextStream, Vocabulary
from vflow_nodes.lib.decode.words import Word, Words
from vflow_nodes.lib.text import ends_sentence

WORDS = vocabulary()
PIECES = [
    b"",
    b" the",
    b" cat",
    b" sat",
    b".",
    b" on",
    b" it",
    b"!",
    b" -",
    b"s",
    b"\n",
    b" \xe2\x82",
    b"\xac",
]
SMALL = Vocabulary(PIECES, frozenset({0}))


def made(
    tokens: Sequence[int],
    end: StopReason | None,
    *,
    limit: int = 100,
    one_line: bool = False,
    error: DecodeError | None = None,
) -> Reply:
    """Make a reply to which all its tokens have come."""
    reply = Reply(SMALL, Sampling(), limit, one_line=one_line, on_taken=lambda reply: None)
    for token in tokens:
        reply.put(token)
    if end is not None:
        reply.end(end, error)
    return reply


def said(reply: Reply) -> list[str]:
    return [word.text for word in taken(reply)]


def spoken(text: str) -> list[str]:
    """Return the words of a text without dashes, which nobody says."""
    return [word for word in text.split() if word.strip("-")]


small = st.lists(st.integers(1, len(PIECES) - 1), max_size=30)


@examples(100)
@given(small)
def test_a_reply_that_ends_by_itself_says_every_word_in_order(tokens: list[int]) -> None:
    reply = made(tokens, "eos")
    words = taken(reply)
    assert [word.text for word in words] == spoken(text_of(SMALL, tokens))
    assert [word.index for word in words] == list(range(len(words)))
    assert all(a.tokens <= b.tokens and a.time_ns <= b.time_ns for a, b in itertools.pairwise(words))
    assert (reply.tokens, reply.stop_reason) == (tokens, "eos")


@examples(200)
@given(small)
def test_a_reply_at_its_limit_ends_where_a_sentence_does_if_one_ended_in_its_second_half(
    tokens: list[int],
) -> None:
    reply = made(tokens, "limit", limit=max(1, len(tokens)))
    words = said(reply)
    splitter, stream = Words(), TextStream(SMALL)
    whole = [(word, n) for n, t in enumerate(tokens, 1) for word in splitter.push(stream.push(t))]
    assert reply.stop_reason == "limit"
    assert words == [word for word, _ in whole][: len(words)]
    if not (words and ends_sentence(words[-1])):
        assert len(words) == len(whole), "nothing is left out where there is no sentence to end with"
        assert not any(ends_sentence(word) for word, n in whole if n > len(tokens) // 2)


@examples(100)
@given(small)
def test_with_one_line_a_reply_ends_at_its_first_line_end(tokens: list[int]) -> None:
    reply = made(tokens, "eos", one_line=True)
    first = next((line for line in text_of(SMALL, tokens).split("\n") if line.strip()), "")
    assert said(reply) == spoken(first)
    assert reply.stop_reason == "eos"


def test_an_error_comes_after_the_complete_words() -> None:
    reply = made([1, 2, 3], "error", error=Failed("the device broke"))
    words: list[str] = []
    with pytest.raises(Failed, match="the device broke"):
        words.extend(word.text for word in reply.words() if word is not None)
    assert words == ["the", "cat"]
    assert reply.stop_reason == "error"


def test_next_returns_none_if_no_token_comes_in_time() -> None:
    reply = made([], None)
    words = reply.words(patience_s=0.0)
    assert [next(words) for _ in range(3)] == [None, None, None]
    for token in (1, 2):
        reply.put(token)
    reply.end("eos")
    assert [word.text if word else None for word in words] == [None, "the", None, "cat"]


@pytest.mark.parametrize("end", [None, "eos", "limit", "error"])
@pytest.mark.parametrize("taken_before", range(14))
def test_cancelled_reply_emits_no_more_words_however_it_ended(
    end: StopReason | None, taken_before: int
) -> None:
    """From the fourth token on words leave sentence by sentence, several at once."""
    error = Failed("late") if end == "error" else None
    reply = made([1, 2, 3, 5, 6, 4, 1, 9, 2, 4, 6], end, limit=6, error=error)
    words = reply.words(patience_s=0.0)
    for _ in range(taken_before):
        next(words)
    assert reply.stop_reason is None
    reply.cancel()
    reply.put(5)
    assert [word for word in words if word is not None] == []
    assert reply.stop_reason == "flush"
    reply.cancel()
    assert reply.stop_reason == "flush"


def test_a_cancel_after_the_end_changes_nothing() -> None:
    reply = made([1, 2], "eos")
    taken(reply)
    reply.cancel()
    assert reply.stop_reason == "eos"


class Watched:
    """Wraps a device, and notes the slots of each step when it begins."""

    def __init__(self, inner: Device) -> None:
        self.inner, self.slots, self.context, self.rewinds = inner, inner.slots, inner.context, inner.rewinds
        self.more_context = inner.more_context
        self.steps: list[tuple[int, ...]] = []

    def prefill(self, slot: int, prompt: Prompt, start: int, stop: int) -> None:
        self.inner.prefill(slot, prompt, start, stop)

    def first(self, slot: int, position: int, sampling: Sampling) -> Tokens:
        return self.inner.first(slot, position, sampling)

    def counted(self, slot: int, words: int) -> None:
        self.inner.counted(slot, words)

    def tune(self, slot: int, tuning: Tuning) -> None:
        self.inner.tune(slot, tuning)

    def step(self, slots: Sequence[int], longest: int, greedy: bool) -> Tokens:
        self.steps.append(tuple(slots))
        return self.inner.step(slots, longest, greedy)


@LAGS
def test_a_thousand_cancels_emit_nothing_and_free_the_slot_within_two_steps(lag: bool) -> None:
    draw = random.Random(7)
    device = Watched(Scripted(hashed, slots=2))
    with scripted(device, WORDS, lag=lag) as engine:
        sessions = [DecodeSession(engine), DecodeSession(engine)]
        for round_ in range(500):
            prompts = [[round_, *range(draw.randrange(1, 9))] for _ in sessions]
            replies = [s.generate(Prompt(p), free(900)) for s, p in zip(sessions, prompts, strict=True)]
            for reply in replies:
                words = reply.words(patience_s=20.0)
                for _ in range(draw.randrange(12)):
                    next(words)
                reply.cancel()
                assert not any(words)
                assert reply.stop_reason == "flush"
            begun = len(device.steps)
            engine.call(lambda: None).result(20)
            assert len(device.steps) - begun <= 2
            assert engine.stats()["busy"] == 0
        follow = sessions[0].generate(Prompt([1, 2, 3]), free(30))
        assert tokens_of(follow) == answered(hashed, [1, 2, 3], 30)
    assert engine.stats()["cancelled"] == 1000


def cancel_when(reached: threading.Event, reply: Reply, cancelled: threading.Event) -> None:
    assert reached.wait(20)
    reply.cancel()
    cancelled.set()


def test_after_a_cancel_from_another_thread_no_word_is_taken() -> None:
    draw = random.Random(8)
    with scripted(Scripted(hashed, slots=1), WORDS) as engine:
        session = DecodeSession(engine)
        for round_ in range(100):
            reply = session.generate(Prompt([round_, 5]), free(900))
            after, reached, cancelled = draw.randrange(40), threading.Event(), threading.Event()

            thread = threading.Thread(target=cancel_when, args=(reached, reply, cancelled))
            thread.start()
            words, late = reply.words(patience_s=20.0), list[Word]()
            for count in range(2000):
                if count == after:
                    reached.set()
                behind = cancelled.is_set()
                word = next(words, None)
                if behind and word is not None:
                    late.append(word)
                if reply.stop_reason is not None:
                    break
            reached.set()
            thread.join(20)
            assert not late
            assert reply.stop_reason == "flush"


def test_the_slot_of_a_cancelled_reply_answers_the_next_as_a_fresh_one() -> None:
    draw = random.Random(9)
    prompts = [ids(n, 5 + n) for n in range(4)]
    with running(tiny(), WORDS, slots=2) as engine:
        sampling = free(40, temperature=0.8, seed=3, no_repeat_ngram=2)
        fresh = [tokens_of(DecodeSession(engine).generate(Prompt(prompt), sampling)) for prompt in prompts]
        session = DecodeSession(engine)
        for _ in range(25):
            n = draw.randrange(4)
            reply = session.generate(Prompt([*prompts[n][:3], *ids(99, draw.randrange(1, 30))]), sampling)
            words = reply.words(patience_s=20.0)
            for _ in range(draw.randrange(1, 20)):
                next(words, None)
            reply.cancel()
            assert not any(words)
            assert tokens_of(session.generate(Prompt(prompts[n]), sampling)) == fresh[n]


ENDS = tuple(range(2, 160, 5))
"""A fifth of all tokens end a reply."""


@pytest.fixture(scope="module")
def ending() -> Iterator[Engine]:
    with running(tiny(), vocabulary(ENDS)) as engine:
        yield engine


@examples(40)
@given(
    min_words=st.integers(0, 12),
    min_tokens=st.integers(0, 30),
    max_tokens=st.integers(1, 40),
    temperature=st.sampled_from([0.0, 0.5, 1.5]),
    seed=st.integers(0, 2**63),
)
def test_reply_ends_after_its_minimum_and_at_its_limit(
    ending: Engine, min_words: int, min_tokens: int, max_tokens: int, temperature: float, seed: int
) -> None:
    sampling = Sampling(
        temperature=temperature, min_words=min_words, min_tokens=min_tokens, max_tokens=max_tokens, seed=seed
    )
    reply = DecodeSession(ending).generate(Prompt(ids(seed % 1000, 6)), sampling)
    words = taken(reply)
    assert len(reply.tokens) <= max_tokens
    assert not set(reply.tokens) & set(ENDS)
    if reply.stop_reason == "eos":
        assert len(reply.tokens) >= min_tokens
        assert len(words) >= min_words
    else:
        assert reply.stop_reason == "limit"
        assert len(reply.tokens) == max_tokens


def test_a_word_has_the_number_of_tokens_that_the_reply_had_when_it_became_whole() -> None:
    reply = made([1, 2, 9, 3, 5], "eos")
    assert [(word.text, word.tokens) for word in taken(reply)] == [
        ("the", 2),
        ("cats", 4),
        ("sat", 5),
        ("on", 5),
    ]


def test_one_line_reply_may_begin_with_an_empty_line() -> None:
    words = Vocabulary([b"\n Hi", b"\n", b" more", b""], frozenset([3]))
    reply = Reply(words, Sampling(), 50, one_line=True, on_taken=lambda reply: None)
    for token in (0, 1, 2):
        reply.put(token)
    assert [word.text for word in reply.words() if word] == ["Hi"]
    assert reply.stop_reason == "eos"


THINKING = Vocabulary(
    [b"", b" Hi", b" there.", b" hm", b"<think>", b"</think>", b"", b" \n", b"<|im_end|>", b" f"],
    frozenset({0}),
    Markup(specials={6: "[TOOL_CALLS]"}),
)
HM, OPEN, SHUT, CALL, MARKED_END = 3, 4, 5, 6, 8


def script(device_tokens: Sequence[int]) -> Scripted:
    """Return a device that replies to a prompt of one token with these tokens, and an end."""
    return Scripted(lambda keys: device_tokens[len(keys) - 1] if len(keys) <= len(device_tokens) else 0)


@LAGS
def test_tokens_of_a_thought_do_not_count_against_the_reply_s_limit(lag: bool) -> None:
    device = script([OPEN, *[HM] * 30, SHUT, *[1, 2] * 10])
    with scripted(device, THINKING, lag=lag) as engine:
        reply = DecodeSession(engine).generate(Prompt([1]), free(5))
        words = taken(reply)
    assert [word.text for word in words] == ["Hi", "there.", "Hi", "there."]
    assert [word.index for word in words] == [0, 1, 2, 3]
    assert (len(reply.tokens), reply.spoken.thought, reply.stop_reason) == (37, 32, "limit")
    assert [tuning.said for _, tuning in device.tuned] == [(), ()]


@LAGS
def test_a_thought_that_fills_the_slot_ends_its_reply_and_nothing_is_said(lag: bool) -> None:
    device = Scripted(lambda keys: OPEN if len(keys) == 1 else HM, context=64)
    with scripted(device, THINKING, lag=lag) as engine:
        reply = DecodeSession(engine).generate(Prompt([1]), free(4))
        assert taken(reply) == []
    assert (reply.stop_reason, reply.spoken.withheld, len(reply.tokens)) == ("limit", 62, 62)


@LAGS
def test_an_end_that_comes_as_text_ends_the_reply_and_its_work(lag: bool) -> None:
    with scripted(script([1, 2, MARKED_END, 1, 1]), THINKING, lag=lag) as engine:
        reply = DecodeSession(engine).generate(Prompt([1]), free(20))
        assert [word.text for word in taken(reply)] == ["Hi", "there."]
        assert reply.stop_reason == "eos"
        assert not reply.plain
        engine.call(lambda: None).result(20)
        assert engine.stats()["busy"] == 0


def test_a_tool_call_is_on_the_reply_and_not_in_its_words() -> None:
    words = Vocabulary(
        [b"", b'[{"name": "f", "arguments": {"a": 1}}]'], frozenset({0}), Markup(specials={2: "[TOOL_CALLS]"})
    )
    with scripted(script([2, 1]), words) as engine:
        reply = DecodeSession(engine).generate(Prompt([1]), free(20))
        assert taken(reply) == []
    (call,) = reply.calls
    assert (call.name, call.arguments) == ("f", {"a": 1})


def test_word_leaves_with_the_token_that_completes_it() -> None:
    reply = made([1, 2, 9, 3], None)
    words = reply.words(patience_s=0.0)
    found = [next(words) for _ in range(7)]
    assert [word and (word.text, word.tokens) for word in found] == [
        None, ("the", 2), None, None, ("cats", 4), None, None,
    ]  # fmt: skip


def test_withheld_tokens_delay_the_point_from_which_words_wait() -> None:
    reply = Reply(THINKING, Sampling(), 4, one_line=False, on_taken=lambda reply: None, room=100)
    for token in (OPEN, *[HM] * 9, SHUT, 1, 1):
        reply.put(token)
    words = reply.words(patience_s=0.0)
    assert [word.text for word in itertools.islice(words, 14) if word] == ["Hi"]


def test_speech_that_was_held_back_comes_with_the_reply_s_end() -> None:
    words = Vocabulary([b" a", b" <", b""], frozenset({2}))
    reply = Reply(words, Sampling(), 9, one_line=False, on_taken=lambda reply: None)
    for token in (0, 1):
        reply.put(token)
    reply.end("eos")
    assert said(reply) == ["a", "<"]
    assert reply.tokens == [0, 1]
    assert reply.plain
