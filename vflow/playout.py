"""The ring between a sink's thread and its device, which knows what was played.

A device takes samples at its own pace, a file sink at the clock's. A sample that is accepted is not played
yet. What was heard is counted where samples are taken, minus those that a device has taken and not sounded.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from vflow.errors import Flushed
from vflow.flush import Played
from vflow.packet import SECOND, AudioPacket, Samples, Span
from vflow.scripts import join_words

_RAMPS_A_SECOND = 100
"""Speed of a change of volume, or of a hold: from 0 to 1 in 10 ms, so that it does not click."""
_STRETCHES = 64
"""Most stretches remembered per turn; older gaps are merged."""
_ENDED = 4
"""How many turns taken to their end are remembered: a device's latency may span several."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An event at the time when the sample at `frame` is played; frames count from the device's start."""

    frame: int
    kind: Literal["start", "word", "end"]
    turn: int
    span: Span | None = None


@dataclass(slots=True)
class _Turn:
    """The part of a turn's audio that was taken; frames count from the device's start."""

    number: int
    taken: list[tuple[int, int]] = field(default_factory=list)
    """Its stretches, each as (first frame, frame after the last)."""
    words: list[tuple[int, str]] = field(default_factory=list)
    """Its words, each with the frame from which it counts as heard."""
    end: int | None = None
    """The frame after its last, once that was taken."""

    def begun(self, heard: int) -> bool:
        """Return whether any of it has sounded, if all frames before `heard` have."""
        return bool(self.taken) and self.taken[0][0] < heard

    def ended(self, heard: int) -> bool:
        """Return whether all of it has sounded, if all frames before `heard` have."""
        return self.end is not None and self.end <= heard

    def record(self, rate: int, heard: int) -> Played:
        """Return how much of it had been played when all frames before `heard` had sounded."""
        samples = sum(max(0, min(stop, heard) - start) for start, stop in self.taken)
        words = [word for frame, word in self.words if frame < heard]
        return Played(self.number, samples, rate, join_words(words), len(words), self.ended(heard))


class Playout:
    """A mono timeline of accepted audio at `rate` Hz. Any thread may call every method."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._lock = threading.Lock()
        # all below guarded by _lock
        self._blocks: deque[tuple[Samples, int]] = deque()  # the queued samples, each block with its turn
        self._marks: deque[Mark] = deque()  # their frames do not count the silence of holds
        self._position = 0
        self._held_frames = 0  # the part of the position that is the silence of holds
        self._queued = 0
        self._floor = 0
        self._turns: dict[int, _Turn] = {}  # accepted and not taken to their end
        self._ended: deque[_Turn] = deque(maxlen=_ENDED)
        self._gain = self._target = 1.0
        self._held = False
        self._sounding = False  # whether the last sample taken was audio

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

    @property
    def held(self) -> bool:
        """Whether audio waits for `release`."""
        with self._lock:
            return self._held

    def lead_ns(self) -> int:
        """Return how long the accepted audio still plays, in ns, once nothing holds it."""
        return self.queued * SECOND // self.rate

    def write(self, packet: AudioPacket, epoch: int) -> None:
        """Accept a packet; its channels are mixed to one. Does not block: the caller bounds it by `queued`.

        Raises: Flushed if `epoch` is older than the last `drop`.
        """
        samples = packet.mono()
        with self._lock:
            if epoch < self._floor:
                raise Flushed
            at = self._end()
            if packet.turn not in self._turns:
                self._turns[packet.turn] = _Turn(packet.turn)
                self._marks.append(Mark(at, "start", packet.turn))
            for span in packet.spans:
                self._marks.append(Mark(at + span.middle, "word", packet.turn, span))
            self._blocks.append((samples, packet.turn))
            self._queued += len(samples)

    def end_turn(self, turn: int) -> None:
        """Note that the reply of `turn` ends after the audio accepted so far."""
        with self._lock:
            self._marks.append(Mark(self._end(), "end", turn))

    def sounding(self) -> Played | None:
        """Return how much was taken of the first reply that is not taken to its end; None for none."""
        with self._lock:
            turn = next(iter(self._turns.values()), None)
            return None if turn is None else turn.record(self.rate, self._position)

    def next_mark(self) -> int | None:
        """Return the position at which the next start or end of a turn will have passed; None if none waits,
        or while it is held."""
        with self._lock:
            for mark in () if self._held else self._marks:
                if mark.kind != "word":
                    return mark.frame + self._held_frames + (mark.kind == "start")
            return None

    def duck(self, gain: float) -> None:
        """Take at this linear gain, 0 to 1, from the next sample on, after a ramp of at most 10 ms. Until the
        next `drop`."""
        with self._lock:
            self._target = float(np.float32(gain))  # as exact as samples are: the ramp ends at it

    def hold(self) -> None:
        """Take silence from the next sample on, after a ramp of at most 10 ms if audio sounds. The rest waits
        for `release`, and is neither counted nor marked. Until the next `drop`."""
        with self._lock:
            self._held = True
            if not self._sounding:
                self._gain = 0.0

    def release(self) -> None:
        """Go on with the first sample that was not taken, on a ramp up to the gain of `duck`."""
        with self._lock:
            self._held = False

    def take(self, frames: int) -> tuple[Samples, list[tuple[Mark, Played]]]:
        """Return the next `frames` samples, `(frames,) float32`, with silence where there are none; and each
        mark in them, with how much of its turn had been played by then."""
        with self._lock:
            out = np.zeros(frames, np.float32)
            plays = min(frames, self._ramp_down()) if self._held else frames  # the rest is a hold's silence
            filled = 0
            while filled < plays and self._blocks:
                samples, turn = self._blocks[0]
                n = min(len(samples), plays - filled)
                out[filled : filled + n] = samples[:n]
                self._count(turn, self._position + filled, n)
                filled += n
                if n == len(samples):
                    self._blocks.popleft()
                else:
                    self._blocks[0] = samples[n:], turn
            self._queued -= filled
            self._position += plays
            self._sounding = filled == frames if frames else self._sounding
            self._scale(out[:plays])
            passed = self._passed()
            self._wait(frames - plays)
            return out, passed

    def drop(self, epoch: int, unheard: int = 0) -> tuple[Played, ...]:
        """Drop the samples not taken yet, and refuse epochs older than `epoch` from now on.

        The last `unheard` frames that were taken do not sound yet. Return a record of each turn that had not
        sounded to its end, and of the last one that had, unless another turn has begun since.
        """
        with self._lock:
            self._floor = max(self._floor, epoch)
            heard = self._position - unheard
            over = [turn for turn in self._ended if turn.ended(heard)]
            open_ = [turn for turn in self._ended if not turn.ended(heard)] + list(self._turns.values())
            last = [] if any(turn.begun(heard) for turn in open_) else over[-1:]
            for store in (self._blocks, self._marks, self._turns, self._ended):
                store.clear()
            self._ended.extend(last)
            self._queued = 0
            self._gain = self._target = 1.0
            self._held = self._sounding = False
            return tuple(turn.record(self.rate, heard) for turn in (*last, *open_))

    def _end(self) -> int:
        """Return the frame after all accepted audio, without the silence of holds."""
        return self._position - self._held_frames + self._queued

    def _ramp_down(self) -> int:
        """Return how many frames a hold still takes until its ramp is silent."""
        return max(0, math.ceil(self._gain * self.rate / _RAMPS_A_SECOND - 1e-3) - 1)

    def _wait(self, frames: int) -> None:
        """Count the silence of a hold."""
        if frames:
            self._position += frames
            self._held_frames += frames
            self._gain = 0.0

    def _count(self, turn: int, start: int, frames: int) -> None:
        taken = self._turns.setdefault(turn, _Turn(turn)).taken
        if taken and taken[-1][1] == start:
            taken[-1] = taken[-1][0], start + frames
        else:
            taken.append((start, start + frames))
            if len(taken) > _STRETCHES:  # merge the two oldest into one of the same length and end
                (first, hole), (after, stop) = taken[:2]
                taken[:2] = [(after - (hole - first), stop)]

    def _scale(self, out: Samples) -> None:
        """Apply the gain, on a ramp if it changes."""
        target = 0.0 if self._held else self._target
        if self._gain == target or not len(out):
            out *= np.float32(self._gain)
            return
        step = math.copysign(_RAMPS_A_SECOND / self.rate, target - self._gain)
        ramp = self._gain + np.arange(1, len(out) + 1, dtype=np.float32) * step
        curve = ramp.clip(min(self._gain, target), max(self._gain, target))
        out *= curve
        self._gain = float(curve[-1])

    def _passed(self) -> list[tuple[Mark, Played]]:
        passed: list[tuple[Mark, Played]] = []
        played = self._position - self._held_frames
        while self._marks and self._marks[0].frame < played + (self._marks[0].kind == "end"):
            mark = self._marks.popleft()
            if self._held_frames:
                mark = replace(mark, frame=mark.frame + self._held_frames)
            turn = self._turns.get(mark.turn) or _Turn(mark.turn)
            if mark.span is not None:
                turn.words.append((mark.frame, mark.span.word))
            if mark.kind == "end":
                turn.end = mark.frame
                self._turns.pop(mark.turn, None)
                if turn.taken:
                    self._ended.append(turn)
            passed.append((mark, turn.record(self.rate, self._position)))
        return passed
