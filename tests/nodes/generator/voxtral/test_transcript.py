"""A transcript that is collected beside other work, on an engine without a model."""

from __future__ import annotations

from collections.abc import Sequence

from tests.nodes.lib.decode.models import (
    Gate,
    Scripted,
    answered,
    free,
    gated,
    hashed,
    ids,
    scripted,
    text_of,
    vocabulary,
)
from vflow_nodes.generator.voxtral.transcript import Transcript
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.session import DecodeSession
from vflow_nodes.lib.decode.words import Words

WORDS = vocabulary()
PROMPT = ids(1, 8)


def begun(engine: Engine, tokens: int = 20) -> Transcript:
    session = DecodeSession(engine)
    return Transcript(session, session.generate(Prompt(PROMPT), free(tokens)))


def waited(transcript: Transcript) -> str:
    while not transcript.poll(wait=True):
        pass
    return transcript.text


def ending(keys: Sequence[int]) -> int:
    """Draw a reply of 12 tokens."""
    return 2 if len(keys) >= len(PROMPT) + 12 else hashed(keys)


def words_of(tokens: list[int]) -> str:
    words = Words()
    return " ".join([*words.push(text_of(WORDS, tokens)), *words.finish()])


def test_a_transcript_is_the_words_of_its_reply_and_leaves_its_slot() -> None:
    with scripted(Scripted(ending, slots=1), WORDS) as engine:
        assert waited(begun(engine)) == words_of(answered(ending, PROMPT, 20)) != ""
        assert waited(begun(engine)), "the only slot is free again"


def test_poll_without_waiting_is_false_before_the_tokens_came() -> None:
    gate, device = gated("step", slots=1)
    with scripted(device, WORDS) as engine:
        transcript = begun(engine)
        gate.wait_reached()
        assert not transcript.poll()
        gate.let(100)
        assert waited(transcript)


def test_a_transcript_that_is_cut_has_no_text_and_one_that_was_whole_keeps_it() -> None:
    gate, device = gated("step", slots=2)
    with scripted(device, WORDS) as engine:
        cut = begun(engine)
        gate.let(10)
        cut.poll(wait=True)
        cut.cancel()
        assert (cut.text, cut.poll()) == ("", True)
        gate.let(1000)
        whole = begun(engine)
        text = waited(whole)
        whole.cancel()
        assert whole.text == text != ""


def test_failed_device_leaves_the_words_written_so_far() -> None:
    gate = Gate(6)

    def before(what: str, slots: object) -> None:
        if what == "step" and not gate._allowed.acquire(blocking=False):
            raise RuntimeError("lost")

    with scripted(Scripted(hashed, slots=1, before=before), WORDS) as engine:
        text = waited(begun(engine))
    assert words_of(answered(hashed, PROMPT, 20)).startswith(text)
    assert text


def test_without_a_reply_a_transcript_is_whole_and_empty() -> None:
    transcript = Transcript()
    assert (transcript.poll(), transcript.text) == (True, "")
    transcript.cancel()
