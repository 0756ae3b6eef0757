"""Run sessions inside one asyncio program: its event loop's lag, threads, memory, and the time to begin.

    python benchmarks/embedding.py [--sessions 50] [--talking 4] [--seconds 20] [--json]

There are four parts. `idle`: the program alone, to compare the lag with. `scripted`: that many sessions at
once, with a scripted generator and voice; each hears an utterance of 0.6 s in pieces of 20 ms at their pace,
again and again, and gets a reply of 20 words. `in step`: the same, but all users speak at the same moments.
`embedded`: sessions of the shipped `voice_agent` with its real models, which all ask the bundled question at
once. The lag is how much too late a sleep of 5 ms ends. A session has begun when `async with` has entered,
with `vflow.preload`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np

import vflow
from vflow import (
    Audio,
    AudioPacket,
    Event,
    In,
    Node,
    Out,
    Samples,
    Session,
    Span,
    SpeechEnd,
    Text,
    TextPacket,
    TurnEnd,
)
from vflow.bench.speech import bundled, recorded
from vflow.session import ReplyAudio, TurnEnded

RATE = 16_000
PIECE = RATE // 50
TICK_S = 0.005
ANSWER_S = 6
"""Silence after each utterance."""
GRAPH: dict[str, Any] = {
    "nodes": {
        "mic": {"use": "mic"},
        "vad": {"use": "vad.energy", "speech_end_after": "200ms"},
        "answer": {"use": "b.answer"},
        "voice": {"use": "b.voice"},
        "speaker": {"use": "speaker"},
    },
    "links": ["mic -> vad -> answer -> voice -> speaker"],
}


class Answer(Node):
    """Stands in for a generator: 20 words, one every 8 ms."""

    generates = True
    heavy = True
    audio = In(Audio(rate=RATE, channels=1, features={"turns"}))
    words = Out(Text("word"), bus=True)

    def process(self, packet: AudioPacket) -> None:
        return None

    def on_event(self, event: Event) -> Iterator[TextPacket | Event]:
        if isinstance(event, SpeechEnd):
            for index in range(20):
                self.ctx.wait_until(self.ctx.now_ns() + 8 * vflow.MS)
                yield TextPacket(text="word", index=index, turn=event.turn)
            yield TurnEnd(turn=event.turn, meta={"tokens": 20, "stop_reason": "eos"})


class Voice(Node):
    """Stands in for a voice: a tone of 40 ms a word."""

    heavy = True
    text = In(Text("word"))
    audio = Out(Audio(rate=24_000, channels=1))

    def process(self, word: TextPacket) -> AudioPacket:
        data = (0.2 * np.sin(np.arange(960) * 0.1)).astype(np.float32)[:, None]
        span = Span(word.turn, word.index, word.text, 0, 960)
        return AudioPacket(data=data, rate=24_000, turn=word.turn, spans=(span,))


NODES = {"b.answer": Answer, "b.voice": Voice}


def rss_mb() -> float:
    """Return the memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Lag:
    """Measures the lag of the running event loop inside the context."""

    def __init__(self) -> None:
        self.ms: list[float] = []

    async def __aenter__(self) -> Lag:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(TICK_S)
            self.ms.append((time.perf_counter() - before - TICK_S) * 1000)

    def figures(self) -> dict[str, float]:
        found = self.ms or [0.0]  # it was over before the first look
        p50, p95, p99 = np.percentile(found, [50, 95, 99])
        values = {"p50": p50, "p95": p95, "p99": p99, "max": max(found)}
        return {name: round(float(value), 2) for name, value in values.items()}


