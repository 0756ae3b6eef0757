"""Push to talk: the user begins and ends an utterance with a button."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

from vflow import (
    Audio,
    AudioPacket,
    Duration,
    Eos,
    Event,
    In,
    Node,
    Out,
    SpeechEnd,
    SpeechStart,
    TalkEnd,
    TalkStart,
    VflowError,
    prop,
)

MOST_WAITING = 1_000
"""How many presses and releases may wait for audio."""


class PushToTalk(Node):
    """Cut audio into utterances by a button, in the place of a `vad`.

    The application calls `press` and `release`, or the stream has `talk_start` and `talk_end`, as that of a
    `Session` does. A press interrupts the reply at once; a release ends the turn. A press shorter than
    `shortest` only interrupts.
    """

    swallows = (TalkStart, TalkEnd)
    example = "vad: {use: push_to_talk, tail: 100ms}"

    pre_roll: Duration = prop(
        "200ms", ge="0ms", le="2s", doc="audio from before the press: people speak while they press"
    )
    tail: Duration = prop(
        "200ms",
        ge="0ms",
        le="2s",
        latency="endpoint",
        doc="audio after the release that still counts: people let go within the last syllable",
    )
    shortest: Duration = prop("200ms", ge="0ms", le="2s", doc="a shorter press only interrupts")
    max_utterance: Duration = prop("30s", ge="1s", le="600s", doc="a longer utterance is ended here")

    audio = In(Audio(rate=16_000, channels=1))
    speech = Out(Audio(rate=16_000, channels=1, features={"turns"}), doc="utterances")

    _open = False

    def open(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[tuple[int, bool]] = deque()  # (time in ns, whether pressed); guarded by _lock
        self._turn = 0  # 0 while the button is up and the tail is over
        self._begun = False  # whether speech_start is out
        self._pressed_ns = self._end_ns = 0
        self._released_ns: int | None = None
        self._held: deque[AudioPacket] = deque()  # the pre-roll, then the press up to `shortest`
        self._open = True

    def close(self) -> None:
        self._open = False

    # the application's side

    def press(self) -> None:
        """Begin an utterance now, and interrupt. Any thread; does not block. A second press has no effect.

        Raises: VflowError if the pipeline is not open, or MOST_WAITING calls wait for audio.
        """
        self._call(True)

    def release(self) -> None:
        """End the utterance with the audio heard until now, and the tail. Any thread; does not block. Raises:
        as `press`."""
        self._call(False)

    def _call(self, pressed: bool) -> None:
        if not self._open:
            raise VflowError("nobody takes a button: the pipeline is not open; start one")
        with self._lock:
            if len(self._calls) >= MOST_WAITING:
                raise VflowError(
                    f"{MOST_WAITING:,} presses and releases wait: no audio comes; check the source"
                )
            self._calls.append((self.ctx.now_ns(), pressed))

    # the node's thread

    def process(self, packet: AudioPacket) -> Iterator[AudioPacket | Event]:
        end_ns = packet.pts_ns + packet.duration_ns
        while (pressed := self._due(end_ns)) is not None:
            yield from self._press() if pressed else self._release()
        self._end_ns = end_ns
        if self._turn and self._begun:
            yield packet.replace(turn=self._turn)
        else:
            self._hold(packet)
        if not self._turn:
            return
        if not self._begun and self._released_ns is None and end_ns - self._pressed_ns >= self.shortest:
            yield from self._begin()
        if self._released_ns is not None and end_ns - self._released_ns >= self.tail:
            yield from self._end()
        elif self._begun and end_ns - self._pressed_ns >= self.max_utterance:
            self._released_ns = end_ns
            yield from self._end()

    def on_event(self, event: Event) -> Iterator[AudioPacket | Event]:
        if isinstance(event, TalkStart):
            yield from self._press()
        elif isinstance(event, TalkEnd):
            yield from self._release()
        elif isinstance(event, Eos) and self._turn:
            self._released_ns = self._end_ns
            yield from self._end()

    def _due(self, until_ns: int) -> bool | None:
        """Return whether the button went down (True) or up (False) before a time; None if neither."""
        with self._lock:
            if not self._calls or self._calls[0][0] > until_ns:
                return None
            return self._calls.popleft()[1]

    def _press(self) -> Iterator[AudioPacket | Event]:
        if self._turn and self._released_ns is None:
            return
        if self._turn:  # pressed again within the tail
            yield from self._end()
        self._turn, self._begun, self._released_ns = self.ctx.new_turn(), False, None
        self._pressed_ns = self._end_ns
        self.ctx.interrupt(self._turn - 1)
        if not self.shortest:
            yield from self._begin()

    def _release(self) -> Iterator[AudioPacket | Event]:
        if not self._turn or self._released_ns is not None:
            return
        self._released_ns = self._end_ns
        if not self._begun or not self.tail:
            yield from self._end()

    def _begin(self) -> Iterator[AudioPacket | Event]:
        start_ns = self._held[0].pts_ns if self._held else self._pressed_ns
        self._begun = True
        yield SpeechStart(pts_ns=start_ns, turn=self._turn)
        while self._held:
            yield self._held.popleft().replace(turn=self._turn)

    def _end(self) -> Iterator[AudioPacket | Event]:
        turn, begun, self._turn = self._turn, self._begun, 0
        if begun:
            yield SpeechEnd(pts_ns=self._end_ns, turn=turn, meta={"voice_off_ns": self._released_ns})

    def _hold(self, packet: AudioPacket) -> None:
        """Keep a packet for the next utterance; while the button is up, keep only the pre-roll."""
        self._held.append(packet)
        while not self._turn and self._held:
            first = self._held[0]
            if self._end_ns - first.pts_ns - first.duration_ns < self.pre_roll:
                return
            self._held.popleft()
