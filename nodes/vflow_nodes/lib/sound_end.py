"""Where the sound of an utterance ended, by the power of its windows.

A detector's probability falls late and unevenly, Silero's up to 0.2 s after the voice, its windows filled
with breath and room. So when it falls, the silence is dated back to the last window within 25 dB of the
utterance's loudest, by `fade` at most; in noise above that level nothing is dated back.
"""

from __future__ import annotations

import numpy as np

from vflow import AudioPacket

VOICE_RANGE = 10 ** (-25 / 10)
"""Power of a window, relative to the loudest of its utterance, below which it is breath or room: 25 dB."""


class SoundEnd:
    """Follows the windows that a detector takes for voice. Times are ns of the stream. One thread."""

    def __init__(self, fade_ns: int) -> None:
        """The end of the sound lies `fade_ns` before the voice's end at most."""
        self._fade_ns = fade_ns
        self._loudest = 0.0
        self._sound_ns = 0
        self.voice_ns = 0
        """The end of the last voiced window."""
        self.off_ns = 0
        """Where the sound ended, as an estimate."""

    def begin(self) -> None:
        """An onset begins: it is measured by its own loudness."""
        self._loudest = 0.0

    def hear(self, window: AudioPacket) -> None:
        """Take note of a window with voice in it."""
        power = window.meta.get("power")
        if power is None:
            samples = window.mono()
            power = float(np.dot(samples, samples)) / len(samples)
        self._loudest = max(self._loudest, power)
        self.voice_ns = self.off_ns = window.pts_ns + window.duration_ns
        if power >= VOICE_RANGE * self._loudest:
            self._sound_ns = self.voice_ns

    def falls(self) -> None:
        """The probability has fallen: the voice is over, and its sound was before that."""
        self.off_ns = max(self._sound_ns, self.voice_ns - self._fade_ns)
