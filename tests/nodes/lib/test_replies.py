"""A generator's requests to its session; the reply itself is tested with the engine."""

from __future__ import annotations

from tests.nodes.lib.decode.models import (
    Scripted,
    free,
    gated,
    hashed,
    ids,
    running,
    scripted,
    settled,
    tiny,
    tokens_of,
    vocabulary,
)
from vflow_nodes.lib.decode.markup import Markup
from vflow_nodes.lib.decode.option_timing import Choice, Figure
from vflow_nodes.lib.decode.vocabulary import Vocabulary
from vflow_nodes.lib.replies import Replies, _compared

WORDS = vocabulary()


def test_a_rehearsed_prompt_is_not_computed_again() -> None:
    persona, question = ids(1, 40), ids(2, 9)
    with running(tiny(), WORDS) as engine:
        replies = Replies(engine)
        replies.rehearse([*persona, *ids(3, 5)])
        before = settled(engine)["prefilled"]
        tokens_of(replies.generate([*persona, *question], free(3)))
        assert settled(engine)["prefilled"] - before == len(question)
        replies.close()


def test_a_model_that_may_think_is_rehearsed_until_its_habit_is_known() -> None:
    pieces = [b"", b" Hi", b" there", b"</think>"]

    def rehearsed(tokens: list[int], thinks: bool) -> tuple[str, int]:
        words = Vocabulary(pieces, frozenset({0}), Markup(thinks=thinks))
        device = Scripted(lambda keys: tokens[len(keys) - 1] if len(keys) <= len(tokens) else 0)
        with scripted(device, words) as engine:
            replies = Replies(engine)
            replies.rehearse([1])
            drawn = settled(engine)["tokens"]
            replies.close()
            return words.markup.habit.begins, drawn

    assert rehearsed([1] * 9, thinks=False) == ("unknown", 2)
    assert rehearsed([1] * 9, thinks=True) == ("speech", 10)
    assert rehearsed([1, 1, 3, *[2] * 400], thinks=True)[0] == "thought"
    assert rehearsed([1] * 900, thinks=True)[0] == "unknown"


def test_a_reply_aside_ends_no_other_and_a_second_in_the_session_does() -> None:
    gate, device = gated("step", slots=2)
    with scripted(device, WORDS) as engine:
        replies = Replies(engine)
        first = replies.generate(ids(1, 8), free(6))
        session, beside = replies.aside(ids(2, 8), free(6))
        gate.let(100)
        assert [len(tokens_of(reply)) for reply in (first, beside)] == [6, 6]
        third = replies.generate(ids(3, 8), free(1000))
        replies.generate(ids(4, 8), free(1)).cancel()
        tokens_of(third)
        assert third.stop_reason == "flush"
        session.close()
        replies.close()


def test_a_session_is_closed_with_its_replies_twice() -> None:
    with scripted(Scripted(hashed), WORDS) as engine:
        replies = Replies(engine)
        reply = replies.generate(ids(1, 8), free(1000))
        replies.close()
        replies.close()
        tokens_of(reply)
        assert reply.stop_reason == "flush"


def test_device_without_options_gets_no_advice() -> None:
    with scripted(Scripted(hashed), WORDS) as engine:
        assert list(Replies(engine).advise()) == []


def test_option_is_advised_if_it_is_a_tenth_faster() -> None:
    now, other = Choice(False, "torch", True), Choice(False, "torch", False)
    taken = {8.9: "faster", 9.1: "none"}
    for step_ms, effect in taken.items():
        advice = _compared(Figure(now, 10.0, 100), Figure(other, step_ms, 100))
        assert (advice.setting, advice.value, advice.effect) == ("graphs", "false", effect)
