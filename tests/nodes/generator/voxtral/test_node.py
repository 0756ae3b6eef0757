"""`generator.voxtral` on a tiny Voxtral with random weights: noise, but said at the right time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import VoxtralForConditionalGeneration, WhisperFeatureExtractor

from vflow import (
    AudioPacket,
    Flush,
    Harness,
    NodeError,
    Pause,
    Played,
    Resume,
    SpeechEnd,
    SpeechStart,
    TextPacket,
    TurnEnd,
    Unavailable,
    load,
)
from vflow.errors import Flushed
from vflow_nodes.generator.voxtral import MODEL, libraries, transcript
from vflow_nodes.generator.voxtral.node import UNKNOWN, VoxtralGenerator
from vflow_nodes.generator.voxtral.prompt import Turn
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.errors import DecodeError
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.session import DecodeSession

RATE = 16_000
PLAIN: dict[str, Any] = {
    "device": "cpu", "dtype": "float32", "temperature": 0.0, "max_tokens": 24, "context": 2048, "slots": 2,
}  # fmt: skip


def speech(seconds: float, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Make noise in bursts, which random weights treat like speech."""
    random = np.random.default_rng(seed)
    count = int(seconds * RATE)
    loud = np.repeat(random.uniform(0.02, 0.4, count // 800 + 1), 800)[:count]
    return (random.standard_normal(count) * loud * 0.3).astype(np.float32)


@pytest.fixture(scope="module")
def keeper(checkpoint: Path) -> Iterator[Harness]:
    """Keep the shared model loaded for all tests."""
    with Harness(VoxtralGenerator(model=str(checkpoint), **PLAIN)) as harness:
        yield harness


@pytest.fixture
def harness(keeper: Harness, checkpoint: Path) -> Iterator[Harness]:
    with Harness(VoxtralGenerator(model=str(checkpoint), **PLAIN)) as harness:
        yield harness


def hear(harness: Harness, samples: Any, turn: int, block: int = 512) -> None:
    for start in range(0, len(samples), block):
        harness.push(AudioPacket(data=samples[start : start + block], rate=RATE, turn=turn))


def utter(harness: Harness, samples: Any, turn: int) -> list[Any]:
    """Push a whole utterance; return the items that come out."""
    harness.event(SpeechStart(turn=turn))
    hear(harness, samples, turn)
    harness.pull()
    return [item for item in harness.event(SpeechEnd(turn=turn)) if not isinstance(item, SpeechEnd)]


def said(items: list[Any]) -> str:
    """Return the words of a reply. A transcript too has the index 0, but no count of tokens."""
    return " ".join(item.text for item in items if isinstance(item, TextPacket) and "tokens" in item.meta)


def history(harness: Harness) -> list[tuple[str, str, int]]:
    return [(entry.role, entry.text, entry.turn) for entry in harness.conversation.entries()]


def stats(harness: Harness) -> dict[str, Any]:
    node: Any = harness.node
    found: dict[str, Any] = node._voxtral.engine.stats()
    return found


def settled(harness: Harness) -> None:
    """Wait until the engine has done all its work, work in advance too."""
    node: Any = harness.node
    for _ in range(100):
        node._voxtral.engine.call(lambda: None).result(timeout=10)
        if not stats(harness)["busy"]:
            return
    raise AssertionError("the engine is still busy")


def tracked(generate: Callable[..., Any], made: list[Any]) -> Callable[..., Any]:
    """Return `generate` with its replies kept in `made`."""

    def call(*args: Any, **values: Any) -> Any:
        made.append(generate(*args, **values))
        return made[-1]

    return call


def opened(**values: Any) -> None:
    with Harness(VoxtralGenerator(**{**PLAIN, **values})):
        pass


def test_reply_equals_that_of_transformers_generate(
    harness: Harness, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node: Any = harness.node
    exact = {"repetition_penalty": 1.0, "no_repeat_ngram": 0, "min_words": 0, "min_tokens": 0}
    node.__dict__.update(exact)
    samples, ids_made = speech(2.5), []
    monkeypatch.setattr(node.replies, "generate", tracked(node.replies.generate, ids_made))
    items = utter(harness, samples, 1)
    prompts = node._voxtral.prompts
    exchange = node._memory._exchanges[1]
    ids = torch.tensor(
        [prompts.ids([*prompts.opening(node.persona, []), *exchange.speech, prompts.end_inst])]
    )
    model = VoxtralForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32).eval()
    extractor = WhisperFeatureExtractor(feature_size=128)
    features = extractor(
        samples, sampling_rate=RATE, return_tensors="pt", padding="max_length"
    ).input_features
    made = model.generate(ids, input_features=features, do_sample=False, max_new_tokens=24, min_new_tokens=0)
    reply = made[0, ids.shape[1] :].tolist()
    assert ids_made[0].tokens == [token for token in reply if token != prompts.eos]
    end = items[-1]
    assert isinstance(end, TurnEnd)
    assert end.meta["tokens"] == len(ids_made[0].tokens)


def test_a_reply_that_was_cut_at_its_limit_is_reminded_as_it_was_said(harness: Harness) -> None:
    node: Any = harness.node
    items = utter(harness, speech(1.0), 1)
    assert items[-1].meta["stop_reason"] == "limit"
    assert node._memory._exchanges[1].ids == ()
    prompts = node._voxtral.prompts
    speech_of = node._memory._exchanges[1].speech
    assert prompts.ids(node._memory.opening()) == prompts.ids(
        prompts.opening(node.persona, [Turn((speech_of,), said(items))])
    )


def test_words_have_turn_index_and_the_transcript_comes_before_the_end(harness: Harness) -> None:
    items = utter(harness, speech(1.0), 3)
    words = [item for item in items if isinstance(item, TextPacket) and "tokens" in item.meta]
    (transcript,) = [i for i in items if isinstance(i, TextPacket) and "tokens" not in i.meta]
    assert [word.index for word in words] == list(range(len(words)))
    assert {word.turn for word in words} == {3}
    assert transcript.turn == 3
    assert isinstance(items[-1], TurnEnd)
    assert history(harness) == [("user", transcript.text or UNKNOWN, 3), ("assistant", said(items), 3)]


def test_the_transcript_is_whole_though_the_reply_is_shorter(harness: Harness) -> None:
    node: Any = harness.node
    node.__dict__.update(max_tokens=3)
    items = utter(harness, speech(1.0), 1)
    (transcript,) = [i for i in items if isinstance(i, TextPacket) and "tokens" not in i.meta]
    exchange, prompts = node._memory._exchanges[1], node._voxtral.prompts
    asked = Prompt(node._memory.parts(prompts.transcription(exchange.speech), exchange.embeds.values()))
    exact = Sampling(0, repetition_penalty=1, no_repeat_ngram=0, min_words=0, min_tokens=0, max_tokens=32)
    whole = " ".join(w.text for w in DecodeSession(node._voxtral.engine).generate(asked, exact).words() if w)
    assert transcript.text == whole
    assert history(harness)[0] == ("user", whole or UNKNOWN, 1)


def test_the_reply_is_asked_for_before_the_transcript(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    node: Any = harness.node
    engine, asked, number = node._voxtral.engine, list[int](), node.replies.session._number

    def submit(task: Any) -> None:
        if task.reply is not None:
            asked.append(task.job.session)
        Engine.submit(engine, task)

    monkeypatch.setattr(engine, "submit", submit)
    utter(harness, speech(1.0), 1)
    assert asked == [number, number + 1], "each transcript has a session"


def test_silence_gets_an_empty_reply_and_no_place_in_the_history(harness: Harness) -> None:
    transcript, end = utter(harness, np.zeros(RATE, np.float32), 1)
    assert transcript.text == ""
    assert dict(end.meta) == {"tokens": 0, "stop_reason": "eos"}
    assert history(harness) == []


def test_a_turn_answered_at_its_pause_is_not_answered_again_at_its_end(harness: Harness) -> None:
    harness.event(SpeechStart(turn=1))
    hear(harness, speech(1.0), 1)
    harness.pull()
    harness.speculative_turn = 1
    ahead = harness.event(Pause(turn=1))
    assert isinstance(ahead[-1], Pause)
    assert isinstance(ahead[-2], TurnEnd)
    assert said(ahead)
    assert [type(item) for item in harness.event(SpeechEnd(turn=1))[len(ahead) :]] in ([], [SpeechEnd])
    assert len(history(harness)) == 2


def test_a_discarded_speculation_leaves_the_reply_of_a_fresh_run(harness: Harness, checkpoint: Path) -> None:
    samples = speech(2.0)
    harness.event(SpeechStart(turn=1))
    hear(harness, samples[:RATE], 1)
    harness.speculative_turn = 1
    harness.event(Pause(turn=1))
    harness.retracted(1)
    assert history(harness) == []
    harness.event(Resume(turn=1))
    hear(harness, samples[RATE:], 1)
    harness.pull()
    spoken_on = said(harness.event(SpeechEnd(turn=1)))
    with Harness(VoxtralGenerator(model=str(checkpoint), **{**PLAIN, "slots": 3})) as fresh:
        assert said(utter(fresh, samples, 1)) == spoken_on


def test_a_second_turn_computes_its_own_speech_only(harness: Harness) -> None:
    utter(harness, speech(1.0), 1)
    settled(harness)
    before = stats(harness)
    utter(harness, speech(1.0, seed=1), 2)
    after = stats(harness)
    # the reply's prompt, the transcript's, and the next turn's as far as it is known
    assert after["prefilled"] - before["prefilled"] < 2 * 375 + 80
    assert after["reused"] - before["reused"] > 375


def test_the_prompt_of_the_next_turn_is_computed_ahead(harness: Harness) -> None:
    node: Any = harness.node
    utter(harness, speech(1.0), 1)
    for _ in range(2):
        settled(harness)
        before = stats(harness)["prefilled"]
        node.replies.prefill(node._memory.parts(node._memory.opening()))
        settled(harness)
        assert stats(harness)["prefilled"] - before <= 1, "the last position: the logits behind it are wanted"
        harness.cancel(1)  # nothing was heard: the opening is another


def test_a_window_that_is_complete_is_computed_while_the_user_speaks(harness: Harness) -> None:
    harness.event(SpeechStart(turn=1))
    settled(harness)
    before = stats(harness)["prefilled"]
    hear(harness, speech(30.5), 1, block=8000)
    settled(harness)
    assert stats(harness)["prefilled"] - before >= 375
    assert harness.event(SpeechEnd(turn=1))


def test_prompt_after_an_interruption_has_the_heard_words(harness: Harness) -> None:
    node: Any = harness.node
    reply = said(utter(harness, speech(1.0), 1)).split()
    heard = " ".join(reply[:2])
    harness.cancel(1, played=(Played(1, 9000, 24000, heard=heard, words=2),))
    assert history(harness)[-1] == ("assistant", heard, 1)
    opening = node._voxtral.prompts.ids(node._memory.opening())
    assert opening == node._voxtral.prompts.ids(
        node._voxtral.prompts.opening(node.persona, [Turn((node._memory._exchanges[1].speech,), heard)])
    )


@pytest.mark.parametrize("words", [0, 2])
def test_an_utterance_of_which_no_reply_was_heard_is_joined_to_the_next(harness: Harness, words: int) -> None:
    node: Any = harness.node
    heard = " ".join(said(utter(harness, speech(1.0), 1)).split()[:words])
    played = (Played(1, 9000, 24000, heard=heard, words=words),)
    harness.cancel(1, played=played if words else (), takes_back=words > 0)
    assert [entry[0] for entry in history(harness)] == ["user"]
    assert node._voxtral.prompts.ids(node._memory.opening()).count(node._voxtral.prompts.audio) == 375
    assert said(utter(harness, speech(1.0, seed=1), 2))


def test_an_interrupted_reply_stops_the_engine(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # far more tokens than may wait to be taken: neither reply nor transcript ends by itself
    monkeypatch.setattr(transcript, "TOKENS", (1000, 8))
    endless = {**PLAIN, "max_tokens": 400, "min_tokens": 400}
    with Harness(VoxtralGenerator(model=str(checkpoint), **endless)) as harness:

        def look() -> None:
            if harness.pull("words"):
                raise Flushed

        harness.on_look = look
        before = stats(harness)["cancelled"]
        items = utter(harness, speech(1.0), 1)
        harness.on_look = lambda: None
        assert not any(isinstance(item, TurnEnd) for item in items)
        settled(harness)
        assert stats(harness)["cancelled"] - before == 2, "the reply and the transcript"
        harness.cancel(1)
        assert history(harness)[0] == ("user", UNKNOWN, 1)


def test_a_cancelled_utterance_is_remembered_and_not_answered(harness: Harness) -> None:
    harness.cancel(turn=1)
    assert utter(harness, speech(1.0), 1) == []
    assert history(harness) == [("user", UNKNOWN, 1)]


def test_older_turns_are_remembered_as_text(checkpoint: Path) -> None:
    with Harness(VoxtralGenerator(model=str(checkpoint), **PLAIN, audio_turns=1)) as harness:
        node: Any = harness.node
        for turn in (1, 2, 3):
            utter(harness, speech(0.5, seed=turn), turn)
        ids = node._voxtral.prompts.ids(node._memory.opening())
        assert ids.count(node._voxtral.prompts.audio) == 375


def test_a_history_that_outgrows_its_room_loses_its_oldest_turns(checkpoint: Path) -> None:
    with Harness(VoxtralGenerator(model=str(checkpoint), **{**PLAIN, "context": 1024})) as harness:
        node: Any = harness.node
        for turn in range(1, 30):
            harness.conversation.append("user", f"Question {turn} about the weather of tomorrow", turn)
            harness.conversation.append("assistant", f"Answer {turn} about the weather of tomorrow", turn)
        assert len(node._memory.opening()) <= 512
        assert said(utter(harness, speech(0.5), 30))


def outgrow(harness: Harness, turns: range) -> None:
    for turn in turns:
        harness.conversation.append("user", f"Question {turn} about the weather of tomorrow", turn)
        harness.conversation.append("assistant", f"Answer {turn} about the weather of tomorrow", turn)


def look(harness: Harness) -> None:
    """Fire the node's timers for its summary until it sets none, or waits for a word."""
    node: Any = harness.node
    while harness.timer_ns is not None:
        harness.time_ns, harness.timer_ns = harness.timer_ns, None
        list(node.on_timer())
        if node._writing is not None:
            node._voxtral.engine.call(lambda: None).result(timeout=60)


def test_turns_that_leave_the_context_are_summed_up_between_turns(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Harness(VoxtralGenerator(model=str(checkpoint), **{**PLAIN, "context": 1024})) as harness:
        node: Any = harness.node
        outgrow(harness, range(1, 30))
        utter(harness, speech(0.5), 30)
        before = stats(harness)["replies"]
        monkeypatch.setattr("vflow_nodes.lib.summary.join_words", lambda words: "Ada sails.")
        look(harness)
        assert stats(harness)["replies"] == before + 1
        assert node._memory.summary == "Ada sails."
        assert not node._memory.forgot
        assert said(utter(harness, speech(0.5, seed=1), 31))
        assert [m.text for m in harness.messages if m.kind == "warning"] == []


def test_no_summary_is_begun_or_taken_while_the_user_speaks(checkpoint: Path) -> None:
    with Harness(VoxtralGenerator(model=str(checkpoint), **{**PLAIN, "context": 1024})) as harness:
        node: Any = harness.node
        outgrow(harness, range(1, 30))
        utter(harness, speech(0.5), 30)
        list(node.on_timer())
        assert (writing := node._writing) is not None
        harness.event(SpeechStart(turn=31))
        assert writing._reply.over
        assert node._writing is None
        list(node.on_timer())
        assert node._writing is None


def test_without_a_summary_it_is_told_once_that_turns_are_forgotten(checkpoint: Path) -> None:
    options = {**PLAIN, "context": 1024, "summary": "none"}
    with Harness(VoxtralGenerator(model=str(checkpoint), **options)) as harness:
        outgrow(harness, range(1, 30))
        utter(harness, speech(0.5), 30)
        utter(harness, speech(0.5), 31)
        warnings = [message.text for message in harness.messages if message.kind == "warning"]
        assert harness.timer_ns is None
    assert warnings == [
        "the conversation has outgrown the context, and its oldest turns are left out; "
        "set 'summary: model', or set 'context' higher"
    ]


def test_speech_beyond_the_context_is_left_out_with_a_warning(checkpoint: Path) -> None:
    with Harness(VoxtralGenerator(model=str(checkpoint), **{**PLAIN, "context": 1024})) as harness:
        items = utter(harness, speech(95.0), 1)
        warnings = [message.text for message in harness.messages if message.kind == "warning"]
    assert said(items)
    assert warnings == [
        "the utterance is longer than the 60 s that the context holds, and its end is not heard; "
        "set 'context' higher"
    ]


def test_without_a_transcript_the_history_says_that_there_was_speech(checkpoint: Path) -> None:
    with Harness(VoxtralGenerator(model=str(checkpoint), **PLAIN, transcribe=False)) as harness:
        utter(harness, speech(1.0), 1)
        assert history(harness)[0] == ("user", UNKNOWN, 1)


def test_a_device_that_fails_costs_one_turn(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("no memory")

    node: Any = harness.node
    settled(harness)
    with monkeypatch.context() as patched:
        patched.setattr(node._voxtral.encoder, "_forward", fail)
        with pytest.raises(NodeError, match="out of memory at a prompt of"):
            utter(harness, speech(1.0), 1)
    items = harness.pull("words")
    assert [item.meta["stop_reason"] for item in items if isinstance(item, TurnEnd)] == ["error"]
    assert said(utter(harness, speech(1.0, seed=1), 2))


def test_unknown_language_is_refused_at_the_start(keeper: Harness, checkpoint: Path) -> None:
    with pytest.raises(Unavailable, match=r"two small letters, such as 'en', not 'english'; set 'language'"):
        opened(model=str(checkpoint), language="english")


@pytest.mark.skipif(torch.cuda.is_available(), reason="no CUDA device is to be here")
def test_without_a_cuda_device_it_is_said_that_it_runs_on_the_cpu(checkpoint: Path) -> None:
    with Harness(VoxtralGenerator(model=str(checkpoint), **{**PLAIN, "device": "auto"})) as harness:
        warnings = [message.text for message in harness.messages if message.kind == "warning"]
    assert warnings == ["no CUDA device was found: Voxtral runs on the CPU, slowly"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="no CUDA device is to be here")
def test_without_a_cuda_device_the_role_takes_another_and_says_why() -> None:
    reason = VoxtralGenerator.unavailable()
    assert "use: generator.voxtral with device: cpu runs it slowly" in reason
    with pytest.raises(Unavailable, match="no CUDA device was found; set 'device: cpu'"):
        opened(device="cuda")


def test_an_older_interruption_changes_no_newer_reply(harness: Harness) -> None:
    reply = said(utter(harness, speech(1.0), 2))
    harness.node.on_cancel(Flush(1, 1, origins=frozenset(["node"]), sinks=1))
    assert history(harness)[-1] == ("assistant", reply, 2)


def test_options_in_effect_are_reported_at_the_end(checkpoint: Path) -> None:
    with Harness(VoxtralGenerator(model=str(checkpoint), **PLAIN, tf32=True)) as harness:
        utter(harness, speech(0.5), 1)
    (told,) = [message.data for message in harness.messages if message.kind == "stats"]
    assert (told["kernels"], told["weights"], told["attention"]) == ("tuned", "float32", "sdpa")
    assert told["replies"] >= 2
    assert (told["tf32"], told["graphs"], told["cudnn_benchmark"]) == (False, False, False)


def test_the_role_generator_is_voxtral_where_cuda_and_its_weights_are_here(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the device is a stand-in: the cache is a real one, of a tiny model."""
    commit = "0" * 40
    here = tmp_path / "models--mistralai--Voxtral-Mini-3B-2507"
    shutil.copytree(checkpoint, here / "snapshots" / commit)
    (here / "refs").mkdir()
    (here / "refs" / "main").write_text(commit)
    agent = Path(__file__).parents[4] / "pipelines" / "voice_agent.yaml"
    monkeypatch.setattr(libraries, "cuda_problem", lambda: "")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert load(agent, require_available=False).resolved()["generator"] == "generator.voxtral"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    assert load(agent, require_available=False).resolved()["generator"] == "generator.cascade"
    assert VoxtralGenerator.unavailable() == f"its weights are not here: vflow models pull {MODEL}"


def test_a_reply_that_is_ended_is_in_the_history_when_that_is_done(harness: Harness) -> None:
    """Closing the reply closes its inner generator too, even if others hold it: the cut comes right after."""
    node: Any = harness.node
    harness.event(SpeechStart(turn=1))
    hear(harness, speech(1.0), 1)
    answer = node._answer(node._utterance)
    assert next(item for item in answer if item is not None)
    inner = answer.gi_yieldfrom.gi_frame.f_locals["reply"]
    answer.close()
    assert [entry[0] for entry in history(harness)] == ["user", "assistant"]
    assert inner.gi_frame is None, "it is closed, not left to whoever lets go of it last"


def test_a_fresh_engine_that_does_not_load_ends_the_turn_and_leaves_interruptions_alone(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault() -> None:
        raise RuntimeError("a fault")

    def missing(*_: Any) -> Any:
        raise Unavailable("it is gone")

    with Harness(VoxtralGenerator(model=str(checkpoint), **{**PLAIN, "context": 1024})) as harness:
        node: Any = harness.node
        node.replies.engine.ask(fault)
        node.replies.engine._thread.join(20)
        with pytest.raises((NodeError, DecodeError), match="a fault"):
            utter(harness, speech(1.0), 1)
        harness.pull()
        with monkeypatch.context() as patch:
            patch.setattr("vflow_nodes.lib.checkpoints.locate", missing)
            with pytest.raises((NodeError, Unavailable), match="it is gone"):
                harness.event(SpeechStart(turn=2))
            (end,) = [item for item in harness.pull() if isinstance(item, TurnEnd)]
            assert (end.turn, end.meta["stop_reason"]) == (2, "error")
            hear(harness, speech(1.0), 2)
            harness.event(SpeechEnd(turn=2))
            harness.cancel(2)
        assert said(utter(harness, speech(1.0), 3))


def test_a_typed_turn_is_answered_without_a_transcript(harness: Harness) -> None:
    node: Any = harness.node
    items = harness.push(TextPacket(text=" What is it? ", turn=1), "text")
    assert said(items)
    assert isinstance(items[-1], TurnEnd)
    assert not [item for item in items if isinstance(item, TextPacket) and "tokens" not in item.meta]
    assert history(harness) == [("user", "What is it?", 1), ("assistant", said(items), 1)]
    prompts = node._voxtral.prompts
    assert prompts.ids(node._memory.opening()) == prompts.ids(
        prompts.opening(node.persona, [Turn(("What is it?",), said(items))])
    )
    transcript, *_ = utter(harness, np.zeros(RATE, np.float32), 2)
    assert transcript.text == "", "an utterance after it has one again"


def test_a_typed_turn_that_is_too_long_is_told_and_answered_by_its_end(harness: Harness) -> None:
    for turn in (1, 2):
        assert said(harness.push(TextPacket(text="word " * 50_000, turn=turn), "text"))
    (told,) = [m.text for m in harness.messages if m.kind == "warning" and "longer than" in m.text]
    assert told.endswith("only its end is answered; set 'context' higher")


def test_an_empty_or_cancelled_typed_turn_is_not_answered(harness: Harness) -> None:
    (end,) = harness.push(TextPacket(text=" ", turn=1), "text")
    assert dict(end.meta) == {"tokens": 0, "stop_reason": "eos"}
    harness.pull()
    harness.cancel(2)
    assert harness.push(TextPacket(text="Hello.", turn=2), "text") == []
    assert history(harness) == [("user", "Hello.", 2)]
