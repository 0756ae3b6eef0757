"""A file that plays: a sound device whose loudspeaker is a wav file."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from vflow import (
    SECOND,
    Audio,
    AudioPacket,
    Caps,
    Duration,
    Eos,
    Event,
    Flush,
    In,
    Played,
    Playout,
    Sink,
    TurnEnd,
    Unavailable,
    prop,
)

_TAKE_S = 60
_SILENCE_FRAMES = 1 << 16

Report = tuple[str, int, Played]
"""What was played of a turn at its `start` or `end`, and the frame of the file where that is."""


class Tape:
    """A mono PCM16 file behind a `Playout`, wound on by whoever calls, as far as the clock has come.

    Any thread may call. `wind` and `drop` only decide what is played; `save` does the writing, so that a
    slow disk never holds up a drop.
    """

    def __init__(self, file: str, rate: int) -> None:
        self.rate = rate
        self._playout = Playout(rate)
        self._playing = threading.Lock()
        self._ended = False  # guarded by _playing
        self._unsaved: deque[tuple[NDArray[np.float32], int]] = deque()  # (samples, silence behind them)
        self._saving = threading.Lock()
        self._sound: soundfile.SoundFile | None = _create(file, rate)  # guarded by _saving

    @property
    def queued(self) -> int:
        """Frames accepted and not yet played."""
        return self._playout.queued

    @property
    def end(self) -> int:
        """The frame of the file behind all that is played or accepted."""
        with self._playing:
            return self._playout.position + self._playout.queued

    def wind(self, frame: int) -> list[Report]:
        """Play up to `frame`: accepted audio, then silence."""
        with self._playing:
            return self._wind(frame)

    def write(self, packet: AudioPacket, epoch: int, lead_in: int = 0) -> list[Report]:
        """Accept a packet; an idle tape is silent up to the frame `lead_in` first. Raises: Flushed."""
        with self._playing:
            # that silence is played in advance: neither a mark nor a count of samples knows of it
            reports = [] if self._playout.queued else self._wind(lead_in)
            self._playout.write(packet, epoch)
            return reports

    def end_turn(self, turn: int) -> None:
        """The reply of `turn` ends behind what was accepted so far."""
        with self._playing:
            self._playout.end_turn(turn)

    def drop(self, epoch: int, frame: int) -> tuple[tuple[Played, ...], list[Report]]:
        """Play up to `frame`, forget the rest, and refuse what is older than `epoch`."""
        with self._playing:
            reports = self._wind(frame)
            return self._playout.drop(epoch), reports

    def save(self, end: bool = False) -> None:
        """Write what was played to the file; with `end` for the last time: finish the file.

        Raises: Unavailable where the disk takes no more.
        """
        with self._playing:
            self._ended = self._ended or end
        with self._saving:
            if self._sound is None:
                return
            try:
                while self._unsaved:
                    samples, silence = self._unsaved.popleft()
                    self._put(samples)
                    for at in range(0, silence, _SILENCE_FRAMES):
                        self._put(np.zeros(min(_SILENCE_FRAMES, silence - at), np.float32))
            finally:
                if end:
                    self._sound.close()
                    self._sound = None

    def _put(self, samples: NDArray[np.float32]) -> None:
        if self._sound is None or not len(samples):
            return
        try:
            self._sound.write(samples)
        except (soundfile.LibsndfileError, AssertionError) as error:  # asserts that it wrote all it was given
            raise Unavailable(
                f"{self._sound.name} cannot be written on ({error}); is the disk full?"
            ) from error

    def _wind(self, frame: int) -> list[Report]:
        if self._ended:
            return []
        reports: list[Report] = []
        while True:  # at least once: an end behind the last sample passes with no sample taken
            left, queued = frame - self._playout.position, self._playout.queued
            size = min(max(left, 0), _TAKE_S * self.rate)  # of an hour of silence, not the whole at once
            samples, passed = self._playout.take(size)
            if size:
                self._unsaved.append((samples[:queued], max(0, size - queued)))
            reports += [(m.kind, m.frame, played) for m, played in passed if m.kind != "word"]
            if left <= size:
                return reports


class WavSink(Sink):
    """Plays into a wav file (mono, 16 bit, at the rate of what comes in).

    With `sync` sample n of the file is the pipeline time n / rate, and what is flushed before its time is
    never in it: what is in the file was heard. Without, packets are written as fast as they come, one
    behind the other. What is played of a reply is told on the bus: `played`, phase `start` and `end`.
    """

    example = "recording: {use: wav_sink, file: reply.wav}"

    file: str = prop(doc="path of the file; one that is there is overwritten")
    sync: bool = prop(True, doc="play at the clock's pace")
    buffer: Duration = prop("500ms", ge="0ms", le="60s", doc="a write waits while more than this is queued")
    latency: Duration = prop(
        "0ms",
        ge="0ms",
        le="10s",
        doc="silence before audio that finds the sink idle: what comes unevenly then plays without holes",
        latency="path",
    )
    audio = In(Audio(channels=1))

    _tape: Tape | None = None
    _turn: int | None = None
    _warned = False

    def open(self) -> None:
        caps = self.ctx.caps("audio")
        self._due: deque[int] = deque()  # frames at which there is something to report, ascending
        self._turn, self._warned = None, False
        self._tape = Tape(self.file, _rate(caps, self.ctx.name))

    def close(self) -> None:
        tape = self._tape
        if tape is None:
            return
        if self.sync:
            self._report(tape, tape.wind(self._frame(tape)))
        tape.save(end=True)

    def process(self, packet: AudioPacket) -> None:
        tape = self._opened()
        packet = self._finite(packet)
        if not self.sync:
            self._report(tape, tape.write(packet, self.ctx.epoch))
            self._play(tape, tape.end)
            return
        self._play(tape, self._frame(tape))
        room = (self.buffer + self.latency) * tape.rate // SECOND
        while self._frame(tape) < (free := tape.end - room):
            self.ctx.wait_until(_time_ns(free, tape.rate))
            self._play(tape, self._frame(tape))
        lead_in = (self.ctx.now_ns() + self.latency) * tape.rate // SECOND if self.latency else 0
        self._report(tape, tape.write(packet, self.ctx.epoch, lead_in))
        if packet.turn != self._turn:
            self._turn = packet.turn
            self._due.append(tape.end - packet.frames + 1)
        self._wake(tape)

    def on_event(self, event: Event) -> None:
        tape = self._opened()
        if isinstance(event, TurnEnd):
            tape.end_turn(event.turn)
            self._turn = None
            self._due.append(tape.end)
        elif isinstance(event, Eos):
            while self.sync and tape.queued:
                self.ctx.wait_until(_time_ns(tape.end, tape.rate))
                self._play(tape, self._frame(tape))
        self._play(tape, self._frame(tape) if self.sync else tape.end)
        self._wake(tape)

    def on_timer(self) -> None:
        tape = self._opened()
        self._play(tape, self._frame(tape))
        self._wake(tape)

    def on_flush(self, flush: Flush) -> None:
        self._due.clear()
        self._turn = None

    def drop(self, epoch: int) -> tuple[Played, ...]:
        tape = self._tape
        if tape is None:
            return ()
        played, reports = tape.drop(epoch, self._frame(tape) if self.sync else 0)
        self._report(tape, reports)
        return played

    def lead_ns(self) -> int:
        tape = self._tape
        if tape is None or not self.sync or not tape.queued:
            return 0
        return max(0, tape.end * SECOND // tape.rate - self.ctx.now_ns())

    def _opened(self) -> Tape:
        assert self._tape is not None, "open() was not called"
        return self._tape

    def _frame(self, tape: Tape) -> int:
        """How far the clock has come, in frames of the file."""
        return self.ctx.now_ns() * tape.rate // SECOND

    def _play(self, tape: Tape, frame: int) -> None:
        self._report(tape, tape.wind(frame))
        tape.save()

    def _report(self, tape: Tape, reports: list[Report]) -> None:
        # not under a lock of the tape: a listener on the bus may interrupt, and so drop
        for phase, frame, played in reports:
            at_ns = _time_ns(frame, tape.rate) if self.sync else self.ctx.now_ns()
            self.ctx.post("played", phase=phase, played=played, at_ns=at_ns)

    def _wake(self, tape: Tape) -> None:
        """Ask for the timer at the next frame with something to report, at the latest where all is played."""
        now = self._frame(tape)
        while self._due and self._due[0] <= now:
            self._due.popleft()
        due = self._due[0] if self._due else tape.end
        self.ctx.wake_at(_time_ns(due, tape.rate) if self.sync and due > now else None)

    def _finite(self, packet: AudioPacket) -> AudioPacket:
        if np.isfinite(packet.data).all():
            return packet
        if not self._warned:
            self._warned = True
            self.ctx.warn(
                f"samples that are not numbers, or infinite, at {packet.pts_ns / SECOND:.3f} s"
                " are played as silence; look at the node in front"
            )
        return packet.replace(data=np.nan_to_num(packet.data, nan=0.0, posinf=0.0, neginf=0.0))


def _time_ns(frame: int, rate: int) -> int:
    """The first nanosecond at which the clock has come to `frame`."""
    return -(-frame * SECOND // rate)


def _rate(caps: Caps, name: str) -> int:
    if not isinstance(caps, Audio) or caps.rate is None:
        raise Unavailable(
            f"{name} has to know the rate of its audio, and found {caps};"
            " put 'resample: {rate: 16000}' in front of it"
        )
    return caps.rate


def _create(file: str, rate: int) -> soundfile.SoundFile:
    """The wav file, empty. Raises: Unavailable where it cannot be written."""
    folder = Path(file).parent
    if not folder.is_dir():
        raise Unavailable(f"{file} cannot be written: there is no folder {folder}; make it, or name another")
    try:
        Path(file).write_bytes(b"")  # says why it cannot; libsndfile says "System error"
        return soundfile.SoundFile(file, "w", samplerate=rate, channels=1, subtype="PCM_16", format="WAV")
    except (OSError, soundfile.LibsndfileError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unavailable(f"{file} cannot be written: {reason}; name another file") from error
