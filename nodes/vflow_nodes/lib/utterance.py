"""The present utterance: its newest sound, and the pause that the user is in.

A node with two inputs gets each event of a turn through both, the second time late, after a transcript. An
event counts only once, and only when the audio before it is here.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from vflow import SECOND, AudioPacket, Event, Pause, Resume, Samples, SpeechEnd, SpeechStart, SpeechVoid

RATE = 16_000
_ORDER = {SpeechStart: 0, Pause: 1, Resume: 2, SpeechEnd: 3, SpeechVoid: 3}
"""The order of events of one turn with the same pts: a resume has its pause's pts if speech goes on at once.
"""


class Utterance:
    """The speech since the last SpeechStart; only the newest `keep_s` are kept."""

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
        """How long it has lasted, with its pauses."""
        return (self._end_ns - self._start_ns) / SECOND

    def samples(self) -> Samples:
        """Return its newest `keep_s`, `(frames,) float32` at 16 kHz, or all if it is shorter. A copy."""
        if not self._blocks:
            return np.empty(0, np.float32)
        return np.concatenate(self._blocks)[-self._keep :]

    def add(self, packet: AudioPacket) -> None:
        """Take a packet at 16 kHz; drop one of another turn."""
        if packet.turn != self.turn:
            return
        self._blocks.append(packet.mono())
        self._frames += packet.frames
        self._end_ns = packet.pts_ns + packet.duration_ns
        while self._blocks and self._frames - len(self._blocks[0]) >= self._keep:
            self._frames -= len(self._blocks.popleft())

    def follow(self, event: Event) -> bool:
        """Take an event. Return whether it is a new one of this utterance."""
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
            return False  # it came before its audio, through another input
        self._newest = place
        self.pause = event if isinstance(event, Pause) else None
        return True

    def _begin(self, start: Event) -> None:
        self.turn, self._start_ns, self._end_ns = start.turn, start.pts_ns, start.pts_ns
        self._newest = (start.turn, start.pts_ns, 0)
        self._blocks.clear()
        self._frames = 0
        self.pause = None
