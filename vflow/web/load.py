"""Measure how much of the machine's processors this process uses."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from vflow.resources import usable_cores

OVER_S = 5.0
EVERY_S = 0.5


class Load:
    """The share of the usable cores that this process used in the last OVER_S. For one thread."""

    def __init__(
        self,
        cores: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] = time.process_time,
    ) -> None:
        self.cores = usable_cores() if cores is None else cores
        self._clock, self._used = clock, used
        self._looks: deque[tuple[float, float]] = deque()  # when, and the seconds of CPU by then

    def look(self) -> None:
        """Note the CPU time used so far. Call it once a second or more often."""
        now_s = self._clock()
        if self._looks and now_s - self._looks[-1][0] < EVERY_S:
            return
        self._looks.append((now_s, self._used()))
        while len(self._looks) > 2 and self._looks[1][0] <= now_s - OVER_S:
            self._looks.popleft()

    def share(self) -> float:
        """Return the share, 0 to 1; 0 while `look` was not called for long enough to tell."""
        if not self._looks or self._clock() - self._looks[-1][0] > 2 * EVERY_S:
            return 0.0
        (first_s, before), (last_s, after) = self._looks[0], self._looks[-1]
        if last_s - first_s < OVER_S - EVERY_S:
            return 0.0
        return min(1.0, (after - before) / (last_s - first_s) / self.cores)
