"""The flagship on a spoken question: what was said is heard, and the report says when."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from vflow import Samples
from vflow.report.recordings import REPLY_FRAME_NS, frame_levels
from vflow.runtime.shared_models import MODELS

from .conftest import QUESTION, Run, run_in

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


@pytest.fixture(scope="module", autouse=True)
def _models_stay_loaded() -> Iterator[None]:
    """Each is loaded by the first run that needs it, and closed after the last test of this module."""
    kept: list[str] = []
    acquire = MODELS.acquire

    def acquire_and_keep(key: str, load: Callable[[], Any]) -> Any:
        if key not in kept:
            acquire(key, load)
            kept.append(key)
        return acquire(key, load)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODELS, "acquire", acquire_and_keep)
        yield
    for key in kept:
        MODELS.release(key)


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run on the bundled question, shared by the tests that look at it from different sides."""
    return run_in(tmp_path_factory.mktemp("agent"), "voice_agent.yaml", input=QUESTION)


def turn_of(run: Run) -> dict[str, Any]:
    """Its only turn, as the report has it."""
    (turn,) = run.report["turns"]
    found: dict[str, Any] = turn
    return found


def test_a_spoken_question_is_answered_aloud(answered: Run, transcribe: Hear) -> None:
    turn = turn_of(answered)
    assert answered.code == 0
    assert turn["user"] == "What is the capital of France?"
    assert "Paris" in turn["reply"]
    assert turn["heard"] == turn["reply"]
    assert "Paris" in transcribe(*answered.heard())


def test_sample_n_of_the_output_is_pipeline_time_n_over_rate(answered: Run) -> None:
    samples, rate = answered.heard()
    at = turn_of(answered)["at_ms"]
    first = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())[0] / rate
    assert abs(first - at["audible"] / 1e3) < 0.03
    assert not samples[: int(at["decided"] / 1e3 * rate)].any()
    assert soundfile.info(answered.output).subtype == "PCM_16"


def test_the_moments_of_a_turn_are_in_order(answered: Run) -> None:
    at = turn_of(answered)["at_ms"]
    order = ["speech_start", "voice_off", "decided", "first_word", "audible", "silent", "reply_end"]
    times = [at[moment] for moment in order]
    assert times == sorted(times)
    states = [state for _, state in answered.report["states"]]
    assert states == ["idle", "listening", "processing", "speaking", "idle"]


def test_a_reply_has_no_hole_where_nothing_pauses(answered: Run) -> None:
    samples, rate = answered.heard()
    turn = turn_of(answered)
    audible, silent = (int(turn["at_ms"][moment] / 1e3 * rate) for moment in ("audible", "silent"))
    words = turn["reply"].split()
    pauses = sum(word[-1] in ",;:.!?" for word in words[:-1])
    holes = [gap for gap in silences_ms(samples[audible:silent], rate) if gap[1] > 120]
    assert len(holes) <= pauses, holes


def test_the_report_has_the_documented_shape(answered: Run) -> None:
    report, turn = answered.report, turn_of(answered)
    assert set(report) == {
        "pipeline", "resolved", "turns", "links", "threads", "states", "warnings", "errors", "stats",
    }  # fmt: skip
    (spoken,) = (thread for thread in report["threads"] if "generator.chat" in thread["nodes"])
    assert 0 < spoken["busy"] < 1
    assert 0 < spoken["p50_ms"] <= spoken["p99_ms"] <= spoken["max_ms"]
    assert report["errors"] == []
    assert set(turn) == {
        "turn", "user", "reply", "heard", "words", "tokens", "stop_reason", "interrupted", "speculation",
        "prompt_tokens", "taken_back", "held_ms",
        "generation_ms", "at_ms", "latency_ms",
    }  # fmt: skip
    assert turn["stop_reason"] == "eos"
    assert turn["words"] == len(turn["reply"].split())
    assert turn["tokens"] >= turn["words"]
    at, latency = turn["at_ms"], turn["latency_ms"]
    assert latency["v2v"] == pytest.approx(at["audible"] - at["voice_off"], abs=0.2)
    assert latency["compute"] == pytest.approx(at["audible"] - at["decided"], abs=0.2)
    assert at["flushed"] is None
    assert report["resolved"]["generator"] == "generator.cascade"
    assert all(link["dropped"] == 0 for link in report["links"])


def test_a_run_prints_what_was_said_and_how_fast_it_was_answered(answered: Run) -> None:
    assert "you:   What is the capital of France?" in answered.out
    assert "agent: The capital of France is Paris." in answered.out
    assert re.search(r" \[heard after \d+\.\d s\]\n", answered.out)
    assert "not generator" not in answered.err


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
