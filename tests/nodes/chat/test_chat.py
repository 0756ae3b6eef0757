"""With the real demo model: these tests fail unless `vflow models pull smollm2` was run before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from vflow import Flush, Harness, NodeError, Played, TextPacket, TurnEnd
from vflow.errors import Flushed
from vflow_nodes.chat import Chat
from vflow_nodes.lib import checkpoints

CAPITAL = "What is the capital of France?"


@pytest.fixture(scope="module", autouse=True)
def model() -> Iterator[Harness]:
    """Keep the shared model loaded for all tests."""
    with Harness(Chat()) as harness:
        yield harness


@pytest.fixture
def harness() -> Iterator[Harness]:
    with Harness(Chat()) as harness:
        yield harness


@pytest.fixture
def brief() -> Iterator[Harness]:
    """Return a node with short replies, for tests of the history alone."""
    with Harness(Chat(max_tokens=12)) as harness:
        yield harness


def ask(harness: Harness, text: str, turn: int) -> list[Any]:
    harness.pull()
    return harness.push(TextPacket(text=text, turn=turn))


def said(items: list[Any]) -> str:
    return " ".join(item.text for item in items if isinstance(item, TextPacket))


def history(harness: Harness) -> list[tuple[str, str, int]]:
    return [(e.role, e.text, e.turn) for e in harness.conversation.entries()]


def interrupted(harness: Harness, text: str, turn: int, words: int) -> str:
    """Ask, and cut the reply at the first look after `words` words, as the runtime does."""
    out: list[Any] = []

    def look() -> None:
        out.extend(harness.pull("words"))
        if len(out) >= words:
            raise Flushed

    harness.on_look = look
    items = ask(harness, text, turn)
    harness.on_look = lambda: None
    assert len(items) == words
    return said(items)


def test_the_demo_model_knows_the_capital_of_france(harness: Harness) -> None:
    *words, end = ask(harness, CAPITAL, turn=3)
    assert "Paris" in said(words)
    assert [word.index for word in words] == list(range(len(words)))
    assert {word.turn for word in words} == {3}
    assert all(word.text.split() == [word.text] for word in words)
    assert isinstance(end, TurnEnd)
    assert end.turn == 3
    assert end.meta["stop_reason"] == "eos"
    assert end.meta["tokens"] >= len(words)
    assert history(harness) == [("user", CAPITAL, 3), ("assistant", said(words), 3)]


def test_greedy_words_equal_those_of_transformers_generate() -> None:
    question = "What is a computer?"
    plain = {"repetition_penalty": 1.0, "no_repeat_ngram": 0, "min_words": 0, "min_tokens": 0}
    with Harness(Chat(dtype="float32", max_tokens=60, **plain)) as harness:
        chat: Any = harness.node
        *words, end = ask(harness, question, turn=1)
        prompt = chat._language.prompt(chat.persona, [{"role": "user", "content": question}])
        model = AutoModelForCausalLM.from_pretrained(
            checkpoints.locate("smollm2", print), dtype=torch.float32
        )
        made = model.generate(torch.tensor([prompt]), do_sample=False, max_new_tokens=60)[0, len(prompt) :]
        text = chat._language.tokenizer.decode(made, skip_special_tokens=True)
    assert end.meta["stop_reason"] in ("eos", "limit")
    assert len(words) > 10
    assert said(words).split() == text.split()[: len(words)]


def test_second_turn_computes_only_its_new_tokens(harness: Harness) -> None:
    chat: Any = harness.node
    ask(harness, CAPITAL, turn=1)
    engine = chat._language.engine
    before = engine.stats()["prefilled"]
    assert ask(harness, "And of Italy?", turn=2)
    computed = engine.stats()["prefilled"] - before
    prompt = chat._language.prompt(chat.persona, harness.conversation.messages()[:-1])
    # the reply's last token was never fed, and what ends it may be tokenised as another
    new = chat._language.tokenizer(
        "<|im_end|>\n<|im_start|>user\nAnd of Italy?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert computed <= len(new["input_ids"]) + 2 < len(prompt) // 2


def test_an_empty_transcript_gets_an_empty_reply(harness: Harness) -> None:
    (end,) = ask(harness, "  ", turn=1)
    assert dict(end.meta) == {"tokens": 0, "stop_reason": "eos"}
    assert history(harness) == []


def test_a_transcript_of_no_turn_gets_one(brief: Harness) -> None:
    assert {item.turn for item in ask(brief, CAPITAL, turn=0)} == {1}


def test_a_reply_names_the_language_in_which_it_was_asked(brief: Harness) -> None:
    asked = [("en", {"language": "en"}), (None, {})]
    for turn, (language, meta) in enumerate(asked, 1):
        brief.pull()
        items = brief.push(TextPacket(text=CAPITAL, turn=turn, meta=meta))
        words = [item for item in items if isinstance(item, TextPacket)]
        assert {word.meta.get("language") for word in words} == {language}


def test_a_cancelled_utterance_goes_into_the_history_only(harness: Harness) -> None:
    harness.cancel(turn=1)
    assert ask(harness, CAPITAL, turn=1) == []
    assert history(harness) == [("user", CAPITAL, 1)]


def test_history_keeps_the_heard_part_of_an_interrupted_reply(harness: Harness) -> None:
    part = interrupted(harness, "Where do penguins live?", turn=1, words=4)
    assert history(harness)[-1] == ("assistant", part, 1)
    heard = " ".join(part.split()[:2])
    harness.cancel(1, played=(Played(1, 9000, 24000, heard=heard, words=2),))
    assert history(harness) == [("user", "Where do penguins live?", 1), ("assistant", heard, 1)]


@pytest.mark.parametrize("played", [(), (Played(1, 0, 24000),)])
def test_an_unheard_reply_leaves_its_question_to_be_joined_with_the_next(
    brief: Harness, played: tuple[Played, ...]
) -> None:
    interrupted(brief, "What is the capital", turn=1, words=2)
    brief.cancel(1, played=played)
    assert history(brief) == [("user", "What is the capital", 1)]
    assert "Paris" in said(ask(brief, "of France?", turn=2))
    assert brief.conversation.messages()[0]["content"] == CAPITAL


def test_an_interruption_keeps_replies_that_were_played_to_their_end(brief: Harness) -> None:
    first = said(ask(brief, CAPITAL, turn=1))
    whole = Played(1, 50_000, 24000, heard=first, words=len(first.split()), ended=True)
    brief.cancel(1, played=(whole,))
    assert history(brief)[-1] == ("assistant", first, 1)
    interrupted(brief, "What color is the sky?", turn=2, words=3)
    brief.cancel(2, played=(whole,))
    assert history(brief) == [
        ("user", CAPITAL, 1),
        ("assistant", first, 1),
        ("user", "What color is the sky?", 2),
    ]


def test_a_finished_reply_after_one_that_still_plays_was_not_heard(brief: Harness) -> None:
    first = said(ask(brief, CAPITAL, turn=1))
    ask(brief, "Thank you, goodbye.", turn=2)
    brief.cancel(2, played=(Played(1, 100, 24000, heard="The", words=1),))
    assert first != "The"
    assert [entry[:2] for entry in history(brief)] == [
        ("user", CAPITAL),
        ("assistant", "The"),
        ("user", "Thank you, goodbye."),
    ]


def test_a_finished_reply_of_which_nothing_had_begun_to_play_was_not_heard(brief: Harness) -> None:
    ask(brief, CAPITAL, turn=1)
    brief.cancel(1)
    assert history(brief) == [("user", CAPITAL, 1)]


def test_later_interruption_does_not_change_earlier_replies(harness: Harness) -> None:
    part = interrupted(harness, "Where do penguins live?", turn=1, words=4)
    heard = " ".join(part.split()[:2])
    harness.cancel(1, played=(Played(1, 9000, 24000, heard=heard, words=2),))
    ask(harness, "", turn=2)
    harness.cancel(2)
    assert history(harness)[-1] == ("assistant", heard, 1)


def test_replies_before_the_one_that_plays_were_played_to_their_end(brief: Harness) -> None:
    first = said(ask(brief, CAPITAL, turn=1))
    ask(brief, "Thank you, goodbye.", turn=2)
    brief.cancel(2, played=(Played(2, 100, 24000, heard="You", words=1),))
    assert history(brief)[1::2] == [("assistant", first, 1), ("assistant", "You", 2)]


def test_without_a_sink_a_reply_is_kept_in_the_history(brief: Harness) -> None:
    reply = said(ask(brief, CAPITAL, turn=1))
    brief.node.on_cancel(Flush(1, 1, origins=frozenset(["node"]), sinks=0))
    assert history(brief)[-1] == ("assistant", reply, 1)


def test_reply_in_advance_leaves_no_trace_if_the_user_speaks_on(brief: Harness) -> None:
    ask(brief, CAPITAL, turn=1)
    interrupted(brief, "What color", turn=2, words=1)
    brief.retracted(2)
    assert [entry[2] for entry in history(brief)] == [1, 1]
    assert said(ask(brief, "What color is the sky?", turn=2))


def test_an_older_interruption_leaves_the_newest_reply_alone(brief: Harness) -> None:
    reply = said(ask(brief, CAPITAL, turn=2))
    brief.cancel(1)
    assert history(brief)[-1] == ("assistant", reply, 2)


def test_the_limit_ends_a_reply_before_a_word_that_may_be_cut() -> None:
    with Harness(Chat(max_tokens=4)) as harness:
        *words, end = ask(harness, CAPITAL, turn=1)
    assert said(words) == "The capital of"
    prompt = end.meta["prompt_tokens"]
    assert dict(end.meta) == {"tokens": 4, "stop_reason": "limit", "prompt_tokens": prompt}
    assert 20 < prompt < 100
    assert [word.meta.get("prompt_tokens") for word in words] == [prompt, None, None]


def test_a_reply_that_hits_its_limit_ends_with_a_sentence() -> None:
    with Harness(Chat(max_tokens=40)) as harness:
        *words, end = ask(harness, "Tell me about the ocean, at length.", turn=1)
    assert (end.meta["tokens"], end.meta["stop_reason"]) == (40, "limit")
    assert said(words).endswith((".", "!", "?"))


def test_no_reply_ends_before_its_minima(harness: Harness) -> None:
    *words, end = ask(harness, "Say yes.", turn=1)
    assert len(words) >= 10
    assert end.meta["tokens"] >= 20


def test_a_seed_makes_draws_repeatable_turn_by_turn() -> None:
    def draw(seed: int, turn: int) -> str:
        with Harness(Chat(temperature=1.0, seed=seed, max_tokens=12)) as harness:
            return said(ask(harness, "Tell me a story.", turn))

    first = draw(1, 5)
    assert draw(1, 5) == first
    assert draw(2, 5) != first


def test_a_history_that_outgrows_the_room_loses_its_oldest_exchanges() -> None:
    with Harness(Chat(context=128, max_tokens=3)) as harness:
        chat: Any = harness.node
        for turn in range(1, 11):
            harness.conversation.append("user", f"Question {turn} about the weather of tomorrow", turn)
            harness.conversation.append("assistant", f"Answer {turn} about the weather of tomorrow", turn)
        harness.conversation.append("user", CAPITAL, 11)
        prompt = chat._prompt()
        text = chat._language.tokenizer.decode(prompt)
    assert len(prompt) <= 128
    assert chat.persona in text
    assert "Question 10 " not in text or "Answer 10 " in text
    assert "Question 1 " not in text
    assert CAPITAL in text
    assert len(harness.conversation.entries()) == 21


def test_a_message_that_is_longer_than_the_context_is_answered_by_its_end(harness: Harness) -> None:
    long = "the cat sat on the mat and ate a fish while it rained. " * 250
    assert said(harness.push(TextPacket(text=long + CAPITAL, turn=1)))
    (told,) = [m.text for m in harness.messages if m.kind == "warning" and "longer than" in m.text]
    assert "only its end is answered; " in told


def test_a_base_model_answers_with_one_line() -> None:
    with Harness(Chat(min_words=0, min_tokens=0)) as harness:
        chat: Any = harness.node
        chat._language = dataclasses.replace(chat._language, plain=True)
        *words, end = ask(harness, CAPITAL, turn=1)
        assert "Paris" in said(words)
        assert "User:" not in said(words)
        assert end.meta["stop_reason"] == "eos"


def test_a_failing_model_ends_its_reply_with_an_error_and_the_next_one_is_answered(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    chat: Any = harness.node
    with monkeypatch.context() as patched:
        patched.setattr(chat._language.engine.device, "prefill", fail)
        with pytest.raises(
            NodeError, match=r"out of memory at a prompt of .* set 'slots' or 'context' lower"
        ):
            ask(harness, CAPITAL, turn=1)
    (end,) = harness.pull()
    assert isinstance(end, TurnEnd)
    assert end.meta["stop_reason"] == "error"
    assert "Paris" in said(ask(harness, CAPITAL, turn=2))


def test_a_model_that_the_engine_does_not_run_answers_through_transformers(tmp_path: Path) -> None:
    source = checkpoints.locate("smollm2", print)
    tokenizer = AutoTokenizer.from_pretrained(source)
    size = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 512, "vocab_size": len(tokenizer)}
    size["bos_token_id"] = size["eos_token_id"] = tokenizer.eos_token_id
    GPT2LMHeadModel(GPT2Config(**size)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with Harness(Chat(model=str(tmp_path), context=128, max_tokens=12)) as harness:
        chat: Any = harness.node
        assert chat._language.engine.stats()["kernels"] == "transformers"
        end = ask(harness, CAPITAL, turn=1)[-1]
    assert (end.meta["tokens"], end.meta["stop_reason"]) == (12, "limit")


def test_a_demo_model_is_announced_as_one(harness: Harness) -> None:
    warnings = [message.text for message in harness.messages if message.kind == "warning"]
    assert len(warnings) == 1
    assert "smollm2 is a demo model" in warnings[0]


def test_a_text_to_say_is_said_as_it_is_and_remembered_as_a_reply(brief: Harness) -> None:
    *words, end = brief.push(TextPacket(text="Good  morning, \n Ada!", turn=4), "say")
    assert [(word.text, word.index, word.turn) for word in words] == [
        ("Good", 0, 4), ("morning,", 1, 4), ("Ada!", 2, 4)
    ]  # fmt: skip
    assert (end.turn, dict(end.meta)) == (4, {"tokens": 0, "stop_reason": "eos"})
    assert history(brief) == [("assistant", "Good morning, Ada!", 4)]
    assert said(ask(brief, "Who are you?", turn=5)), "a conversation may begin with the agent"


def test_a_text_to_say_of_a_cancelled_turn_is_not_said(brief: Harness) -> None:
    brief.cancel(4)
    assert brief.push(TextPacket(text="Good morning.", turn=4), "say") == []
    assert history(brief) == []


def test_an_interrupted_text_to_say_is_in_the_history_as_it_was_heard(brief: Harness) -> None:
    def look() -> None:
        if len(out := brief.pull("words")) >= 1:
            heard.extend(out)
            raise Flushed

    heard: list[Any] = []
    brief.on_look = look
    brief.push(TextPacket(text="one two three four", turn=1), "say")
    brief.on_look = lambda: None
    brief.cancel(1, played=(Played(1, 900, 24_000, heard="one", words=1),))
    assert history(brief) == [("assistant", "one", 1)]


def test_a_reply_that_is_taken_back_after_two_words_leaves_its_question_to_be_joined(brief: Harness) -> None:
    interrupted(brief, "What is the capital", turn=1, words=4)
    brief.cancel(1, played=(Played(1, 900, 24_000, heard="The capital", words=2),), takes_back=True)
    assert history(brief) == [("user", "What is the capital", 1)]
    assert "Paris" in said(ask(brief, "of France?", turn=2))
    assert brief.conversation.messages()[0]["content"] == CAPITAL


def test_a_reply_that_is_taken_back_after_five_words_is_cut_as_by_an_interruption(brief: Harness) -> None:
    interrupted(brief, "What is the capital", turn=1, words=4)
    heard = "The capital of France is"
    brief.cancel(1, played=(Played(1, 900, 24_000, heard=heard, words=5),), takes_back=True)
    assert history(brief)[-1] == ("assistant", heard, 1)


def test_a_short_reply_that_was_played_to_its_end_is_taken_back_too_and_none_before_it(
    brief: Harness,
) -> None:
    for turn in (1, 2):
        brief.conversation.append("user", "What is the capital", turn)
        brief.conversation.append("assistant", "Pardon?", turn)
    over = tuple(Played(turn, 900, 24_000, heard="Pardon?", words=1, ended=True) for turn in (1, 2))
    brief.cancel(2, played=over, takes_back=True)
    assert [entry[0::2] for entry in history(brief)] == [("user", 1), ("assistant", 1), ("user", 2)]


def test_prompt_uses_its_own_instructions_and_unanswered_words_are_kept(
    brief: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[tuple[str, list[str]]] = []
    language = brief.node._language
    original = type(language).prompt

    def prompt(self: Any, system: str, messages: Any, **options: Any) -> list[int]:
        rendered.append((system, [message["content"] for message in messages]))
        return original(self, system, messages, **options)

    monkeypatch.setattr(type(language), "prompt", prompt)
    brief.node.persona, brief.node.answers = "Be kind.", False
    assert said(ask(brief, "I am Ada.", 1)) == ""
    brief.node.answers = True
    meta = {"prompted": True, "instructions": "You are a pirate."}
    brief.pull()
    assert said(brief.push(TextPacket(text="", turn=2, meta=meta)))
    assert rendered[-1] == ("You are a pirate.", ["I am Ada."])
    ask(brief, "Who am I?", 3)
    assert rendered[-1][0] == "Be kind."
    assert [entry.role for entry in brief.conversation.entries()] == [
        "user",
        "assistant",
        "user",
        "assistant",
    ]
