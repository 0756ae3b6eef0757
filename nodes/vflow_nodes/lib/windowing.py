"""Cut audio in packets of any length into the windows that a detector rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from vflow import SECOND, AudioPacket, HighPass, Samples

RATE = 16_000
WINDOW = 512
"""Samples of a window, 32 ms: the only size that Silero takes at 16 kHz."""
WINDOW_NS = WINDOW * SECOND // RATE


def rated(window: Samples, pts_ns: int, speech: float, power: float | None = None) -> AudioPacket:
    """Return a window as a packet, with a detector's probability of speech, and its `Loudness`."""
    meta = {"speech": speech} if power is None else {"speech": speech, "power": power}
    return AudioPacket(data=window, rate=RATE, pts_ns=pts_ns, meta=meta)


class Loudness:
    """Measures the power of successive windows after a high-pass, without offset, hum or thump."""

    def __init__(self) -> None:
        self._high_pass = HighPass(RATE)

    def reset(self) -> None:
        """Forget the stream."""
        self._high_pass.reset()

    def of(self, window: Samples) -> float:
        """Return the mean square of the next window, `(WINDOW,)`."""
        heard = self._high_pass.filter(window)
        return float(np.dot(heard, heard)) / len(heard)


class Windows:
    """Cuts windows across packets. It calls `restart` when the stream begins anew."""

    def __init__(self, restart: Callable[[], None]) -> None:
        self._restart = restart
        self._next_ns = 0
        self._rest = np.empty(0, np.float32)

    def reset(self) -> None:
        """Forget the stream, with any incomplete last window (below 32 ms)."""
        self._rest = np.empty(0, np.float32)
        self._restart()

    def cut(self, packet: AudioPacket) -> Iterator[tuple[Samples, int]]:
        """Yield the complete windows, `(WINDOW,) float32`, each with its pts. If the packet's pts jumps by
        more than a window, begin anew."""
        if abs(packet.pts_ns - self._next_ns) > WINDOW_NS:
            self.reset()
        self._next_ns = packet.pts_ns + packet.duration_ns
        start_ns = packet.pts_ns - len(self._rest) * SECOND // RATE
        samples = np.concatenate([self._rest, packet.mono()])
        whole = len(samples) - len(samples) % WINDOW
        self._rest = samples[whole:]
        for at in range(0, whole, WINDOW):
            yield samples[at : at + WINDOW], start_ns + at * SECOND // RATE
