"""Disturb replies for ten minutes with sounds that are no speech: how often is a reply held, cut, taken back?

    python benchmarks/disturbances.py [--minutes 10] [--json]

A user asks a question; `turn` decides that it is over, and the reply sounds. 0.1 to 0.7 s after the decision,
within the grace in which voice takes the end back, a noise begins: a cough, a knock, typing, a fan, or music
(`speech/scenes.py`, each made anew), at a level of its own; then more of them over the rest of the reply.
Silero and `turn` with its defaults, in the time of the sound, so no machine matters. No node judges the words
(`backchannel`), so that every utterance over a reply cuts it.

Target: no reply is taken back or cut. `held_ms`: the longest time for which a reply was kept waiting in vain.
The agent's own voice is disturbed with in `echo.py`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from speech.scenes import RATE, clips, noises
from turns import rated

from vflow import MS, SECOND, Harness, Samples, SpeechEnd
from vflow.packet import Packet
from vflow_nodes.turn import Turn

QUESTIONS = 5
REPLY_S = 8.0
"""How long a reply lasts."""
NOTES_HZ = (262, 294, 330, 392, 440, 523)


@dataclass(slots=True)
class Count:
    """The fates of the replies, counted. Times in ms."""

    replies: int = 0
    seconds: float = 0.0
    noises: Counter[str] = field(default_factory=Counter)
    taken_back: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    holds: Counter[str] = field(default_factory=Counter)
    held_ms: float = 0.0
    ducked: int = 0


def music(random: np.random.Generator) -> Samples:
    """Two seconds of plucked notes with overtones, and a bass, peak 0.1."""
    made = np.zeros(2 * RATE)
    for start in range(0, len(made), RATE // 4):
        time = np.arange(len(made) - start) / RATE
        hz = random.choice(NOTES_HZ)
        for overtone in range(1, 6):
            made[start:] += np.sin(2 * np.pi * hz * overtone * time) * np.exp(-4 * time * overtone) / overtone
    made += 0.5 * np.sin(2 * np.pi * 110 * np.arange(len(made)) / RATE)
    return (0.1 * made / np.abs(made).max()).astype(np.float32)


def disturbances(seed: int) -> list[tuple[str, Samples]]:
    """Each kind once, in an order and at levels of their own: -12 to +6 dB."""
    random = np.random.default_rng(seed)
    kinds = [*noises(seed), ("music", music(random))]
    levels = 10 ** (random.uniform(-12, 6, len(kinds)) / 20)
    random.shuffle(order := np.arange(len(kinds)))
    return [(kinds[n][0], np.clip(levels[n] * kinds[n][1], -1, 1)) for n in order]


def asked(question: Samples, seed: int) -> tuple[Samples, list[tuple[str, float]]]:
    """A question, silence in which it is decided, and noises over the reply; where each begins, in s."""
    random = np.random.default_rng(seed)
    room = 0.0005 * random.normal(size=round((2.0 + REPLY_S) * RATE) + len(question))
    made = room.astype(np.float32)
    made[RATE // 2 : RATE // 2 + len(question)] += question
    begins: list[tuple[str, float]] = []
    # about 0.48 s after the question the end is decided
    at = RATE // 2 + len(question) + round(random.uniform(0.58, 1.18) * RATE)
    for name, noise in disturbances(seed):
        if at + len(noise) > len(made):
            break
        made[at : at + len(noise)] += noise
        begins.append((name, at / RATE))
        at += len(noise) + round(random.uniform(0.3, 1.0) * RATE)
    return made, begins


def follow(count: Count, windows: list[Packet], begins: list[tuple[str, float]]) -> None:
    """Let one reply be disturbed."""
    with Harness(Turn()) as turn:
        decided_ns = held_ns = -1
        for window in windows:
            now_ns = turn.time_ns = window.pts_ns + window.duration_ns
            turn.is_speaking = decided_ns >= 0
            before = len(turn.holds)
            turn.push(window)
            ends = [item for item in turn.pull() if isinstance(item, SpeechEnd)]
            if decided_ns < 0 and ends:
                decided_ns, turn.interrupted[:] = now_ns, []
                continue
            name = next((name for name, at in reversed(begins) if at * SECOND <= now_ns), "question")
            if turn.taken_back or (decided_ns >= 0 and turn.interrupted):
                (count.taken_back if turn.taken_back else count.cut)[name] += 1
                break
            if len(turn.holds) > before:
                if turn.holds[-1]:
                    held_ns = now_ns
                    count.holds[name] += 1
                elif held_ns >= 0:
                    count.held_ms = max(count.held_ms, (now_ns - held_ns) / MS)
        count.replies += decided_ns >= 0
        count.seconds += (now_ns - decided_ns) / SECOND if decided_ns >= 0 else 0.0
        count.ducked += sum(gain < 1 for gain in turn.gains)
    count.noises.update(name for name, _ in begins)


def measure(minutes: float) -> Count:
    count, questions = Count(), clips(QUESTIONS, human=False)
    seed = 0
    while count.seconds < 60 * minutes:
        samples, begins = asked(questions[seed % len(questions)].samples, seed)
        follow(count, rated(samples), begins)
        seed += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    count = measure(args.minutes)
    told: dict[str, Any] = {
        "minutes": round(count.seconds / 60, 1), "replies": count.replies, "noises": dict(count.noises),
        "held": dict(count.holds), "held_ms": round(count.held_ms), "ducked": count.ducked,
        "taken_back_by": dict(count.taken_back), "cut_by": dict(count.cut),
        "targets": {
            name: {"value": counter.total(), "target": 0, "met": not counter}
            for name, counter in (("taken_back", count.taken_back), ("cut", count.cut))
        },
    }  # fmt: skip
    print(json.dumps(told) if args.json else json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
