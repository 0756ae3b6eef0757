"""A session that keeps, rolls back or shares a prompt answers as a fresh run would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.nodes.lib.decode.models import ids, running, settled, tiny, tokens_of, vocabulary
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.errors import Closed, TooLong
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.session import DecodeSession

WORDS = vocabulary()
GREEDY: dict[str, Any] = {"temperature": 0.0}
DRAWN: dict[str, Any] = {"temperature": 0.9, "seed": 11}
SETTINGS = pytest.mark.parametrize("settings", [GREEDY, DRAWN], ids=["greedy", "drawn"])


def sampling(tokens: int = 30, **settings: Any) -> Sampling:
    return Sampling(min_words=0, min_tokens=tokens, max_tokens=tokens, **settings)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with running(tiny(), WORDS, slots=3, context=400, chunk=16, alone=32) as made:
        yield made


def fresh(prompt: list[int], how: Sampling) -> list[int]:
    """Return the reply of an engine that has done nothing else."""
    with running(tiny(), WORDS, slots=1, context=400) as made:
        return tokens_of(DecodeSession(made).generate(Prompt(prompt), how))


@SETTINGS
def test_discarded_speculation_does_not_change_the_next_reply(
    engine: Engine, settings: dict[str, Any]
) -> None:
    session, before = DecodeSession(engine), ids(1, 40)
    session.prefill(Prompt(before))
    guess = session.generate(Prompt([*before, *ids(2, 20)]), sampling(**settings))
    words = guess.words(patience_s=20.0)
    for _ in range(10):
        next(words)
    guess.cancel()
    real = [*before, *ids(3, 25)]
    assert tokens_of(session.generate(Prompt(real), sampling(**settings))) == fresh(
        real, sampling(**settings)
    )
    session.close()


@SETTINGS
def test_a_conversation_that_goes_on_computes_only_what_is_new(
    engine: Engine, settings: dict[str, Any]
) -> None:
    session, prompt = DecodeSession(engine), ids(4, 50)
    for turn in range(4):
        reply = tokens_of(session.generate(Prompt(prompt), sampling(**settings)))
        assert reply == fresh(prompt, sampling(**settings))
        prompt = [*prompt, *reply, *ids(turn, 7)]
        before = settled(engine)["prefilled"]
        session.prefill(Prompt(prompt))
        tokens_of(session.generate(Prompt(prompt), sampling(1, **settings)))
        assert settled(engine)["prefilled"] - before <= 8 + 1, (
            "the reply's last token, the new ones, and one again"
        )
    session.close()


@pytest.mark.parametrize("keep", [0, 1, 15, 16, 17, 49, 50, 51, 60, 78, 79])
def test_reply_after_any_rollback_equals_a_fresh_one(engine: Engine, keep: int) -> None:
    """The slot holds 50 positions of a prompt and 29 of a reply, of which any part may have been heard."""
    session, prompt = DecodeSession(engine), ids(5, 50)
    reply = tokens_of(session.generate(Prompt(prompt), sampling(**DRAWN)))
    again = [*[*prompt, *reply][:keep], *ids(6, 9)]
    before = settled(engine)["reused"]
    assert tokens_of(session.generate(Prompt(again), sampling(**DRAWN))) == fresh(again, sampling(**DRAWN))
    assert settled(engine)["reused"] - before == keep
    session.close()


def test_a_prompt_computed_ahead_in_parts_gives_the_reply_of_one_computed_at_once(engine: Engine) -> None:
    session, prompt = DecodeSession(engine), ids(7, 90)
    for length in (20, 21, 60, 90):
        session.prefill(Prompt(prompt[:length]))
    assert tokens_of(session.generate(Prompt(prompt), sampling())) == fresh(prompt, sampling())
    session.close()


def test_new_session_reuses_the_slot_of_a_closed_one(engine: Engine) -> None:
    prompt, first = ids(8, 60), DecodeSession(engine)
    expected = tokens_of(first.generate(Prompt(prompt), sampling(**DRAWN)))
    first.close()
    before = settled(engine)["reused"]
    second = DecodeSession(engine)
    assert tokens_of(second.generate(Prompt(prompt), sampling(**DRAWN))) == expected
    assert settled(engine)["reused"] - before == 59
    second.close()


def test_a_seed_draws_the_same_in_every_slot_and_another_seed_otherwise(engine: Engine) -> None:
    prompt = ids(9, 30)
    sessions = [DecodeSession(engine) for _ in range(3)]
    replies = [
        session.generate(Prompt(prompt), sampling(temperature=0.9, seed=seed))
        for session, seed in zip(sessions, (4, 4, 5), strict=True)
    ]
    one, same, other = [tokens_of(reply) for reply in replies]
    assert one == same == fresh(prompt, sampling(temperature=0.9, seed=4))
    assert other != one
    for session in sessions:
        session.close()


def test_a_prompt_up_to_the_context_is_answered_and_one_beyond_it_refused(engine: Engine) -> None:
    session = DecodeSession(engine)
    prompt = ids(10, 398)
    assert tokens_of(session.generate(Prompt(prompt), sampling())) == fresh(prompt, sampling(1))
    with pytest.raises(TooLong, match=r"^the prompt has 399 tokens, the engine's context 400;"):
        session.generate(Prompt([*prompt, 5]))
    with pytest.raises(TooLong, match=r"^the prompt has 0 tokens"):
        session.prefill(Prompt([]))
    session.close()


def test_a_closed_session_refuses_requests(engine: Engine) -> None:
    session = DecodeSession(engine)
    session.close()
    with pytest.raises(Closed, match="the session is closed"):
        session.generate(Prompt([1, 2, 3]))
