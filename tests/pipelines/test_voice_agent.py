"""The flagship on a spoken question: what was said is heard, and the report says when."""

from __future__ import annotations

import os
from collections.abc import Callable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from vflow import Samples
from vflow.report.recordings import REPLY_FRAME_NS, frame_levels

from .conftest import QUESTION, Run

Runner = Callable[..., Run]
Hear = Callable[[Samples, int], str]


def silences_ms(samples: Samples, rate: int) -> list[tuple[float, float]]:
    """(start, length) of each stretch below -40 dB of the peak inside a reply, in ms."""
    levels = frame_levels(samples, rate, REPLY_FRAME_NS, REPLY_FRAME_NS)
    loud = np.flatnonzero(levels > levels.max() - 40)
    gaps = np.diff(loud)
    return [(float(loud[i]) * 5, float(gap - 1) * 5) for i, gap in enumerate(gaps) if gap > 1]


def words_of(text: str) -> list[str]:
    """Its words, without punctuation and capitals."""
    return [word.strip('.,;:!?"').lower() for word in text.split()]


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One run on the bundled question, shared by the tests that look at it from different sides."""
    from vflow.graph.loader import load
    from vflow.report.turn_log import TurnLog
    from vflow.runtime.pipeline import Pipeline

    wav = tmp_path_factory.mktemp("agent") / "reply.wav"
    stand_ins = {
        "mic": ("wav_source", {"file": str(QUESTION), "pad": "2s"}),
        "speaker": ("wav_sink", {"file": str(wav)}),
    }
    graph = load(QUESTION.parent / "voice_agent.yaml", stand_ins=stand_ins)
    pipeline = Pipeline(graph)
    log = TurnLog(graph)
    pipeline.bus.listen(log.listen)
    with pipeline:
        assert pipeline.wait(60)
    log.refine(QUESTION, wav)
    return log, wav, pipeline


def test_a_spoken_question_is_answered_aloud(answered: Any, transcribe: Hear) -> None:
    log, wav, _ = answered
    (turn,) = log.turns.values()
    assert turn.user == "What is the capital of France?"
    assert "Paris" in turn.reply
    assert turn.heard == turn.reply
    assert "Paris" in transcribe(*soundfile.read(wav, dtype="float32"))


def test_sample_n_of_the_output_is_pipeline_time_n_over_rate(answered: Any) -> None:
    log, wav, _ = answered
    samples, rate = soundfile.read(wav, dtype="float32")
    (turn,) = log.turns.values()
    first = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())[0] / rate
    assert abs(first - turn.at_ns["audible"] / 1e9) < 0.03
    assert not samples[: int(turn.at_ns["decided"] / 1e9 * rate)].any()
    assert soundfile.info(wav).subtype == "PCM_16"


def test_the_moments_of_a_turn_are_in_order(answered: Any) -> None:
    log, _, _ = answered
    (turn,) = log.turns.values()
    order = ["speech_start", "voice_off", "decided", "first_word", "audible", "silent", "reply_end"]
    times = [turn.at_ns[moment] for moment in order]
    assert times == sorted(times)
    assert [state for _, state in log.states] == ["idle", "listening", "processing", "speaking", "idle"]


def test_a_reply_has_no_hole_where_nothing_pauses(answered: Any) -> None:
    log, wav, _ = answered
    (turn,) = log.turns.values()
    samples, rate = soundfile.read(wav, dtype="float32")
    reply = samples[int(turn.at_ns["audible"] / 1e9 * rate) : int(turn.at_ns["silent"] / 1e9 * rate)]
    pauses = sum(word[-1] in ",;:.!?" for word in turn.words[:-1])
    holes = [gap for gap in silences_ms(reply, rate) if gap[1] > 120]
    assert len(holes) <= pauses, holes


def test_the_report_has_the_documented_shape(run: Runner) -> None:
    done = run("voice_agent.yaml", input=QUESTION)
    assert done.code == 0
    assert set(done.report) == {"pipeline", "resolved", "turns", "links", "states", "warnings", "stats"}
    (turn,) = done.report["turns"]
    assert set(turn) == {
        "turn", "user", "reply", "heard", "words", "tokens", "stop_reason", "interrupted", "speculation",
        "generation_ms", "at_ms", "latency_ms",
    }  # fmt: skip
    assert turn["stop_reason"] == "eos"
    assert turn["words"] == len(turn["reply"].split())
    assert turn["tokens"] >= turn["words"]
    at, latency = turn["at_ms"], turn["latency_ms"]
    assert latency["v2v"] == pytest.approx(at["audible"] - at["voice_off"], abs=0.2)
    assert latency["compute"] == pytest.approx(at["audible"] - at["decided"], abs=0.2)
    assert at["flushed"] is None
    assert done.report["resolved"]["generator"] == "generator.cascade"
    assert all(link["dropped"] == 0 for link in done.report["links"])
    assert "you:   What is the capital of France?" in done.out
    assert "agent: The capital of France is Paris." in done.out
    assert "v2v: max of 1:" in done.err


def test_an_interruption_cuts_the_reply_and_keeps_what_was_heard(
    run: Runner, transcribe: Hear, tmp_path: Path
) -> None:
    story = _spoken("Tell me a long story about a dog.")
    question, rate = soundfile.read(QUESTION, dtype="float32")
    second = soxr.resample(question, rate, 16000)
    gap = np.zeros(16000 * 7 // 2, np.float32)
    soundfile.write(tmp_path / "in.wav", np.concatenate([story, gap, second]), 16000)
    done = run("voice_agent.yaml", input=tmp_path / "in.wav")
    first, last = done.report["turns"][0], done.report["turns"][-1]
    assert first["interrupted"]
    assert first["reply"].startswith(first["heard"])
    assert len(first["heard"]) < len(first["reply"])
    assert "Paris" in last["reply"]
    samples, rate = done.heard()
    flushed, audible = first["at_ms"]["flushed"], last["at_ms"]["audible"]
    silence = samples[int((flushed + 20) * rate / 1000) : int((audible - 100) * rate / 1000)]
    assert not silence.any()
    start = int((first["at_ms"]["audible"] - 10) * rate / 1000)
    spoken = transcribe(samples[start : int(flushed * rate / 1000)], rate)
    # word by word, since speech that breaks off makes the judge invent an end
    assert SequenceMatcher(a=words_of(spoken), b=words_of(first["heard"])).ratio() > 0.8


@pytest.mark.skipif("VFLOW_SPEECH" not in os.environ, reason="no human speech: VFLOW_SPEECH is not set")
def test_a_human_question_is_understood_and_answered(run: Runner, transcribe: Hear) -> None:
    done = run("voice_agent.yaml", input=Path(os.environ["VFLOW_SPEECH"]) / "livekit_weather_question.wav")
    (turn,) = done.report["turns"]
    assert turn["user"] == "What is the weather in Paris?"
    assert turn["heard"] == turn["reply"] != ""
    assert len(transcribe(*done.heard()).split()) >= turn["words"] // 2


def _spoken(text: str) -> Samples:
    """A sentence by the voice of the tests, 16 kHz."""
    from hibari import Hibari

    spoken: Samples = soxr.resample(Hibari()(text, seed=1), 24000, 16000).astype(np.float32)
    return spoken
