"""The flagship on real devices: spoken to through PulseAudio, heard through it, interrupted aloud."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from tests.pipelines.conftest import PIPELINES, QUESTION
from tests.pipelines.conftest import transcribe as transcribe
from vflow import Samples

from .conftest import RATE, samples_of, started

pytestmark = pytest.mark.timeout(300)  # three turns in real time, behind the start of the agent
STORY = "Tell me a long story about a dog."


@dataclass(frozen=True)
class Talk:
    """The results of a conversation: report, printed text, and the loudspeaker's sound."""

    report: dict[str, Any]
    text: str
    heard: Samples

    def time_of(self, moment_ms: float) -> int:
        """Return the sample of the recording at a moment of the report, aligned at the first reply."""
        loud = np.abs(self.heard) > 0.01 * np.abs(self.heard).max()
        first_ms = self.report["turns"][0]["at_ms"]["audible"]
        return int(np.flatnonzero(loud)[0] + (moment_ms - first_ms) * RATE / 1000)


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    """Ask a question; after its reply ask for a story; ask the first question again into the story."""
    folder = tmp_path_factory.mktemp("talk")
    story, report = folder / "story.wav", folder / "report.json"
    with started() as server, server.recording(folder / "speaker.raw") as recording:
        _speak(STORY, story)
        run = server.vflow("run", str(PIPELINES / "voice_agent.yaml"), "--verbose", "--report", str(report))
        run.wait_for("mic: mic.pyaudio")
        run.wait_for("playing")
        server.say(QUESTION)
        run.wait_for("turn 1: ")  # told when it was played
        server.say(story)
        run.wait_for("agent: ", after="turn 1: ")
        server.say(QUESTION)
        run.wait_for("[interrupted]")
        run.wait_for("Paris", times=2)
        run.wait_for("turn 3: ")
        assert run.interrupt() == 130, run.text
        text = run.text
    return Talk(json.loads(report.read_text()), text, samples_of(recording))


def test_a_question_into_the_microphone_is_answered_on_the_loudspeaker(
    talk: Talk, transcribe: Callable[[Samples, int], str]
) -> None:
    first = talk.report["turns"][0]
    assert talk.report["resolved"]["speaker"] == "speaker.pyaudio"
    assert first["user"] == "What is the capital of France?"
    assert first["heard"] == first["reply"]
    end = talk.time_of(first["at_ms"]["silent"] + 200)
    assert "Paris" in transcribe(talk.heard[:end], RATE)


def test_an_interruption_aloud_silences_the_loudspeaker(
    talk: Talk, transcribe: Callable[[Samples, int], str]
) -> None:
    _, story, last = talk.report["turns"][:3]
    assert story["interrupted"]
    assert len(story["heard"]) < len(story["reply"])
    assert "Paris" in last["reply"]
    quiet = talk.heard[
        talk.time_of(story["at_ms"]["flushed"] + 150) : talk.time_of(last["at_ms"]["audible"] - 150)
    ]
    assert np.abs(quiet).max() < 0.01 * np.abs(talk.heard).max()


def _speak(text: str, file: Path) -> None:
    """Write a sentence, spoken by the voice of the tests."""
    from hibari import Hibari

    soundfile.write(file, soxr.resample(Hibari()(text, seed=1), 24000, 16000), 16000)
