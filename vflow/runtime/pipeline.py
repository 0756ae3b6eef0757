"""A pipeline runs a graph. READY: all nodes are open. PAUSED: and warm. PLAYING: the threads run.

`wiring` makes threads and links, `lifecycle` opens and closes nodes outside of them, `turn_control` numbers
and interrupts turns, `failures` handles nodes that raise, `announcer` posts on the bus. Any thread may call.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from typing import Self

from vflow.bus import Bus
from vflow.clock import Clock, SystemClock
from vflow.conversation import Conversation
from vflow.errors import PropertyError, VflowError, nearest
from vflow.flush import Flush
from vflow.graph.graph import Graph
from vflow.node import Node
from vflow.props import set_hot
from vflow.runtime.announcer import Announcer
from vflow.runtime.call_times import CallStats
from vflow.runtime.context import NodeContext
from vflow.runtime.failures import Failures
from vflow.runtime.flush_lock import FlushLock
from vflow.runtime.flusher import Flusher
from vflow.runtime.lifecycle import Lifecycle, State
from vflow.runtime.link import LinkStats
from vflow.runtime.segment import Segment, SegmentOwner
from vflow.runtime.speculation import Speculation
from vflow.runtime.threads import Threads
from vflow.runtime.turn_control import TurnControl
from vflow.runtime.watchdog import Watchdog
from vflow.runtime.wiring import wire

STOP_DEADLINE_S = 5.0
LOADING_GRACE_S = 0.5
"""After a failed start, wait this long for nodes that still load; they close themselves later."""
COMMIT_WITHIN_S = 60.0
DROP_WITHIN_S = 1.0
"""A sink whose `drop` takes longer has failed. It promises 10 ms."""
SWITCH_INTERVAL_S = 1e-4
"""A busy pure-Python thread costs 10 ms a hop at CPython's default of 5 ms, and 0.3 ms at this."""


