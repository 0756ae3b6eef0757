"""A pipeline: a graph that runs. READY opens its nodes, PAUSED warms them up, PLAYING starts its threads.

`start`, `wait`, `drain`, `stop` and `flush` may be called from any thread; nodes are opened and closed
outside the threads that run them.
"""
from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Self

from vflow.bus import Bus, Message
from vflow.clock import Clock, SystemClock
from vflow.context import NodeContext
from vflow.conversation import Conversation
from vflow.errors import NodeError, Stopped, Unavailable, VflowError
from vflow.event import Event
from vflow.flush import Flush, Played
from vflow.graph import ErrorPolicy, Graph, GraphLink, Reach
from vflow.link import Inbox, Link, LinkStats
from vflow.node import Item, Node, Sink, outputs_of
from vflow.runner import Runner
from vflow.segment import Segment

STOP_DEADLINE_S = 5.0
SWITCH_INTERVAL_S = 1e-4
"""A busy pure-Python thread costs 10 ms a hop at CPython's default of 5 ms, and 0.3 ms at this."""


def _reason(node: Node, error: Exception) -> Exception:
    """Why a node could not be opened: what it says of itself, where that is more than what it raised."""
    if isinstance(error, VflowError) or not (said := node.unavailable()):
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
        self.flush_lock = threading.Lock()
        self.cancelled_turn = 0
        self.nodes: dict[str, Node] = {name: node.create() for name, node in graph.nodes.items()}
        self._switch_interval_s = switch_interval_s
        self._runners: dict[str, Runner] = {}
        self._segments: dict[str, Segment] = {}
        self._links: list[tuple[GraphLink, Link]] = []
        self._reaches: dict[frozenset[str], Reach] = {}
        self._flushes = 0  # guarded by flush_lock
        self._lock = threading.Lock()
        self._turns = 0  # guarded by _lock
        self._running: set[Segment] = set()  # guarded by _lock
        self._failure: VflowError | None = None  # guarded by _lock
        self._restarts: dict[str, int] = {}
        self._ended = threading.Event()
        self._opening: dict[str, threading.Thread] = {}
        self._opened: set[str] = set()
        self._build()

    # building

    def _build(self) -> None:
        for names in self.graph.segments():
            segment = Segment(names[0], self)
            for name in names:
                place = self.graph.nodes[name].place
                runner = Runner(self.nodes[name], name, place, segment)
                segment.runners.append(runner)
                self._runners[name] = runner
                self._segments[name] = segment
                self.nodes[name].ctx = NodeContext(self, self.graph.nodes[name], segment, runner)
        for name in self._runners:
            self._runners[name].open_inputs = len(self.graph.into(name))
        self._links = [(link, self._make(link)) for link in self.graph.links if self.graph.is_boundary(link)]
        for name in reversed(self.graph.in_order()):
            self._connect(name)
        for name in reversed(self.graph.in_order()):
            runner, segment = self._runners[name], self._segments[name]
            into = [(edge, link) for edge, link in self._links if edge.target == name]
            for edge, link in into:
                link.packet, link.event = runner.entry(edge.into), runner.event
                link.writer, link.reader = self._segments[edge.source], segment
            if into:
                segment.inbox = Inbox([link for _, link in into], self.graph.nodes[name].order == "pts")

    def _make(self, edge: GraphLink) -> Link:
        warned: list[bool] = []

        def overflow() -> None:
            if self.graph.nodes[edge.source].paced and not warned:
                warned.append(True)
                text = "too slow: audio of a live source is dropped (counted in the link's 'dropped')"
                self._post("warning", text, source=edge.name)

        return Link(edge.name, self.graph.queue(edge), self.clock, overflow)

    def _connect(self, name: str) -> None:
        """Set where a node's outputs go; what is downstream of it by direct calls is connected already."""
        links = {id(edge): link for edge, link in self._links}
        for port in outputs_of(type(self.nodes[name])):
            packets: list[Callable[[Any], None]] = []
            events: list[Callable[[Any], None]] = []
            edges = [edge for edge in self.graph.out_of(name) if edge.out == port]
            # keep links first: a flush that ends the push to the others must not cost them a packet
            for edge in sorted(edges, key=lambda e: not (e.queue is not None and e.queue.keep)):
                link = links.get(id(edge))
                target = self._runners[edge.target]
                packets.append(link.put if link is not None else target.entry(edge.into))
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
        if self.state is not State.NULL:
            return self
        try:
            self._open_all()
        except BaseException:
            self.stop()
            raise
        self._enter(State.PAUSED)
        if self._switch_interval_s is not None:
            sys.setswitchinterval(self._switch_interval_s)
        self.clock.start()
        self._enter(State.PLAYING)
        segments = list(dict.fromkeys(self._segments.values()))
        with self._lock:
            self._running = set(segments)
        for segment in sorted(segments, key=lambda s: not s.inbox.links):  # sources last
            segment.thread.start()
        return self

    def _enter(self, state: State) -> None:
        self.state = state
        self._post("state", state.value, state=state.value)

    def _open_all(self) -> None:
        failures: deque[tuple[str, Exception]] = deque()
        done = threading.Semaphore(0)

        def open_node(name: str, node: Node) -> None:
            try:
                node.open()
                self._opened.add(name)
                node.warm_up()
            except Exception as error:  # a node's own code
                failures.append((name, _reason(node, error)))
            finally:
                done.release()

        for name, node in self.nodes.items():
            thread = threading.Thread(
                target=open_node, args=(name, node), name=f"vflow:open:{name}", daemon=True
            )
            self._opening[name] = thread
            thread.start()
        for _ in self.nodes:
            done.acquire()
            if failures:
                name, error = failures[0]
                raise self._attribute(name, error) from error
        self._opening.clear()
        self._enter(State.READY)

    def _attribute(self, name: str, error: Exception) -> NodeError:
        if isinstance(error, NodeError):
            return error
        text = str(error) if isinstance(error, VflowError) else f"{type(error).__name__}: {error}"
        return NodeError(name, text, self.graph.nodes[name].place)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until every thread has ended, then close the nodes; False after the timeout.

        Raises: NodeError where a node failed the pipeline.
        """
        if not self._ended.wait(timeout_s):
            return False
        self.stop()
        if self._failure is not None:
            raise self._failure
        return True

    def drain(self) -> None:
        """Let the sources end; what they sent is still played. Does not block: `wait` for it."""
        for segment in set(self._segments.values()):
            segment.drain()

    def stop(self, deadline_s: float = STOP_DEADLINE_S) -> list[str]:
        """End all threads and close all nodes; returns by the deadline, with the names of the nodes that
        had to be abandoned. May be called again."""
        if self.state is State.STOPPED:
            return []
        until = time.monotonic() + deadline_s
        segments = set(self._segments.values())
        for segment in segments:
            segment.stop()
        hung: dict[str, None] = {}
        for segment in segments:
            if segment.thread.ident is not None:
                # half of the time is kept for closing what did end
                segment.thread.join(max(0.0, until - deadline_s / 2 - time.monotonic()))
            if segment.thread.is_alive():
                hung.update(dict.fromkeys(runner.name for runner in segment.runners))
        for name, thread in self._opening.items():
            thread.join(max(0.0, until - deadline_s / 2 - time.monotonic()))
            if thread.is_alive():
                hung[name] = None
        hung.update(dict.fromkeys(self._close_all(until)))
        self._enter(State.STOPPED)
        if hung:
            self._post("warning", f"abandoned after {deadline_s:g} s: {', '.join(hung)}")
        self._ended.set()
        self.bus.close()
        return list(hung)

    def _close_all(self, until: float) -> list[str]:
        """Close the nodes side by side, sinks of hung threads too: their files are to be whole."""

        def close(name: str, node: Node) -> None:
            try:
                node.close()
            except Exception as error:  # a node's own code
                self._post("warning", f"close: {type(error).__name__}: {error}", source=name)
            finally:
                context = node.ctx
                assert isinstance(context, NodeContext)
                context.release()

        threads = {
            name: threading.Thread(target=close, args=(name, node), name=f"vflow:close:{name}", daemon=True)
            for name, node in self.nodes.items()
        }
        for thread in threads.values():
            thread.start()
        for thread in threads.values():
            thread.join(max(0.0, until - time.monotonic()))
        return [name for name, thread in threads.items() if thread.is_alive()]

    # flush

    def flush(self, turn: int | None = None, origins: Iterable[str] | None = None) -> Flush:
        """Make all that is downstream of the origins' outputs stale, and cancel every turn up to `turn`.

        By default the origins are the nodes that generate replies, and `turn` is the newest. After it
        returns no sink plays an older sample and no link accepts an older packet.
        """
        starts = frozenset(origins) if origins is not None else self.graph.generators()
        with self.flush_lock:
            newest = self._turns if turn is None else turn
            self.cancelled_turn = max(self.cancelled_turn, newest)
            self._flushes += 1
            reach = self._reach(starts)
            for edge, link in self._links:
                if edge in reach.links:
                    link.purge(self._flushes)
            played: list[Played] = []
            for name in reach.nodes:
                node = self.nodes[name]
                if isinstance(node, Sink):
                    played.extend(node.drop(self._flushes))
            flush = Flush(self._flushes, newest, starts, reach.nodes, tuple(played))
            concerned = {self._segments[name] for name in starts | reach.nodes}
            for segment in concerned:
                segment.hand(flush)
        for segment in concerned:
            if segment.owns_this_thread():
                segment.apply()
        self._post("flush", flush=flush)
        return flush

    # what segments and contexts ask for

    def new_turn(self) -> int:
        """The number of a new turn."""
        with self._lock:
            self._turns += 1
            return self._turns

    def lead_ns(self, below: str | None) -> int:
        """How long what the sinks (below a node) and the links to them hold still plays."""
        starts = [below] if below is not None else self.graph.generators() or self.graph.nodes
        reach = self._reach(frozenset(starts))
        sinks = [node for name in reach.nodes if isinstance(node := self.nodes[name], Sink)]
        lead_ns = max((sink.lead_ns() for sink in sinks), default=0)
        return lead_ns + sum(link.queued_ns for edge, link in self._links if edge in reach.links)

    def _reach(self, starts: frozenset[str]) -> Reach:
        if starts not in self._reaches:
            self._reaches[starts] = self.graph.reach(starts)
        return self._reaches[starts]

    def stats(self) -> list[LinkStats]:
        """The counters of the links that cross threads."""
        return [link.stats() for _, link in self._links]

    def _post(self, kind: str, text: str = "", source: str = "pipeline", **data: object) -> None:
        self.bus.post(Message(kind, source, self.clock.now_ns(), text, data))  # type: ignore[arg-type]

    def announce(self, runner: Runner, item: Item, port: str) -> None:
        if isinstance(item, Event):
            self._post("event", item.name, runner.name, event=item, port=port)
        else:
            self._post("packet", getattr(item, "text", ""), runner.name, packet=item, port=port)

    def failed(self, runner: Runner, error: Exception) -> bool:
        """Apply the node's `on_error`; whether it was restarted. Raises: Stopped where it is `fail`."""
        policy: ErrorPolicy = self.graph.nodes[runner.name].on_error
        attributed = self._attribute(runner.name, error)
        attributed.__cause__ = error if error is not attributed else error.__cause__
        if policy.action == "skip":
            self._post("warning", f"skipped: {attributed.message}", runner.name, error=attributed)
            return False
        if policy.action == "restart":
            count = self._restarts[runner.name] = self._restarts.get(runner.name, 0) + 1
            if count <= policy.limit:
                self._restart(runner, attributed, policy, count)
                return True
        self._fail(attributed)
        raise Stopped

    def _restart(self, runner: Runner, error: NodeError, policy: ErrorPolicy, count: int) -> None:
        text = f"restart {count} of {policy.limit}: {error.message}"
        self._post("warning", text, runner.name, error=error)
        segment = self._segments[runner.name]
        runner.node.close()
        segment.rest(self.clock.now_ns() + policy.backoff_ns)
        try:
            runner.node.open()
            runner.node.warm_up()
        except Exception as failure:
            self._fail(self._attribute(runner.name, failure))
            raise Stopped from failure

    def _fail(self, error: NodeError) -> None:
        with self._lock:
            self._failure = self._failure or error
        self._post("error", error.message, error.node, error=error)
        for segment in set(self._segments.values()):
            segment.stop()

    def ended(self, segment: Segment) -> None:
        with self._lock:
            self._running.discard(segment)
            last = not self._running
        if last:
            self._post("eos")
            self._ended.set()

    @property
    def abandoned(self) -> bool:
        """Whether a thread of this pipeline still runs although it was stopped."""
        return any(s.thread.is_alive() for s in self._segments.values())

    @property
    def failure(self) -> VflowError | None:
        """What failed the pipeline, if anything."""
        return self._failure

