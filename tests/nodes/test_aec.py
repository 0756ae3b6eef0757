"""aec: what is played is taken out of what is heard, by its time; the user's voice stays."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from tests.echo_path import EchoPath, level_db
from vflow import MS, SECOND, Audio, AudioPacket, Event, Harness, Samples, TurnEnd
from vflow.ports import Item
from vflow_nodes import aec
from vflow_nodes.aec import DELAY, RATE, Aec
from vflow_nodes.detector.silero import SileroDetector

pytest.importorskip("livekit")

VOICE_RATE = 24_000
SENTENCES = (
    "The capital of France is Paris, and it lies on the river Seine.",
    "Once upon a time there was a small dog that lived at the edge of a forest.",
    "Every morning it walked down to the lake, looked at the water, and barked at the fish.",
    "Sure, I can help you with that. Let me first explain how the system works.",
)
SETTLED = 2 * RATE
"""By then the canceller has learned the room."""
Hear = Callable[[Samples], str]


@pytest.fixture(scope="module")
def own() -> Samples:
    """Return the agent's own voice at VOICE_RATE: about 20 s with pauses."""
    hibari = pytest.importorskip("hibari").Hibari()
    pause = np.zeros(VOICE_RATE // 4, np.float32)
    said = [np.concatenate([hibari(text, seed=n), pause]) for n, text in enumerate(SENTENCES)]
    return np.concatenate(said).astype(np.float32)


@pytest.fixture(scope="module")
def played(own: Samples) -> Samples:
    """Return the agent's own voice at RATE."""
    return np.asarray(soxr.resample(own, VOICE_RATE, RATE), np.float32)


@pytest.fixture(scope="module")
def question() -> Samples:
    """Return the user's question at RATE."""
    samples, rate = soundfile.read(Path(__file__).parents[2] / "pipelines" / "question.wav", dtype="float32")
    return np.asarray(soxr.resample(samples, rate, RATE), np.float32)


@pytest.fixture(scope="module")
def transcribe() -> Iterator[Hear]:
    """Return a function from speech at RATE to text, by Moonshine."""
    moonshine_voice = pytest.importorskip("moonshine_voice")
    folder = Path(moonshine_voice.__file__).parent / "assets" / "tiny-en"
    arch = moonshine_voice.ModelArch.TINY
    transcriber = moonshine_voice.Transcriber(str(folder), arch, options={"vad_threshold": "0"})

    def hear(samples: Samples) -> str:
        lines = transcriber.transcribe_without_streaming(samples.tolist(), RATE).lines
        return " ".join(line.text for line in lines)

    yield hear
    transcriber.close()


def packets(samples: Samples, rate: int, frames: int, start_ns: int = 0) -> list[AudioPacket]:
    return [
        AudioPacket(data=samples[at : at + frames].copy(), rate=rate, pts_ns=start_ns + at * SECOND // rate)
        for at in range(0, len(samples), frames)
    ]


def run(
    node: Aec,
    heard: Samples,
    reference: Samples | None = None,
    rate: int = VOICE_RATE,
    *,
    frames: int = 512,
    ahead_ms: float = 100,
    shift_ns: int = 0,
) -> tuple[Harness, Samples]:
    """Return the harness and its output for what is heard, sample n at time n / RATE.

    The reference, in packets of 10 ms without those that are silent, arrives `ahead_ms` before it sounds;
    its pts are wrong by `shift_ns`.
    """
    told = packets(reference, rate, rate // 100, shift_ns) if reference is not None else []
    told = [packet for packet in told if packet.data.any()][::-1]
    with Harness(node, caps={"reference": Audio(rate, 1)}) as harness:
        made: list[Item] = []
        for packet in packets(heard, RATE, frames):
            arrived_ns = packet.pts_ns + packet.duration_ns + round(ahead_ms * MS)
            while told and told[-1].pts_ns <= arrived_ns:
                harness.push(told.pop(), "reference")
            harness.push(packet, "audio")
            made += harness.pull()
        harness.eos()
        made += harness.pull()
        return harness, joined(made, len(heard))


def joined(made: list[Item], frames: int) -> Samples:
    """Join packets that follow one another into a signal from time 0 on."""
    found = [item for item in made if isinstance(item, AudioPacket)]
    for one, next_ in pairwise(found):
        assert abs(next_.pts_ns - one.pts_ns - one.duration_ns) <= SECOND // RATE
    early = round(-found[0].pts_ns * RATE / SECOND)
    signal = np.concatenate([packet.mono() for packet in found])
    assert len(signal) == frames + early
    assert not signal[:early].any()
    return signal[early:]


def erle_db(heard: Samples, left: Samples) -> float:
    """Return by how much the echo is weaker once the canceller has settled, in dB."""
    return level_db(heard[SETTLED:]) - level_db(left[SETTLED:])


def voiced(samples: Samples) -> int:
    """Count the windows that the Silero detector takes for speech."""
    with Harness(SileroDetector()) as harness:
        rated = [item for p in packets(samples, RATE, 512) for item in harness.push(p) and harness.pull()]
        return sum(item.meta["speech"] >= 0.5 for item in rated if isinstance(item, AudioPacket))


@pytest.mark.parametrize("frames", [160, 320, 512, 1000])
def test_without_a_reference_every_sample_passes_unchanged(question: Samples, frames: int) -> None:
    _, out = run(Aec(), question, frames=frames)
    assert np.array_equal(out, question)


@pytest.mark.parametrize(("frames", "age_ms"), [(160, 8), (512, 16), (320, 8)])
def test_a_packet_comes_out_for_each_that_goes_in_and_says_how_old_its_audio_is(
    frames: int, age_ms: int
) -> None:
    with Harness(Aec(), caps={"reference": Audio(RATE, 1)}) as harness:
        for packet in packets(np.ones(frames * 20, np.float32), RATE, frames, start_ns=SECOND):
            (out,) = harness.push(packet, "audio")
            assert isinstance(out, AudioPacket)
            assert (out.frames, out.pts_ns) == (frames, packet.pts_ns - age_ms * MS)
            harness.pull()


@pytest.mark.parametrize(
    "path",
    [
        EchoPath(delay_ms=20),
        EchoPath(delay_ms=60, gain_db=-6),
        EchoPath(delay_ms=150, reverb_ms=250),
        EchoPath(delay_ms=60, drift_ppm=100),
        EchoPath(delay_ms=60, drift_ppm=-100, noise_db=-60),
    ],
    ids=["near", "loud", "far", "fast clock", "slow clock in noise"],
)
def test_the_echo_sinks_into_the_noise_and_no_window_of_it_is_taken_for_speech(
    path: EchoPath, own: Samples, played: Samples
) -> None:
    heard = path.heard(played)
    _, left = run(Aec(), heard, own)
    # what is left is the noise: more than 3 dB above it would be echo
    assert level_db(left[SETTLED:]) < path.noise_db + 3
    assert voiced(heard) > 100
    assert voiced(left) == 0


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
def test_the_reference_comes_at_any_rate(rate: int, own: Samples, played: Samples) -> None:
    heard = EchoPath().heard(played)
    reference = np.asarray(soxr.resample(own, VOICE_RATE, rate), np.float32)
    _, left = run(Aec(), heard, reference, rate)
    assert erle_db(heard, left) > 25


@pytest.mark.parametrize("ahead_ms", [1000, 30])
def test_the_reference_is_laid_out_by_its_time_not_by_its_arrival(
    ahead_ms: float, own: Samples, played: Samples
) -> None:
    heard = EchoPath().heard(played)
    _, left = run(Aec(), heard, own, ahead_ms=ahead_ms)
    assert erle_db(heard, left) > 25


@pytest.mark.parametrize(("delay_ms", "shift_ms"), [(20, 30), (180, -150)])
def test_a_device_that_is_wrong_about_its_time_does_no_harm(
    delay_ms: int, shift_ms: int, own: Samples, played: Samples
) -> None:
    heard = EchoPath(delay_ms=delay_ms).heard(played)
    _, left = run(Aec(), heard, own, shift_ns=shift_ms * MS)
    assert erle_db(heard, left) > 25


def test_lead_shrinks_to_the_audio_at_hand(own: Samples, played: Samples) -> None:
    heard = EchoPath().heard(played)
    node = Aec(lead="100ms")
    harness, left = run(node, heard, own, ahead_ms=50)
    assert erle_db(heard, left) > 25
    assert not harness.messages


def test_a_reference_that_comes_too_late_is_warned_of_once(own: Samples, played: Samples) -> None:
    harness, _ = run(Aec(), EchoPath().heard(played), own, ahead_ms=-100)
    (message,) = harness.messages
    assert message.kind == "warning"
    assert "too late" in message.text


@pytest.mark.parametrize("at_s", [1, 6])
def test_the_user_is_understood_while_the_agent_speaks(
    at_s: int, own: Samples, played: Samples, question: Samples, transcribe: Hear
) -> None:
    heard = EchoPath().heard(played)
    there = slice(at_s * RATE, at_s * RATE + len(question))
    heard[there] += question
    _, left = run(Aec(), heard, own)
    assert transcribe(left[there]) == "What is the capital of France?"
    assert abs(level_db(left[there]) - level_db(question)) < 3
    clear = voiced(question)
    assert voiced(left[there]) > 0.75 * clear


def test_with_headphones_the_user_is_heard_in_the_first_reply_already(
    question: Samples, own: Samples, played: Samples
) -> None:
    heard = np.random.default_rng(0).normal(0, 1e-4, 5 * RATE).astype(np.float32)
    at = slice(2 * RATE, 2 * RATE + len(question))
    heard[at] += question
    _, out = run(Aec(), heard, played[: 5 * VOICE_RATE])
    assert abs(level_db(out[at]) - level_db(question)) < 1


def test_first_played_word_leaves_no_gap_in_the_output() -> None:
    noise = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
    quiet = np.zeros(VOICE_RATE * 2, np.float32)
    quiet[VOICE_RATE:] = np.random.default_rng(1).standard_normal(VOICE_RATE) * 1e-3
    _, out = run(Aec(), noise * 0.03, quiet)
    levels = [level_db(out[at : at + 64]) for at in range(RATE // 2, RATE * 3 // 2, 64)]
    assert min(levels) > np.median(levels) - 6


def test_a_break_in_the_microphone_s_time_loses_nothing_and_stays_true() -> None:
    tone = np.sin(np.arange(RATE) / 5).astype(np.float32)
    with Harness(Aec(), caps={"reference": Audio(RATE, 1)}) as harness:
        for packet in [*packets(tone, RATE, 512), *packets(tone, RATE, 512, start_ns=5 * SECOND)]:
            harness.push(packet, "audio")
        harness.eos()
        made = [item for item in harness.pull() if isinstance(item, AudioPacket)]
    jump = next(i for i, packet in enumerate(made) if packet.pts_ns > 4 * SECOND)
    assert np.array_equal(joined(list(made[:jump]), len(tone)), tone)
    shifted = [packet.replace(pts_ns=packet.pts_ns - 5 * SECOND) for packet in made[jump:]]
    assert np.array_equal(joined(list(shifted), len(tone)), tone)


def test_the_end_of_a_reply_does_not_come_round_to_the_input() -> None:
    with Harness(Aec(), caps={"reference": Audio(RATE, 1)}) as harness:
        assert harness.event(TurnEnd(turn=1)) == []
        harness.eos()
        assert [type(item).__name__ for item in harness.pull() if isinstance(item, Event)] == ["Eos"]


def test_the_module_is_as_late_as_the_node_says(question: Samples) -> None:
    canceller = aec.Canceller(noise_suppression=False, gain_control=False)
    silence = np.zeros(160, np.int16)
    noise = np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32) * 0.05
    out = [canceller.cancel(noise[at : at + 160], silence, RATE) for at in range(0, len(noise), 160)]
    spectra = np.fft.rfft(np.concatenate(out)), np.fft.rfft(noise)
    assert int(np.argmax(np.fft.irfft(spectra[0] * np.conj(spectra[1])))) == DELAY


def test_without_livekit_the_node_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Aec.unavailable() == ""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "livekit" else find(name))
    assert "pip install 'vflow-voice[aec]'" in Aec.unavailable()
