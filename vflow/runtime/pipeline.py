"""A pipeline: a graph that runs. READY: all nodes are open; PAUSED: and warm; PLAYING: the threads run.

Each node opens and warms up in a thread of its own, so the slowest alone decides when the pipeline plays.

`start`, `wait`, `drain`, `stop` and `flush` may be called from any thread; nodes are opened and closed
outside the threads that run them.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from enum import Enum
from typing import Self

from vflow.bus import Bus, Kind, Message
from vflow.clock import Clock, SystemClock
from vflow.conversation import Conversation
from vflow.errors import NodeError, PropertyError, Stopped, Unavailable, VflowError, nearest
from vflow.event import Event
from vflow.flush import Flush
from vflow.graph.graph import ErrorPolicy, Graph, GraphLink
from vflow.node import Node
from vflow.ports import Item, outputs_of
from vflow.props import convert, props_of
from vflow.runtime.audio_check import guarded
from vflow.runtime.chain import Push
from vflow.runtime.context import NodeContext
from vflow.runtime.flusher import Flusher
from vflow.runtime.held_link import HeldLink
from vflow.runtime.inbox import Inbox
from vflow.runtime.lifecycle import Lifecycle
from vflow.runtime.link import Link, LinkStats
from vflow.runtime.runner import Runner
from vflow.runtime.segment import Segment
from vflow.runtime.speculation import Speculation
from vflow.runtime.watchdog import Watchdog

STOP_DEADLINE_S = 5.0
LOADING_GRACE_S = 0.5
"""How long a start that has failed waits for nodes that are still loading; they close themselves."""
SWITCH_INTERVAL_S = 1e-4
"""A busy pure-Python thread costs 10 ms a hop at CPython's default of 5 ms, and 0.3 ms at this."""


def _reason(node: Node, error: Exception) -> Exception:
    """Why a node could not be opened: where it lacks a library, what it says of itself, which names the mend.
    Other errors have other reasons."""
    if not isinstance(error, ImportError) or not (said := node.unavailable()):
        return error
    missing = Unavailable(said)
    missing.__cause__ = error
    return missing


class State(Enum):
    """Where a pipeline stands."""

    NULL = "null"
    READY = "ready"
    PAUSED = "paused"
    PLAYING = "playing"
    STOPPED = "stopped"


