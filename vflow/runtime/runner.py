"""Drive one node's code: check what it emits and pass it on, attribute what it raises.

Each node has one runner, used by a segment's thread or by the test harness. Plain nodes are chained (see
`chain`). Generators and coroutines run step by step, so that a flush can end them between two steps.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any, Protocol

from vflow.caps import Text
from vflow.errors import Flushed, NodeError, Place, VflowError
from vflow.event import Eos, Event, SpeechEnd, TurnEnd
from vflow.node import Node, is_async_function, is_source, overrides
from vflow.packet import AudioPacket, Packet, TextPacket
from vflow.ports import Item, Out, outputs_of
from vflow.runtime.chain import Chain, Push

Pushes = tuple[Push, ...]
"""The targets of an output's items, in order."""


class Verdict(Enum):
    """The fate of the work on an item, after a flush refused its result or the node checked for a flush."""

    UNWIND = "everything in this thread that led to it is stale"
    DROP = "the item is stale, its sender is not"
    RETRY = "the item is newer than the flush"


class RunnerHost(Protocol):
    """The driver of a runner: a segment, or the harness."""

    def look(self, runner: Runner, turn: int) -> None:
        """Check for a flush or stop, since the node yielded None. Raises: Flushed or Stopped."""

    def judge(self, runner: Runner, turn: int) -> Verdict:
        """Decide, after a flush ended this runner's work on an item of `turn` or refused what it emitted."""

    def spares(self, runner: Runner) -> bool:
        """Return whether the flush that dropped an emission lets the rest of that work go on."""

    def apply(self) -> None:
        """Apply the judged flushes: `on_flush` and `on_cancel` of the nodes, then the epoch."""

    def failed(self, runner: Runner, error: Exception) -> None:
        """Handle an error of the node. Return only if its policy lets it go on."""

    def announce(self, runner: Runner, item: Item, port: str) -> None:
        """Post an item on the bus."""

    def complete(self, runner: Runner, awaitable: Any, turn: int) -> Any:
        """Run a coroutine to its end. Raises: Flushed or Stopped if that comes first."""

    def finish(self, awaitable: Any) -> None:
        """Run the closing of an asynchronous generator to its end; nothing cancels it."""


def _as_it_is(output: Any) -> Any:
    return output


def _nowhere(item: Item) -> None:
    """Take the items of an output that is linked to nothing."""


