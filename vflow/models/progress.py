"""The progress of a transfer in words: how many bytes, how fast, and how long it will still take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

Progress = Callable[[str, float | None], None]
"""Takes a text about the work, and how much of it is done: 0 to 1, or None if unknown."""

_SETTLED_S = 1.0
"""Least time over which a rate is meaningful."""


@dataclass(slots=True)
class TransferProgress:
    """Reports bytes: how many of how many, how fast over the last seconds, and the time left."""

    progress: Progress
    total: int
    done: int
    now: Callable[[], float] = time.monotonic
    _marks: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=50))
    """Moments a tenth of a second apart, each with the bytes done by then."""

    def add(self, count: int) -> None:
        """Count `count` more bytes; a negative number for bytes that were lost."""
        self.done += count
        now = self.now()
        if not self._marks:
            self._marks.append((now, self.done - count))
        if now - self._marks[-1][0] >= 0.1 or self.done == self.total:
            self._marks.append((now, self.done))
            self.progress(self._text(), self.done / max(1, self.total))

    def _text(self) -> str:
        text = f"{size_text(self.done)} of {size_text(self.total)}"
        (begun, first), (now, last) = self._marks[0], self._marks[-1]
        if now - begun < _SETTLED_S or last <= first:
            return text
        rate = (last - first) / (now - begun)
        left = round((self.total - self.done) / rate)
        clock = f"{left // 60}:{left % 60:02}" if left < 3600 else f"{left / 3600:.1f} h"
        return f"{text}, {size_text(round(rate))}/s, {clock} left"


def size_text(count: int) -> str:
    """Return a number of bytes in a form for people."""
    if count >= 1_000_000_000:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 1_000_000 else f"{count / 1e3:.0f} kB"
