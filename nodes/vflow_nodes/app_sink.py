"""Audio for the application, which plays it somewhere else: a call, a socket, a window."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Iterable
from typing import Literal

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
    Outbox,
    Played,
    SentAudio,
    Sink,
    TurnEnd,
    Unavailable,
    VflowError,
    prop,
)

Report = tuple[str, Played]
PATIENCE_NS = 5 * SECOND
"""After how long without a report what waits for one is told, and sent at the clock's pace."""
FRAME_NS = 20 * MS
"""Longest packet that is sent."""


class AppSink(Sink):
    """Sends a reply's audio to the application, and counts what was heard of it.

    `output` has the audio: `get`, `async for`, or `listen`. With `pace: clock` the application plays what it
    is given at once, and the clock says what was heard. With `pace: played` it reports by `played` how much
    of a reply has sounded, and what it has not reported counts as not heard. Either way no more than `buffer`
    is sent ahead of what is heard; a reply of which nothing is reported for 5 s goes on at the clock's pace.
    After an interruption the application must forget what it has not played.
    """

    example = "app: {use: app_sink, pace: played, buffer: 2s}"

    pace: Literal["clock", "played"] = prop("clock", doc="who says what was heard: the clock, or `played`")
    buffer: Duration = prop("500ms", ge="20ms", le="60s", doc="audio that is sent ahead of what is heard")
    rate: int | None = prop(
        None, ge=8_000, le=192_000, unit="Hz", doc="of what is sent; by default the voice's"
    )
    audio = In(Audio(channels=1))

    _sent: SentAudio | None = None

    @functools.cached_property
    def output(self) -> Outbox[AudioPacket]:
        """The audio as it is sent, in packets of at most 20 ms; closed with the node."""
        return Outbox()

    def forget(self) -> int:
        """Take back what the application has not read; returns how many frames. Whoever reads the output by
        `listen` puts another function here."""
        return sum(packet.frames for packet in self.output.take_back(lambda packet: True))

    def port_caps(self, port: str) -> Caps:
        return Audio(rate=self.rate, channels=1)

    def open(self) -> None:
        caps = self.ctx.caps("audio")
        if not isinstance(caps, Audio) or caps.rate is None:
            raise Unavailable(f"{self.ctx.name} has to know the rate of its audio; set its property 'rate'")
        self._handing = threading.Lock()  # no block is handed over after a drop that it belongs before
        self._gain = self._target = 1.0
        self._warned: set[str] = set()
        self._clock = 0, 0  # with pace: clock, a time in ns and the frame that plays then
        self._reported = 0  # frames heard when a report was waited for last
        self._patient_until: int | None = None  # with pace: played, in ns; None where none is waited for
        self._sent = SentAudio(caps.rate)

    def close(self) -> None:
        self.output.close()

    # the application's side

    def played(self, seconds: float, turn: int | None = None) -> None:
        """Report, with `pace: played`, how much of a reply has sounded in all. Any thread.

        `turn` is the reply's, by default that which sounds now. Of a reply that was cut it may be told until
        the next one ends: history and report are put right. More than was sent counts as all of that.

        Raises: VflowError for what is no time, or where the clock counts.
        """
        if self.pace != "played":
            raise VflowError("played() is for pace: played; with pace: clock the clock says what was heard")
        if self._sent is None:
            raise VflowError("nothing is sent yet that could be played: the pipeline is not open; start one")
        if not (isinstance(seconds, int | float | np.number) and math.isfinite(seconds) and seconds >= 0):
            raise VflowError(f"played() takes seconds of a reply, 0 or more; not {seconds!r}")
        turn = self._sent.sounding if turn is None else turn
        frames = round(float(seconds) * self._sent.rate)
        known = None if turn is None else self._sent.sent_of(turn)
        if turn is None or known is None:
            return
        if frames > known:
            self._warn_once(
                f"played() reported {seconds:.2f} s of turn {turn}, of which {known / self._sent.rate:.2f} s"
                " were sent; it counts as all of that. Report seconds of this reply alone"
            )
        reports, late = self._sent.hear_of(turn, frames)
        self._post(reports)
        if late is not None:
            self.ctx.conversation.truncate(turn, late.heard)
            self.ctx.post("played", phase="late", played=late)
        self.ctx.notify()

    # the node's side

    def process(self, packet: AudioPacket) -> None:
        sent = self._opened()
        for block in packet.blocks(max(1, FRAME_NS * sent.rate // SECOND)):
            self._wait_for(self.buffer * sent.rate // SECOND - block.frames)
            if not sent.unheard:  # it plays from now on
                self._clock = self.ctx.now_ns(), sent.count
            with self._handing:
                sent.send(block, self.ctx.epoch)
                self.output.put(self._scaled(block))
        self._look()

    def on_event(self, event: Event) -> None:
        sent = self._opened()
        if isinstance(event, TurnEnd):
            self._look()
            self._post(sent.end_turn(event.turn))
        elif isinstance(event, Eos):
            lead_ns = self.lead_ns() if self._patient_until is None else 0  # nobody reports
            self._wait_for(0, until_ns=self.ctx.now_ns() + lead_ns + PATIENCE_NS)
        self._look()

    def on_timer(self) -> None:
        self._look()

    def on_flush(self, flush: Flush) -> None:
        self.ctx.wake_at(None)

    def drop(self, epoch: int) -> tuple[Played, ...]:
        sent = self._sent
        if sent is None:
            return ()
        reports = self._hear()
        with self._handing:
            played = sent.drop(epoch, self.forget())
        self._clock = self.ctx.now_ns(), sent.count
        self._gain = self._target = 1.0
        self._post(reports)
        return played

    def duck(self, gain: float) -> None:
        self._target = gain

    def lead_ns(self) -> int:
        if (sent := self._sent) is None:
            return 0
        unheard = sent.count - self._frame(sent) if self.pace == "clock" else sent.unheard
        return max(0, unheard) * SECOND // sent.rate

    def _opened(self) -> SentAudio:
        assert self._sent is not None, "open() was not called"
        return self._sent

    def _frame(self, sent: SentAudio) -> int:
        """The frame that plays now, by the clock."""
        time_ns, frame = self._clock
        return frame + (self.ctx.now_ns() - time_ns) * sent.rate // SECOND

    def _hear(self) -> list[Report]:
        sent = self._opened()
        return sent.hear(self._frame(sent)) if self.pace == "clock" else []

    def _look(self) -> None:
        """Tell what was heard by now, and ask for a look when there is more to tell."""
        self._post(self._hear())
        if self.pace == "clock":
            due = self._opened().next_due()
            self.ctx.wake_at(None if due is None else self._time_ns(due))

    def _time_ns(self, frame: int) -> int:
        """When the clock has come to a frame."""
        time_ns, at = self._clock
        return time_ns - (at - frame) * SECOND // self._opened().rate + 1

    def _wait_for(self, most: int, until_ns: int | None = None) -> None:
        """Wait until at most `most` frames are not heard, or until a time; for a report that does not come
        no longer than PATIENCE_NS, and then FRAME_NS a call."""
        sent, most = self._opened(), max(0, most)
        while True:
            self._look()
            now, unheard = self.ctx.now_ns(), sent.unheard
            if unheard <= most:
                self._patient_until = None
                return
            if until_ns is not None and now >= until_ns:
                return
            if self.pace == "clock":
                self.ctx.wait_until(self._time_ns(sent.count - most))
                continue
            heard = sent.count - unheard
            if self._patient_until is None or heard != self._reported:
                self._patient_until = now + PATIENCE_NS
            self._reported = heard
            if now >= self._patient_until:
                self._warn_once(
                    f"nothing was reported as played for {PATIENCE_NS // SECOND} s: the reply goes on at the"
                    " clock's pace, and counts as not heard; call played(), or set pace: clock"
                )
                if until_ns is None:
                    self._patient_until += FRAME_NS
                    return
            self.ctx.wait_until(until_ns or self._patient_until)

    def _scaled(self, packet: AudioPacket) -> AudioPacket:
        """The packet at the volume that was asked for, on a ramp where that has changed."""
        before, self._gain = self._gain, self._target
        if before == self._gain == 1.0:
            return packet
        ramp = np.linspace(before, self._gain, packet.frames, dtype=np.float32)
        return packet.replace(data=packet.data * ramp[:, None])

    def _post(self, reports: Iterable[Report]) -> None:
        for phase, played in reports:
            self.ctx.post("played", phase=phase, played=played, at_ns=self.ctx.now_ns())

    def _warn_once(self, text: str) -> None:
        head = text[:20]
        if head not in self._warned:
            self._warned.add(head)
            self.ctx.warn(text)
