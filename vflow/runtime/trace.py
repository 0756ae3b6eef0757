"""Record when every thread did what, for `chrome://tracing` and Perfetto: a slice for each packet that a node
worked on, an arrow from its maker to its taker, a mark for each event and flush.

Source of the format: "Trace Event Format" of the Chromium project: `X` slices, `b` and `e` asynchronous ones,
`s` and `t` flows, `i` instants, `M` names.

A trace wraps the methods of node instances before they are wired: a pipeline without one pays nothing.
"""

from __future__ import annotations

import inspect
import itertools
import threading
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from vflow.bus import Message
from vflow.event import Event
from vflow.graph.graph import Graph, GraphNode
from vflow.node import Node, is_async_function, is_source, overrides
from vflow.packet import Packet
from vflow.ports import inputs_of

MOST = 1_000_000
"""Most entries that are kept; older ones are dropped. An agent makes this many in some ten minutes."""
ON_THEIR_WAY = 2_000
"""Packets that are known again where they arrive."""
MARK_NS = 100
"""A slice as short stands where a coroutine begins and ends: asynchronous ones have no arrows."""
_METHODS = ("on_event", "on_timer", "on_flush", "on_cancel")


class Trace:
    """Watches one pipeline. Any thread may call.

        pipeline = Pipeline(trace.of(graph))
        pipeline.bus.listen(trace.listen)

    Read `events` after the run.
    """

    def __init__(self, most: int = MOST) -> None:
        self._entries: deque[tuple[Any, ...]] = deque(maxlen=most)
        """Each entry: phase, name, thread, time in ns, and further values that depend on the phase."""
        self._began_ns = time.perf_counter_ns()
        self._numbers, self._slices = itertools.count(1), itertools.count(1)
        self._flows: OrderedDict[int, tuple[Packet, int]] = OrderedDict()
        """The newest packets on their way, by id, each with the number of its arrow."""
        self._threads: dict[int, str] = {}

    def of(self, graph: Graph) -> Graph:
        """Return the graph with nodes that record what they do, once a pipeline has made them."""
        nodes = {
            name: _TracedNode(**{part.name: getattr(node, part.name) for part in fields(node)}, trace=self)
            for name, node in graph.nodes.items()
        }
        return replace(graph, nodes=nodes)

    def watch(self, name: str, node: Node) -> None:
        """Wrap what the runtime calls of a node that is not wired yet."""
        methods = [f"process_{port}" for port in inputs_of(type(node)) if hasattr(node, f"process_{port}")]
        methods += ["produce"] if is_source(type(node)) else ["process"]
        methods += [method for method in _METHODS if overrides(node, method)]
        for method in methods:
            call = getattr(node, method)
            wrapped = self._awaited if is_async_function(call) else self._wrapped
            what = name if method.startswith(("process", "produce")) else f"{name}.{method}"
            setattr(node, method, wrapped(what, call))

    def listen(self, message: Message) -> None:
        """Record flushes; to be a listener of the bus."""
        if message.kind == "flush":
            turn = message.data["flush"].turn
            self._entries.append(("i", f"flush {turn}", self._thread(), time.perf_counter_ns(), "g"))

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the entries as objects of the format: thread names, then all others in order of time."""
        for ident, name in list(self._threads.items()):
            yield {"ph": "M", "name": "thread_name", "pid": 1, "tid": ident, "args": {"name": name}}
        for phase, name, thread, at_ns, *more in _closed(
            sorted(self._entries, key=lambda entry: int(entry[3])), time.perf_counter_ns()
        ):
            entry = {
                "ph": phase,
                "name": name,
                "pid": 1,
                "tid": thread,
                "ts": (at_ns - self._began_ns) / 1000,
            }
            if phase == "X":
                entry |= {"dur": more[0] / 1000, "args": {"turn": more[1]} if more[1] else {}}
            elif phase == "i":
                entry |= {"s": more[0]}
            elif phase in "be":
                entry |= {"cat": "await", "id": more[0], "args": {"turn": more[1]} if more[1:] else {}}
            else:
                entry |= {"cat": "packet", "id": more[0], **({"bp": "e"} if phase == "t" else {})}
            yield entry

    def _awaited(self, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a coroutine's call so that it records a slice on a track of its own: while it waits, others in
        its thread may go on. An asynchronous generator records a slice for each step."""

        async def plain(*given: Any) -> Any:
            number = self._begin(what, given)
            try:
                made = await call(*given)
            finally:
                ended_ns = self._end(what, number)
            self._made(made, ended_ns)
            return made

        async def stepped(*given: Any) -> AsyncIterator[Any]:
            emissions = call(*given)
            try:
                while True:
                    number = self._begin(what, given)
                    try:
                        item = await anext(emissions)
                    except StopAsyncIteration:
                        return
                    finally:
                        ended_ns, given = self._end(what, number), ()
                    self._made(item, ended_ns)
                    yield item
            finally:
                await emissions.aclose()

        return stepped if inspect.isasyncgenfunction(call) else plain

    def _begin(self, what: str, given: tuple[Any, ...]) -> int:
        """A coroutine goes on; returns the number of its slice."""
        at_ns, thread, number = time.perf_counter_ns(), self._thread(), next(self._slices)
        item = given[0] if given else None
        turn = getattr(item, "turn", 0)
        self._entries.append(("b", what, thread, at_ns, number, *([turn] if turn else [])))
        if item is not None:
            self._entries.append(("X", f"{what} takes", thread, at_ns, MARK_NS, turn))
            self._arrive(item, thread, at_ns)
        return number

    def _end(self, what: str, number: int) -> int:
        """A coroutine has come to where it emits, or to its end; returns when that was."""
        at_ns, thread = time.perf_counter_ns(), self._thread()
        self._entries.append(("e", what, thread, at_ns, number))
        self._entries.append(("X", f"{what} gives", thread, at_ns - MARK_NS, MARK_NS, 0))
        return at_ns

    def _wrapped(self, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def plain(*given: Any) -> Any:
            began_ns = time.perf_counter_ns()
            try:
                made = call(*given)
            finally:
                ended_ns = self._slice(what, began_ns, given)
            if isinstance(made, Iterator):  # the method returned a generator
                return self._steps(what, made, ())
            self._made(made, ended_ns)
            return made

        def stepped(*given: Any) -> Iterator[Any]:
            yield from self._steps(what, call(*given), given)

        return stepped if inspect.isgeneratorfunction(call) else plain

    def _steps(self, what: str, made: Iterator[Any], given: tuple[Any, ...]) -> Iterator[Any]:
        """Yield the items of a generator, and record a slice for each step."""
        try:
            while True:
                began_ns = time.perf_counter_ns()
                try:
                    item = next(made)
                except StopIteration:
                    return
                finally:
                    ended_ns = self._slice(what, began_ns, given)
                    given = ()
                self._made(item, ended_ns)
                yield item
        finally:
            getattr(made, "close", lambda: None)()

    def _slice(self, what: str, began_ns: int, given: tuple[Any, ...]) -> int:
        """Record a call. Return the time at which it ended."""
        ended_ns, thread = time.perf_counter_ns(), self._thread()
        item = given[0] if given else None
        self._entries.append(("X", what, thread, began_ns, ended_ns - began_ns, getattr(item, "turn", 0)))
        self._arrive(item, thread, began_ns)
        return ended_ns

    def _arrive(self, item: Any, thread: int, at_ns: int) -> None:
        """End an arrow at who takes a packet that is known."""
        known = self._flows.get(id(item))
        if known is not None and known[0] is item:
            self._entries.append(("t", "packet", thread, at_ns, known[1]))

    def _made(self, item: Any, at_ns: int) -> None:
        """Record the start of an arrow for a packet, a mark for an event. A tuple names the port too."""
        if item is None:
            return
        if isinstance(item, tuple) and len(item) == 2:
            item = item[1]
        for each in item if isinstance(item, list) else (item,):
            if isinstance(each, Packet):
                number = next(self._numbers)
                self._flows[id(each)] = each, number
                if number > ON_THEIR_WAY and len(self._flows) > ON_THEIR_WAY:
                    self._flows.popitem(last=False)
                self._entries.append(("s", "packet", self._thread(), at_ns - 1, number))
            elif isinstance(each, Event):
                name = f"{type(each).__name__} {each.turn or ''}".rstrip()
                self._entries.append(("i", name, self._thread(), at_ns - 1, "t"))

    def _thread(self) -> int:
        ident = threading.get_ident()
        if ident not in self._threads:
            self._threads[ident] = threading.current_thread().name
        return ident


def _closed(entries: Iterable[tuple[Any, ...]], now_ns: int) -> Iterator[tuple[Any, ...]]:
    """Yield entries in the order of time, without ends whose begin was not kept. Open spans end now."""
    opened: dict[int, tuple[Any, ...]] = {}
    for entry in entries:
        if entry[0] == "b":
            opened[entry[4]] = entry
        elif entry[0] == "e" and opened.pop(entry[4], None) is None:
            continue
        yield entry
    for _, name, thread, _, number, *_ in opened.values():
        yield "e", name, thread, now_ns, number


@dataclass(frozen=True, slots=True)
class _TracedNode(GraphNode):
    """A graph node whose instances a trace watches."""

    trace: Trace | None = None

    def create(self) -> Node:
        node = GraphNode.create(self)
        if self.trace is not None:
            self.trace.watch(self.name, node)
        return node
