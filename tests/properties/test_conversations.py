from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.properties.conftest import EXAMPLES
from tests.properties.scripted import (
    NODES,
    RATE,
    Code,
    Cutter,
    ScriptedChat,
    Tts,
    Utterance,
    decode,
    name_to_code,
    utterances,
)
from tests.stand_ins import PATIENCE_S
from vflow import MS, Flush, ManualClock, Message, Pipeline
from vflow.graph.loader import load_text

PARTS = 10
CONVERSATIONS = max(1000, EXAMPLES) // PARTS
"""In each part."""

GRAPH = """
nodes:
  user:    {{use: s.user, seed: {seed}}}
  turn:    {{use: turn, duck: 0, grace: 0ms, barge_in: {barge_in}, barge_in_after: {after}ms,
             speculate: {speculate}}}
  stt:     {{use: s.stt, seed: {seed}, slowest: {stt}}}
  chat:    {{use: s.chat, seed: {seed}, slowest: {chat}}}
  words:   {{use: word_buffer}}
  tts:     {{use: s.tts, seed: {seed}, slowest: {tts}}}
  speaker: {{use: wav_sink, file: "{file}", buffer: {buffer}ms, latency: {latency}ms}}
  cutter:  {{use: s.cutter, seed: {seed}, times: {cuts}}}
links: [user -> turn -> stt -> chat -> words -> tts -> speaker]
"""


@dataclass(frozen=True)
class Conversation:
    """The record of a conversation: the user's words, the audio played, the history, and the bus."""

    said: list[Utterance]
    recording: list[tuple[int, Code]]
    """Each frame of the sink's file that holds speech, with the word."""
    history: list[tuple[str, str, int]]
    shown: list[Message]
    attempts: dict[int, int]
    scripts: dict[int, list[str]]
    frames: dict[Code, int]

    def flushes(self) -> list[tuple[int, Flush]]:
        return [(m.at_ns, m.data["flush"]) for m in self.shown if m.kind == "flush"]

    def heard(self, turn: int) -> str:
        """Return the words of a reply whose middle is in the recording."""
        sounded = Counter(code for _, code in self.recording if code[0] == turn)
        return " ".join(
            word
            for word in self.scripts.get(turn, ())
            if (code := name_to_code(word)) in sounded and sounded[code] > self.frames[code] // 2
        )


def hold(seed: int, folder: Path) -> Conversation:
    """Hold the conversation of a seed; the same seed orders the threads."""
    draw = random.Random(seed)
    file = folder / "reply.wav"
    text = GRAPH.format(
        seed=seed,
        file=file,
        barge_in=str(draw.random() < 0.8).lower(),
        after=draw.choice((128, 224)),
        speculate=str(seed % 3 > 0).lower(),
        stt=draw.choice((0, 100, 600, 1500)),
        chat=draw.choice((0, 30, 120)),
        tts=draw.choice((0, 100, 500)),
        buffer=draw.choice((0, 100, 500)),
        latency=draw.choice((0, 0, 60)),
        cuts=draw.choice((0, 0, 0, 1, 4)),
    )
    pipeline = Pipeline(load_text(text, file="conversation.yaml", nodes=NODES), clock=ManualClock(seed))
    cutter = pipeline.nodes["cutter"]
    assert isinstance(cutter, Cutter)
    cutter.pipeline = pipeline
    shown: list[Message] = []
    pipeline.bus.listen(shown.append)
    with pipeline:
        assert pipeline.wait(PATIENCE_S), "it does not end"
    chat, tts = pipeline.nodes["chat"], pipeline.nodes["tts"]
    assert isinstance(chat, ScriptedChat)
    assert isinstance(tts, Tts)
    samples, rate = soundfile.read(file, dtype="float32")
    assert rate == RATE
    return Conversation(
        utterances(seed),
        [(int(frame), decode(samples[frame])) for frame in np.flatnonzero(samples)],
        [(entry.role, entry.text, entry.turn) for entry in pipeline.conversation.entries()],
        shown,
        chat.attempts,
        chat.scripts,
        tts.frames,
    )


