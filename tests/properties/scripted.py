"""Script a user, STT, language model and TTS: each waits on the pipeline's clock, by its own seed.

The value of every sample of a reply encodes its turn, attempt and word, so that a recording alone tells which
words were heard. A turn's attempts are its replies: more than one if the user spoke on.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch  # noqa: F401  # a reply imports it: a run that waits for that has a stall

from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    Event,
    Flush,
    In,
    Node,
    Out,
    Pause,
    Pipeline,
    QueueOptions,
    Resume,
    Samples,
    Span,
    SpeechEnd,
    SpeechStart,
    Text,
    TextPacket,
    prop,
)
from vflow_nodes.chat.chat import Chat
from vflow_nodes.lib.decode.words import Word

WINDOW_NS = 64 * MS
VOICE, SILENCE = np.full(1024, 0.5, np.float32), np.zeros(1024, np.float32)
RATE = 1000
"""Rate of the reply's audio: a frame is a millisecond."""
TAKES = 64
"""Frames in a packet of the TTS."""

Code = tuple[int, int, int]
"""A word of a reply: its turn, its attempt, its index."""


def encode(code: Code) -> float:
    """Return the sample value that encodes a word; exact in float32 and in 16 bits."""
    turn, attempt, index = code
    assert code < (16, 0, 0)
    assert attempt < 8
    assert index < 128
    return (turn << 10 | attempt << 7 | index) / 32768


def decode(sample: float) -> Code:
    number = round(sample * 32768)
    return number >> 10, number >> 7 & 7, number & 127


@dataclass(frozen=True, slots=True)
class Utterance:
    """How many windows of silence come before it, and of how many windows its runs of voice, and the pauses
    between them, are."""

    gap: int
    runs: tuple[int, ...]
    pauses: tuple[int, ...]

    @property
    def voiced(self) -> int:
        return sum(self.runs)


def utterances(seed: int) -> list[Utterance]:
    """Draw up to five utterances of a user. A pause is shorter than the wait for the end of speech, a gap
    longer; after a short gap the user interrupts the reply, or speaks before it."""
    draw = random.Random(seed)
    said: list[Utterance] = []
    for _ in range(draw.randint(1, 5)):
        runs = tuple(draw.randint(5, 14) for _ in range(draw.choice((1, 1, 2, 3))))
        pauses = tuple(draw.randint(1, 6) for _ in runs[1:])
        said.append(Utterance(draw.choice((10, 12, 16, 24, 40, 70)), runs, pauses))
    return said


class User(Node):
    """Emits the scripted utterances, a rated window every 64 ms, and then a second of silence."""

    live = True
    seed: int = prop(0)
    audio = Out(Audio(rate=16_000, channels=1, features={"speech"}))

    def produce(self) -> Iterator[AudioPacket]:
        number = 0
        for window, voiced in enumerate(windows(utterances(self.seed))):
            number = window
            self.ctx.wait_until((number + 1) * WINDOW_NS)
            yield AudioPacket(
                data=VOICE if voiced else SILENCE,
                rate=16_000,
                pts_ns=number * WINDOW_NS,
                meta={"speech": float(voiced)},
            )


def windows(said: list[Utterance]) -> Iterator[bool]:
    """Yield for each window whether it holds voice."""
    for utterance in said:
        yield from [False] * utterance.gap
        for run, pause in zip(utterance.runs, (*utterance.pauses, 0), strict=True):
            yield from [True] * run + [False] * pause
    yield from [False] * 16


class Slow(Node):
    """Base class of nodes that take time, drawn by their seed and name."""

    def open(self) -> None:
        self._draw = random.Random(f"{self.seed} {self.ctx.name}")  # type: ignore[attr-defined]

    def work(self, most_ms: int) -> None:
        """Wait up to `most_ms`; now and then not at all."""
        taken = self._draw.choice((0, self._draw.randint(0, most_ms), self._draw.randint(0, most_ms)))
        self.ctx.wait_until(self.ctx.now_ns() + taken * MS)


class Stt(Slow):
    """Transcribes turn T with N windows of voice as `said T.N`; at a pause in advance, as Moonshine does."""

    heavy = True
    speculates = True
    seed: int = prop(0)
    slowest: int = prop(300, doc="ms that a transcript takes at most")
    audio = In(
        Audio(rate=16_000, channels=1, features={"turns"}), queue=QueueOptions(packets=400, time_ns=10**10)
    )
    transcript = Out(Text("final"), bus=True)

    def open(self) -> None:
        super().open()
        self._forget()

    def _forget(self) -> None:
        self._turn, self._voiced = 0, 0
        self._guess: str | None = None
        self._given = False

    def process(self, packet: AudioPacket) -> None:
        if packet.turn == self._turn:
            self._voiced += packet.meta["speech"] > 0

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if isinstance(event, SpeechStart):
            self._forget()
            self._turn = event.turn
        elif isinstance(event, Pause):
            self._guess = self._text()
            if self.ctx.speculative(event):
                self._given = True
                yield TextPacket(text=self._guess, pts_ns=event.pts_ns, turn=event.turn)
        elif isinstance(event, Resume):
            self._guess, self._given = None, False
        elif isinstance(event, SpeechEnd):
            given, text = self._given, self._text() if self._guess is None else self._guess
            self._forget()
            if not given:
                yield TextPacket(text=text, pts_ns=event.pts_ns, turn=event.turn)

    def on_cancel(self, flush: Flush) -> None:
        if flush.retracts and flush.turn == self._turn:
            self._guess, self._given = None, False

    def _text(self) -> str:
        self.work(self.slowest)
        return f"said {self._turn}.{self._voiced}"


