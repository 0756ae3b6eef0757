"""Flush links, sinks and threads, in the thread that asks for the flush.

After `flush` returns, no sink plays an older sample and no link accepts an older packet, whatever any thread
is doing (see docs/design/flush.md). `retract` does the same to one turn's work in advance, up to the effects,
and changes nothing that is played.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from vflow.bus import Message
from vflow.flush import Flush, Played
from vflow.graph.graph import Graph, Reach
from vflow.node import Node, Sink
from vflow.runtime.announcer import Announcer
from vflow.runtime.held_link import HeldLink
from vflow.runtime.segment import Segment, SegmentOwner
from vflow.runtime.speculation import Speculation
from vflow.runtime.wiring import Wiring


class Flusher:
    """Flushes a pipeline. Any thread may call; one flush at a time.

    Only open nodes are asked to drop. The flush lock is held while a flush is made, and by a thread that
    decides about an item that a flush refused.
    """

    def __init__(
        self,
        graph: Graph,
        nodes: Mapping[str, Node],
        wiring: Wiring,
        speculation: Speculation,
        announcer: Announcer,
        owner: SegmentOwner,
    ) -> None:
        self.cancelled_turn = 0
        """All turns up to this one are cancelled; written under the flush lock."""
        self._graph, self._nodes, self._segments, self._links = graph, nodes, wiring.segments, wiring.links
        self._speculation, self._announcer, self._is_open = speculation, announcer, owner.is_open
        self._lock = owner.flush_lock
        self._number = 0  # guarded by _lock
        self._dropping: tuple[str, float] | None = None
        """The sink that is now in `drop`, and since when, by `time.monotonic`."""
        self.reach: Callable[[frozenset[str]], Reach] = cache(graph.reach)
        """Returns everything downstream of some nodes; worked out once for each set of nodes."""

    def sinks(self, starts: frozenset[str]) -> list[tuple[str, Sink]]:
        """Return the sinks downstream of some nodes."""
        nodes = ((name, self._nodes[name]) for name in self._nodes if name in self.reach(starts).nodes)
        return [(name, node) for name, node in nodes if isinstance(node, Sink)]

    def queued_ns(self, starts: frozenset[str]) -> int:
        """Return the length of the audio that waits in the links downstream of some nodes, in ns."""
        links = self.reach(starts).links
        return sum(link.queued_ns for edge, link in self._links if edge in links)

    def flush(
        self, starts: frozenset[str], turn: int, takes_back: bool = False
    ) -> tuple[Flush, list[tuple[str, BaseException]], list[Message]]:
        """Cancel all turns up to `turn`. Return the flush, the errors of sinks by node, and the messages held
        back meanwhile.

        Raises: VflowError if called inside a sink's `drop`: that would meet a flush that is half done.
        """
        with self._lock, self._announcer.holding() as messages:
            self._number += 1
            self.cancelled_turn = max(self.cancelled_turn, turn)
            reach, number = self.reach(starts), self._number
            played: list[Played] = []
            errors: list[tuple[str, BaseException]] = []
            sinks = [(name, sink) for name, sink in self.sinks(starts) if self._is_open(name)]
            try:
                for edge, link in self._links:  # links first: no older packet may reach a sink after its drop
                    if edge in reach.links:
                        link.purge(number)
                for name, sink in sinks:
                    self._dropping = name, time.monotonic()
                    try:
                        played.extend(_checked(sink.drop(number)))
                    except BaseException as error:  # the node's code: anything, sys.exit too
                        errors.append((name, error))
            finally:  # even after an error: threads whose packets are refused must get the flush
                self._dropping = None
                self._speculation.cancel(turn, starts | reach.nodes)
                sunk = tuple(played), len(sinks)
                flush = Flush(number, turn, starts, reach.nodes, *sunk, takes_back=takes_back)
                self._hand(flush)
        # after the lock: this may run nodes of threads that have ended
        for segment in self._concerned(flush):
            segment.settle()
        return flush, errors, messages

    def retract(self, starts: frozenset[str], turn: int, after_ns: int) -> list[Message] | None:
        """Discard the work in advance on `turn`. Return the messages that were withheld; None, and do
        nothing, if the turn is not speculative."""
        with self._lock:
            self._number += 1
            reach = self._graph.reach(starts, in_advance=True)
            void = self._speculation.retract(turn, self._number, after_ns)
            if void is None:  # another thread has committed it meanwhile
                return None
            for edge, link in self._links:
                if edge in reach.links:
                    link.retract(turn, self._number)
            flush = Flush(self._number, turn, starts, reach.nodes, retracts=True)
            self._hand(flush)
        for segment in self._concerned(flush):
            segment.settle()
        return void

    def dropping(self, longer_than_s: float = 0.0) -> str:
        """Return the sink whose `drop` has run longer than this; '' if none."""
        found = self._dropping
        return found[0] if found is not None and time.monotonic() - found[1] > longer_than_s else ""

    def give_up(self) -> None:
        """Free the threads that wait for a `drop` to return, since the pipeline ends."""
        if self._dropping is not None:
            self._lock.break_open()

    def release(self) -> None:
        """Wake the readers of links that held items back, so that they look again."""
        for _, link in self._links:
            if isinstance(link, HeldLink):
                link.look_again()

    def _hand(self, flush: Flush) -> None:
        for segment in self._concerned(flush):
            segment.hand(flush)

    def _concerned(self, flush: Flush) -> list[Segment]:
        names = flush.origins | flush.nodes
        return list(dict.fromkeys(segment for name, segment in self._segments.items() if name in names))


def _checked(answer: Iterable[object]) -> Iterator[Played]:
    """Yield the results of a sink's `drop`. Raises: TypeError for one that is no Played: the generator that
    reads the flush would fail on it later, far from the fault."""
    for played in answer:
        if not isinstance(played, Played):
            raise TypeError(f"drop() returned {type(played).__name__}, not Played")
        yield played
