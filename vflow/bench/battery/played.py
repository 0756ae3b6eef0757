"""A scene that was played: who sounded when, in ns of pipeline time, found in the samples."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from vflow.bench.battery.scene import Scene, Sounded
from vflow.bench.speech import RATE
from vflow.bus import Message
from vflow.high_pass import high_passed
from vflow.packet import MS, Samples
from vflow.report.recordings import SILENCE_DB, frame_levels
from vflow.report.turn import TurnRecord

FRAME_NS = 10 * MS
RANGE_DB = 45.0
"""A frame within this of the loudest is sound: a reply that is ducked by 12 dB too."""
JOINED_NS = 60 * MS
"""Gaps that are shorter, as in a stop consonant, are sound."""

Span = tuple[int, int]
"""From and to, in ns."""


@dataclass(frozen=True, slots=True)
class Played:
    """The evidence of one scene. `agent` are the stretches in which the agent sounded, in order; `held` those
    in which its reply was on hold and after which it went on."""

    scene: Scene
    sounded: Sequence[Sounded]
    agent: Sequence[Span]
    turns: Sequence[TurnRecord]
    held: Sequence[Span] = ()

    @property
    def asked(self) -> list[Sounded]:
        return [one for one in self.sounded if one.sound.asks]

    @property
    def disturbing(self) -> list[Sounded]:
        return [one for one in self.sounded if not one.sound.asks]

    @property
    def whole(self) -> bool:
        """Whether every sound of the scene was played."""
        return len(self.sounded) == len(self.scene.sounds)


class HoldLog:
    """Notes replies that were held. Give `listen` to `bus.listen`; any thread. Read `ended` at the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.ended: list[Span] = []  # guarded by _lock

    def listen(self, message: Message) -> None:
        """Take a message of the bus."""
        if message.kind == "hold" and message.data["phase"] in ("released", "given_up"):
            with self._lock:
                self.ended.append((message.at_ns - message.data["held_ns"], message.at_ns))


def sounding(samples: Samples, rate: int) -> list[Span]:
    """Return the stretches of sound in a recording, `(n,) float32`, in ns from its first sample."""
    levels = frame_levels(high_passed(samples, rate), rate, FRAME_NS, FRAME_NS)
    if not len(levels) or levels.max() < SILENCE_DB:
        return []
    loud = np.flatnonzero(levels >= levels.max() - RANGE_DB)
    breaks = np.flatnonzero(np.diff(loud) * FRAME_NS > JOINED_NS)
    firsts, lasts = loud[np.append(0, breaks + 1)], loud[np.append(breaks, len(loud) - 1)]
    return [(int(a) * FRAME_NS, (int(b) + 1) * FRAME_NS) for a, b in zip(firsts, lasts, strict=True)]


def both_channels(heard: Path, said: Path, output: Path) -> None:
    """Write a wav with the user on the left and the agent, as it was heard, on the right. Both recordings
    begin at pipeline time 0. Raises: OSError, RuntimeError."""
    left, left_rate = soundfile.read(heard, dtype="float32")
    right, rate = soundfile.read(said, dtype="float32") if said.is_file() else (left[:0], left_rate)
    left = left if left_rate == rate else soxr.resample(left, left_rate, rate)
    both = np.zeros((max(len(left), len(right)), 2), np.float32)
    both[: len(left), 0], both[: len(right), 1] = left, right
    soundfile.write(output, both, rate, subtype="PCM_16")


def read(file: Path) -> tuple[Samples, int]:
    """Return the samples of a mono recording, and its rate; none if nothing was recorded."""
    if not file.is_file():
        return np.zeros(0, np.float32), RATE
    samples, rate = soundfile.read(file, dtype="float32")
    return samples, int(rate)
