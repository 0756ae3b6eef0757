"""Against mistral-common, token by token."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.transcription.request import TranscriptionRequest
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from tests.nodes.generator.voxtral.recordings import wav
from vflow_nodes.generator.voxtral.mel import WINDOW_SAMPLES
from vflow_nodes.generator.voxtral.prompt import Audio, Prompt, Prompts, Speech, Turn, length
from vflow_nodes.generator.voxtral.tokens import load

Oracle = MistralTokenizer[Any, Any, Any, Any, Any]
PERSONA = "You are a friendly assistant. Answer briefly."


@pytest.fixture(scope="module")
def oracle(checkpoint: Path) -> Oracle:
    return MistralTokenizer.from_file(checkpoint / "tekken.json")


@pytest.fixture(scope="module")
def prompts(checkpoint: Path) -> Prompts:
    return Prompts(load(checkpoint))


def speech(first: int, windows: int = 1) -> Speech:
    return tuple(Audio(first + index) for index in range(windows))


@cache
def recording(windows: int) -> str:
    """Make a WAV file that fills this many windows, the last one in part."""
    return wav(np.zeros(windows * WINDOW_SAMPLES - 1_000, np.float32))


def messages(persona: str, turns: list[Turn]) -> list[dict[str, Any]]:
    """Return the conversation in the form of OpenAI's API and mistral-common."""
    made: list[dict[str, Any]] = []
    for index, turn in enumerate(turns):
        content: list[dict[str, Any]] = [{"type": "text", "text": persona}] if index == 0 and persona else []
        for said in turn.said:
            if isinstance(said, str):
                content.append({"type": "text", "text": said})
            else:
                content.append(
                    {"type": "input_audio", "input_audio": {"data": recording(len(said)), "format": "wav"}}
                )
        made.append({"role": "user", "content": content})
        if turn.reply:
            made.append({"role": "assistant", "content": turn.reply})
    return made


def expected(oracle: Oracle, persona: str, turns: list[Turn]) -> list[int]:
    request: Any = ChatCompletionRequest.from_openai(messages(persona, turns))
    ids: list[int] = oracle.encode_chat_completion(request).tokens
    return ids


texts = st.text("aAé 1.\n[]/日👩", min_size=1, max_size=20).filter(str.strip)
utterances = st.integers(1, 2).flatmap(lambda n: st.just(speech(1, n)))
turn_contents = st.lists(st.one_of(texts, utterances), min_size=1, max_size=3).map(tuple)
replies = texts.filter(lambda text: bool(text.rstrip(" ")))


@st.composite
def conversations(draw: st.DrawFn) -> list[Turn]:
    turns = draw(st.lists(st.builds(Turn, turn_contents, replies), max_size=3))
    return [*turns, Turn(draw(turn_contents))]


@settings(max_examples=80, deadline=None)
@given(persona=st.one_of(st.just(""), texts), turns=conversations())
def test_a_conversation_has_the_tokens_of_mistral_common(
    oracle: Oracle, prompts: Prompts, persona: str, turns: list[Turn]
) -> None:
    prompt = prompts.conversation(persona, turns)
    assert prompts.ids(prompt) == expected(oracle, persona, turns)
    assert length(prompt) == len(prompts.ids(prompt))


def test_a_spoken_turn_reads_as_the_model_was_taught(prompts: Prompts, oracle: Oracle) -> None:
    utterance = speech(1)
    prompt = prompts.conversation(PERSONA, [Turn((utterance,))])
    persona = oracle.instruct_tokenizer.tokenizer.encode(PERSONA, False, False)
    assert prompt == [1, 3, *persona, 25, utterance[0], 4]
    assert prompts.ids(prompt) == expected(oracle, PERSONA, [Turn((utterance,))])


def test_a_long_utterance_has_one_mark_and_a_part_for_each_window(prompts: Prompts) -> None:
    utterance = speech(1, 3)
    prompt = prompts.conversation("", [Turn((utterance,))])
    assert prompt == [1, 3, 25, *utterance, 4]
    assert prompts.ids(prompt).count(24) == 3 * 375


