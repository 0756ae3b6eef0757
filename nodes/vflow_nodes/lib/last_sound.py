"""Where the sound of an utterance ends, from the power of windows: a detector's probability falls late.

A window is *sound* where the detector hears voice in it and its power is

    within RANGE of the loudest voiced window of the utterance,
    and ONSET over the room, or HOLD over it where the window before was sound.

The room's level is the lower of two: the mean of the last QUIET windows far from any voice, and the tenth
percentile of the last RECENT windows, QUIET of them at least, for a room that falls silent or was never heard
alone. Windows of digital silence are no room. Where the room is as loud as the voice, all voice is sound.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from vflow import MS, AudioPacket

RANGE = 10 ** (-30 / 10)
"""Power relative to the loudest window: 30 dB below it is breath."""
ONSET, HOLD = 10 ** (3 / 10), 10 ** (1.5 / 10)
"""Power over the room's, 3 and 1.5 dB: a voice that dies away is followed further than one is found."""
LOUD = 10 ** (-6 / 10)
"""A window within 6 dB of the loudest is sound in any room."""
DIGITAL = 1e-9
"""Power of -90 dBFS: below it nothing was recorded."""
RECENT, QUIET = 94, 24
"""Windows, of 32 ms each: 3 s and 0.8 s."""
NO_SPEECH = 0.2
"""The highest probability of a window that holds the room alone."""
AFTER_NS = 250 * MS
"""How long after a voice a window holds the room alone."""
SOFT_NS = 256 * MS
"""A detector that hears voice so long after the last sound hears a soft voice, not a late fall."""


class LastSound:
    """Give `hear` every window of the stream, outside of utterances too, and call `begin` before the first of
    an onset. Times are ns of the stream. One thread."""

    def __init__(self, fade_ns: int) -> None:
        """The end of the sound lies `fade_ns` before the voice's end at most."""
        self._fade_ns = fade_ns
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._quiet: deque[float] = deque(maxlen=QUIET)
        self._loudest = 0.0
        self._end_ns = 0
        self.sounds = False
        """Whether the last window is sound."""
        self.sound_ns = 0
        """The end of the last one that is."""
        self.voice_ns = -AFTER_NS
        """The end of the last voiced window."""

    @property
    def off_ns(self) -> int:
        """Where the sound ended, as an estimate."""
        return max(self.sound_ns, self.voice_ns - self._fade_ns)

    def begin(self) -> None:
        """Forget the loudest window; the room is kept."""
        self._loudest, self.sounds = 0.0, False

    def hear(self, window: AudioPacket, voiced: bool) -> None:
        """Take the next window, and whether its probability of speech counts as voice."""
        power, self._end_ns = _power(window), window.pts_ns + window.duration_ns
        if voiced:
            self._loudest = max(self._loudest, power)
        self.sounds = voiced and power >= self._limit()
        if self.sounds:
            self.sound_ns = self._end_ns
        if power >= DIGITAL:
            self._recent.append(power)
            if window.meta["speech"] < NO_SPEECH and self._end_ns - self.voice_ns > AFTER_NS:
                self._quiet.append(power)
        if voiced:
            self.voice_ns = self._end_ns

    def silent_ns(self) -> int:
        """How long ago the sound ended, whatever the probability says."""
        return self._end_ns - self.sound_ns

    def speaks(self) -> bool:
        """Whether the last window shows that the user speaks on after a pause: it is sound, or soft voice."""
        return self.sounds or (self.voice_ns == self._end_ns and self.silent_ns() > SOFT_NS)

    def room(self) -> float:
        """The power of the room, as an estimate; 0 where none was heard."""
        known: list[float] = []
        if self._quiet:
            known.append(sum(self._quiet) / len(self._quiet))
        if len(self._recent) >= QUIET:
            known.append(sorted(self._recent)[len(self._recent) // 10])
        return min(known, default=0.0)

    def _limit(self) -> float:
        over = HOLD if self.sounds else ONSET
        return min(max(RANGE * self._loudest, over * self.room()), LOUD * self._loudest)


def _power(window: AudioPacket) -> float:
    """The mean square of a window, as the detector measured it where it did."""
    power: float | None = window.meta.get("power")
    if power is None:
        samples = window.mono()
        power = float(np.dot(samples, samples)) / len(samples)
    return power
