"""Keep the messages to a client for as long as they may not have arrived. A client that comes back says how
many it has, and gets the others. Nothing here knows the time: it is given, in seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from vflow.web.protocol import Frame

KEPT_S = 25.0
"""A ping and its deadline, and 5 s more: by then it is known that a client has gone."""
KEPT_BYTES = 2 << 20


class Journal:
    """Numbers frames from 1 on, as the client counts what it gets. One thread."""

    def __init__(self, kept_s: float = KEPT_S, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_s, self._kept_bytes = kept_s, kept_bytes
        self._frames: deque[tuple[float, Frame]] = deque()  # when each was added
        self._dropped = self._at = 0  # frames before the first that is kept; frames that were sent
        self._bytes = 0

    def add(self, frames: Iterable[Frame], now_s: float) -> None:
        """Put frames at its end, to be sent. Drop what is too old, of what was sent."""
        for frame in frames:
            self._frames.append((now_s, frame))
            self._bytes += len(frame)
        while self._dropped < self._at and self._is_old(now_s):
            self._drop()

    @property
    def next(self) -> Frame | None:
        """The frame that is to be sent next; None where all were."""
        place = self._at - self._dropped
        return self._frames[place][1] if place < len(self._frames) else None

    def sent(self) -> None:
        """The next frame was sent."""
        self._at += 1

    def acknowledge(self, received: int) -> None:
        """The client has so many frames: they are not kept. More than were sent count as all of them."""
        while self._dropped < min(received, self._at):
            self._drop()

    def keeps(self, received: int) -> bool:
        """Whether a client that has so many frames can be given the next ones."""
        return self._dropped <= received <= self._dropped + len(self._frames)

    def rewind(self, received: int) -> None:
        """Send what follows these frames, once more."""
        self._at = received

    def _is_old(self, now_s: float) -> bool:
        return now_s - self._frames[0][0] > self._kept_s or self._bytes > self._kept_bytes

    def _drop(self) -> None:
        self._bytes -= len(self._frames.popleft()[1])
        self._dropped += 1