def test_every_turn_may_have_audio(prompts: Prompts, oracle: Oracle) -> None:
    turns = [Turn((speech(n),), f"reply {n}") for n in range(3)] + [Turn((speech(9),))]
    prompt = prompts.conversation(PERSONA, turns)
    assert prompts.ids(prompt) == expected(oracle, PERSONA, turns)
    assert [part.identity for part in prompt if isinstance(part, Audio)] == [0, 1, 2, 9]


@settings(max_examples=60, deadline=None)
@given(persona=st.one_of(st.just(""), texts), turns=conversations(), last=turn_contents, reply=replies)
def test_a_conversation_begins_with_the_one_before_it(
    prompts: Prompts, persona: str, turns: list[Turn], last: tuple[Any, ...], reply: str
) -> None:
    asked = prompts.conversation(persona, turns)
    answered = [*turns[:-1], Turn(turns[-1].said, reply)]
    so_far = prompts.conversation(persona, answered)
    grown = prompts.conversation(persona, [*answered, Turn(last)])
    assert starts(so_far, asked)
    assert starts(grown, so_far)
    assert starts(grown, prompts.opening(persona, answered)[:-1])


def starts(prompt: Prompt, head: Prompt) -> bool:
    return prompt[: len(head)] == head


@settings(max_examples=60, deadline=None)
@given(persona=st.one_of(st.just(""), texts), turns=conversations(), windows=st.integers(1, 3))
def test_an_opening_is_followed_by_the_audio_alone(
    prompts: Prompts, persona: str, turns: list[Turn], windows: int
) -> None:
    *answered, pending = turns
    utterance = speech(100, windows)
    whole = prompts.conversation(persona, [*answered, Turn((*pending.said, utterance))])
    assert [*prompts.opening(persona, answered, pending.said), *utterance, 4] == whole
    assert [*prompts.opening(persona, answered), *utterance, 4] == prompts.conversation(
        persona, [*answered, Turn((utterance,))]
    )


def test_a_reply_as_ids_is_kept_as_the_model_made_it(prompts: Prompts, oracle: Oracle) -> None:
    tokenizer = oracle.instruct_tokenizer.tokenizer
    by_byte = tuple(1000 + byte for byte in b"hello")
    assert tokenizer.decode(list(by_byte)) == "hello"
    assert tokenizer.encode("hello", False, False) != list(by_byte)
    turns = [Turn(("hi",), by_byte), Turn(("bye",))]
    prompt = prompts.conversation("", turns)
    head = prompts.conversation("", [Turn(("hi",))])
    assert prompt[: len(head) + 6] == [*head, *by_byte, 2]
    ended = [Turn(("hi",), (*by_byte, 2)), Turn(("bye",))]
    assert prompts.conversation("", ended) == prompt


@pytest.mark.parametrize("reply", ["Yes. ", "Yes.  ", " Yes.", "Yes.\n", "Yes. \n "])
def test_spaces_around_a_reply_are_treated_as_by_mistral_common(
    prompts: Prompts, oracle: Oracle, reply: str
) -> None:
    turns = [Turn(("hi ",), reply), Turn((" bye",))]
    assert prompts.ids(prompts.conversation("", turns)) == expected(oracle, "", turns)


def test_a_turn_without_a_reply_is_refused_but_as_the_last(prompts: Prompts) -> None:
    with pytest.raises(ValueError, match=r"turn 1 of 2 has no reply: join what was said to the next turn"):
        prompts.conversation("", [Turn(("a",)), Turn(("b",))])


@pytest.mark.parametrize("language", ["", "en", "fr", "hi"])
@pytest.mark.parametrize("windows", [1, 2])
def test_a_request_for_a_transcript_has_the_tokens_of_mistral_common(
    prompts: Prompts, oracle: Oracle, language: str, windows: int
) -> None:
    utterance = speech(1, windows)
    request = TranscriptionRequest.model_validate({"audio": recording(windows), "language": language or None})
    prompt = prompts.transcription(utterance, language)
    assert prompts.ids(prompt) == oracle.encode_transcription(request).tokens
    assert prompt[:3] == [1, 3, 25]
    assert prompt[-1] == 34


@pytest.mark.parametrize("language", ["eng", "EN", "e", "日本", "en]"])
def test_a_language_is_two_letters(prompts: Prompts, language: str) -> None:
    with pytest.raises(ValueError, match="two small letters"):
        prompts.transcription(speech(1), language)
