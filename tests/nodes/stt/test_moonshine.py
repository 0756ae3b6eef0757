"""Moonshine on synthesized and on human speech, and when it works in the life of an utterance."""

from __future__ import annotations

import importlib.util
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vflow import (
    SECOND,
    AudioPacket,
    Event,
    Harness,
    Packet,
    Pause,
    Resume,
    SpeechEnd,
    SpeechStart,
    TextPacket,
    Unavailable,
)
from vflow_nodes.lib.moonshine import Guess, Transcriber
from vflow_nodes.stt.moonshine import PIECE, MoonshineStt, quiet_place

pytest.importorskip("moonshine_voice")
hibari = pytest.importorskip("hibari")
soxr = pytest.importorskip("soxr")

RATE = 16000
QUESTION = "What is the capital of France?"
Samples = NDArray[np.float32]
Say = Callable[[str], Samples]


def at_16k(samples: Samples, rate: int) -> Samples:
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    return np.asarray(soxr.resample(mono, rate, RATE), np.float32)


@pytest.fixture(scope="module")
def say() -> Say:
    voice = hibari.Hibari()
    return lambda text: at_16k(np.asarray(voice(text), np.float32), 24000)


@pytest.fixture(scope="module")
def question(say: Say) -> Samples:
    return say(QUESTION)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record the lengths of the audio given to the model, in samples."""
    lengths: list[int] = []
    original = Transcriber.text

    def text(self: Transcriber, samples: Samples, guess: Guess | None = None) -> str:
        lengths.append(len(samples))
        return original(self, samples, guess)

    monkeypatch.setattr(Transcriber, "text", text)
    return lengths


def speak(harness: Harness, samples: Samples, turn: int = 1) -> None:
    for at in range(0, len(samples), 512):
        block = samples[at : at + 512].copy()
        harness.push(AudioPacket(data=block, rate=RATE, pts_ns=at * SECOND // RATE, turn=turn))


def transcripts(items: list[Packet | Event]) -> list[str]:
    return [item.text for item in items if isinstance(item, TextPacket)]


def test_a_question_is_transcribed_word_for_word(question: Samples) -> None:
    with Harness(MoonshineStt()) as harness:
        harness.event(SpeechStart(turn=1))
        speak(harness, question)
        harness.pull()
        text, end = harness.event(SpeechEnd(turn=1, pts_ns=2 * SECOND))
    assert isinstance(text, TextPacket)
    assert isinstance(end, SpeechEnd)
    assert words(text.text) == words(QUESTION)
    assert (text.turn, text.pts_ns) == (1, 2 * SECOND)


def test_another_voice_after_the_user_s_own_is_not_transcribed(say: Say, question: Samples) -> None:
    other = say("The weather tomorrow will be cold and very windy.")
    off_ns, end_ns = (frames * SECOND // RATE for frames in (len(question), len(question) + len(other)))
    with Harness(MoonshineStt()) as harness:
        harness.event(SpeechStart(turn=1))
        speak(harness, np.concatenate([question, other]))
        harness.pull()
        out = harness.event(SpeechEnd(turn=1, pts_ns=end_ns, meta={"voice_off_ns": off_ns}))
    assert words(transcripts(out)[0])[:6] == words(QUESTION)
    assert "tomorrow" not in transcripts(out)[0]


def test_the_transcript_is_posted_on_the_bus(question: Samples) -> None:
    with Harness(MoonshineStt()) as harness:
        harness.event(SpeechStart(turn=1))
        speak(harness, question)
        harness.event(SpeechEnd(turn=1))
        assert [m.data["port"] for m in harness.messages if m.kind == "packet"] == ["transcript"]


def test_the_work_is_done_at_the_pause_and_reused_at_the_end(question: Samples, heard: list[int]) -> None:
    with Harness(MoonshineStt()) as harness:
        heard.clear()
        harness.event(SpeechStart(turn=1))
        speak(harness, question)
        harness.event(Pause(turn=1))
        assert heard == [len(question)]
        speak(harness, np.zeros(RATE // 4, np.float32))
        harness.pull()
        out = harness.event(SpeechEnd(turn=1))
    assert heard == [len(question)]
    assert words(transcripts(out)[0]) == words(QUESTION)


def test_a_speculative_pause_gives_the_transcript_in_advance_and_the_end_no_other(
    question: Samples, heard: list[int]
) -> None:
    with Harness(MoonshineStt()) as harness:
        heard.clear()
        harness.speculative_turn = 1
        harness.event(SpeechStart(turn=1))
        speak(harness, question)
        out = harness.event(Pause(turn=1))
        assert words(transcripts(out)[0]) == words(QUESTION)
        harness.pull()
        assert transcripts(harness.event(SpeechEnd(turn=1))) == []
    assert heard == [len(question)]


@pytest.mark.parametrize("in_band", [False, True])
def test_a_transcript_that_was_taken_back_is_given_anew_at_the_end(question: Samples, in_band: bool) -> None:
    with Harness(MoonshineStt()) as harness:
        harness.speculative_turn = 1
        harness.event(SpeechStart(turn=1))
        speak(harness, question[: len(question) // 2])
        harness.event(Pause(turn=1))
        if in_band:
            harness.event(Resume(turn=1))
        else:  # the flush may come long before the event
            harness.retracted(1)
        speak(harness, question[len(question) // 2 :])
        harness.pull()
        assert words(transcripts(harness.event(SpeechEnd(turn=1)))[0]) == words(QUESTION)


def test_a_transcript_made_at_a_pause_is_dropped_on_resume(question: Samples, heard: list[int]) -> None:
    with Harness(MoonshineStt()) as harness:
        heard.clear()
        harness.event(SpeechStart(turn=1))
        speak(harness, question[:16000])
        harness.event(Pause(turn=1))
        harness.event(Resume(turn=1))
        speak(harness, question[16000:])
        harness.pull()
        out = harness.event(SpeechEnd(turn=1))
    assert heard == [16000, len(question)]
    assert words(transcripts(out)[0]) == words(QUESTION)


def test_a_pause_that_is_over_when_it_is_come_to_is_not_transcribed(
    question: Samples, heard: list[int]
) -> None:
    with Harness(MoonshineStt()) as harness:
        heard.clear()
        harness.event(SpeechStart(turn=1))
        speak(harness, question[:16000])
        harness.speculative_turn = 1
        harness.event(Pause(turn=1))
        harness.event(Resume(turn=1))
        speak(harness, question[16000:])
        harness.speculative_turn = 0
        harness.event(Pause(turn=1))
        assert heard == [16000]
        harness.event(Resume(turn=1))
        harness.pull()
        out = harness.event(SpeechEnd(turn=1))
    assert heard == [16000, len(question)]
    assert words(transcripts(out)[0]) == words(QUESTION)


@pytest.mark.parametrize("frames", [0, 512, 32000])
def test_an_utterance_without_words_has_an_empty_transcript(frames: int) -> None:
    with Harness(MoonshineStt()) as harness:
        harness.event(SpeechStart(turn=3))
        speak(harness, np.zeros(frames, np.float32), turn=3)
        harness.event(Pause(turn=3))
        harness.pull()
        assert transcripts(harness.event(SpeechEnd(turn=3))) == [""]


def test_each_turn_has_one_transcript_of_its_own(say: Say, question: Samples) -> None:
    out: list[Packet | Event] = []
    with Harness(MoonshineStt()) as harness:
        for turn, samples in enumerate([question, say("Go forward ten meters.")], 1):
            harness.event(SpeechStart(turn=turn))
            speak(harness, samples, turn)
            harness.event(SpeechEnd(turn=turn))
        out = harness.pull()
    texts = [item for item in out if isinstance(item, TextPacket)]
    assert [t.turn for t in texts] == [1, 2]
    assert words(texts[0].text) == words(QUESTION)
    assert "forward" in words(texts[1].text)


def test_a_long_utterance_is_transcribed_in_pieces_while_it_goes_on(say: Say, heard: list[int]) -> None:
    samples = say("My sister lives in a small house near the river.")
    times = 25 * RATE // len(samples)
    with Harness(MoonshineStt()) as harness:
        heard.clear()
        harness.event(SpeechStart(turn=1))
        speak(harness, np.tile(samples, times))
        assert len(heard) == 1
        harness.pull()
        [text] = transcripts(harness.event(SpeechEnd(turn=1)))
    assert max(heard) < PIECE + 512
    assert words(text).count("sister") == times
    assert words(text).count("river") == times


def test_a_piece_is_cut_where_it_is_quietest() -> None:
    samples = np.ones(PIECE, np.float32)
    samples[PIECE - 33_000 : PIECE - 29_000] = 0
    assert PIECE - 33_000 < quiet_place(samples) < PIECE - 29_000


def test_two_users_of_one_model_do_not_tear_each_other_s_text(say: Say, question: Samples) -> None:
    spoken = {QUESTION: question, "Please open the window.": say("Please open the window.")}
    found: dict[str, str] = {}
    with Harness(MoonshineStt()) as first, Harness(MoonshineStt()) as second:

        def listen(harness: Harness, text: str) -> None:
            harness.event(SpeechStart(turn=1))
            speak(harness, spoken[text])
            for _ in range(3):
                harness.event(Pause(turn=1))
                harness.event(Resume(turn=1))
            harness.event(SpeechEnd(turn=1))
            [found[text]] = transcripts(harness.pull())

        threads = [
            threading.Thread(target=listen, args=pair) for pair in zip((first, second), spoken, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {text: words(said) for text, said in found.items()} == {text: words(text) for text in spoken}


def test_a_folder_without_the_model_is_refused_with_its_missing_files(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.bin").touch()
    node = MoonshineStt(model=str(tmp_path))
    with pytest.raises(Unavailable, match=r"encoder_model\.ort, decoder_model_merged\.ort not found"):
        Harness(node).__enter__()


def test_a_folder_with_the_files_is_taken(tmp_path: Path, question: Samples) -> None:
    spec = importlib.util.find_spec("moonshine_voice")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    (tmp_path / "mine").symlink_to(Path(spec.submodule_search_locations[0]) / "assets" / "tiny-en")
    with Harness(MoonshineStt(model=str(tmp_path / "mine"))) as harness:
        harness.event(SpeechStart(turn=1))
        speak(harness, question)
        [text] = transcripts(harness.event(SpeechEnd(turn=1)))
    assert words(text) == words(QUESTION)


SAID = {
    "jfk.flac": "And so my fellow Americans, ask not what your country can do for you,"
    " ask what you can do for your country.",
    "livekit_weather_question.wav": "What is the weather in Paris?",
    "ps_goforward.wav": "Go forward ten meters.",
}


@pytest.mark.skipif("VFLOW_SPEECH" not in os.environ, reason="VFLOW_SPEECH names no folder of human speech")
@pytest.mark.parametrize("clip", SAID)
def test_human_speech_is_transcribed_word_for_word(clip: str) -> None:
    soundfile = pytest.importorskip("soundfile")
    samples, rate = soundfile.read(Path(os.environ["VFLOW_SPEECH"]) / clip, dtype="float32")
    with Harness(MoonshineStt()) as harness:
        harness.event(SpeechStart(turn=1))
        speak(harness, at_16k(samples, rate))
        [text] = transcripts(harness.event(SpeechEnd(turn=1)))
    assert words(text) == words(SAID[clip])
