"""Play into a wav file, as a sound device would play aloud."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    Caps,
    Duration,
    Eos,
    Event,
    Flush,
    In,
    Out,
    Played,
    Sink,
    TurnEnd,
    Unavailable,
    prop,
)
from vflow_nodes.lib.wav_playout import Report, WavPlayout

_SAVE_NS = 500 * MS
"""The file is saved this often while something sounds: the most that is lost if the process is killed."""
_ECHO_NS = 10 * MS
"""How often `played` gets a packet while something sounds, and the most that one holds. A sink on hold wakes
as often."""


_OTHERS = (
    ".mp3", ".ogg", ".oga", ".opus", ".flac", ".m4a", ".mp4", ".aac", ".wma", ".webm", ".aif", ".aiff", ".au",
)  # fmt: skip
"""Suffixes of other formats: a player that goes by the suffix could not read the file."""


class WavSink(Sink):
    """Play into a wav file (mono, 16 bit, at the rate of its input).

    With `sync`, sample n of the file is the pipeline time n / rate, and audio flushed before its time is
    never written: the file has what was heard. Without it, packets are written one after the other as fast
    as they come, and none is held. The bus tells how much of a reply was played: `played`, phase `start` and
    `end`.

    With `sync`, the output `played`, if it is linked, has the audio as it is played, in packets of at most
    10 ms, each with the time of its samples. Silence sends none.
    """

    swallows = (Event,)  # a reply ends here; its events must not leave through `played`

    example = "recording: {use: wav_sink, file: reply.wav}"

    file: str = prop(
        file="writes", doc="path of the file; an existing file is overwritten once the new one plays"
    )
    sync: bool = prop(True, doc="play at the clock's pace")
    buffer: Duration = prop("500ms", ge="0ms", le="60s", doc="a packet waits while more than this is queued")
    latency: Duration = prop(
        "0ms",
        ge="0ms",
        le="10s",
        doc="silence before audio that finds the sink idle, so that uneven packets play without holes",
        latency="path",
    )
    audio = In(Audio(channels=1))
    played = Out(Audio(channels=1), doc="what is played, as it is played")

    _tape: WavPlayout | None = None
    _warned = False
    _echoes = False

    def port_caps(self, port: str) -> Caps:
        """As `Node.port_caps`. Raises: Unavailable if the file's suffix is that of another format."""
        path = Path(self.file)
        if path.suffix.lower() in _OTHERS:
            raise Unavailable(f"{self.file} would be a wav file; name it {path.with_suffix('.wav')}")
        return super().port_caps(port)

    def open(self) -> None:
        caps = self.ctx.caps("audio")
        self._echoes = self.sync and self.ctx.linked("played")
        self._warned = False
        rate, begun = _rate(caps, self.ctx.name), self._tape is not None and self._tape.begun
        self._tape = WavPlayout(self.file, rate, self._echoes, go_on=begun, skip=self.sync)

    def close(self) -> None:
        tape = self._tape
        if tape is None:
            return
        if self.sync:
            self._report(tape, tape.wind(self._frame(tape)))
        tape.save(end=True)

    def process(self, packet: AudioPacket) -> Iterator[AudioPacket]:
        tape = self._opened()
        packet = self._finite(packet)
        if not self.sync:
            self._report(tape, tape.write(packet, self.ctx.epoch))
            yield from self._play(tape, tape.end)
            return
        yield from self._play(tape, self._frame(tape))
        room = (self.buffer + self.latency) * tape.rate // SECOND
        while self._frame(tape) < (free := tape.end - room):
            yield from self._wait(tape, free)
        lead_in = (self.ctx.now_ns() + self.latency) * tape.rate // SECOND if self.latency else 0
        self._report(tape, tape.write(packet, self.ctx.epoch, lead_in))
        self._wake(tape)

    def on_event(self, event: Event) -> Iterator[AudioPacket]:
        tape = self._opened()
        if isinstance(event, TurnEnd):
            tape.end_turn(event.turn)
        elif isinstance(event, Eos):
            while self.sync and tape.queued:
                yield from self._wait(tape, tape.end)
        yield from self._play(tape, self._frame(tape) if self.sync else tape.end)
        self._wake(tape)

    def on_timer(self) -> Iterator[AudioPacket]:
        tape = self._opened()
        yield from self._play(tape, self._frame(tape))
        self._wake(tape)

    def on_flush(self, flush: Flush) -> None:
        if self._echoes:
            self.ctx.wake_at(self.ctx.now_ns())  # report soon what was played before the flush

    def drop(self, epoch: int) -> tuple[Played, ...]:
        tape = self._tape
        if tape is None:
            return ()
        played, reports = tape.drop(epoch, self._frame(tape) if self.sync else 0)
        self._report(tape, reports)
        return played

    def duck(self, gain: float) -> None:
        if (tape := self._tape) is not None:
            self._report(tape, tape.duck(gain, self._frame(tape) if self.sync else 0))

    def hold(self, held: bool) -> None:
        if (tape := self._tape) is not None and self.sync:
            self._report(tape, tape.hold(held, self._frame(tape)))

    def lead_ns(self) -> int:
        tape = self._tape
        if tape is None or not self.sync or not tape.queued:
            return 0
        if tape.held:
            return tape.queued * SECOND // tape.rate
        return max(0, tape.end * SECOND // tape.rate - self.ctx.now_ns())

    def sounding(self) -> Played | None:
        return None if self._tape is None or not self.sync else self._tape.sounding()

    def _opened(self) -> WavPlayout:
        assert self._tape is not None, "open() was not called"
        return self._tape

    def _frame(self, tape: WavPlayout) -> int:
        """Return the clock's time, in frames of the file."""
        return self.ctx.now_ns() * tape.rate // SECOND

    def _wait(self, tape: WavPlayout, frame: int) -> Iterator[AudioPacket]:
        """Wait and play on, at most to `frame`."""
        step_ns = _ECHO_NS if self._echoes or tape.held else _SAVE_NS
        self.ctx.wait_until(min(_time_ns(frame, tape.rate), self.ctx.now_ns() + step_ns))
        yield from self._play(tape, self._frame(tape))

    def _play(self, tape: WavPlayout, frame: int) -> Iterator[AudioPacket]:
        self._report(tape, tape.wind(frame))
        tape.save()
        for at, samples in tape.sounded():
            packet = AudioPacket(data=samples, rate=tape.rate, pts_ns=at * SECOND // tape.rate)
            yield from packet.blocks(max(1, _ECHO_NS * tape.rate // SECOND))

    def _report(self, tape: WavPlayout, reports: list[Report]) -> None:
        # without the tape's lock: a listener on the bus may interrupt, and so call drop
        for phase, frame, played in reports:
            at_ns = _time_ns(frame, tape.rate) if self.sync else self.ctx.now_ns()
            self.ctx.post("played", phase=phase, played=played, at_ns=at_ns)

    def _wake(self, tape: WavPlayout) -> None:
        """Set the timer for the next frame with something to report, at the latest the last queued one."""
        due = tape.due
        if tape.queued:
            step_ns = _ECHO_NS if self._echoes or tape.held else _SAVE_NS
            look = self._frame(tape) + step_ns * tape.rate // SECOND
            due = min(tape.end if due is None else due, look)
        self.ctx.wake_at(_time_ns(due, tape.rate) if self.sync and due is not None else None)

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
    """Return the first nanosecond at which the clock has reached `frame`."""
    return -(-frame * SECOND // rate)


def _rate(caps: Caps, name: str) -> int:
    if not isinstance(caps, Audio) or caps.rate is None:
        raise Unavailable(
            f"{name} has to know the rate of its audio, and found {caps};"
            " put 'resample: {rate: 16000}' in front of it"
        )
    return caps.rate
