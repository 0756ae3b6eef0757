"""An agent and a user in one room: the agent hears the user, and does not interrupt itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from tests.echo_path import RATE, EchoPath
from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    Eos,
    Event,
    In,
    ManualClock,
    Message,
    Node,
    Out,
    Pipeline,
    Samples,
    SpeechEnd,
    TurnEnd,
)
from vflow.graph.loader import load_text
from vflow_nodes.aec import Aec

from .conftest import QUESTION

pytest.importorskip("livekit")

VOICE_RATE = 24_000
STORY = (
    "Once upon a time there was a small dog that lived at the edge of a forest.",
    "Every morning it walked down to the lake, looked at the water, and barked at the fish.",
    "The fish did not mind, since they could not hear it.",
)
PATIENCE_S = 120.0
pytestmark = pytest.mark.timeout(PATIENCE_S + 60)


class Story(Node):
    """Answers every utterance with the same long story."""

    generates = True
    told = np.empty(0, np.float32)
    audio = In(Audio(rate=RATE, channels=1, features={"turns"}))
    out = Out(Audio(rate=VOICE_RATE, channels=1))

    def process(self, packet: AudioPacket) -> None:
        return None

    def on_event(self, event: Event) -> Iterator[AudioPacket | Event | None]:
        if isinstance(event, SpeechEnd):
            for at in range(0, len(self.told), VOICE_RATE // 10):
                yield None
                block = self.told[at : at + VOICE_RATE // 10].copy()
                yield AudioPacket(data=block, rate=VOICE_RATE, turn=event.turn, pts_ns=event.pts_ns)
            yield TurnEnd(turn=event.turn)


class Room(Node):
    """Adds the echo of what is played to what the user says; a microphone with 64 ms of latency."""

    path = EchoPath(delay_ms=80, noise_db=-65)
    latency = 2
    user = In(Audio(rate=RATE, channels=1))
    played = In(Audio(channels=1))
    audio = Out(Audio(rate=RATE, channels=1))
    swallows = (Event,)

    def open(self) -> None:
        self._response = self.path.response()
        self._sound = np.zeros(60 * RATE, np.float32)
        self._waiting: list[AudioPacket] = []
        self._voice = soxr.ResampleStream(VOICE_RATE, RATE, 1, "float32", "LQ")
        self._end_ns, self._written = -SECOND, 0

    def process_played(self, packet: AudioPacket) -> None:
        if abs(packet.pts_ns - self._end_ns) > MS:
            self._voice.clear()
            self._written = packet.pts_ns * RATE // SECOND
        self._end_ns = packet.pts_ns + packet.duration_ns
        made = self.path.clip(self._voice.resample_chunk(packet.mono()))
        self._sound[self._written : self._written + len(made)] = made
        self._written += len(made)

    def process_user(self, packet: AudioPacket) -> AudioPacket | None:
        self._waiting.append(packet)
        return self._mixed(self._waiting.pop(0)) if len(self._waiting) > self.latency else None

    def on_event(self, event: Event) -> list[AudioPacket]:
        return [self._mixed(packet) for packet in self._waiting] if isinstance(event, Eos) else []

    def _mixed(self, packet: AudioPacket) -> AudioPacket:
        at = packet.pts_ns * RATE // SECOND
        before = len(self._response) - 1
        sound = np.pad(self._sound[max(0, at - before) : at + packet.frames], (max(0, before - at), 0))
        echo = np.convolve(sound, self._response, "valid").astype(np.float32)
        data = packet.mono() + echo + self.path.noise(packet.frames, at)
        return packet.replace(data=data)


GRAPH = """
vflow: 1
nodes:
  user:    {{use: wav_source, file: {folder}/user.wav}}
  room:    {{use: t.room}}
  vad:     {{use: vad.silero}}
  agent:   {{use: t.story}}
  speaker: {{use: wav_sink, file: {folder}/agent.wav}}
  {canceller}
links:
  - user -> room.user
  - vad -> agent -> speaker
  - {{from: speaker.played, to: room.played, queue: {{policy: leaky-oldest}}, keep: true}}
"""
BARE = "  - room -> vad\n"
CANCELLED = "  - room -> aec.audio\n  - aec -> vad\n  - speaker.played -> aec.reference\n"


@pytest.fixture(scope="module")
def story() -> Samples:
    hibari = pytest.importorskip("hibari").Hibari()
    told = np.concatenate([hibari(text, seed=n) for n, text in enumerate(STORY)])
    return np.asarray(told, np.float32)


@pytest.fixture(scope="module")
def question() -> Samples:
    samples, rate = soundfile.read(QUESTION, dtype="float32")
    return np.asarray(soxr.resample(samples, rate, RATE), np.float32)


def converse(
    folder: Path, story: Samples, said: list[tuple[float, Samples]], length_s: float, aec: bool
) -> list[tuple[str, int, float]]:
    """(name, turn, seconds) of each event of the vad, for what the user says at which second."""
    heard = np.zeros(round(length_s * RATE), np.float32)
    for at_s, samples in said:
        at = round(at_s * RATE)
        heard[at : at + len(samples)] += samples
    soundfile.write(folder / "user.wav", heard, RATE, subtype="FLOAT")
    text = GRAPH.format(folder=folder, canceller="aec:     {use: t.aec}" if aec else "")
    text += CANCELLED if aec else BARE
    classes = {"t.room": Room, "t.story": type("Told", (Story,), {"told": story}), "t.aec": Aec}
    pipeline = Pipeline(load_text(text, nodes=classes), clock=ManualClock())
    events: list[tuple[str, int, float]] = []

    def listen(message: Message) -> None:
        if message.kind == "event" and message.source == "vad.turn":
            event = message.data["event"]
            events.append((event.name, event.turn, message.at_ns / SECOND))

    pipeline.bus.listen(listen)
    with pipeline:
        assert pipeline.wait(PATIENCE_S)
    return events


def starts(events: list[tuple[str, int, float]]) -> list[float]:
    return [at_s for name, _, at_s in events if name == "speech_start"]


def test_the_agent_does_not_interrupt_itself(tmp_path: Path, story: Samples, question: Samples) -> None:
    said = [(0.5, question)]
    length_s = 4 + len(story) / VOICE_RATE
    with_aec = converse(tmp_path, story, said, length_s, aec=True)
    without = converse(tmp_path, story, said, length_s, aec=False)
    assert len(starts(with_aec)) == 1
    assert len(starts(without)) > 2


def test_a_second_voice_interrupts_the_agent(tmp_path: Path, story: Samples, question: Samples) -> None:
    lower = np.asarray(soxr.resample(question, RATE, RATE * 1.15), np.float32)
    at_s = 7.0
    events = converse(tmp_path, story, [(0.5, question), (at_s, lower)], 12.0, aec=True)
    _, second = starts(events)
    assert at_s < second < at_s + 0.8
    samples, rate = soundfile.read(tmp_path / "agent.wav", dtype="float32")
    cut = round(second * rate)
    assert np.abs(samples[cut - rate : cut]).max() > 0.1
    assert not samples[cut + rate // 100 : cut + rate // 2].any()