async def speak(session: Session, samples: Samples, until: float, phase: float) -> None:
    """Push an utterance, and silence during its answer, in real time, again and again.

    Begin with the fraction `phase` of that silence, above 0 and up to 1.
    """
    said = np.concatenate([samples, np.zeros(ANSWER_S * RATE, np.float32)])
    due = time.perf_counter()
    at = (len(samples) + round((1 - phase) * ANSWER_S * RATE)) // PIECE * PIECE % (len(said) // PIECE * PIECE)
    while time.perf_counter() < until:
        session.push(said[at : at + PIECE], RATE)
        at = (at + PIECE) % (len(said) // PIECE * PIECE)
        due += PIECE / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))


async def hear(session: Session, counts: dict[str, int]) -> None:
    async for event in session:
        if isinstance(event, ReplyAudio):
            counts["audio"] += len(event.samples)
        elif isinstance(event, TurnEnded):
            counts["turns"] += 1
            counts["words"] += len(event.record.words)
            counts["heard_whole"] += event.record.heard == event.record.reply != ""


async def together(count: int, agent: Any, samples: Samples, seconds: float, in_step: bool) -> dict[str, Any]:
    """Run `count` sessions at once; return the costs while they begin, speak and end."""
    threads, memory = threading.active_count(), rss_mb()
    counts = dict.fromkeys(("turns", "words", "audio", "heard_whole"), 0)
    lags: dict[str, dict[str, float]] = {}
    async with AsyncExitStack() as stack:
        sessions = [Session(agent) for _ in range(count)]
        async with Lag() as lag:
            await asyncio.gather(*(stack.enter_async_context(session) for session in sessions))
        lags["begin"] = lag.figures()
        hearing = [asyncio.create_task(hear(session, counts)) for session in sessions]
        until = time.perf_counter() + seconds
        async with Lag() as lag:
            phases = [0.2 if in_step else (number + 1) / count for number in range(count)]
            talks = zip(sessions, phases, strict=True)
            await asyncio.gather(*(speak(session, samples, until, phase) for session, phase in talks))
        lags["speak"] = lag.figures()
        most = {"threads": threading.active_count() - threads, "mib": rss_mb() - memory}
        async with Lag() as lag:
            await stack.aclose()
        lags["end"] = lag.figures()
    await asyncio.gather(*hearing)
    await asyncio.to_thread(agent.wait)
    return {
        "sessions": count,
        "lag_ms": lags,
        "threads_a_session": round(most["threads"] / count, 1),
        "mib_a_session": round(most["mib"] / count, 2),
        "threads_left": threading.active_count() - threads,
        **counts,
    }


async def starting(agent: Any, times: int) -> dict[str, float]:
    """Measure how long sessions of a preloaded graph take to begin, one after the other."""
    found: list[float] = []
    for _ in range(times):
        await asyncio.to_thread(agent.wait)
        before = time.perf_counter()
        async with Session(agent):
            found.append((time.perf_counter() - before) * 1000)
    return {"p50": round(float(np.median(found)), 1), "max": round(max(found), 1), "of": times}


async def main(sessions: int, talking: int, seconds: float) -> dict[str, Any]:
    hum = (0.2 * np.sin(np.arange(RATE * 6 // 10) * 0.08)).astype(np.float32)
    async with Lag() as lag:
        await asyncio.sleep(seconds / 2)
    result: dict[str, Any] = {"idle": {"lag_ms": lag.figures()}}
    with vflow.preload(GRAPH, nodes=NODES) as agent:
        result["scripted"] = await together(sessions, agent, hum, seconds, in_step=False)
        result["in step"] = await together(sessions, agent, hum, seconds, in_step=True)
    before = time.perf_counter()
    agent = await asyncio.to_thread(vflow.preload, "voice_agent", talking)
    with agent:
        loaded_s = time.perf_counter() - before
        result["start_ms"] = {"loading_once": round(loaded_s * 1000), **await starting(agent, 10)}
        result["embedded"] = await together(talking, agent, recorded(bundled()).samples, seconds, True)
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--talking", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = asyncio.run(main(args.sessions, args.talking, args.seconds))
    if args.json:
        print(json.dumps(found))
    else:
        for part, figures in found.items():
            print(part, figures)
