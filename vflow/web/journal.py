"""Keep the messages to a client until they have surely arrived.

A client that comes back says how many it has received, and is sent the rest. Callers pass the time, in
seconds; nothing here reads a clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from vflow.web.protocol import Frame

KEPT_S = 25.0
"""How long a message is kept: a ping, its deadline and 5 s more. By then a lost client has been noticed."""
KEPT_BYTES = 2 << 20


class Journal:
    """Frames to one client, numbered from 1 as the client counts them. For one thread."""

    def __init__(self, kept_s: float = KEPT_S, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_s, self._kept_bytes = kept_s, kept_bytes
        self._frames: deque[tuple[float, Frame]] = deque()  # when each was added
        self._dropped = self._at = 0  # how many frames were dropped from the front; how many were sent
        self._bytes = 0

    def add(self, frames: Iterable[Frame], now_s: float) -> None:
        """Append frames to send. Drop frames that were sent and are too old, or too many."""
        for frame in frames:
            self._frames.append((now_s, frame))
            self._bytes += len(frame)
        while self._dropped < self._at and self._is_old(now_s):
            self._drop()

    @property
    def next(self) -> Frame | None:
        """The frame to send next; None if all were sent."""
        place = self._at - self._dropped
        return self._frames[place][1] if place < len(self._frames) else None

    def sent(self) -> None:
        """Mark the next frame as sent."""
        self._at += 1

    def acknowledge(self, received: int) -> None:
        """Drop the first `received` frames: the client has them. A number above those sent means all sent."""
        while self._dropped < min(received, self._at):
            self._drop()

    def keeps(self, received: int) -> bool:
        """Return whether all frames after the first `received` are still here."""
        return self._dropped <= received <= self._dropped + len(self._frames)

    def rewind(self, received: int) -> None:
        """Go back: send the frames after the first `received` again."""
        self._at = received

    def _is_old(self, now_s: float) -> bool:
        return now_s - self._frames[0][0] > self._kept_s or self._bytes > self._kept_bytes

    def _drop(self) -> None:
        self._bytes -= len(self._frames.popleft()[1])
        self._dropped += 1
