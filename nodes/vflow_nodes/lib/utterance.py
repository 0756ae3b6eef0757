"""The utterance that goes on: its newest sound, and the pause that it is in.

A node with two inputs gets each event of a turn by both, the second time late: behind a transcript. An event
counts once, and once the audio before it is here.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from vflow import SECOND, AudioPacket, Event, Pause, Resume, Samples, SpeechEnd, SpeechStart, SpeechVoid

RATE = 16_000
_ORDER = {SpeechStart: 0, Pause: 1, Resume: 2, SpeechEnd: 3, SpeechVoid: 3}
"""Of events of one turn with one pts: a resume has the pts of its pause where speech goes on at once."""


class Utterance:
    """What was said since the last SpeechStart, of which the newest `keep_s` are kept."""

    def __init__(self, keep_s: float) -> None:
        self._keep = round(keep_s * RATE)
        self._blocks: deque[Samples] = deque()
        self._frames = 0
        self._newest = (0, 0, 0)
        self._start_ns = self._end_ns = 0
        self.turn = 0
        self.pause: Pause | None = None
        """The pause that the user is in; None while they speak, and between utterances."""

    @property
    def seconds(self) -> float:
        """How long it has gone on, its pauses counted."""
        return (self._end_ns - self._start_ns) / SECOND

    def samples(self) -> Samples:
        """The newest `keep_s` of it, `(frames,) float32` at 16 kHz; fewer where less was said. A copy."""
        if not self._blocks:
            return np.empty(0, np.float32)
        return np.concatenate(self._blocks)[-self._keep :]

    def add(self, packet: AudioPacket) -> None:
        """Take a packet at 16 kHz; one of another turn is dropped."""
        if packet.turn != self.turn:
            return
        self._blocks.append(packet.mono())
        self._frames += packet.frames
        self._end_ns = packet.pts_ns + packet.duration_ns
        while self._blocks and self._frames - len(self._blocks[0]) >= self._keep:
            self._frames -= len(self._blocks.popleft())

    def follow(self, event: Event) -> bool:
        """Take an event; whether it is a new one of this utterance."""
        order = _ORDER.get(type(event))
        if order is None or event.turn < self.turn:
            return False
        if isinstance(event, SpeechStart):
            if event.turn == self.turn:
                return False
            self._begin(event)
            return True
        place = (event.turn, event.pts_ns, order)
        if event.turn != self.turn or place <= self._newest:
            return False
        if isinstance(event, Pause) and event.pts_ns > self._end_ns:
            return False  # came ahead of its audio, by another input
        self._newest = place
        self.pause = event if isinstance(event, Pause) else None
        return True

    def _begin(self, start: Event) -> None:
        self.turn, self._start_ns, self._end_ns = start.turn, start.pts_ns, start.pts_ns
        self._newest = (start.turn, start.pts_ns, 0)
        self._blocks.clear()
        self._frames = 0
        self.pause = None
