"""The replies that were sent to an application, and how much of each was heard there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from vflow.errors import Flushed
from vflow.flush import Played
from vflow.packet import AudioPacket
from vflow.scripts import join_words

CUT = 16
"""Most replies remembered of those that were cut one after the other."""
Report = tuple[str, Played]
"""The `start` or `end` of a reply, and how much of it was heard by then."""


@dataclass(slots=True)
class _Reply:
    """A reply; frames count all that was sent since the start of the stream."""

    turn: int
    first: int
    stop: int
    words: list[tuple[int, str]] = field(default_factory=list)
    """Its words, each with the frame from which it counts as heard."""
    whole: bool = False
    begun: bool = False

    def played(self, rate: int, heard: int) -> Played:
        samples = max(0, min(heard, self.stop) - self.first)
        words = [word for frame, word in self.words if frame < self.first + samples]
        ended = self.whole and heard >= self.stop
        return Played(self.turn, samples, rate, join_words(words), len(words), ended)


class SentAudio:
    """The replies that were sent, as a timeline without pauses. Any thread may call every method.

    A reply that was cut is remembered until the next one ends, so that late reports about it still count; of
    several cut replies, the last CUT are remembered.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._lock = threading.Lock()
        # all below guarded by _lock
        self._floor = 0
        self._sent = self._heard = 0
        self._replies: dict[int, _Reply] = {}  # those not yet heard to their end, in order
        self._last: _Reply | None = None  # the last one heard to its end
        self._cut: dict[int, _Reply] = {}

    @property
    def unheard(self) -> int:
        """Frames that were sent and not yet heard."""
        with self._lock:
            return self._sent - self._heard

    @property
    def count(self) -> int:
        """Frames sent since the start."""
        with self._lock:
            return self._sent

    @property
    def sounding(self) -> int | None:
        """The turn of the first reply not yet heard to its end; None if there is none."""
        with self._lock:
            return next(iter(self._replies), None)

    def playing(self, heard: int) -> Played | None:
        """Return how much was heard of the first reply not heard to its end; None for none. `heard` frames of
        all that was sent have sounded."""
        with self._lock:
            heard = min(max(self._heard, heard), self._sent)
            waits = (r for r in self._replies.values() if not (r.whole and heard >= r.stop))
            reply = next(waits, None)
            return None if reply is None else reply.played(self.rate, heard)

    def next_due(self) -> int | None:
        """Return the frame at which the next reply begins or ends; None if none of those sent will."""
        with self._lock:
            due = (
                r.first + 1 if not r.begun else r.stop
                for r in self._replies.values()
                if r.whole or not r.begun
            )
            return min(due, default=None)

    def send(self, packet: AudioPacket, epoch: int) -> None:
        """Note a packet that is sent. Raises: Flushed if `epoch` is older than the last `drop`."""
        with self._lock:
            if epoch < self._floor:
                raise Flushed
            reply = self._replies.get(packet.turn)
            if reply is None:
                reply = self._replies[packet.turn] = _Reply(packet.turn, self._sent, self._sent)
            reply.words += [(self._sent + span.middle, span.word) for span in packet.spans]
            self._sent += packet.frames
            reply.stop = self._sent

    def end_turn(self, turn: int) -> list[Report]:
        """Note that the reply of `turn` is whole. Return what happened because of that."""
        with self._lock:
            reply = self._replies.get(turn)
            if reply is None:
                return []
            reply.whole = True
            return list(self._passed())

    def hear(self, frames: int) -> list[Report]:
        """Note that the first `frames` of all that was sent have sounded; fewer than before changes nothing.
        Return what happened because of that."""
        with self._lock:
            self._heard = min(max(self._heard, frames), self._sent)
            return list(self._passed())

    def hear_of(self, turn: int, frames: int) -> tuple[list[Report], Played | None]:
        """Note that the first `frames` of the reply of `turn` have sounded; more than were sent count as all.

        Return what happened because of that, and for a reply that was cut, how much of it was heard after
        all.
        """
        with self._lock:
            if (cut := self._cut.get(turn)) is not None:
                return [], cut.played(self.rate, min(cut.first + frames, cut.stop))
            reply = self._replies.get(turn)
            if reply is None:
                return [], None
            self._heard = min(max(self._heard, reply.first + frames), reply.stop)
            return list(self._passed()), None

    def sent_of(self, turn: int) -> int | None:
        """Return the frames sent of a reply; None if it is unknown, or was heard to its end."""
        with self._lock:
            reply = self._replies.get(turn) or self._cut.get(turn)
            return None if reply is None else reply.stop - reply.first

    def drop(self, epoch: int, unsent: int = 0) -> tuple[Played, ...]:
        """Cut what was not heard, and refuse epochs older than `epoch` from now on. The last `unsent` frames
        were taken back before the application saw them. Return how much of each reply was heard."""
        with self._lock:
            self._floor = max(self._floor, epoch)
            sent = self._sent - unsent
            self._heard = min(self._heard, sent)
            cut = list(self._replies.values())
            played = [reply.played(self.rate, self._heard) for reply in cut]
            if self._last is not None and not any(record.samples for record in played):
                played.insert(0, self._last.played(self.rate, self._heard))
            else:
                self._last = None
            for reply in cut:
                reply.stop = max(reply.first, min(reply.stop, sent))
                self._cut[reply.turn] = reply
            while len(self._cut) > CUT:
                del self._cut[next(iter(self._cut))]
            self._replies.clear()
            self._heard = self._sent
            return tuple(played)

    def _passed(self) -> Iterator[Report]:
        """Yield the starts and ends that have been heard since; guarded by _lock."""
        for reply in [*self._replies.values()]:
            if not reply.begun and self._heard > reply.first:
                reply.begun = True
                yield "start", reply.played(self.rate, self._heard)
            if reply.whole and self._heard >= reply.stop:
                del self._replies[reply.turn]
                self._last = reply
                self._cut.clear()
                yield "end", reply.played(self.rate, self._heard)
