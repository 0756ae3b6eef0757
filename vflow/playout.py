"""The ring between a sink's thread and its device, which knows what was played.

A device takes samples at its own pace; a file sink takes them at the clock's. Accepting a sample is not
playing it: what was heard is counted where samples are taken.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vflow.errors import Flushed
from vflow.flush import Played
from vflow.packet import SECOND, AudioPacket, Samples, Span


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happens when the sample at `frame` is played, counted from the device's start."""

    frame: int
    kind: Literal["start", "word", "end"]
    turn: int
    span: Span | None = None


class Playout:
    """A mono timeline of accepted audio at `rate` Hz. Every method may be called from any thread."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._lock = threading.Lock()
        # all below guarded by _lock
        self._blocks: deque[Samples] = deque()
        self._marks: deque[Mark] = deque()
        self._position = 0  # frames taken since the start, silence included
        self._queued = 0
        self._floor = 0
        self._turn = 0  # the turn of the newest accepted block
        self._played: dict[int, int] = {}  # samples taken, by turn that is not over
        self._turns: deque[tuple[int, int]] = deque()  # (frames, turn) of the queued blocks
        self._words: dict[int, list[str]] = {}

    @property
    def position(self) -> int:
        """Frames taken since the start, silence included."""
        with self._lock:
            return self._position

    @property
    def queued(self) -> int:
        """Frames accepted and not yet taken."""
        with self._lock:
            return self._queued

    def write(self, packet: AudioPacket, epoch: int) -> None:
        """Accept a packet; its channels are mixed. Does not block: bound it by looking at `queued`.

        Raises: Flushed where `epoch` lies below the last `drop`.
        """
        samples = packet.mono()
        with self._lock:
            if epoch < self._floor:
                raise Flushed
            at = self._position + self._queued
            if packet.turn not in self._played:
                self._played[packet.turn] = 0
                self._words[packet.turn] = []
                self._marks.append(Mark(at, "start", packet.turn))
            for span in packet.spans:
                self._marks.append(Mark(at + span.middle, "word", packet.turn, span))
            self._blocks.append(samples)
            self._turns.append((len(samples), packet.turn))
            self._queued += len(samples)

    def end_turn(self, turn: int) -> None:
        """Note that the reply of `turn` ends behind what was accepted so far."""
        with self._lock:
            self._marks.append(Mark(self._position + self._queued, "end", turn))

    def take(self, frames: int) -> tuple[Samples, list[tuple[Mark, Played]]]:
        """The next `frames` samples, `(frames,) float32`, silence where there are none; and what
        happened in them: each mark with what had been played of its turn by then."""
        with self._lock:
            out = np.zeros(frames, np.float32)
            filled = 0
            while filled < frames and self._blocks:
                block = self._blocks[0]
                n = min(len(block), frames - filled)
                out[filled : filled + n] = block[:n]
                filled += n
                if n == len(block):
                    self._blocks.popleft()
                else:
                    self._blocks[0] = block[n:]
            self._queued -= filled
            self._count(filled)
            self._position += frames
            return out, self._passed()

    def drop(self, epoch: int) -> tuple[Played, ...]:
        """Forget what was not taken, and refuse what is older than `epoch` from now on."""
        with self._lock:
            self._floor = max(self._floor, epoch)
            played = tuple(self._record(turn) for turn in self._played)
            for store in (self._blocks, self._marks, self._turns, self._played, self._words):
                store.clear()
            self._queued = 0
            return played

    def _count(self, frames: int) -> None:
        while frames:
            size, turn = self._turns[0]
            n = min(size, frames)
            self._played[turn] = self._played.get(turn, 0) + n
            frames -= n
            if n == size:
                self._turns.popleft()
            else:
                self._turns[0] = (size - n, turn)

    def _passed(self) -> list[tuple[Mark, Played]]:
        passed: list[tuple[Mark, Played]] = []
        while self._marks and self._marks[0].frame < self._position + (self._marks[0].kind == "end"):
            mark = self._marks.popleft()
            if mark.span is not None:
                self._words.setdefault(mark.turn, []).append(mark.span.word)
            passed.append((mark, self._record(mark.turn)))
            if mark.kind == "end":
                self._played.pop(mark.turn, None)
                self._words.pop(mark.turn, None)
        return passed

    def _record(self, turn: int) -> Played:
        words = self._words.get(turn, ())
        return Played(turn, self._played.get(turn, 0), self.rate, " ".join(words), len(words))

    def lead_ns(self) -> int:
        """How long the accepted audio still plays."""
        return self.queued * SECOND // self.rate
