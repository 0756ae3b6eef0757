"""Take audio from the application: a call, a socket, a file that it has read."""

from __future__ import annotations

import bisect
import functools
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import soxr

from vflow import (
    SECOND,
    Audio,
    AudioPacket,
    Caps,
    Duration,
    Event,
    Mixdown,
    Node,
    Out,
    Outbox,
    Samples,
    TalkEnd,
    TalkStart,
    VflowError,
    prop,
)
from vflow_nodes.lib.app_audio import samples_of

CLOSED = "nobody takes what is pushed: the pipeline is not open; start one"
OVER = "push after end(): the stream is over; start a new session or pipeline"
MOST_MARKS = 1_000
"""How many presses and releases may wait between the audio."""
AHEAD_NS = 2 * SECOND
"""Silence that may follow audio which came faster than it lasts; then the stream waits for the clock."""
MOST_GAPS = 1_000
"""How many pauses between pushes are remembered, the newest ones."""


class AppSource(Node):
    """Take audio from the application, which calls `push` from any thread.

    With `pace: free` audio leaves at once; with `pace: clock` it leaves as from a microphone, however fast it
    was pushed. After `idle` without a push, silence follows at the clock's pace, so that an utterance ends.
    If `buffer` has no room for a push, all of it is refused.
    """

    example = "caller: {use: app_source, rate: 8000}"

    rate: int = prop(
        16_000, ge=8_000, le=192_000, unit="Hz", doc="of the stream; audio pushed is converted to it"
    )
    pace: Literal["free", "clock"] = prop("free", doc="free: send at once; clock: as a microphone")
    frame: Duration = prop("20ms", ge="1ms", le="1s", doc="longest packet", latency="path")
    buffer: Duration = prop("30s", ge="100ms", le="600s", doc="most audio that waits")
    idle: Duration = prop("200ms", ge="20ms", le="10s", doc="time without a push after which silence follows")
    audio = Out(Audio(channels=1))

    _open = _paused = False

    @functools.cached_property
    def room(self) -> Outbox[bool]:
        """An outbox that gets an item once there may be room again after a refused push. Closed with the
        node."""
        return Outbox(limit=1)

    def port_caps(self, port: str) -> Caps:
        return Audio(rate=self.rate, channels=1)

    def open(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Samples | type[Event]] = deque()  # guarded by _lock
        self._count = self._marks = 0  # frames and marks in `_waiting`; guarded by _lock
        self._filter: tuple[int, soxr.ResampleStream] | None = None  # guarded by _lock
        self._mixdowns: dict[int, Mixdown] = {}  # by rate; guarded by _lock
        self._ending = self._refused = False  # guarded by _lock
        self._warned = False
        self._paused = False
        self._at_ns = 0  # the end of the audio sent
        self._pushed = 0  # frames of it that were pushed
        # where audio follows a pause: its time, and how much was pushed before; guarded by _lock
        self._gaps: deque[tuple[int, int]] = deque([(0, 0)], MOST_GAPS)
        self._open = True

    def close(self) -> None:
        self._open = False
        self.room.close()

    # the application's side

    def push(self, samples: Any, rate: int | None = None) -> bool:
        """Hand in audio. If there is no room, take none of it and return False. Any thread; does not block.

        `samples` are `(frames,)` or `(frames, channels)` of float (-1 to 1), int16, int32 or uint8; bytes are
        16 bit, little endian, mono. `rate` is in Hz, by default the node's own. Channels are mixed. A sample
        that is no number is taken as silence, with a warning.

        Raises: VflowError if it is no audio, if it is more than the buffer holds, and after `end`.
        """
        data, bad = samples_of(samples)
        rate = self.rate if rate is None else _rate_of(rate)
        if not self._open:
            raise VflowError(CLOSED)
        if bad and not self._warned:
            self._warned = True
            self.ctx.warn("samples that are not numbers, or infinite, were pushed; they are taken as silence")
        frames = len(data) * self.rate // rate
        most = self.buffer * self.rate // SECOND
        if frames > most:
            raise VflowError(
                f"push of {len(data) / rate:.1f} s at once, and the buffer holds {self.buffer / SECOND:g} s;"
                " push it in pieces, or set 'buffer' higher"
            )
        with self._lock:
            if self._ending:
                raise VflowError(OVER)
            if self._count + frames > most:
                self._refused = True
                return False
            self._add(data, rate)
        self.ctx.notify()
        return True

    def pause(self, paused: bool) -> None:
        """Say whether the speaker cannot be heard for a while. Meanwhile no silence is sent, and late audio
        continues where the last ended. Any thread."""
        if self._open:
            self._paused = paused
            self.ctx.notify()

    def press(self) -> None:
        """Mark that the user presses a button: audio pushed from now on is an utterance, for a `push_to_talk`
        downstream. Any thread; does not block. Raises: as `push`, and if MOST_MARKS wait."""
        self._mark(TalkStart)

    def release(self) -> None:
        """Mark that the user releases the button: the utterance ends with the audio pushed so far. Any
        thread; does not block. Raises: as `press`."""
        self._mark(TalkEnd)

    def pushed_by(self, pts_ns: int) -> float:
        """Return how many seconds of pushed audio come before a time of the stream, which also has silence.
        Any thread."""
        with self._lock:
            gaps = list(self._gaps)
        at = max(0, bisect.bisect_right(gaps, pts_ns, key=lambda gap: gap[0]) - 1)
        begin_ns, before = gaps[at]
        until = gaps[at + 1][1] if at + 1 < len(gaps) else self._pushed
        return min(before / self.rate + max(0, pts_ns - begin_ns) / SECOND, until / self.rate)

    def _mark(self, event: type[Event]) -> None:
        if not self._open:
            raise VflowError(CLOSED)
        with self._lock:
            if self._ending:
                raise VflowError(OVER)
            if self._marks >= MOST_MARKS:
                raise VflowError(f"{MOST_MARKS:,} presses and releases wait to leave; wait for the audio")
            self._drain()
            self._waiting.append(event)
            self._marks += 1
        self.ctx.notify()

    @property
    def waiting_ns(self) -> int:
        """The length of the audio that waits to leave, in ns. Any thread."""
        return self._count * SECOND // self.rate if self._open else 0

    def end(self) -> None:
        """End the stream after the audio pushed so far. Any thread; may be called twice."""
        if self._open:
            with self._lock:
                self._drain()
                self._ending = True
            self.ctx.notify()

    def _add(self, data: Samples, rate: int) -> None:
        if self._filter is not None and self._filter[0] != rate:
            self._drain()
        mixed = self._mixdowns.setdefault(rate, Mixdown(rate)).mix(data) if data.ndim == 2 else data
        if rate != self.rate:
            if self._filter is None:
                self._filter = rate, soxr.ResampleStream(rate, self.rate, 1, "float32", "LQ")
            mixed = self._filter[1].resample_chunk(np.ascontiguousarray(mixed))
        if len(mixed):
            self._waiting.append(np.array(mixed, np.float32).reshape(-1))
            self._count += len(mixed)

    def _drain(self) -> None:
        """Queue the audio that the filter holds back: its stream is over."""
        if self._filter is not None:
            rest = self._filter[1].resample_chunk(np.zeros(0, np.float32), last=True)
            self._filter = None
            if len(rest):
                self._waiting.append(np.array(rest, np.float32).reshape(-1))
                self._count += len(rest)

    # the node's thread

    def produce(self) -> Iterator[AudioPacket | Event]:
        frame = max(1, self.frame * self.rate // SECOND)
        pushed_ns = silent_ns = 0  # when audio last left; how much silence followed it
        waited = False  # whether the next block was there when the last one left
        while True:
            now = self.ctx.now_ns()
            block = self._next(frame)
            if isinstance(block, Event):
                yield block
            elif len(block):
                lasts_ns = len(block) * SECOND // self.rate
                late_ns = now - lasts_ns - self._at_ns
                # a late delivery, by a busy machine or a network, makes no gap within speech
                if not waited and late_ns > (self.idle if pushed_ns and not silent_ns else 0):
                    self._at_ns += late_ns
                pushed_ns, silent_ns, waited = now, 0, self._count > 0
                while self.pace == "clock" and self.ctx.now_ns() < self._at_ns + lasts_ns:
                    self.ctx.wait_until(self._at_ns + lasts_ns)
                self._note(len(block))
                yield self._packet(block)
            elif self._ending:
                return
            elif self._paused:
                self.ctx.wait_until()
                pushed_ns, silent_ns, waited = self.ctx.now_ns(), 0, True
            elif (due := self._silence_due(pushed_ns, silent_ns)) > now:
                self.ctx.wait_until(due)
            else:
                silent_ns += self.frame
                self._at_ns = max(self._at_ns, now - self.frame)
                yield self._packet(np.zeros(frame, np.float32))

    def _silence_due(self, pushed_ns: int, silent_ns: int) -> int:
        """Return when the next packet of silence leaves."""
        due = pushed_ns + self.idle + silent_ns
        ahead = self._at_ns + self.frame
        return max(due, ahead) if silent_ns >= AHEAD_NS else due

    def _next(self, frames: int) -> Samples | Event:
        """Take the next samples that were pushed, at most `frames`, or the mark between them."""
        with self._lock:
            if not self._waiting:
                return np.zeros(0, np.float32)
            first = self._waiting[0]
            if isinstance(first, type):
                self._waiting.popleft()
                self._marks -= 1
                return first(pts_ns=self._at_ns)
            block, rest = first[:frames], first[frames:]
            if len(rest):
                self._waiting[0] = rest
            else:
                self._waiting.popleft()
            self._count -= len(block)
            refused, self._refused = self._refused, False
        if refused:
            self.room.put(True)
        return block

    def _note(self, frames: int) -> None:
        """Note that frames which were pushed leave now."""
        begin_ns, before = self._gaps[-1]
        if abs(begin_ns + (self._pushed - before) * SECOND // self.rate - self._at_ns) > self.frame // 2:
            with self._lock:
                self._gaps.append((self._at_ns, self._pushed))
        self._pushed += frames

    def _packet(self, samples: Samples) -> AudioPacket:
        packet = AudioPacket(data=samples, rate=self.rate, pts_ns=self._at_ns)
        self._at_ns += packet.duration_ns
        return packet


def _rate_of(rate: Any) -> int:
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or not 1_000 <= rate <= 768_000:
        raise VflowError(f"a rate is a whole number of Hz from 1,000 to 768,000, not {rate!r}")
    return int(rate)