class Pipeline:
    """Runs a graph.

        with vflow.Pipeline(vflow.load("echo.yaml")) as pipeline:
            pipeline.wait()

    `bus` has its messages. One pipeline runs once; a graph makes as many as one likes.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        clock: Clock | None = None,
        switch_interval_s: float | None = SWITCH_INTERVAL_S,
    ) -> None:
        self.graph = graph
        self.clock: Clock = clock or SystemClock()
        self.bus = Bus()
        self.conversation = Conversation()
        self.state = State.NULL
        self.nodes: dict[str, Node] = {name: node.create() for name, node in graph.nodes.items()}
        self._switch_interval_s = switch_interval_s
        self._runners: dict[str, Runner] = {}
        self._segments: dict[str, Segment] = {}
        self._links: list[tuple[GraphLink, Link]] = []
        self._lock = threading.Lock()
        # all below guarded by _lock
        self._turns = 0
        self._started = self._stopping = False
        self._running: set[Segment] = set()
        self._failure: VflowError | None = None
        self._restarts: dict[str, int] = {}
        self._ended = threading.Event()
        self._end_lock = threading.Lock()
        self._abandoned: list[str] = []  # guarded by _end_lock
        self._lifecycle = Lifecycle(self.nodes, self._closed)
        guesses = graph.speculating()
        ahead = guesses | graph.reach(guesses, in_advance=True).nodes
        self.speculation = Speculation(ahead, self.clock.now_ns)
        self._flusher = Flusher(
            graph, self.nodes, self._segments, self._links, self.speculation, self._lifecycle.is_open
        )
        self.flush_lock = self._flusher.lock
        self._build()
        self._watchdog = Watchdog(
            self._segments.values(),
            self.clock,
            lambda node, text: self._post("warning", text, node),
            self._lifecycle.threads,
        )

    # building

    def _build(self) -> None:
        for names in self.graph.segments():
            segment = Segment(names[0], self)
            for name in names:
                place = self.graph.nodes[name].place
                runner = Runner(self.nodes[name], name, place, segment)
                runner.stamps = name in self.speculation.nodes
                segment.runners.append(runner)
                self._runners[name] = runner
                self._segments[name] = segment
                self.nodes[name].ctx = NodeContext(self, self.graph.nodes[name], segment, runner)
        self._links += [(link, self._make(link)) for link in self.graph.links if self.graph.is_boundary(link)]
        for names in self.graph.segments():
            for name in reversed(names):  # what is downstream first: an entry knows where its node emits to
                self._connect(name)
        for name, runner in self._runners.items():
            into = [(edge, link) for edge, link in self._links if edge.target == name]
            runner.open_inputs = len(self.graph.into(name)) - sum(link.feedback for _, link in into)
            for edge, link in into:
                link.packet, link.event = runner.entry(edge.into), runner.event
                link.writer, link.reader = self._segments[edge.source], self._segments[name]
            if into:
                inbox = Inbox([link for _, link in into], self.graph.nodes[name].order == "pts")
                self._segments[name].inbox = inbox

    def _make(self, edge: GraphLink) -> Link:
        warned: list[bool] = []

        def overflow() -> None:
            if self.graph.nodes[edge.source].paced and not warned:
                warned.append(True)
                text = "too slow: audio of a live source is dropped (counted in the link's 'dropped')"
                self._post("warning", text, source=edge.name)

        queue = self.graph.queue(edge)
        link = Link(edge.name, queue, self.clock, overflow)
        if self.graph.nodes[edge.target].cls.effect and edge.source in self.speculation.nodes:
            link = HeldLink(edge.name, queue, self.clock, overflow, self.speculation.holds)
        into = self.graph.into(edge.target)
        link.feedback = self._closes_cycle(edge) and not all(map(self._closes_cycle, into))
        return link

    def _closes_cycle(self, edge: GraphLink) -> bool:
        return edge.leaky and edge.source in self.graph.reach([edge.target]).nodes | {edge.target}

    def _connect(self, name: str) -> None:
        """Set where a node's outputs go; what is downstream of it by direct calls is connected already."""
        links = {id(edge): link for edge, link in self._links}
        for port in outputs_of(type(self.nodes[name])):
            packets: list[Push] = []
            events: list[Push] = []
            caps = self.graph.nodes[name].caps.get(port)
            edges = [edge for edge in self.graph.out_of(name) if edge.out == port]
            # keep links first: a flush that ends the push to the others must not cost them a packet
            for edge in sorted(edges, key=lambda e: not (e.queue is not None and e.queue.keep)):
                link = links.get(id(edge))
                target = self._runners[edge.target]
                packets.append(guarded(link.put, caps) if link is not None else target.entry(edge.into))
                events.append(link.put if link is not None else target.event)
            self._runners[name].connect(port, packets, events)

    # states

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> Self:
        """Open and warm up all nodes in parallel, then play. Blocks until it plays; a second call does
        nothing.

        Raises: NodeError for a node that cannot be opened (`__cause__` is Unavailable where something is
        missing); all that was opened is closed again.
        """
        with self._lock:
            if self._started or self._stopping:
                return self
            self._started = True
        self._watchdog.start()
        try:
            failed = self._lifecycle.open()
            if failed is not None:
                name, error = failed
                raise self._fail(self._attribute(name, _reason(self.nodes[name], error)))
            self._play()
        except BaseException:
            self._end(STOP_DEADLINE_S, LOADING_GRACE_S)
            raise
        return self

    def _play(self) -> None:
        self._enter(State.READY)
        self._enter(State.PAUSED)
        if self._switch_interval_s is not None:
            sys.setswitchinterval(self._switch_interval_s)
        self.clock.start()
        self._enter(State.PLAYING)
        with self._lock:
            if self._stopping:
                return
            self._running = set(self._segments.values())
            for segment in sorted(self._running, key=self._begins):
                segment.thread.start()

    def _begins(self, segment: Segment) -> tuple[bool, int]:
        """Threads begin in the order of the graph, sources last."""
        return not segment.inbox.links, list(self._segments).index(segment.name)

    def _enter(self, state: State) -> None:
        with self._lock:
            if self._stopping and state is not State.STOPPED:
                return
            self.state = state
        self._post("state", state.value, state=state.value)

    def _attribute(self, name: str, error: BaseException) -> NodeError:
        place = self.graph.nodes[name].place
        if isinstance(error, NodeError):
            if error.place is not None:
                return error
            attributed = NodeError(error.node, error.message, place)
        else:
            text = str(error) if isinstance(error, VflowError) else f"{type(error).__name__}: {error}"
            attributed = NodeError(name, text, place)
        attributed.__cause__ = error
        return attributed

    def wait(self, timeout_s: float | None = None, *, deadline_s: float = STOP_DEADLINE_S) -> bool:
        """Block until every thread has ended or a node has failed, then `stop(deadline_s)`; False after
        the timeout.

        Raises: NodeError where a node failed the pipeline.
        """
        if not self._ended.wait(timeout_s):
            return False
        self.stop(deadline_s)
        if self._failure is not None:
            raise self._failure
        return True

    def drain(self) -> None:
        """Let the sources end; what they sent is still played. Does not block: `wait` for it."""
        for segment in dict.fromkeys(self._segments.values()):
            segment.drain()

    def stop(self, deadline_s: float = STOP_DEADLINE_S) -> list[str]:
        """End all threads and close all nodes; returns by the deadline, with the names of the nodes that
        had to be abandoned. May be called again. In a thread of the pipeline itself, which cannot wait
        for its own end, it returns at once, and the pipeline stops behind it."""
        thread = threading.current_thread()
        if self._lifecycle.owns(thread) or any(s.thread is thread for s in self._segments.values()):
            threading.Thread(target=self.stop, args=(deadline_s,), name="vflow:stop", daemon=True).start()
            return []
        return self._end(deadline_s, deadline_s / 2)

    def _end(self, deadline_s: float, loading_s: float) -> list[str]:
        began = time.monotonic()
        self._halt()
        if not self._end_lock.acquire(timeout=deadline_s):
            return [name for name in self.nodes if self._lifecycle.is_open(name)]
        try:
            if self.state is not State.STOPPED:
                self._watchdog.stop()
                self._abandoned = self._end_all(began + deadline_s, began + deadline_s / 2, began + loading_s)
                self._enter(State.STOPPED)
                if self._abandoned:
                    text = f"abandoned after {time.monotonic() - began:.1f} s: {', '.join(self._abandoned)}"
                    self._post("warning", text)
                self._ended.set()
                self.bus.close()
            return list(self._abandoned)
        finally:
            self._end_lock.release()

    def _halt(self) -> None:
        """Have every thread leave at its next look."""
        with self._lock:
            self._stopping = True
        for segment in dict.fromkeys(self._segments.values()):
            segment.stop()
        self.clock.stop()

    def _end_all(self, until: float, until_left: float, until_opened: float) -> list[str]:
        """Half of the time is kept for closing what did end; the nodes of hung threads are closed too:
        their files are to be whole."""
        hung: dict[str, None] = {}
        for segment in dict.fromkeys(self._segments.values()):
            if segment.thread.ident is not None:
                segment.thread.join(max(0.0, until_left - time.monotonic()))
            if segment.thread.is_alive():
                hung.update(dict.fromkeys(runner.name for runner in segment.runners))
        hung.update(dict.fromkeys(self._lifecycle.close(until, until_opened)))
        return list(hung)

    def _closed(self, name: str, error: Exception | None) -> None:
        errors = [error, *self._context(name).release()]
        for error in errors:
            if error is not None:
                self._post("warning", f"close: {type(error).__name__}: {error}", name, error=error)

    def _context(self, name: str) -> NodeContext:
        context = self.nodes[name].ctx
        assert isinstance(context, NodeContext)
        return context

    def set(self, node: str, prop: str, value: object) -> None:
        """Change a property that is declared `hot`; any thread, at any time. Takes what a graph file takes.

        Raises: PropertyError for a node or property there is none of, one that is not hot, or a bad value.
        """
        if node not in self.nodes:
            raise PropertyError(f"no node {node!r}", nearest(node, self.nodes))
        declared = props_of(type(self.nodes[node]))
        if prop not in declared:
            raise PropertyError(f"{node}: no property {prop!r}", nearest(prop, declared))
        if not declared[prop].hot:
            raise PropertyError(
                f"{node}.{prop} cannot change while it runs", "set it in the file, or with --set"
            )
        setattr(self.nodes[node], prop, convert(declared[prop], value))

    # flush

    def flush(self, turn: int | None = None, origins: Iterable[str] | None = None) -> Flush:
        """Make all that is downstream of the origins' outputs stale, and cancel every turn up to `turn`.

        By default the origins are the nodes that generate replies, and `turn` is the newest. After it
        returns no sink plays an older sample and no link accepts an older packet.
        """
        starts = frozenset(origins) if origins is not None else self.graph.generators()
        for name in starts - self.nodes.keys():
            raise VflowError(f"no node {name!r} to flush from; {nearest(name, self.nodes)}".rstrip("; "))
        flush, errors, messages = self._flusher.flush(starts, self._turns if turn is None else turn)
        for message in messages:
            self.bus.post(message)
        self._post("flush", flush=flush)
        for name, error in errors:
            self._fail(self._attribute(name, error))
        return flush

    def speculate(self, turn: int) -> None:
        """Have a turn that pauses answered in advance; what belongs to it is held in front of effects."""
        self.speculation.begin(turn)
        self._post("speculation", turn=turn, phase="begun")

    def retract(self, turn: int, after_ns: int, origins: frozenset[str]) -> None:
        """The user spoke on: make void what the origins, and all behind them, made of the turn in advance."""
        if not self.speculation.holds(turn):
            return
        void = self._flusher.retract(origins, turn, after_ns)
        self._post("speculation", turn=turn, phase="retracted", withheld=void)

    def commit(self, turn: int) -> None:
        """The turn is over: let what was held and withheld of it go."""
        if not self.speculation.holds(turn):
            return
        self._post("speculation", turn=turn, phase="committed", made=self.speculation.made(turn))
        self.speculation.commit(turn, self._flusher.release, self.bus.post)

    # what segments and contexts ask for

    def new_turn(self) -> int:
        """The number of a new turn."""
        with self._lock:
            self._turns += 1
            return self._turns

    def lead_ns(self, below: str | None) -> int:
        """How long what the sinks (below a node) and the links to them hold still plays."""
        starts = frozenset([below]) if below is not None else self.graph.generators()
        starts = starts or frozenset(self.graph.nodes)
        lead_ns = max((sink.lead_ns() for _, sink in self._flusher.sinks(starts)), default=0)
        links = self._flusher.reach(starts).links
        return lead_ns + sum(link.queued_ns for edge, link in self._links if edge in links)

    def duck(self, gain: float, origins: frozenset[str]) -> None:
        """Have the sinks downstream of these nodes play at a linear gain of 0 to 1; any thread."""
        self._flusher.duck(origins, gain)

    def stats(self) -> list[LinkStats]:
        """The counters of the links that cross threads."""
        return [link.stats() for _, link in self._links]

    def is_open(self, name: str) -> bool:
        """Whether a node is open."""
        return self._lifecycle.is_open(name)

    def post(self, message: Message) -> None:
        """Post a message; what a sink posts while it drops comes behind the flush, whose lock no listener
        must meet: it may flush too."""
        if not self._flusher.keeps(message):
            self.bus.post(message)

    def _post(self, kind: Kind, text: str = "", source: str = "pipeline", **data: object) -> None:
        self.post(Message(kind, source, self.clock.now_ns(), text, data))

    def announce(self, runner: Runner, item: Item, port: str) -> None:
        now_ns = self.clock.now_ns()
        if isinstance(item, Event):
            message = Message("event", runner.name, now_ns, item.name, {"event": item, "port": port})
        else:
            text = getattr(item, "text", "")
            message = Message("packet", runner.name, now_ns, text, {"packet": item, "port": port})
        epoch = self._segments[runner.name].epoch
        if runner.name in self.speculation.nodes and self.speculation.withhold(item.turn, epoch, message):
            return
        self.post(message)

    def failed(self, runner: Runner, error: BaseException) -> bool:
        """Apply the node's `on_error`; whether it was restarted. Raises: Stopped where it is `fail`."""
        policy: ErrorPolicy = self.graph.nodes[runner.name].on_error
        attributed = self._attribute(runner.name, error)
        late = self._segments[runner.name].left  # nothing more comes to it: a restart would be for nothing
        if policy.action == "skip" or (policy.action == "restart" and late):
            self._post("warning", f"skipped: {attributed.message}", runner.name, error=attributed)
            return False
        if policy.action == "restart":
            count = self._restarts[runner.name] = self._restarts.get(runner.name, 0) + 1
            if count <= policy.limit:
                text = f"restart {count} of {policy.limit}: {attributed.message}"
                self._post("warning", text, runner.name, error=attributed)
                return self._restart(runner, policy)
        self._fail(attributed)
        raise Stopped

    def _restart(self, runner: Runner, policy: ErrorPolicy) -> bool:
        node, segment = runner.node, self._segments[runner.name]
        segment.timers.pop(runner, None)
        try:
            node.close()
        except Exception as error:  # a node's own code
            self._closed(runner.name, error)
        else:
            self._closed(runner.name, None)
        segment.rest(self.clock.now_ns() + policy.backoff_ns)
        try:
            node.open()
            node.warm_up()
        except Exception as error:  # a node's own code
            return self.failed(runner, _reason(node, error))
        try:
            segment.check()
        except Stopped:  # it may have been closed before it was open
            node.close()
            raise
        return True

    def _fail(self, error: NodeError) -> NodeError:
        with self._lock:
            self._failure = self._failure or error
        self._post("error", error.message, error.node, error=error)
        self._halt()
        self._ended.set()
        return error

    def crashed(self, segment: Segment, error: BaseException) -> None:
        """A segment's thread ends by what no `on_error` is for."""
        self._fail(self._attribute(segment.head.name, error))

    def ended(self, segment: Segment) -> None:
        with self._lock:
            self._running.discard(segment)
            last = not self._running
            whole = not self._stopping
        if last and whole:
            self._post("eos")
        if last:
            self._ended.set()

    @property
    def cancelled_turn(self) -> int:
        """All turns up to this one are cancelled."""
        return self._flusher.cancelled_turn

    @property
    def abandoned(self) -> bool:
        """Whether a thread of this pipeline still runs although it was stopped."""
        return self._lifecycle.busy or any(s.thread.is_alive() for s in self._segments.values())

    @property
    def failure(self) -> VflowError | None:
        """What failed the pipeline, if anything."""
        return self._failure