def broken(held: Conversation) -> Iterator[str]:
    """Yield every law that a conversation breaks."""
    yield from _turns(held)
    yield from _history(held)
    yield from _played(held)
    yield from _shown(held)


def _turns(held: Conversation) -> Iterator[str]:
    """Check that every utterance has one turn, which is begun, ended and transcribed once, in order."""
    turns = list(range(1, len(held.said) + 1))
    for name in ("speech_start", "speech_end"):
        found = [m.data["event"].turn for m in held.shown if m.kind == "event" and m.text == name]
        if found != turns:
            yield f"{name} of {found}, {len(turns)} utterances"
    texts = [m.text for m in held.shown if m.kind == "packet" and m.source == "stt"]
    wanted = [f"said {turn}.{said.voiced}" for turn, said in zip(turns, held.said, strict=True)]
    if texts != wanted:
        yield f"transcripts {texts}, said {wanted}"


def _history(held: Conversation) -> Iterator[str]:
    """Check that the history holds the words that were said and heard, in order, and nothing else."""
    wanted: list[tuple[str, str, int]] = []
    for turn, said in enumerate(held.said, 1):
        wanted.append(("user", f"said {turn}.{said.voiced}", turn))
        if heard := held.heard(turn):
            wanted.append(("assistant", heard, turn))
    if held.history != wanted:
        differ = [pair for pair in zip(held.history, wanted, strict=False) if pair[0] != pair[1]]
        yield f"history {held.history}\n  heard {wanted}\n  first {differ[:1]}"


def _played(held: Conversation) -> Iterator[str]:
    """Check that words are played in order, from one attempt per turn, none of a cancelled turn, and all of
    the others."""
    codes = [code for _, code in held.recording]
    if codes != sorted(codes):
        yield f"out of order: {list(dict.fromkeys(codes))}"
    if stale := {code for code in codes if code[1] != held.attempts[code[0]]}:
        yield f"played of retracted attempts: {stale}"
    for at_ns, flush in held.flushes():
        late = [
            (frame, code) for frame, code in held.recording if code[0] <= flush.turn and frame * MS > at_ns
        ]
        if late and not flush.retracts:
            yield f"played after flush {flush} at {at_ns}: {late[:3]}"
    cancelled = max((flush.turn for _, flush in held.flushes() if not flush.retracts), default=0)
    for turn, script in held.scripts.items():
        if turn > cancelled and held.heard(turn) != " ".join(script):
            yield f"turn {turn} was not cancelled, heard {held.heard(turn)!r} of {script}"


def _shown(held: Conversation) -> Iterator[str]:
    """Check that the bus shows the words of one attempt per turn, in order, and no warning."""
    words = [m.text for m in held.shown if m.kind == "packet" and m.source == "chat"]
    codes = [name_to_code(word) for word in words]
    if codes != sorted(set(codes)):
        yield f"shown out of order, or twice: {words}"
    if void := {code for code in codes if code[1] != held.attempts[code[0]]}:
        yield f"shown of retracted attempts: {void}"
    if warnings := [m.text for m in held.shown if m.kind in ("warning", "error")]:
        yield f"warned: {warnings}"


@pytest.fixture
def one_core() -> Iterator[None]:
    """Keep this thread, and those that it starts, on one core: under a manual clock one of them runs at a
    time, and handing over to another core takes twice as long."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.usefixtures("one_core")
@pytest.mark.parametrize("part", range(PARTS))
def test_thousand_conversations_remember_the_heard_words(part: int, tmp_path: Path) -> None:
    for seed in range(part * CONVERSATIONS, (part + 1) * CONVERSATIONS):
        problems = list(broken(hold(seed, tmp_path)))
        assert not problems, "\n".join([f"conversation {seed}: hold({seed}, folder)", *problems])
