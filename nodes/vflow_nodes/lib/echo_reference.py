"""The reference of an echo canceller: the loudspeaker's sound, ordered by the time at which it sounds."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from vflow import MS, SECOND, Samples

SLACK_NS = 10 * MS
"""A timestamp that is off by less is jitter or drift, and is followed by one sample at a time. A larger step
is taken at once."""
HISTORY_NS = 4 * SECOND
"""The most of the reference that is kept."""
MARGIN_NS = 5 * MS


class EchoReference:
    """The loudspeaker's sound on the time line of its own samples, with silence where none came.

    It is read `lead_ns` ahead of the microphone. If sound comes too late for that, the lead shrinks by the
    part that was missing, down to zero; sound that is later still is lost.
    """

    def __init__(self, rate: int, lead_ns: int) -> None:
        self.rate = rate
        self.lost = 0
        """Frames that came after their time."""
        self._frame = rate // 100
        self._slack = SLACK_NS * rate // SECOND
        self._lead = lead_ns * rate // SECOND
        self._blocks: deque[tuple[int, Samples]] = deque()  # (frame on the time line, samples)
        self._end = -self._slack - 1  # the end of the newest block
        self._next = 0  # the next frame to read

    def write(self, samples: Samples, pts_ns: int) -> None:
        """Put a block, `(n,) float32`, that sounds from `pts_ns` on, on the time line."""
        at = pts_ns * self.rate // SECOND
        step = at - self._end
        if abs(step) <= self._slack:
            at = self._end
            # a sample repeated or left out follows the device's clock, and no seam is heard
            if step > 0:
                samples = np.concatenate([samples[:1], samples])
            elif step < 0:
                samples = samples[1:]
        if self._next > at:
            self._yield_to(at)
        self._blocks.append((at, samples))
        self._end = at + len(samples)
        while self._end - self._blocks[0][0] > HISTORY_NS * self.rate // SECOND:
            self._blocks.popleft()

    def _yield_to(self, at: int) -> None:
        late = self._next - at
        less = min(late + MARGIN_NS * self.rate // SECOND, self._lead)
        self._lead -= less
        self._next -= less
        self.lost += max(0, late - less)

    def read(self, pts_ns: int) -> NDArray[np.int16]:
        """Return the 10 ms that belong to the microphone's at `pts_ns`, `(rate // 100,)`."""
        step = pts_ns * self.rate // SECOND + self._lead - self._next
        self._next += step if abs(step) > self._slack else int(np.sign(step))
        out = np.zeros(self._frame, np.float32)
        first, stop_at = self._next, self._next + self._frame
        while self._blocks and self._blocks[0][0] + len(self._blocks[0][1]) <= first - self._lead:
            self._blocks.popleft()  # even with the lead at zero it would not be read again
        for at, samples in self._blocks:
            if at >= stop_at:
                break
            start, stop = max(at, first), min(at + len(samples), stop_at)
            if start < stop:
                out[start - first : stop - first] = samples[start - at : stop - at]
        self._next = stop_at
        return int16(out)


def int16(samples: Samples) -> NDArray[np.int16]:
    """Return samples as 16 bit integers, clipped."""
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
