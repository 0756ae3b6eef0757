"""Ten minutes of the agent's own voice in a room: does it interrupt itself, and is the user still heard?

    python benchmarks/echo.py [--minutes 10] [--json]

The agent speaks without a break. Its echo comes back 16 dB weaker through several rooms (with other delay,
reverb, clock and noise), and goes through aec, the Silero detector and turn, as in a graph. Twice a minute
somebody else speaks: only that must be found. Everything is computed, faster than real time, without device
or clock.

A false barge-in is a speech_start caused by the agent's own voice alone. ERLE: how much weaker the echo is,
without double talk and the first 2 s of each room. Delay: from the other person's first sound (the first
30 ms frame within 25 dB of the loudest) to the speech_start.

Needs the extras: pip install -e '.[speech,aec]'.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from hibari import Hibari

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.echo_path import RATE, EchoPath, level_db  # the echo path of the tests
from vflow import MS, SECOND, Audio, AudioPacket, Harness, Samples, SpeechStart
from vflow.report.recordings import voice_on_ns
from vflow_nodes.aec import Aec
from vflow_nodes.detector.silero import SileroDetector
from vflow_nodes.turn import Turn

VOICE_RATE = 24_000
FRAME = 512
SENTENCES = (
    "The capital of France is Paris, and it lies on the river Seine.",
    "Once upon a time there was a small dog that lived at the edge of a forest.",
    "Every morning it walked down to the lake, looked at the water, and barked at the fish.",
    "The weather tomorrow will be sunny, with a light wind from the west and a high of twenty degrees.",
    "Sure, I can help you with that. Let me first explain how the system works.",
    "A pipeline is made of nodes, and the nodes are connected by links.",
    "If you interrupt me, I will stop at once and listen to what you have to say.",
    "There are many ways to cook an egg, but the simplest one is to boil it for six minutes.",
    "No, I do not think so. Would you like me to look it up?",
    "In the year eighteen fifteen, the battle of Waterloo ended the wars of Napoleon.",
)
QUESTIONS = (
    "What is the capital of France?",
    "Who wrote the play Hamlet?",
    "How many days are there in a week?",
    "Can you stop for a moment, please?",
    "Wait, that is not what I meant.",
    "Why is the sky blue?",
)
ROOMS = (
    EchoPath(delay_ms=20, noise_db=-70),
    EchoPath(delay_ms=60, reverb_ms=300, noise_db=-60),
    EchoPath(delay_ms=150, drift_ppm=100, noise_db=-70),
    EchoPath(delay_ms=80, drift_ppm=-100, drive=4.0, noise_db=-65),
    EchoPath(delay_ms=40, reverb_ms=500, drive=1.0, noise_db=-55),
)
SPEAKS_AT_S = (20, 45)
"""Seconds of each minute at which somebody else speaks."""
LATE_S = 2.0
"""A speech_start later than this after the other's first sound was not caused by it."""


@dataclass
class Result:
    """The results of some minutes."""

    minutes: int = 0
    false: list[float] = field(default_factory=list)
    """Times in s at which the agent's own voice alone began an utterance."""
    delays_ms: list[float] = field(default_factory=list)
    missed: int = 0
    erle_db: list[float] = field(default_factory=list)
    aec_s: float = 0.0
    frames: int = 0


def voice(minute: int) -> Samples:
    """Return a minute of the agent's voice at VOICE_RATE, without a break."""
    hibari, parts, length = Hibari(), [], 0
    while length < 60 * VOICE_RATE:
        spoken = hibari(SENTENCES[(len(parts) + minute) % len(SENTENCES)], seed=100 * minute + len(parts))
        parts.append(np.asarray(spoken, np.float32))
        length += len(spoken)
    return np.concatenate(parts)[: 60 * VOICE_RATE]


def other(number: int) -> Samples:
    """Return a question in another voice, at RATE: lower by a sixth, or higher."""
    spoken = Hibari()(QUESTIONS[number % len(QUESTIONS)], seed=number)
    rate = VOICE_RATE * (1.17 if number % 2 else 0.87)
    return np.asarray(soxr.resample(spoken, rate, RATE), np.float32)


