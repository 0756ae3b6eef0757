"""Make scenes: a microphone's audio with utterances and noises at known places."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import soxr
from hibari import Hibari

from vflow import SECOND, Samples
from vflow.report.recordings import voice_off_ns, voice_on_ns

RATE = 16_000
QUESTIONS = (
    "What is the capital of France?",
    "Who wrote the play Hamlet?",
    "How many days are there in a week?",
    "What is the largest planet?",
    "Can you tell me a fact about cats?",
    "What do bees make?",
    "Where does the sun rise?",
    "What is your favourite colour?",
    "How do I boil an egg?",
    "Why is the sky blue?",
)
PROMPTS = (
    "Tell me a long story about a cat.",
    "Please explain how a car engine works.",
    "Describe the city of Paris for me.",
    "Tell me about the history of Rome.",
    "How do I bake bread at home?",
    "Tell me everything about the ocean.",
    "Explain to me why the sky is blue.",
)
"""Prompts that get long replies."""
HUMAN = (
    "livekit_weather_question.wav",
    "ps_goforward.wav",
    "librivox_austen_0870.wav",
    "librivox_austen_0880.wav",
    "librivox_austen_0920.wav",
)
"""Clips with inner pauses shorter than the wait for the end of speech; a fixed wait would cut other clips."""
TAIL_S = 4.0
"""Silence at the end of a scene, so that the slowest system too can finish its reply."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance, `(n,) float32` at RATE."""

    name: str
    samples: Samples


@dataclass(frozen=True, slots=True)
class Utterance:
    """The place of a clip in a scene: its first and last sound, in ns."""

    name: str
    on_ns: int
    off_ns: int


@dataclass(slots=True)
class Scene:
    """The microphone's audio, built part by part."""

    utterances: list[Utterance] = field(default_factory=list)
    parts: list[Samples] = field(default_factory=list)
    frames: int = 0

    def say(self, clip: Clip) -> Utterance:
        on, off = voice_on_ns(clip.samples, RATE), voice_off_ns(clip.samples, RATE)
        if on is None or off is None:
            raise ValueError(f"{clip.name} is silent")
        said = Utterance(clip.name, self.ns + on, self.ns + off)
        self.utterances.append(said)
        self.hear(clip.samples)
        return said

    def wait(self, seconds: float) -> None:
        """Add silence."""
        self.hear(np.zeros(max(0, int(seconds * RATE)), np.float32))

    def wait_until(self, at_ns: int) -> None:
        """Add silence up to a moment of the scene."""
        self.wait((at_ns - self.ns) / SECOND)

    def hear(self, samples: Samples) -> None:
        """Add a sound."""
        self.parts.append(samples)
        self.frames += len(samples)

    @property
    def ns(self) -> int:
        return self.frames * SECOND // RATE

    def write(self, path: Path) -> None:
        soundfile.write(path, np.concatenate(self.parts), RATE, subtype="PCM_16")


def clips(count: int, human: bool, texts: Sequence[str] = QUESTIONS) -> list[Clip]:
    """Return `count` utterances: human ones first if VFLOW_SPEECH names their folder, then spoken texts."""
    found: list[Clip] = []
    if human and "VFLOW_SPEECH" in os.environ:
        for name in HUMAN[:count]:
            samples, rate = soundfile.read(
                Path(os.environ["VFLOW_SPEECH"]) / name, dtype="float32", always_2d=True
            )
            found.append(Clip(name, soxr.resample(samples.mean(axis=1), rate, RATE).astype(np.float32)))
    voice = Hibari()
    for number in range(count - len(found)):
        text = texts[number % len(texts)]
        spoken = np.asarray(voice(text, seed=number), np.float32)
        found.append(Clip(text, soxr.resample(spoken, voice.sample_rate, RATE).astype(np.float32)))
    return found


def noises(seed: int) -> list[tuple[str, Samples]]:
    """Make sounds of a user who does not speak: coughs, a knock, typing, a fan; peaks of -12 to -30 dBFS."""
    random = np.random.default_rng(seed)

    def burst(seconds: float, low: float, high: float, peak: float) -> Samples:
        """Make band-limited noise that dies away."""
        size = int(seconds * RATE)
        spectrum = np.fft.rfft(random.normal(size=size))
        bins = np.fft.rfftfreq(size, 1 / RATE)
        spectrum[(bins < low) | (bins > high)] = 0
        sound = np.fft.irfft(spectrum, size) * np.exp(-4 * np.arange(size) / size)
        return np.asarray(peak * sound / np.abs(sound).max(), np.float32)

    def silence(seconds: float) -> Samples:
        return np.zeros(int(seconds * RATE), np.float32)

    cough = [burst(0.12, 200, 3500, 0.25), silence(0.05), burst(0.2, 300, 2500, 0.2)]
    typing = [part for _ in range(8) for part in (burst(0.02, 1500, 6000, 0.06), silence(0.12))]
    return [
        ("cough", np.concatenate(cough)),
        ("knock", burst(0.08, 60, 500, 0.25)),
        ("typing", np.concatenate(typing)),
        ("fan", (0.03 * random.normal(size=2 * RATE)).astype(np.float32)),
    ]


def conversation(said: Sequence[Clip], gap_s: float) -> Scene:
    """Make a scene of utterances, each followed by silence in which its reply ends."""
    scene = Scene()
    for clip in said:
        scene.wait(1.0)
        scene.say(clip)
        scene.wait(gap_s)
    scene.wait(TAIL_S)
    return scene


def interruptions(said: Sequence[Clip], seed: int, tail_s: float) -> Scene:
    """Make a scene in which each utterance but the first falls into a reply, 1.2 to 2.6 s after the end of
    the one before."""
    random, scene = np.random.default_rng(seed), Scene()
    scene.wait(1.0)
    for clip in said:
        if scene.utterances:
            onset = voice_on_ns(clip.samples, RATE) or 0
            after_ns = int(random.uniform(1.2, 2.6) * SECOND)
            scene.wait_until(scene.utterances[-1].off_ns + after_ns - onset)
        scene.say(clip)
    scene.wait(tail_s)
    return scene


def disturbances(said: Sequence[Clip], seed: int, reply_s: float) -> Scene:
    """Make a scene in which all noises follow each utterance, from 1.5 s after its end on: into the reply."""
    scene = Scene()
    for number, clip in enumerate(said):
        scene.wait(1.0)
        begun = scene.say(clip).off_ns + 3 * SECOND // 2
        scene.wait_until(begun)
        kinds = noises(seed + number)
        for place in range(len(kinds)):
            scene.hear(kinds[(number + place) % len(kinds)][1])
            scene.wait(0.6)
        scene.wait_until(begun + int(reply_s * SECOND))
    scene.wait(TAIL_S)
    return scene
