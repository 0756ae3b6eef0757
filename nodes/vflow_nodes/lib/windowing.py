"""Audio in packets of any length, cut into the windows that a detector rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from vflow import SECOND, AudioPacket, HighPass, Samples

RATE = 16_000
WINDOW = 512
"""Samples of a window, 32 ms: the only size that Silero takes at 16 kHz."""
WINDOW_NS = WINDOW * SECOND // RATE


def rated(window: Samples, pts_ns: int, speech: float, power: float | None = None) -> AudioPacket:
    """A window with the probability of speech that a detector gave it, and its `Loudness`."""
    meta = {"speech": speech} if power is None else {"speech": speech, "power": power}
    return AudioPacket(data=window, rate=RATE, pts_ns=pts_ns, meta=meta)


class Loudness:
    """The power of windows, one after the other, of what a high-pass leaves: no offset, hum or thump."""

    def __init__(self) -> None:
        self._high_pass = HighPass(RATE)

    def reset(self) -> None:
        """Forget the stream."""
        self._high_pass.reset()

    def of(self, window: Samples) -> float:
        """The mean square of the next window, `(WINDOW,)`."""
        heard = self._high_pass.filter(window)
        return float(np.dot(heard, heard)) / len(heard)


class Windows:
    """Cuts windows across packets. `restart` is called where the stream begins anew."""

    def __init__(self, restart: Callable[[], None]) -> None:
        self._restart = restart
        self._next_ns = 0
        self._rest = np.empty(0, np.float32)

    def reset(self) -> None:
        """Forget the stream, with a last window that is not whole (below 32 ms)."""
        self._rest = np.empty(0, np.float32)
        self._restart()

    def cut(self, packet: AudioPacket) -> Iterator[tuple[Samples, int]]:
        """The whole windows, `(WINDOW,) float32`, each with its pts; a jump of the packet's pts by more than
        a window begins anew."""
        if abs(packet.pts_ns - self._next_ns) > WINDOW_NS:
            self.reset()
        self._next_ns = packet.pts_ns + packet.duration_ns
        start_ns = packet.pts_ns - len(self._rest) * SECOND // RATE
        samples = np.concatenate([self._rest, packet.mono()])
        whole = len(samples) - len(samples) % WINDOW
        self._rest = samples[whole:]
        for at in range(0, whole, WINDOW):
            yield samples[at : at + WINDOW], start_ns + at * SECOND // RATE
