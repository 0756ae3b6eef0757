"""Mix channels to one by their mean, unless they cancel: then take only the strongest.

If one channel is inverted (by a cable, by a balanced line read as stereo, by a second microphone), the mean
is silence. Channels cancel if their sum has less than CANCELS of the power that they have together. Unrelated
channels have all of it in their sum, two equal ones twice that.

Inverting a channel back would be wrong: a stereo recording whose channels cancel for a moment has a middle,
and that would be lost for good.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vflow.packet import Samples

CANCELS = 0.25
HEARD = 10**-7.5
"""Mean square below which a block is too quiet to judge; noise of 16 bits is near 10 ** -9.8."""
EVIDENCE_S = 0.05
"""How much sound must cancel: enough for a voice, too much for one moment of a wide stereo recording."""
MEMORY_S = 0.2
"""How far back the judgement reaches."""
FADE_S = 0.01


class Mixdown:
    """Mixes the channels of a stream. Once they cancel, it stays with one channel: it changes only once."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._lag = max(1, rate // 1000)
        self._past: Samples | None = None  # the last millisecond
        self._sum = 0.0  # power of the sum of the channels
        self._each: NDArray[np.float64] = np.zeros(1)  # power of each
        self._heard = 0  # frames of sound judged so far
        self.channel: int | None = None
        """The channel, from 0, that is taken alone since the channels cancel; None while all are mixed."""

    def mix(self, data: Samples) -> Samples:
        """Return the next block, `(n, channels) float32`, as `(n,)`; a view if it has one channel."""
        if data.shape[1] == 1:
            return data[:, 0]
        if self.channel is not None:
            return data[:, self.channel]
        mean: Samples = data.mean(axis=1)
        if not self._cancel(data):
            return mean
        self.channel = int(self._each.argmax())
        fade = np.minimum(np.arange(len(data), dtype=np.float32) / (FADE_S * self._rate), 1)
        faded: Samples = mean + (data[:, self.channel] - mean) * fade
        return faded

    def _cancel(self, data: Samples) -> bool:
        """Return whether the channels cancel, by this block and those before it."""
        past = data[:1] if self._past is None else self._past
        whole = np.concatenate([past, data])
        self._past = whole[-self._lag :]
        if len(whole) <= self._lag:
            return False
        # the change over a millisecond: an offset or hum common to all channels would hide the cancelling
        change = (whole[self._lag :] - whole[: -self._lag]).astype(np.float64)
        each = np.square(change).sum(axis=0)
        if each.mean() < HEARD * len(change):
            return False
        keep = 0.0 if self._heard == 0 else np.exp(-len(change) / (MEMORY_S * self._rate))
        self._each = keep * self._each + each
        self._sum = keep * self._sum + float(np.square(change.sum(axis=1)).sum())
        self._heard += len(change)
        return self._heard >= EVIDENCE_S * self._rate and self._sum < CANCELS * float(self._each.sum())


def mixed(data: Samples, rate: int) -> Samples:
    """Return a whole stretch, `(n, channels) float32`, as `(n,)`: the strongest channel if they cancel."""
    first = Mixdown(rate)
    first.mix(data)
    made: Samples = data.mean(axis=1) if first.channel is None else data[:, first.channel]
    return made
