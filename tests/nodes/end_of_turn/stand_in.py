"""Stand in for smart-turn, and send nodes an utterance."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from vflow import MS, AudioPacket, Harness, Pause, Samples, SpeechStart, TextPacket
from vflow.ports import Item
from vflow_nodes.lib.utterance import RATE

PAUSE_NS = 1000 * MS
"""Time of the pause in `utter`."""


@dataclass(slots=True)
class Ear:
    """Gives every utterance the rating `rating`, and remembers how many samples it heard."""

    rating: float
    heard: list[int] = field(default_factory=list)

    def finished(self, samples: Samples) -> float:
        self.heard.append(len(samples))
        return self.rating


def utter(harness: Harness, turn: int = 1) -> list[Item]:
    """Push a second of an utterance and its pause; return the items that come out at the pause."""
    harness.event(SpeechStart(turn=turn))
    for at in range(0, RATE, RATE // 10):
        data = np.full(RATE // 10, 0.1, np.float32)
        harness.push(AudioPacket(data=data, rate=RATE, pts_ns=at * 1000 * MS // RATE, turn=turn))
    harness.time_ns = PAUSE_NS
    return harness.event(Pause(turn=turn, pts_ns=PAUSE_NS))


def ratings(items: list[Item]) -> list[float]:
    """Return the probabilities of the verdicts among the items."""
    return [item.meta["finished"] for item in items if isinstance(item, TextPacket)]