class Runner:
    """Drives one node, in one thread at a time. The `turn` of an item decides whether it survives a flush."""

    def __init__(self, node: Node, name: str, place: Place | None, host: RunnerHost) -> None:
        self.node, self.name, self.place, self.host = node, name, place, host
        self.open_inputs = 0
        self.outs = outputs_of(type(node))
        self.is_source = is_source(type(node))
        self.steps = 0
        """Counts calls and emissions through `run`. Links count the calls of a plain `process`."""
        self.turn: int | None = None
        """The turn that the node works on; None if it is idle, or has a plain `process`."""
        self.item: Item | None = None
        """The item that the node works on, unless it has a plain `process`."""
        self._worked = 0  # the last turn that the node worked on
        self._replied = 0  # the last turn whose reply the node has ended
        self.stamps = False
        """Whether items emitted without a turn get the turn of the node's work. Set it before any `entry`."""
        self._packets: dict[str, Pushes] = dict.fromkeys(self.outs, ())
        self._events: dict[str, Pushes] = dict.fromkeys(self.outs, ())
        self._types = {name: port.caps.packet_type for name, port in self.outs.items()}
        self._only = next(iter(self.outs.values())) if len(self.outs) == 1 else None
        self._common = _common_class(self._types[self._only.name]) if self._only is not None else None
        """The class of nearly everything that leaves the only output; such items need no check."""
        self._swallows = type(node).swallows

    def connect(self, port: str, packets: list[Push], events: list[Push]) -> None:
        """Set the targets of an output: direct calls, or links. Call it before any `entry`."""
        if self.outs[port].bus:
            packets = [*packets, self._announcer(port)]  # last: an item that a flush refused is not announced
        self._packets[port] = tuple(packets)
        self._events[port] = tuple(events)

    def entry(self, port: str) -> Push:
        """Return the function that takes the packets of one input."""
        process = getattr(self.node, f"process_{port}", self.node.process)
        stepped = (
            inspect.isgeneratorfunction(process) or is_async_function(process) or type(self.node).generates
        )
        pushes = self._packets[self._only.name] if self._only is not None else ()
        # a chain is the fast way; whatever needs a turn, a choice of output or steps goes through `run`
        if stepped or self.stamps or len(self.outs) > 1 or len(pushes) > 1:
            return lambda packet: self.run(process, packet, packet.turn)
        return Chain(self, process, self._common, pushes[0] if pushes else _nowhere).entry

    def event(self, event: Event) -> None:
        """Give the node an event. Pass on the node's emissions first, then the event itself."""
        if isinstance(event, Eos):
            self.open_inputs -= 1
            if self.open_inputs > 0:
                return
        if overrides(self.node, "on_event"):
            self.run(self.node.on_event, event, event.turn)
        if isinstance(event, self._swallows) and not isinstance(event, Eos):
            return
        outer, self.item = self.item, event
        try:
            for port in self.outs:
                if not self._send(self._events[port], event, event.turn):
                    self.host.apply()
        except VflowError as error:  # a link is full and its policy is error
            self.host.failed(self, error)
        finally:
            self.item = outer

    def timer(self) -> None:
        """Run the node's timer, which is due."""
        self.run(lambda _: self.node.on_timer(), None, 0)

    def failed(self, error: Exception) -> None:
        """Handle an error of the node, or a full link. Return only if the node's policy lets it go on."""
        self.host.failed(self, error)

    def pass_on(self, emitted: Any, turn: int) -> None:
        """Send an emission for an item of `turn` to its targets. Raises: Flushed."""
        self.run(_as_it_is, emitted, turn)

    def settle(self, push: Push, item: Item, turn: int) -> None:
        """Drop an emission that a flush refused, or push it again. Raises: Flushed, to unwind the callers."""
        if not self._settle(push, item, turn):
            self.host.apply()

    def run(self, method: Callable[[Any], Any], item: Any, turn: int) -> None:
        """Call one of the node's methods and pass on everything it emits."""
        outer = self.turn, self.item
        self.turn, self.item = turn, item
        self._worked = turn or self._worked
        self.steps += 1
        try:
            whole = self._emit_all(method(item), turn)
        except Flushed:
            if self.host.judge(self, turn) is Verdict.UNWIND:
                raise
            whole = False
        except Exception as error:
            self.host.failed(self, error)
            self._end_reply(item, turn)
            return
        finally:
            self.turn, self.item = outer
        if not whole:
            self.host.apply()

    def _end_reply(self, item: Any, turn: int) -> None:
        """End the reply of a generator that raised, so that nobody waits for the rest of it."""
        asked = isinstance(item, TextPacket | SpeechEnd)
        if not (asked and turn and type(self.node).generates) or self._replied == turn:
            return
        words = (port for port in self.outs.values() if port.caps == Text("word"))
        port = next(words, next(iter(self.outs.values()), None))
        if port is not None:
            self._replied = turn
            end = TurnEnd(turn=turn, meta={"tokens": 0, "stop_reason": "error"})
            self.run(lambda _: (port, end), None, turn)

    def _emit_all(self, output: Any, turn: int) -> bool:
        """Pass on the result of a method. Return False if a flush made the rest of it stale."""
        if inspect.iscoroutine(output):
            output = self.host.complete(self, output, turn)
        if output is None:
            return True
        if output.__class__ is self._common:
            return self._emit(output, turn)
        if hasattr(output, "__anext__"):
            return self._step(_steps(self, output, turn), turn)
        if isinstance(output, Packet | Event | str | bytes) or _is_addressed(output):
            return self._emit(output, turn)
        return self._step(iter(output), turn) if isinstance(output, Iterable) else self._emit(output, turn)

    def _step(self, emissions: Iterator[Any], turn: int) -> bool:
        """Pass on all emissions. However this ends, close the generator before a flush is applied or the node
        is restarted: its `finally` must run before the node's `on_cancel`."""
        try:
            for emitted in emissions:
                self.steps += 1
                if emitted is None:
                    self.host.look(self, turn)
                elif not self._emit(emitted, turn):
                    if not self.is_source and not self.host.spares(self):
                        return False
                    self.host.apply()  # what the node makes next is newer than the flush
            return True
        finally:
            close = getattr(emissions, "close", None)
            if close is not None:
                close()

    def _emit(self, emitted: Any, turn: int) -> bool:
        """Pass on one emission. Return False if a flush made the rest of the work on this item stale.

        Raises: NodeError for something that cannot be emitted; LinkFull.
        """
        port: Out | None = self._only
        item = emitted
        if port is not None and emitted.__class__ is self._common and not self.stamps:
            return self._send(self._packets[port.name], emitted, turn)
        if _is_addressed(emitted):
            port, item = emitted
        problem = self._problem(port, item)
        if problem or port is None:
            raise NodeError(self.name, problem, self.place)
        if self.stamps and not item.turn and (worked := turn or self._worked):
            item = dataclasses.replace(item, turn=worked)
        if isinstance(item, Event):
            if isinstance(item, TurnEnd):
                self._replied = item.turn
            self.host.announce(self, item, port.name)
            return self._send(self._events[port.name], item, turn)
        return self._send(self._packets[port.name], item, turn)

    def _send(self, pushes: Pushes, item: Item, turn: int) -> bool:
        for push in pushes:  # settled one by one: a target that has the item does not get it again
            try:
                push(item)
            except Flushed:
                if not self._settle(push, item, item.turn or turn):
                    return False
        return True

    def _settle(self, push: Push, item: Item, turn: int) -> bool:
        while (verdict := self.host.judge(self, turn)) is not Verdict.UNWIND:
            if verdict is Verdict.DROP and not isinstance(item, Eos):
                return False
            self.host.apply()  # raises the thread's epoch, so that the next push is fresh
            try:
                push(item)
                return True
            except Flushed:
                continue
        raise Flushed

    def _problem(self, port: Out | None, item: object) -> str:
        """Return what is wrong with an emission; '' if nothing is."""
        known = ", ".join(self.outs) or "none"
        if not isinstance(item, Packet | Event):
            return f"emitted {type(item).__name__}, not a packet or an event"
        if port is None:
            return f"has {len(self.outs)} outputs: yield (self.port, packet); outputs: {known}"
        if isinstance(item, Eos):
            return "emitted an eos: the runtime does that when the node's inputs, or its produce(), end"
        if self.outs.get(port.name) is not port:
            return f"emitted to a port that is not its own output; outputs: {known}"
        if isinstance(item, Packet) and not isinstance(item, self._types[port.name]):
            return f"emitted {type(item).__name__}, but {self.name}.{port.name} carries {port.caps}"
        return ""

    def _announcer(self, port: str) -> Push:
        return lambda item: self.host.announce(self, item, port)


def _is_addressed(emitted: object) -> bool:
    return isinstance(emitted, tuple) and len(emitted) == 2 and isinstance(emitted[0], Out)


def _steps(runner: Runner, emissions: Any, turn: int) -> Iterator[Any]:
    try:
        while True:
            try:
                yield runner.host.complete(runner, emissions.__anext__(), turn)
            except StopAsyncIteration:
                return
    finally:
        runner.host.finish(emissions.aclose())


def _common_class(kind: type[Packet]) -> type[Packet]:
    return AudioPacket if kind is Packet else kind
