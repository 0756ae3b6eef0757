"""Random orders of what sessions ask for: each reply that ends is the one that a fresh engine gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes.lib.decode.models import (
    LAGS,
    Scripted,
    answered,
    examples,
    hashed,
    ids,
    running,
    scripted,
    settled,
    tiny,
    tokens_of,
    vocabulary,
)
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.reply import Reply
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.session import DecodeSession

WORDS = vocabulary((2, 40, 80, 120))
SESSIONS = 3
LONGEST = 12
"""Tokens of a reply."""

session = st.integers(0, SESSIONS - 1)
lengths = st.integers(1, 14)
orders = st.lists(
    st.one_of(
        st.tuples(st.just("say"), session, lengths, st.integers(0, 99)),
        st.tuples(st.just("ahead"), session, lengths, st.integers(0, 99)),
        st.tuples(st.just("reply"), session, st.integers(1, LONGEST), st.integers(0, 5)),
        st.tuples(st.just("reply"), session, st.integers(1, LONGEST), st.integers(0, 5)),
        st.tuples(st.just("rest"), session),
        st.tuples(st.just("take"), session, st.integers(1, 9)),
        st.tuples(st.just("cancel"), session),
        st.tuples(st.just("back"), session, st.integers(0, 40)),
        st.tuples(st.just("close"), session),
    ),
    min_size=20,
    max_size=60,
)

Case = tuple[tuple[int, ...], int, int]
"""Prompt, limit and seed."""


@dataclass
class Talk:
    """One conversation as its user sees it: its tokens, and the prompt being answered."""

    session: DecodeSession
    keys: list[int] = field(default_factory=lambda: ids(0, 6))
    reply: Reply | None = None
    words: Iterator[Any] = field(default_factory=lambda: iter(()))
    asked: Case = ((), 0, 0)
    done: list[tuple[Case, list[int]]] = field(default_factory=list)

    def note(self) -> None:
        """Add the reply so far to the conversation."""
        if self.reply is not None:
            self.reply.cancel()
            assert not any(self.words)
            self.keys += self.reply.tokens
            if self.reply.stop_reason != "flush":
                self.done.append((self.asked, self.reply.tokens))
        self.reply = None

    def finish(self) -> None:
        if self.reply is not None:
            tokens = -1
            for word in self.words:
                if word is None:
                    assert len(self.reply.tokens) > tokens, "no token came for 20 s"
                    tokens = len(self.reply.tokens)
        self.note()


def play(engine: Engine, script: Sequence[tuple[Any, ...]]) -> list[tuple[Case, list[int]]]:
    """Carry out the orders; return every reply that ended, with its request."""
    talks = [Talk(DecodeSession(engine)) for _ in range(SESSIONS)]
    done: list[tuple[Case, list[int]]] = []
    for kind, which, *numbers in script:
        talk = talks[which]
        if kind in ("say", "ahead"):
            talk.note()
            talk.keys += ids(numbers[1], numbers[0])
            if kind == "ahead":
                talk.session.prefill(Prompt(talk.keys), patience_s=60)
        elif kind == "reply":
            talk.note()
            talk.asked = (tuple(talk.keys), *numbers)
            sampling = Sampling(
                temperature=0.0 if numbers[1] == 0 else 0.9,
                seed=numbers[1],
                min_words=0,
                min_tokens=2,
                max_tokens=numbers[0],
            )
            talk.reply = talk.session.generate(Prompt(list(talk.keys)), sampling, patience_s=60)
            talk.words = talk.reply.words(patience_s=20.0)
        elif kind == "take":
            for _ in range(numbers[0]):
                next(talk.words, None)
        elif kind == "rest":
            talk.finish()
        elif kind == "cancel":
            talk.note()
        elif kind == "back":
            talk.note()
            del talk.keys[max(1, numbers[0]) :]
        else:
            talk.note()
            talk.session.close()
            done += talk.done
            talks[which] = Talk(DecodeSession(engine))
    for talk in talks:
        talk.finish()
        done += talk.done
        talk.session.close()
    return done


@pytest.fixture(scope="module")
def small() -> Iterator[Engine]:
    """Run an engine with fewer slots than sessions, and prompts in small parts."""
    with running(tiny(), WORDS, slots=2, context=600, chunk=5, alone=9) as engine:
        yield engine


@pytest.fixture(scope="module")
def fresh() -> Iterator[Callable[[Case], list[int]]]:
    """Return a function for the replies of a one-slot engine that reuses nothing: each prompt begins
    differently from the last."""
    with running(tiny(), WORDS, slots=1, context=600) as engine:

        @cache
        def answer(case: Case) -> list[int]:
            prompt, limit, seed = case
            wipe, asker = DecodeSession(engine), DecodeSession(engine)
            tokens_of(wipe.generate(Prompt([(prompt[0] + 1) % 100]), Sampling(max_tokens=1)))
            sampling = Sampling(
                temperature=0.0 if seed == 0 else 0.9, seed=seed, min_words=0, min_tokens=2, max_tokens=limit
            )
            return tokens_of(asker.generate(Prompt(list(prompt)), sampling))

        yield answer


@examples(80)
@given(script=orders)
def test_replies_of_a_model_in_any_order_are_fresh_ones(
    small: Engine, fresh: Callable[[Case], list[int]], script: list[tuple[Any, ...]]
) -> None:
    for case, tokens in play(small, script):
        assert tokens == fresh(case)
    assert settled(small)["busy"] == 0


def ending(keys: Sequence[int]) -> int:
    """Return a token that depends on every key, and sometimes ends the reply."""
    token = hashed(keys)
    return 2 if token < 12 else token


@LAGS
@examples(200)
@given(
    script=orders,
    slots=st.integers(1, SESSIONS),
    chunk=st.integers(1, 6),
    ahead=st.sampled_from([1, 3, LONGEST]),
)
def test_replies_of_a_device_without_a_model_in_any_order_are_fresh_ones(
    lag: bool, script: list[tuple[Any, ...]], slots: int, chunk: int, ahead: int
) -> None:
    # a reply that pauses keeps its slot: then each session needs one
    device = Scripted(ending, slots=slots if ahead == LONGEST else SESSIONS)
    with scripted(device, vocabulary(), lag=lag, chunk=chunk, alone=2 * chunk, ahead=ahead) as engine:
        for (prompt, limit, _), tokens in play(engine, script):
            assert tokens == answered(ending, prompt, limit)
        assert settled(engine)["busy"] == 0
        assert engine.stats()["failed"] == 0
