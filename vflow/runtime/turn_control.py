"""Requests of nodes and applications about turns: a number, an interruption, work in advance, a hold, how
long the audio still plays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from vflow.clock import Clock
from vflow.errors import Signal, VflowError, nearest
from vflow.flush import Flush, Played
from vflow.graph.graph import Graph
from vflow.node import Sink
from vflow.packet import SECOND
from vflow.props import duration_text
from vflow.runtime.announcer import Announcer
from vflow.runtime.failures import Failures
from vflow.runtime.flusher import Flusher
from vflow.runtime.holds import Holds
from vflow.runtime.speculation import Doubt, Speculation, SpeculativeTurn

T = TypeVar("T")
LONGEST_DOUBT_NS = 5 * SECOND
NAMED = 20
"""Most turns that one warning names."""


class TurnControl:
    """The turns of one pipeline. Any thread may call."""

    def __init__(
        self,
        graph: Graph,
        flusher: Flusher,
        speculation: Speculation,
        announcer: Announcer,
        failures: Failures,
        clock: Clock,
        is_open: Callable[[str], bool],
        commit_within_s: float,
    ) -> None:
        """Give up a speculative turn if nothing of it was made or told for `commit_within_s`."""
        self._graph, self._flusher, self._speculation = graph, flusher, speculation
        self._announcer, self._failures = announcer, failures
        self._now_ns, self._commit_within_ns = clock.now_ns, round(commit_within_s * SECOND)
        self._is_open = is_open
        self._holds = Holds(self._ask_to_hold, announcer, clock.now_ns)
        self._lock = threading.Lock()
        self._newest = 0  # guarded by _lock
        self._asking: dict[int, str] = {}
        """The sink that a thread is calling now, by the thread's ident; each thread writes its own entry."""

    @property
    def cancelled_turn(self) -> int:
        """All turns up to this one are cancelled."""
        return self._flusher.cancelled_turn

    def new_turn(self) -> int:
        """Return the number of a new turn: 1, 2, ..."""
        with self._lock:
            self._newest += 1
            return self._newest

    def flush(
        self, turn: int | None = None, origins: Iterable[str] | None = None, takes_back: bool = False
    ) -> Flush:
        """Flush (see `Pipeline.flush`); with `takes_back` the end of `turn` was false (see
        `vflow.flush.Flush`)."""
        starts = frozenset(origins) if origins is not None else self._graph.generators()
        for name in starts - self._graph.nodes.keys():
            raise VflowError(
                f"no node {name!r} to flush from; {nearest(name, self._graph.nodes)}".rstrip("; ")
            )
        last = self._newest if turn is None else turn
        flush, errors, messages = self._flusher.flush(starts, last, takes_back)
        for message in messages:  # held back until now: its listeners may flush too
            self._announcer.post(message)
        self._announcer.say("flush", flush=flush)
        for name, error in errors:
            self._failures.fail(self._failures.attributed(name, error))
        self._holds.flushed(flush.nodes)
        if flush.unheard(flush.turn):
            self._speculation.take_back(flush.turn)
        self.settle(lambda doubt: flush.cancels(doubt.turn))
        return flush

    def speculate(self, turn: int, node: str) -> None:
        """Begin to answer a turn in advance, at `node`'s request; effects wait for what belongs to it."""
        self.give_up_overdue()
        self._speculation.begin(turn, node)
        self._announcer.say("speculation", turn=turn, phase="begun")

    def retract(self, turn: int, after_ns: int, origins: frozenset[str]) -> None:
        """Discard the work in advance of the origins and the nodes after them: the user spoke on."""
        if not self._speculation.holds(turn):
            return
        void = self._flusher.retract(origins, turn, after_ns)
        if void is not None:
            self._announcer.say("speculation", turn=turn, phase="retracted", withheld=void, given_up="")

    def commit(self, turn: int) -> None:
        """Release everything held and withheld of a turn, since it is over."""
        if not self._speculation.holds(turn):
            return
        made = self._speculation.made(turn)
        self._announcer.say("speculation", turn=turn, phase="committed", made=made)
        self._speculation.commit(turn, self._flusher.release, self._announcer.post)

    def doubt(self, turn: int, node: str) -> None:
        """Note that `node` may find a turn's end false: effects that cannot be repeated wait for `settle`."""
        self._speculation.doubt(turn, node)

    def settle(self, which: Callable[[Doubt], bool]) -> list[Doubt]:
        """End the doubts for which `which` is true, and release what waits for them. Return those doubts."""
        settled = self._speculation.settle(which)
        if settled:
            self._flusher.release()
        return settled

    def give_up_overdue(self) -> None:
        """Give up turns that nobody has committed for too long, and holds that nobody has released."""
        self._holds.give_up_overdue()
        for doubt in self.settle(lambda doubt: self._now_ns() - doubt.since_ns >= LONGEST_DOUBT_NS):
            text = f"turn {doubt.turn} was kept from nodes with 'after_grace' for 5s, and never settled"
            self._announcer.warn(doubt.node, text)
        overdue = self._speculation.older_than(self._commit_within_ns)
        for node in dict.fromkeys(ahead.node for ahead in overdue):
            why = f"{node} has not committed it for {duration_text(self._commit_within_ns)}"
            self._give_up([ahead for ahead in overdue if ahead.node == node], why)

    def give_up_of(self, node: str, why: str, warn: bool = True) -> None:
        """Give up a node's hold, and its turns that are not committed: it cannot end them any more."""
        self._holds.end(node, "given_up", why if warn else "")
        self.settle(lambda doubt: doubt.node == node)
        self._give_up(self._speculation.begun_by(node), f"{node} {why}", warn)

    def _give_up(self, turns: list[SpeculativeTurn], why: str, warn: bool = True) -> None:
        """Discard the work in advance for a node's turns, and forget them. One warning names them all."""
        given_up = [ahead for ahead in turns if self._void(ahead, why)]
        if not warn or not given_up:
            return
        numbers = [str(ahead.turn) for ahead in given_up]
        if len(numbers) == 1:
            text = (
                f"turn {numbers[0]} was answered in advance and never committed: {why}; the answer is dropped"
            )
        else:
            named = numbers if len(numbers) <= NAMED else [*numbers[:NAMED], "...", numbers[-1]]
            text = (
                f"{len(numbers):,} turns were answered in advance and never committed: {why};"
                f" the answers are dropped: {', '.join(named)}"
            )
        self._announcer.warn(given_up[0].node, text)

    def _void(self, ahead: SpeculativeTurn, why: str) -> bool:
        """Discard and forget one turn. Return False if another thread has committed it or given it up."""
        origins = self._graph.speculating(below=ahead.node)
        void = self._flusher.retract(origins, ahead.turn, self._now_ns())
        if void is None:
            return False
        self._speculation.forget(ahead.turn)
        self._flusher.release()
        self._announcer.say("speculation", turn=ahead.turn, phase="retracted", withheld=void, given_up=why)
        return True

    def wanted(self, turn: int, pause_ns: int) -> bool:
        """Return whether to answer the pause at that time in advance: the user has not spoken on since."""
        return self._speculation.wanted(turn, pause_ns)

    def lead_ns(self, below: str | None = None) -> int:
        """Return how long the audio in the sinks and in the links to them still plays, in ns: of the whole
        reply, or downstream of one node."""
        starts = frozenset([below]) if below is not None else self._graph.generators()
        starts = starts or frozenset(self._graph.nodes)
        leads = [self._asked(name, partial(_lead_of, sink)) for name, sink in self._flusher.sinks(starts)]
        return max((lead or 0 for lead in leads), default=0) + self._flusher.queued_ns(starts)

    def sounding(self, origins: frozenset[str]) -> list[Played]:
        """Return how much was played of the replies that sound now, downstream of these nodes."""
        sinks = [(name, sink) for name, sink in self._flusher.sinks(origins) if self._is_open(name)]
        found = [self._asked(name, sink.sounding) for name, sink in sinks]
        return [played for played in found if played is not None]

    def duck(self, gain: float, origins: frozenset[str]) -> None:
        """Have the sinks downstream of these nodes play at a linear gain from 0 to 1."""
        for name, sink in self._flusher.sinks(origins):
            if self._is_open(name):
                self._asked(name, partial(sink.duck, gain))

    def hold(self, held: bool, node: str) -> None:
        """Have the sinks of the replies downstream of a node hold what they have not played, or go on."""
        if held:
            sinks = self._flusher.sinks(self._graph.generators(below=node))
            self._holds.begin(node, [(name, sink) for name, sink in sinks if self._is_open(name)])
        else:
            self._holds.end(node, "released")

    def _ask_to_hold(self, name: str, sink: Sink, held: bool) -> None:
        if self._is_open(name):
            self._asked(name, partial(sink.hold, held))

    def _asked(self, name: str, ask: Callable[[], T]) -> T | None:
        """Call a sink and return its answer. If it raises, the sink has failed, not the node that asked."""
        thread = threading.get_ident()
        self._asking[thread] = name
        try:
            return ask()
        except Signal:
            raise
        except BaseException as error:  # the sink's own code may raise anything, sys.exit included
            self._failures.fail(self._failures.attributed(name, error))
            return None
        finally:
            self._asking.pop(thread, None)

    def and_asked(self, hung: list[str]) -> list[str]:
        """Return nodes whose threads hang, after the sinks that are being called: the threads hang there."""
        return [*dict.fromkeys(self._asking.copy().values()), *hung] if hung else []


def _lead_of(sink: Sink) -> int:
    return int(sink.lead_ns())