class Pipeline:
    """Runs a graph.

        with vflow.Pipeline(vflow.load("echo.yaml")) as pipeline:
            pipeline.wait()

    `bus` has its messages. A pipeline runs once; make another from the same graph to run it again.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        clock: Clock | None = None,
        switch_interval_s: float | None = SWITCH_INTERVAL_S,
        commit_within_s: float = COMMIT_WITHIN_S,
    ) -> None:
        """Give up a turn that is answered in advance if for `commit_within_s` its node neither commits it nor
        goes on with it."""
        self.graph = graph
        self.clock: Clock = clock or SystemClock()
        self.bus = Bus()
        self.conversation = Conversation()
        self.state = State.NULL
        self.nodes: dict[str, Node] = {name: node.create() for name, node in graph.nodes.items()}
        self._switch_interval_s = switch_interval_s
        self._lock = threading.Lock()
        self._opened = self._started = self._stopping = False  # guarded by _lock
        self._ended = threading.Event()
        self._end_lock = threading.Lock()
        self._abandoned: list[str] = []  # guarded by _end_lock
        self._lifecycle = Lifecycle(self.nodes, self._closed)
        guesses = graph.speculating()
        ahead = guesses | graph.reach(guesses, in_advance=True).nodes
        self.speculation = Speculation(ahead, self.clock.now_ns)
        self._announcer = Announcer(self.bus, self.clock, self.speculation, graph.secrets)
        self._failures = Failures(graph, self._announcer, self._give_up, self._closed)
        owner = SegmentOwner(
            clock=self.clock,
            flush_lock=FlushLock(),
            is_open=self._lifecycle.is_open,
            announce=self._announcer.announce,
            failed=self._failures.failed,
            crashed=self._failures.crashed,
            ended=self._thread_ended,
        )
        self._wiring = wire(graph, self.nodes, self.speculation, self._announcer, owner)
        self.threads = Threads(self._wiring.threads)
        self._flusher = Flusher(graph, self.nodes, self._wiring, self.speculation, self._announcer, owner)
        common = self.speculation, self._announcer, self._failures, self.clock, self._lifecycle.is_open
        self._turns = TurnControl(graph, self._flusher, *common, commit_within_s)
        self._contexts = {name: self._context(name) for name in self.nodes}
        for name, node in self.nodes.items():
            node.ctx = self._contexts[name]
        watched = self.threads.segments, self.clock, self._announcer.warn, self._lifecycle.threads
        self._watchdog = Watchdog(*watched, look_after=self._look_after)

    def _context(self, name: str) -> NodeContext:
        segment, runner = self._wiring.segments[name], self._wiring.runners[name]
        common = self.clock, self.conversation, self._announcer, self._turns
        return NodeContext(self.graph.nodes[name], self.graph, segment, runner, *common)

    # states

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Open and warm up all nodes in parallel, then play. Blocks until it plays; a second call does
        nothing.

        Raises: NodeError if a node cannot be opened (`__cause__` is Unavailable if something is missing).
        Nodes that were opened are closed again.
        """
        with self._lock:
            if self._started or self._stopping:
                return self
            self._started = True
        self.open()
        try:
            self._play()
        except BaseException:
            self._end(STOP_DEADLINE_S, LOADING_GRACE_S)
            raise
        return self

    def open(self) -> Self:
        """Open and warm up all nodes; `start` plays later. A second call does nothing. One thread at a time.
        Blocks. Raises: NodeError, as `start` does."""
        with self._lock:
            if self._opened or self._stopping:
                return self
            self._opened = True
        self._watchdog.start()
        try:
            failed = self._lifecycle.open()
            if failed is not None:
                name, error = failed
                raise self._failures.not_opened(self.nodes[name], name, error)
            self._enter(State.READY)
            self._enter(State.PAUSED)
        except BaseException:
            self._end(STOP_DEADLINE_S, LOADING_GRACE_S)
            raise
        return self

    def _play(self) -> None:
        if self._switch_interval_s is not None:
            sys.setswitchinterval(self._switch_interval_s)
        self.clock.start()
        self._enter(State.PLAYING)
        with self._lock:
            if self._stopping:
                return
            self.threads.start()

    def _enter(self, state: State) -> None:
        with self._lock:
            if self._stopping and state is not State.STOPPED:
                return
            self.state = state
        self._announcer.say("state", state.value, state=state.value)

    def wait(self, timeout_s: float | None = None, *, deadline_s: float = STOP_DEADLINE_S) -> bool:
        """Block until every thread has ended or a node has failed, then `stop(deadline_s)`. Return False
        after the timeout.

        Raises: NodeError if a node failed the pipeline.
        """
        if not self._ended.wait(timeout_s):
            return False
        self.stop(deadline_s)
        if self.failure is not None:
            raise self.failure
        return True

    def drain(self) -> None:
        """Let the sources end; what they sent is still played. Does not block: `wait` for it."""
        self.threads.drain()

    def stop(self, deadline_s: float = STOP_DEADLINE_S) -> list[str]:
        """End all threads and close all nodes. Return, by the deadline, the names of the nodes that had to be
        abandoned. May be called again. A thread of the pipeline itself cannot wait for its own end: there it
        returns at once, and the pipeline stops afterwards."""
        thread = threading.current_thread()
        if self._lifecycle.owns(thread) or self.threads.owns(thread):
            threading.Thread(target=self.stop, args=(deadline_s,), name="vflow:stop", daemon=True).start()
            return []
        return self._end(deadline_s, deadline_s / 2)

    def _end(self, deadline_s: float, loading_s: float) -> list[str]:
        began = time.monotonic()
        self._halt()
        if not self._end_lock.acquire(timeout=deadline_s):
            return list(dict.fromkeys(self.threads.join(0) + self._lifecycle.going_on()))
        try:
            if self.state is not State.STOPPED:
                self._watchdog.stop()
                self._abandoned = self._end_all(began + deadline_s, began + deadline_s / 2, began + loading_s)
                self._enter(State.STOPPED)
                if self._abandoned:
                    text = f"abandoned after {time.monotonic() - began:.1f} s: {', '.join(self._abandoned)}"
                    self._announcer.say("warning", text)
                self._ended.set()
                self.bus.close()
            return list(self._abandoned)
        finally:
            self._end_lock.release()

    def _halt(self) -> None:
        """Tell every thread to leave at its next check."""
        with self._lock:
            self._stopping = True
        self.threads.stop()
        self.clock.stop()

    def _end_all(self, until: float, until_left: float, until_opened: float) -> list[str]:
        """Half of the time is kept for closing what did end; the nodes of hung threads are closed too:
        their files are to be whole."""
        hung = self._turns.and_asked(self.threads.join(until_left))
        if sink := self._flusher.dropping():
            hung.insert(0, sink)  # the thread that called its drop hangs there too
            self._flusher.give_up()
        return list(dict.fromkeys(hung + self._lifecycle.close(until, until_opened)))

    def _give_up(self) -> None:
        """End the pipeline, since a node has failed it."""
        self._halt()
        self._ended.set()

    def _look_after(self) -> None:
        """Find what no node's thread can: a sink that hangs in `drop`, a turn that nobody commits."""
        if (name := self._flusher.dropping(DROP_WITHIN_S)) and self.failure is None:
            text = f"its drop() has not returned for {DROP_WITHIN_S:.0f} s"
            self._failures.fail(self._failures.attributed(name, VflowError(text)))
            self._flusher.give_up()
        self._turns.give_up_overdue()

    def _closed(self, name: str, error: BaseException | None) -> None:
        self._turns.give_up_of(name, "was closed", warn=not self._stopping)
        for caught in (error, *self._contexts[name].release()):
            if caught is not None:
                self._failures.not_closed(name, caught)

    def _thread_ended(self, segment: Segment) -> None:
        for runner in segment.runners:
            self._turns.give_up_of(runner.name, "has ended", warn=not self._stopping)
        if self.threads.ended(segment):
            if not self._stopping:
                self._announcer.say("eos")
            self._ended.set()

    def set(self, node: str, prop: str, value: object) -> None:
        """Change a `hot` property; any thread, at any time. `value` is as in a graph file.

        Raises: PropertyError for an unknown node or property, one that is not hot, or a bad value.
        """
        if node not in self.nodes:
            raise PropertyError(f"no node {node!r}", nearest(node, self.nodes))
        set_hot(self.nodes[node], node, prop, value)

    def flush(self, turn: int | None = None, origins: Iterable[str] | None = None) -> Flush:
        """Make everything downstream of the origins stale, and cancel every turn up to `turn`.

        By default the origins are the nodes that generate replies, and `turn` is the newest. After it
        returns, no sink plays an older sample and no link accepts an older packet.
        """
        return self._turns.flush(turn, origins)

    def stats(self) -> list[LinkStats]:
        """The counters of the links that cross threads, and how full each is now."""
        return self._wiring.stats()

    def levels(self) -> dict[str, float]:
        """Return how full each link between threads is now, 0 to 1, by its name; any thread."""
        return self._wiring.levels()

    def call_stats(self) -> list[CallStats]:
        """Return how busy each thread that reads links is, and how long its calls take."""
        return self.threads.call_stats()

    @property
    def abandoned(self) -> bool:
        """Whether a thread of this pipeline still runs although it was stopped."""
        return self._lifecycle.busy or self.threads.alive

    @property
    def failure(self) -> VflowError | None:
        """The error that failed the pipeline, if any."""
        return self._failures.first
