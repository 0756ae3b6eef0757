"""Play a `Playout` into a wav file: the file has exactly the audio that was played."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray

from vflow import AudioPacket, Played, Playout, Samples
from vflow_nodes.lib.wav_writer import WavWriter

_TAKE_S = 60
_SILENCE_FRAMES = 1 << 16
Report = tuple[str, int, Played]
"""(`start` or `end` of a turn, its frame in the file, how much of the turn was played)."""


class WavPlayout:
    """A mono PCM16 file that a `Playout` plays into. Callers wind it on to the clock's time.

    Any thread may call. `wind` and `drop` only decide what is played; `save` writes, so that a slow disk
    never delays a drop. With `echoes` it keeps the audio played until `sounded` is called.
    """

    def __init__(
        self, file: str, rate: int, echoes: bool = False, go_on: bool = False, skip: bool = False
    ) -> None:
        """With `go_on` the file is from an earlier tape of this run, and is continued; with `skip` as well,
        the first frames of this tape are those that the file already has."""
        self.rate = rate
        self._echoes = echoes
        self._playout = Playout(rate)
        self._playing = threading.Lock()
        self._ended = False  # guarded by _playing
        self._sounded: deque[tuple[int, Samples]] = deque()  # (frame, samples); guarded by _playing
        # (samples, frames of silence after them); appended under _playing, taken under _saving
        self._unsaved: deque[tuple[NDArray[np.float32], int]] = deque()
        self._saving = threading.Lock()
        self._sound: WavWriter | None = WavWriter(file, rate, go_on)  # guarded by _saving
        self._skipped = self._sound.frames if go_on and skip else 0  # frames to skip; guarded by _saving
        self._saved = False  # guarded by _saving
        self.begun = go_on
        """Whether the file already has audio of this run."""

    @property
    def queued(self) -> int:
        """Frames accepted and not yet played."""
        return self._playout.queued

    @property
    def held(self) -> bool:
        """Whether audio waits for the end of a `hold`."""
        return self._playout.held

    @property
    def due(self) -> int | None:
        """The next frame of the file with a start or end to report; None for none, or while on hold."""
        return self._playout.next_mark()

    @property
    def end(self) -> int:
        """The frame of the file after all audio played or accepted."""
        with self._playing:
            return self._playout.position + self._playout.queued

    def sounding(self) -> Played | None:
        """Return how much was played of the first reply that has not ended; None if there is none."""
        return self._playout.sounding()

    def wind(self, frame: int) -> list[Report]:
        """Play up to `frame`: accepted audio, then silence."""
        with self._playing:
            return self._wind(frame)

    def write(self, packet: AudioPacket, epoch: int, lead_in: int = 0) -> list[Report]:
        """Accept a packet; if the tape is idle, first play silence up to the frame `lead_in`. Raises:
        Flushed."""
        with self._playing:
            # play that silence in advance: it counts neither for marks nor as samples of the reply
            reports = [] if self._playout.queued else self._wind(lead_in)
            self._playout.write(packet, epoch)
            return reports

    def end_turn(self, turn: int) -> None:
        """Mark that the reply of `turn` ends after the audio accepted so far."""
        with self._playing:
            self._playout.end_turn(turn)

    def drop(self, epoch: int, frame: int) -> tuple[tuple[Played, ...], list[Report]]:
        """Play up to `frame`, forget the rest, and refuse packets older than `epoch`."""
        with self._playing:
            reports = self._wind(frame)
            return self._playout.drop(epoch), reports

    def duck(self, gain: float, frame: int) -> list[Report]:
        """Play up to `frame` as before, and then at a linear gain of 0 to 1, until a drop."""
        with self._playing:
            reports = self._wind(frame)
            self._playout.duck(gain)
            return reports

    def hold(self, held: bool, frame: int) -> list[Report]:
        """Play up to `frame` as before; then play silence while the rest waits, or go on with the rest."""
        with self._playing:
            reports = self._wind(frame)
            if held:
                self._playout.hold()
            else:
                self._playout.release()
            return reports

    def sounded(self) -> list[tuple[int, Samples]]:
        """Return the audio played since the last call: frame and samples, no silence; [] without `echoes`."""
        with self._playing:
            sounded = list(self._sounded)
            self._sounded.clear()
            return sounded

    def save(self, end: bool = False) -> None:
        """Write the audio played to the file; with `end`, for the last time: finish the file.

        If the first call is also the last one, nothing was played, and an existing file stays as it was.

        Raises: Unavailable if the disk is full.
        """
        with self._playing:
            self._ended = self._ended or end
        with self._saving:
            if self._sound is None:
                return
            came = self._saved or not end
            self._saved = True
            if not came and not self._sound.new:
                self._unsaved.clear()
            try:
                while self._unsaved:
                    samples, silence = self._unsaved.popleft()
                    self._put(self._sound, samples)
                    for at in range(0, silence, _SILENCE_FRAMES):
                        self._put(self._sound, np.zeros(min(_SILENCE_FRAMES, silence - at), np.float32))
            finally:
                if end:
                    self._sound.close(keep_empty=came)
                    self._sound = None

    def _put(self, sound: WavWriter, samples: NDArray[np.float32]) -> None:
        skipped = min(self._skipped, len(samples))
        self._skipped -= skipped
        self.begun = True
        sound.write(samples[skipped:])

    def _wind(self, frame: int) -> list[Report]:
        if self._ended:
            return []
        reports: list[Report] = []
        while True:  # at least once: an end after the last sample is reported without a sample
            left, queued = frame - self._playout.position, self._playout.queued
            size = min(max(left, 0), _TAKE_S * self.rate)  # an hour of silence is not made at once
            at = self._playout.position
            samples, passed = self._playout.take(size)
            if self._echoes and size and queued:
                self._sounded.append((at, samples[:queued]))
            if size:
                self._unsaved.append((samples[:queued], max(0, size - queued)))
            reports += [(m.kind, m.frame, played) for m, played in passed if m.kind != "word"]
            if left <= size:
                return reports