def minute_of(number: int, cancelled: bool, result: Result) -> None:
    """Run a minute, and add its findings to `result`."""
    path = ROOMS[number % len(ROOMS)]
    own = voice(number)
    echo = path.heard(np.asarray(soxr.resample(own, VOICE_RATE, RATE), np.float32))
    heard, onsets, alone = echo.copy(), [], np.ones(len(echo), bool)
    alone[: 2 * RATE] = False
    for n, at_s in enumerate(SPEAKS_AT_S):
        said = other(2 * number + n)
        at = at_s * RATE
        heard[at : at + len(said)] += said
        alone[at : at + len(said) + RATE // 2] = False
        onsets.append(at_s + (voice_on_ns(said, RATE) or 0) / SECOND)
    left, starts = listen(heard, own if cancelled else None, result)
    result.minutes += 1
    result.erle_db.append(level_db(echo[alone]) - level_db(left[alone[: len(left)]]))
    for onset in onsets:
        found = [at for at in starts if onset <= at < onset + LATE_S]
        result.missed += not found
        result.delays_ms += [(at - onset) * 1000 for at in found[:1]]
        starts = [at for at in starts if at not in found]
    result.false += [60 * number + at for at in starts]


def listen(heard: Samples, own: Samples | None, result: Result) -> tuple[Samples, list[float]]:
    """Return what is left of `heard`, and when an utterance was found to begin, in s.

    The reference comes as a loudspeaker's does: in blocks of 10 ms, 40 ms before it sounds.
    """
    canceller = Harness(Aec(), caps={"reference": Audio(VOICE_RATE, 1)})
    detector, turn = Harness(SileroDetector()), Harness(Turn())
    turn.is_speaking = True
    left, starts, told = [np.zeros(0, np.float32)], [], 0
    block = VOICE_RATE // 100
    with canceller, detector, turn:
        for at in range(0, len(heard) - FRAME + 1, FRAME):
            began = time.thread_time()
            while own is not None and told + block <= len(own):
                pts_ns = told * SECOND // VOICE_RATE
                if pts_ns > (at + FRAME) * SECOND // RATE + 40 * MS:
                    break
                data = own[told : told + block].copy()
                canceller.push(AudioPacket(data=data, rate=VOICE_RATE, pts_ns=pts_ns), "reference")
                told += block
            data = heard[at : at + FRAME].copy()
            clean = canceller.push(AudioPacket(data=data, rate=RATE, pts_ns=at * SECOND // RATE), "audio")
            canceller.pull()
            result.aec_s += time.thread_time() - began
            result.frames += FRAME // 160
            for packet in clean:
                assert isinstance(packet, AudioPacket)
                left.append(packet.mono())
                windows = detector.push(packet)
                detector.pull()
                for window in windows:
                    found = turn.push(window)
                    turn.pull()
                    if any(isinstance(item, SpeechStart) for item in found):
                        starts.append((at + FRAME) / RATE)
    early = 256  # delay of the canceller's output, in samples
    return np.concatenate(left)[early:], starts


def spread(values: list[float]) -> dict[str, float]:
    """Return median, least and most."""
    shown = {"median": statistics.median(values), "min": min(values), "max": max(values)} if values else {}
    return {name: round(value, 1) for name, value in shown.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=int, default=10, help="of own voice")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    began = time.perf_counter()
    result, without = Result(), Result()
    for number in range(args.minutes):
        minute_of(number, True, result)
    minute_of(0, False, without)
    took_s = time.perf_counter() - began
    cost_us = result.aec_s / result.frames * 1e6
    found = {
        "minutes": result.minutes,
        "false_barge_ins": len(result.false),
        "false_at_s": [round(at, 1) for at in result.false],
        "false_barge_ins_a_minute_without_aec": len(without.false),
        "barge_ins_missed": f"{result.missed} of {result.missed + len(result.delays_ms)}",
        "barge_in_delay_ms": spread(result.delays_ms),
        "erle_db": spread(result.erle_db),
        "aec_us_per_10ms": round(cost_us),
        "times_real_time": round(60 * (result.minutes + 1) / took_s, 1),
    }
    targets: dict[str, dict[str, Any]] = {
        "echo.false_barge_ins": {"value": len(result.false), "target": 0, "met": not result.false},
        "echo.barge_ins_missed": {"value": result.missed, "target": 0, "met": not result.missed},
    }
    if args.json:
        print(json.dumps({**found, "targets": targets}))
        return
    for name, value in found.items():
        print(f"{name:38} {value}")
    for name, target in targets.items():
        print(f"target {name} {target['target']}: {'met' if target['met'] else 'MISSED'}")


if __name__ == "__main__":
    main()
