"""Send audio to the application, which plays it somewhere else: a call, a socket, a window."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Iterable
from dataclasses import replace
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
"""After this long without a report, warn and send the waiting audio at the clock's pace."""
FRAME_NS = 20 * MS
"""Longest packet that is sent."""


class AppSink(Sink):
    """Send a reply's audio to the application, and count how much of it was heard.

    `output` has the audio: `get`, `async for`, or `listen`. With `pace: clock` the application plays audio as
    soon as it gets it, and the clock tells how much was heard. With `pace: played` the application calls
    `played` to report how much of a reply has sounded; the rest counts as not heard. Either way at most
    `buffer` is sent ahead of what is heard. A reply without any report for 5 s goes on at the clock's pace.
    After an interruption the application must forget the audio that it has not played.

    While the reply is on hold nothing more is sent. An application that pauses its playing then needs `holds`
    with `pace: clock`, so that the clock stops meanwhile; with `pace: played` it does not.
    """

    example = "app: {use: app_sink, pace: played, buffer: 2s}"

    pace: Literal["clock", "played"] = prop("clock", doc="what counts as heard: by the clock, or by `played`")
    buffer: Duration = prop("500ms", ge="20ms", le="60s", doc="most audio sent ahead of what is heard")
    rate: int | None = prop(
        None, ge=8_000, le=192_000, unit="Hz", doc="of the audio sent; by default the voice's"
    )
    holds: bool = prop(False, doc="with pace: clock, the application pauses during a hold")
    audio = In(Audio(channels=1))

    _held = _paused = False
    _in_hand = 0
    """Frames that wait for room, or for the end of a hold."""
    _sent: SentAudio | None = None

    @functools.cached_property
    def output(self) -> Outbox[AudioPacket]:
        """An outbox with the audio as it is sent, in packets of at most 20 ms. Closed with the node."""
        return Outbox()

    def forget(self) -> int:
        """Take back unread audio, and return how many frames. A reader that uses `listen` replaces this."""
        return sum(packet.frames for packet in self.output.take_back(lambda packet: True))

    def port_caps(self, port: str) -> Caps:
        return Audio(rate=self.rate, channels=1)

    def open(self) -> None:
        caps = self.ctx.caps("audio")
        if not isinstance(caps, Audio) or caps.rate is None:
            raise Unavailable(f"{self.ctx.name} has to know the rate of its audio; set its property 'rate'")
        self._handing = threading.Lock()  # held while a block is sent, so that none follows a drop
        self._gain = self._target = 1.0
        self._held, self._paused, self._in_hand = False, False, 0
        self._taken_back: Flush | None = None  # the last flush that took a reply back
        self._warned: set[str] = set()
        self._clock = 0, 0  # with pace: clock, (a time in ns, the frame that plays then)
        self._reported = 0  # frames heard at the last wait for a report
        self._patient_until: int | None = None  # with pace: played, in ns; None without a wait
        self._sent = SentAudio(caps.rate)

    def close(self) -> None:
        self.output.close()

    # the application's side

    def played(self, seconds: float, turn: int | None = None) -> None:
        """Report, with `pace: played`, how much of a reply has sounded in all. Any thread.

        `turn` is the reply's, by default that of the reply that sounds now. A report on an interrupted reply
        may come until the next reply ends: history and report are corrected. More than was sent counts as all
        of it.

        Raises: VflowError if `seconds` is no time, or with `pace: clock`.
        """
        if self.pace != "played":
            raise VflowError("played() is for pace: played; with pace: clock the clock says what was heard")
        if self._sent is None:
            raise VflowError("nothing is sent yet that could be played: the pipeline is not open; start one")
        if not (isinstance(seconds, int | float | np.number) and math.isfinite(seconds) and seconds >= 0):
            raise VflowError(f"played() takes seconds of a reply, 0 or more; not {seconds!r}")
        turn = self._sent.sounding if turn is None else turn
        if turn is None or (known := self._sent.sent_of(turn)) is None:
            return
        frames = round(float(seconds) * self._sent.rate)
        if frames > known:
            self._warn_once(
                f"played() reported {seconds:.2f} s of turn {turn}, of which {known / self._sent.rate:.2f} s"
                " were sent; it counts as all of that. Report seconds of this reply alone"
            )
        reports, late = self._sent.hear_of(turn, frames)
        self._post(reports)
        if late is not None:
            heard, back = late.heard, self._taken_back
            if back is not None and any(played.turn == turn for played in back.played):
                heard = replace(back, played=(late,)).heard(turn)  # None if too little was heard to count
            self.ctx.conversation.truncate(turn, heard)
            self.ctx.post("played", phase="late", played=late)
        self.ctx.notify()

    def pause(self, paused: bool) -> None:
        """Send nothing, and wait for no report, while the line to the listener is down. Any thread."""
        if (sent := self._sent) is None or paused == self._paused:
            return
        with self._handing:
            self._clock = self.ctx.now_ns(), self._frame(sent)
            self._paused = paused
        self.ctx.notify()

    # the node's side

    def process(self, packet: AudioPacket) -> None:
        sent = self._opened()
        self._in_hand = packet.frames
        try:
            for block in packet.blocks(max(1, FRAME_NS * sent.rate // SECOND)):
                self._wait_for(self.buffer * sent.rate // SECOND - block.frames)
                while not self._hand(block):
                    self._look()
                    self.ctx.wait_until(self.ctx.now_ns() + FRAME_NS)
                self._in_hand -= block.frames
        finally:
            self._in_hand = 0
        self._look()

    def _hand(self, block: AudioPacket) -> bool:
        """Send a block, or return False while the reply is on hold."""
        sent = self._opened()
        with self._handing:
            if self._held or self._paused:
                self._patient_until = None
                return False
            if not sent.unheard:  # all else was heard: it plays from now on
                self._clock = self.ctx.now_ns(), sent.count
            sent.send(block, self.ctx.epoch)
            self.output.put(self._scaled(block))
            return True

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
        if flush.takes_back:
            self._taken_back = flush

    def drop(self, epoch: int) -> tuple[Played, ...]:
        sent = self._sent
        if sent is None:
            return ()
        reports = self._hear()
        with self._handing:
            played = sent.drop(epoch, self.forget())
            self._held = False
        self._clock = self.ctx.now_ns(), sent.count
        self._gain = self._target = 1.0
        self._post(reports)
        return played

    def duck(self, gain: float) -> None:
        self._target = gain

    def hold(self, held: bool) -> None:
        if (sent := self._sent) is None or held == self._held:
            return
        with self._handing:
            if self.holds:
                self._clock = self.ctx.now_ns(), self._frame(sent)
            self._held = held
        self.ctx.notify()

    def lead_ns(self) -> int:
        if (sent := self._sent) is None:
            return 0
        unheard = sent.count - self._frame(sent) if self.pace == "clock" else sent.unheard
        return (max(0, unheard) + self._held * self._in_hand) * SECOND // sent.rate

    def sounding(self) -> Played | None:
        sent = self._sent
        return None if sent is None else sent.playing(self._frame(sent) if self.pace == "clock" else 0)

    def _opened(self) -> SentAudio:
        assert self._sent is not None, "open() was not called"
        return self._sent

    def _frame(self, sent: SentAudio) -> int:
        """Return the frame that plays now, by the clock, which stops while the application pauses."""
        time_ns, frame = self._clock
        if self._paused or (self._held and self.holds):
            return frame
        return frame + (self.ctx.now_ns() - time_ns) * sent.rate // SECOND

    def _hear(self) -> list[Report]:
        sent = self._opened()
        return sent.hear(self._frame(sent)) if self.pace == "clock" else []

    def _look(self) -> None:
        """Report what was heard by now, and set the timer for the next report."""
        self._post(self._hear())
        if self.pace == "clock":
            due = self._opened().next_due()
            self.ctx.wake_at(None if due is None else self._time_ns(due))

    def _time_ns(self, frame: int) -> int:
        """Return when the clock reaches a frame; while it is stopped, when to look again."""
        time_ns, at = self._clock
        if self._paused or (self._held and self.holds):
            return self.ctx.now_ns() + FRAME_NS
        return time_ns - (at - frame) * SECOND // self._opened().rate + 1

    def _wait_for(self, most: int, until_ns: int | None = None) -> None:
        """Wait until at most `most` frames are not heard, or until a time. For a missing report wait at most
        PATIENCE_NS, and after that FRAME_NS a call."""
        sent, most = self._opened(), max(0, most)
        while True:
            self._look()
            now, unheard = self.ctx.now_ns(), sent.unheard
            if unheard <= most:
                self._patient_until = None
                return
            if until_ns is not None and now >= until_ns:
                return
            if self.pace == "clock" or self._paused:
                self._patient_until = None
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
        """Return the packet at the present volume, with a ramp if that has changed."""
        before, self._gain = self._gain, self._target
        if before == self._gain == 1.0:
            return packet
        ramp = np.linspace(before, self._gain, packet.frames, dtype=np.float32)
        return packet.replace(data=packet.data * ramp[:, None])

    def _post(self, reports: Iterable[Report]) -> None:
        for phase, played in reports:
            self.ctx.post("played", phase=phase, played=played, at_ns=self.ctx.now_ns())

    def _warn_once(self, text: str) -> None:
        if text[:20] not in self._warned:
            self._warned.add(text[:20])
            self.ctx.warn(text)
