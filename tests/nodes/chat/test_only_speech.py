"""Text that nobody is to hear is withheld: through a whole `chat`, with models that give one fixed reply."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.nodes.chat import parrot
from vflow import Harness, TextPacket, TurnEnd
from vflow_nodes.chat import Chat
from vflow_nodes.chat.chat import THOUGHTS
from vflow_nodes.lib.decode import spoken_tokens

PLAIN: dict[str, Any] = {
    "device": "cpu", "dtype": "float32", "context": 256, "slots": 1,
    "min_words": 0, "min_tokens": 0, "repetition_penalty": 1.0, "no_repeat_ngram": 0,
}  # fmt: skip
THOUGHT = ["<think>", "\n", "They", " greet", ".", "</think>", "\n\n"]
HELLO = ["Hello", " there", " friend."]
TAGS = ("<think>", "</think>")


def ask(harness: Harness, turn: int = 1) -> tuple[str, dict[str, Any]]:
    """Return the words that are said, and the meta of the turn's end but for the length of the prompt."""
    harness.pull()
    items = harness.push(TextPacket(text="Hi.", turn=turn))
    (end,) = [item for item in items if isinstance(item, TurnEnd)]
    words = [item for item in items if isinstance(item, TextPacket)]
    assert [word.index for word in words] == list(range(len(words)))
    meta = dict(end.meta)
    assert meta.pop("prompt_tokens") > 0
    return " ".join(word.text for word in words), meta


def warnings(harness: Harness) -> list[str]:
    return [message.text for message in harness.messages if message.kind == "warning"]


def test_a_thought_is_not_said_and_not_remembered_and_the_turn_counts_it(tmp_path: Path) -> None:
    folder = parrot.build(tmp_path, [*THOUGHT, *HELLO], added=TAGS)
    with Harness(Chat(model=str(folder), **PLAIN)) as harness:
        said, meta = ask(harness)
        assert said == "Hello there friend."
        assert meta == {"tokens": 10, "stop_reason": "eos", "thought_tokens": 6}
        assert [entry.text for entry in harness.conversation.entries()] == ["Hi.", said]
        assert warnings(harness) == []


def test_a_thought_of_a_text_in_several_tokens_is_not_said_either(tmp_path: Path) -> None:
    folder = parrot.build(tmp_path, ["<", "thin", "k>", "They", " greet", "</th", "ink", ">", *HELLO])
    with Harness(Chat(model=str(folder), **PLAIN)) as harness:
        assert ask(harness)[0] == "Hello there friend."


def test_a_thought_costs_no_words_and_none_of_the_limit(tmp_path: Path) -> None:
    """The model wants to end at once; it can only after the minima."""
    folder = parrot.build(tmp_path, [*THOUGHT, "Yes. "], added=TAGS)
    with Harness(Chat(model=str(folder), **{**PLAIN, "max_tokens": 6, "min_words": 2})) as harness:
        said, meta = ask(harness)
        assert said.startswith("Yes.")
        assert len(said) > 4, "two words, and the thought has none"
        assert meta["tokens"] > 6


@pytest.mark.parametrize("think", ["off", "hide"])
def test_a_thought_that_the_template_opens_is_not_said(tmp_path: Path, think: str) -> None:
    template = parrot.TEMPLATE.replace("assistant\n", "assistant\n<think>\n")
    folder = parrot.build(tmp_path, [*THOUGHT[2:], *HELLO], template, added=TAGS)
    with Harness(Chat(model=str(folder), think=think, **PLAIN)) as harness:
        assert ask(harness) == (
            "Hello there friend.",
            {"tokens": 8, "stop_reason": "eos", "thought_tokens": 4},
        )


def test_a_thought_that_nobody_opened_is_known_from_the_rehearsal_on(tmp_path: Path) -> None:
    folder = parrot.build(tmp_path, [*THOUGHT[2:], *HELLO], added=TAGS)
    with Harness(Chat(model=str(folder), **PLAIN)) as harness:
        assert ask(harness, 1)[0] == ask(harness, 2)[0] == "Hello there friend."
        assert warnings(harness) == []


def test_a_thought_that_nothing_announces_is_told_and_withheld_from_the_next_turn_on(tmp_path: Path) -> None:
    folder = parrot.build(tmp_path, ["They", " greet. ", "</", "think>", *HELLO])
    with Harness(Chat(model=str(folder), **PLAIN)) as harness:
        assert ask(harness, 1)[0] == "They greet. Hello there friend."
        assert ask(harness, 2)[0] == ask(harness, 3)[0] == "Hello there friend."
        (told,) = warnings(harness)
    assert "closed a thought that nothing had opened" in told


def test_a_model_that_knows_thoughts_and_has_none_speaks_at_once(tmp_path: Path) -> None:
    folder = parrot.build(tmp_path, HELLO, added=TAGS)
    with Harness(Chat(model=str(folder), **PLAIN)) as harness:
        chat: Any = harness.node
        markup = chat.replies.engine.vocabulary.markup
        assert markup.thinks
        assert markup.habit.begins == "speech"
        assert ask(harness) == ("Hello there friend.", {"tokens": 3, "stop_reason": "eos"})


