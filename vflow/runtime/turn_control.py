"""What nodes and applications ask of turns: a number, an interruption, work in advance, how long it plays."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from vflow.errors import VflowError, nearest
from vflow.flush import Flush
from vflow.graph.graph import Graph
from vflow.runtime.announcer import Announcer
from vflow.runtime.failures import Failures
from vflow.runtime.flusher import Flusher
from vflow.runtime.speculation import Speculation


class TurnControl:
    """The turns of one pipeline. Any thread may call."""

    def __init__(
        self,
        graph: Graph,
        flusher: Flusher,
        speculation: Speculation,
        announcer: Announcer,
        failures: Failures,
    ) -> None:
        self._graph, self._flusher, self._speculation = graph, flusher, speculation
        self._announcer, self._failures = announcer, failures
        self._lock = threading.Lock()
        self._newest = 0  # guarded by _lock

    @property
    def cancelled_turn(self) -> int:
        """All turns up to this one are cancelled."""
        return self._flusher.cancelled_turn

    def new_turn(self) -> int:
        """The number of a new turn: 1, 2, ..."""
        with self._lock:
            self._newest += 1
            return self._newest

    def flush(self, turn: int | None = None, origins: Iterable[str] | None = None) -> Flush:
        """See `Pipeline.flush`."""
        starts = frozenset(origins) if origins is not None else self._graph.generators()
        for name in starts - self._graph.nodes.keys():
            raise VflowError(
                f"no node {name!r} to flush from; {nearest(name, self._graph.nodes)}".rstrip("; ")
            )
        flush, errors, messages = self._flusher.flush(starts, self._newest if turn is None else turn)
        for message in messages:
            self._announcer.post(message)
        self._announcer.say("flush", flush=flush)
        for name, error in errors:
            self._failures.fail(self._failures.attributed(name, error))
        return flush

    def speculate(self, turn: int) -> None:
        """Have a turn that pauses answered in advance; what belongs to it is held in front of effects."""
        self._speculation.begin(turn)
        self._announcer.say("speculation", turn=turn, phase="begun")

    def retract(self, turn: int, after_ns: int, origins: frozenset[str]) -> None:
        """The user spoke on: void what the origins, and all nodes after them, made of the turn in advance."""
        if not self._speculation.holds(turn):
            return
        void = self._flusher.retract(origins, turn, after_ns)
        self._announcer.say("speculation", turn=turn, phase="retracted", withheld=void)

    def commit(self, turn: int) -> None:
        """The turn is over: let what was held and withheld of it go."""
        if not self._speculation.holds(turn):
            return
        made = self._speculation.made(turn)
        self._announcer.say("speculation", turn=turn, phase="committed", made=made)
        self._speculation.commit(turn, self._flusher.release, self._announcer.post)

    def wanted(self, turn: int, pause_ns: int) -> bool:
        """Whether to answer the pause at that time in advance: nobody has spoken on since."""
        return self._speculation.wanted(turn, pause_ns)

    def lead_ns(self, below: str | None = None) -> int:
        """How long the audio still plays that is in the sinks, and in the links to them: all of the reply, or
        what is downstream of one node."""
        starts = frozenset([below]) if below is not None else self._graph.generators()
        return self._flusher.lead_ns(starts or frozenset(self._graph.nodes))

    def duck(self, gain: float, origins: frozenset[str]) -> None:
        """Have the sinks downstream of these nodes play at a linear gain of 0 to 1."""
        self._flusher.duck(origins, gain)
