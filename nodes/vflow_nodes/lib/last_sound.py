"""Find the end of an utterance's sound by the power of windows, since a detector's probability falls late.

A window is *sound* if the detector hears voice in it and its power is

    within RANGE of the loudest voiced window of the utterance,
    and ONSET above the room's, or HOLD above it if the window before was sound.

The room's level is the lower of two: the mean of the last QUIET windows far from any voice, and the tenth
percentile of the last RECENT windows, if there are at least QUIET. The second serves a room that falls silent
or was never heard without voice. Windows of digital silence do not count. If the room is as loud as the
voice, all voice is sound.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from vflow import MS, AudioPacket

RANGE = 10 ** (-30 / 10)
"""Least power relative to the loudest window: 30 dB below it there is only breath."""
ONSET, HOLD = 10 ** (3 / 10), 10 ** (1.5 / 10)
"""Power above the room's to begin (3 dB) and to go on (1.5 dB): a voice that fades is followed further."""
LOUD = 10 ** (-6 / 10)
"""A window within 6 dB of the loudest is sound in any room."""
DIGITAL = 1e-9
"""Power of -90 dBFS: anything softer is digital silence, not the room."""
RECENT, QUIET = 94, 24
"""Windows, of 32 ms each: 3 s and 0.8 s."""
NO_SPEECH = 0.2
"""The highest probability of a window that holds the room alone."""
AFTER_NS = 250 * MS
"""How long after a voice a window holds the room alone."""
SOFT_NS = 256 * MS
"""If the detector still hears voice this long after the last sound, it is a soft voice, not a late fall."""


class LastSound:
    """Follows the sound. Call `hear` with every window of the stream, also between utterances, and `begin`
    before the first window of an onset. Times are ns of the stream. One thread."""

    def __init__(self, fade_ns: int) -> None:
        """The end of the sound is at most `fade_ns` before the voice's end."""
        self._fade_ns = fade_ns
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._quiet: deque[float] = deque(maxlen=QUIET)
        self._loudest = 0.0
        self._end_ns = 0
        self.sounds = False
        """Whether the last window is sound."""
        self.sound_ns = 0
        """The end of the last window that is sound."""
        self.voice_ns = -AFTER_NS
        """The end of the last voiced window."""

    @property
    def off_ns(self) -> int:
        """When the sound ended, as an estimate."""
        return max(self.sound_ns, self.voice_ns - self._fade_ns)

    def begin(self) -> None:
        """Forget the loudest window, but not the room."""
        self._loudest, self.sounds = 0.0, False

    def hear(self, window: AudioPacket, voiced: bool) -> None:
        """Take the next window, and whether its probability of speech counts as voice."""
        power, self._end_ns = power_of(window), window.pts_ns + window.duration_ns
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

    def end_at(self, time_ns: int) -> None:
        """Say that all sound after `time_ns` was another's."""
        self.sound_ns, self.voice_ns = min(self.sound_ns, time_ns), min(self.voice_ns, time_ns)

    def silent_ns(self) -> int:
        """Return how long ago the sound ended, whatever the probability."""
        return self._end_ns - self.sound_ns

    def speaks(self) -> bool:
        """Return whether the last window shows that the user speaks on after a pause: it is sound or soft
        voice."""
        return self.sounds or (self.voice_ns == self._end_ns and self.silent_ns() > SOFT_NS)

    def room(self) -> float:
        """Return the power of the room, as an estimate; 0 if no room was heard."""
        known: list[float] = []
        if self._quiet:
            known.append(sum(self._quiet) / len(self._quiet))
        if len(self._recent) >= QUIET:
            known.append(sorted(self._recent)[len(self._recent) // 10])
        return min(known, default=0.0)

    def _limit(self) -> float:
        over = HOLD if self.sounds else ONSET
        return min(max(RANGE * self._loudest, over * self.room()), LOUD * self._loudest)


def power_of(window: AudioPacket) -> float:
    """Return the mean square of a window; the detector's figure, if it gave one."""
    power: float | None = window.meta.get("power")
    if power is None:
        samples = window.mono()
        power = float(np.dot(samples, samples)) / len(samples)
    return power