def test_a_tool_call_is_not_said_and_told_once(tmp_path: Path) -> None:
    call = ["<tool_call>", '{"name": "weather", ', '"arguments": {}}', "</tool_call>"]
    folder = parrot.build(tmp_path, call, added=("<tool_call>", "</tool_call>"))
    with Harness(Chat(model=str(folder), **{**PLAIN, "min_words": 10, "min_tokens": 20})) as harness:
        for turn in (1, 2):
            said, meta = ask(harness, turn)
            assert said == ""
            assert meta == {"tokens": 4, "stop_reason": "eos", "tool_calls": 1}
        (told,) = warnings(harness)
    assert "calls 'weather' and says no word" in told
    assert "persona" in told


def test_a_turn_of_the_user_that_the_model_makes_up_is_cut_and_told_once(tmp_path: Path) -> None:
    folder = parrot.build(tmp_path, [*HELLO, "\n", "User", ":", " And", " you", "?"])
    with Harness(Chat(model=str(folder), **PLAIN)) as harness:
        for turn in (1, 2):
            said, meta = ask(harness, turn)
            assert said == "Hello there friend."
            assert meta["made_up_turns"] == 1
        (told,) = warnings(harness)
    assert "goes on with the user's turn ('User:'), and the reply was cut there" in told


def test_a_thought_without_an_end_is_told_with_what_to_set(tmp_path: Path) -> None:
    folder = parrot.build(tmp_path, ["<think>", "They", " greet"], added=TAGS, end=" greet")
    with Harness(Chat(model=str(folder), **PLAIN)) as harness:
        said, meta = ask(harness)
        assert (said, meta["stop_reason"]) == ("", "eos")
        (told,) = warnings(harness)
    assert "a thought of 2 tokens, and no word; set 'model'" in told


def test_a_header_and_an_end_that_no_configuration_names_are_not_said(tmp_path: Path) -> None:
    turn = ["<|start_header_id|>", "assistant", "<|end_header_id|>", "\n\n"]
    folder = parrot.build(
        tmp_path,
        [*HELLO, "<|eot_id|>", *turn, "Is", " that"],
        special=("<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"),
        end="<|end_of_text|>",
    )
    with Harness(Chat(model=str(folder), **PLAIN)) as harness:
        assert ask(harness) == ("Hello there friend.", {"tokens": 3, "stop_reason": "eos"})


def test_a_model_that_writes_the_header_itself_does_not_say_it(tmp_path: Path) -> None:
    template = parrot.TEMPLATE.partition("{% if")[0] + parrot.GO
    folder = parrot.build(tmp_path, ["<|im_start|>", "assistant", "\n", *HELLO], template)
    with Harness(Chat(model=str(folder), **PLAIN)) as harness:
        assert ask(harness)[0] == "Hello there friend."


def test_only_harmonys_final_channel_is_said(tmp_path: Path) -> None:
    marks = ("<|channel|>", "<|message|>", "<|end|>", "<|start|>", "<|return|>")
    reply = ["<|channel|>", "analysis", "<|message|>", "Hm", "<|end|>", "<|start|>"]
    folder = parrot.build(tmp_path / "one", reply, special=marks, end="<|return|>")
    with Harness(Chat(model=str(folder), **PLAIN)) as harness:
        assert ask(harness)[0] == ""
    final = ["<|channel|>", "final", "<|message|>", *HELLO]
    folder = parrot.build(tmp_path / "two", final, special=marks, end="<|return|>")
    with Harness(Chat(model=str(folder), **PLAIN)) as harness:
        assert ask(harness)[0] == "Hello there friend."


def test_a_model_that_may_think_gets_room_for_a_thought_in_its_slot(tmp_path: Path) -> None:
    folder = parrot.build(tmp_path, HELLO)
    rooms = []
    for think in ("off", "hide"):
        with Harness(Chat(model=str(folder), think=think, **PLAIN)) as harness:
            chat: Any = harness.node
            rooms.append(chat.replies.engine.context)
    assert rooms[1] - rooms[0] == THOUGHTS == spoken_tokens.THOUGHTS


def test_think_may_change_between_turns_and_asks_the_template(tmp_path: Path) -> None:
    switch = "assistant\n{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
    template = parrot.TEMPLATE.replace("assistant\n", switch)
    folder = parrot.build(tmp_path, HELLO, template, added=TAGS)
    with Harness(Chat(model=str(folder), **PLAIN)) as harness:
        chat: Any = harness.node
        tokenizer = chat._language.tokenizer
        assert "</think>" in tokenizer.decode(chat._render("", [{"role": "user", "content": "Hi."}]))
        chat.think = "hide"
        assert "think" not in tokenizer.decode(chat._render("", [{"role": "user", "content": "Hi."}]))
