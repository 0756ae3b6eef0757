"""A lock around a model that takes one call at a time: it counts who waits, and how long."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self


class Turnstile:
    """Use it by `with`, as a lock. Any thread; not to be entered again by the thread that holds it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        # all below guarded by _counting
        self._waiting: list[float] = []  # when each who waits came, the first one first
        self._waits, self._waited_s = 0, 0.0

    def __enter__(self) -> Self:
        came_s = time.monotonic()
        with self._counting:
            self._waiting.append(came_s)
        try:
            self._lock.acquire()
        finally:
            with self._counting:
                self._waiting.remove(came_s)
                self._waits += 1
                self._waited_s += time.monotonic() - came_s
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def queue(self) -> dict[str, float]:
        """Return how many wait, for how long the first of them has, and the same of all before."""
        with self._counting:
            oldest_s = time.monotonic() - self._waiting[0] if self._waiting else 0.0
            waits = {"waits": self._waits, "waited_s": self._waited_s}
            return {"waiting": len(self._waiting), "oldest_s": oldest_s, **waits}