class ScriptedChat(Chat):
    """The real generator node with its history, but a script as its model. Words are named `wT.A.I`."""

    slowest: int = prop(60, doc="ms that a token takes at most")

    @classmethod
    def unavailable(cls) -> str:
        return ""

    def open(self) -> None:
        self._language = SimpleNamespace(plain=False)  # type: ignore[assignment]
        self._draw = random.Random(f"{self.seed} chat")
        self.attempts: dict[int, int] = {}
        """Number of the newest attempt, by turn."""
        self.scripts: dict[int, list[str]] = {}
        """All words of the newest attempt, said or not, by turn."""

    def warm_up(self) -> None:
        """Do nothing: there is no model."""

    def _prompt(self) -> list[int]:
        return []

    def _begin_summary(self) -> None:
        """Do nothing: there is no model that could write a summary."""

    def generate(self, parts: Sequence[Any], turn: int, one_line: bool) -> Any:
        attempt = self.attempts[turn] = self.attempts.get(turn, -1) + 1
        words = [
            f"w{turn}.{attempt}.{index}{self._mark()}" for index in range(self._draw.choice((0, 1, 3, 9, 20)))
        ]
        self.scripts[turn] = words
        return ScriptedReply(self, words)

    def _mark(self) -> str:
        return self._draw.choice(("", "", "", ",", "."))

    def take_time(self, most_ms: int) -> None:
        self.ctx.wait_until(self.ctx.now_ns() + self._draw.randint(0, most_ms) * MS)


class ScriptedReply:
    """A reply of given words, each of which takes virtual time."""

    def __init__(self, node: ScriptedChat, script: list[str]) -> None:
        self._node, self._script = node, script
        self.tokens: list[int] = []
        self.stop_reason = "eos"
        self.plain, self.calls = True, ()
        self.spoken = SimpleNamespace(
            thought=0,
            withheld=0,
            parser=SimpleNamespace(leaked=False, withheld=False, text=SimpleNamespace(turn="")),
        )

    def words(self) -> Iterator[Word | None]:
        self._node.take_time(10 * self._node.slowest)
        for index, word in enumerate(self._script):
            self._node.take_time(self._node.slowest)
            self.tokens.append(1)
            yield Word(word, index, len(self.tokens), 0)
            yield None

    def cancel(self) -> None:
        """Do nothing: no work is going on."""


class Tts(Slow):
    """Speaks each word for 40 to 300 ms, in samples that encode it."""

    heavy = True
    seed: int = prop(0)
    slowest: int = prop(120, doc="ms that a chunk takes at most")
    text = In(Text("chunk"), queue=QueueOptions(packets=2))
    audio = Out(Audio(rate=RATE, channels=1))

    def open(self) -> None:
        super().open()
        self.frames: dict[Code, int] = {}
        """Frames of each word, if it is spoken whole."""

    def process(self, chunk: TextPacket) -> Iterator[Any]:
        self.work(self.slowest)
        for word in chunk.text.split():
            yield from self._speak(chunk, word)
            yield None

    def _speak(self, chunk: TextPacket, word: str) -> Iterator[AudioPacket]:
        code = name_to_code(word)
        frames = self.frames[code] = self._draw.randint(40, 300)
        spoken: Samples = np.full(frames, encode(code), np.float32)
        span = Span(chunk.turn, code[2], word, 0, frames)
        yield from AudioPacket(data=spoken, rate=RATE, turn=chunk.turn, spans=(span,)).blocks(TAKES)


def name_to_code(word: str) -> Code:
    """Return the code of a word `wT.A.I`, with or without a mark after it."""
    turn, attempt, index = word.rstrip(".,")[1:].split(".")
    return int(turn), int(attempt), int(index)


class Cutter(Node):
    """Flushes now and then, as an application with a button may, also while the last reply plays."""

    seed: int = prop(0)
    times: int = prop(0)
    pipeline: Pipeline

    def produce(self) -> Iterator[Any]:
        draw = random.Random(f"{self.seed} cutter")
        end_ns = sum(1 for _ in windows(utterances(self.seed))) * WINDOW_NS + 4 * SECOND
        for at_ns in sorted(draw.randint(0, end_ns // MS - 1) * MS for _ in range(self.times)):
            self.ctx.wait_until(at_ns)
            self.pipeline.flush()
        yield from ()


NODES: dict[str, type[Node]] = {
    "s.user": User,
    "s.stt": Stt,
    "s.chat": ScriptedChat,
    "s.tts": Tts,
    "s.cutter": Cutter,
}
