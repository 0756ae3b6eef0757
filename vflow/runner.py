"""How one node's code is driven: what it emits is checked and passed on, what it raises is attributed.

One runner a node, used by a segment's thread and by the test harness alike. A plain `process` is one
closure a hop; generators and coroutines are stepped, so that a flush can end them between two steps.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any, Protocol

from vflow.errors import Flushed, NodeError, Place
from vflow.event import Eos, Event
from vflow.node import Item, Node, Out, outputs_of, overrides
from vflow.packet import AudioPacket, Packet, TextPacket

Push = Callable[[Item], None]


class Verdict(Enum):
    """What becomes of an item whose emission was refused by a flush."""

    UNWIND = "everything in this thread that led to it is stale"
    DROP = "the item is stale, its sender is not"
    RETRY = "the item is newer than the flush"


class Host(Protocol):
    """What drives a runner: a segment, or the harness."""

    def look(self, runner: Runner, turn: int) -> None:
        """The node gave the runtime a look. Raises: Flushed or Stopped to end what it does."""

    def judge(self, runner: Runner, turn: int) -> Verdict:
        """An emission of this runner, made of an item of `turn`, was refused by a flush."""

    def apply(self) -> None:
        """Apply the flushes that are pending: `on_flush` and `on_cancel` of the nodes, then the epoch."""

    def failed(self, runner: Runner, error: Exception) -> None:
        """The node raised: returns where its policy lets it go on."""

    def announce(self, runner: Runner, item: Item, port: str) -> None:
        """Post an item on the bus."""

    def complete(self, runner: Runner, awaitable: Any, turn: int) -> Any:
        """Run a coroutine to its end. Raises: Flushed or Stopped where that came first."""


def ignore(item: Item) -> None:
    """The target of an output that is linked to nothing."""


class Runner:
    """Drives one node in one thread at a time. `turn` of an item decides whether it survives a flush."""

    def __init__(self, node: Node, name: str, place: Place | None, host: Host) -> None:
        self.node, self.name, self.place, self.host = node, name, place, host
        self.open_inputs = 0
        self.outs = outputs_of(type(node))
        self._packets: dict[str, Push] = dict.fromkeys(self.outs, ignore)
        self._events: dict[str, Push] = dict.fromkeys(self.outs, ignore)
        self._types = {name: port.caps.packet_type for name, port in self.outs.items()}
        self._only = next(iter(self.outs.values())) if len(self.outs) == 1 else None
        self._swallows = type(node).swallows

    def connect(self, port: str, packets: list[Push], events: list[Push]) -> None:
        """Set where the items of an output go: direct calls, or links."""
        if self.outs[port].bus:
            packets = [self._announcer(port), *packets]
        self._packets[port] = _fan_out(packets)
        self._events[port] = _fan_out(events)

    def entry(self, port: str) -> Push:
        """The function that takes a packet of one input."""
        process = getattr(self.node, f"process_{port}", self.node.process)
        if self._only is None or inspect.isgeneratorfunction(process) or _is_async(process):
            return lambda packet: self.run(process, packet, packet.turn)
        return self._plain(process, self._only)

    def _plain(self, process: Callable[[Any], Any], out: Out) -> Push:
        types = _exact_types(self._types[out.name])
        push = self._packets[out.name]

        def deliver(packet: Item) -> None:
            emitted: Any = None
            try:
                emitted = process(packet)
            except Exception as error:
                self.host.failed(self, error)
                return
            if emitted is None:
                return
            if emitted.__class__ in types:
                try:
                    push(emitted)
                except Flushed:
                    if not self._settle(push, emitted, packet.turn):
                        self.host.apply()
            else:
                self.run(lambda _: emitted, packet, packet.turn)

        return deliver

    def event(self, event: Event) -> None:
        """Take an event: what the node makes of it goes out first, then the event itself."""
        if isinstance(event, Eos):
            self.open_inputs -= 1
            if self.open_inputs > 0:
                return
        if overrides(self.node, "on_event"):
            self.run(self.node.on_event, event, event.turn)
        if not isinstance(event, self._swallows):
            for port in self.outs:
                if not self._send(self._events[port], event, event.turn):
                    self.host.apply()

    def timer(self) -> None:
        """The node's timer is due."""
        self.run(lambda _: self.node.on_timer(), None, 0)

    def produce(self) -> None:
        """A source's whole stream, without the eos behind it."""
        self.run(lambda _: self.node.produce(), None, 0)

    def run(self, method: Callable[[Any], Any], item: Any, turn: int) -> None:
        """Call one of the node's methods and pass on all that it emits."""
        try:
            output = method(item)
            if inspect.iscoroutine(output):
                output = self.host.complete(self, output, turn)
        except Exception as error:
            self.host.failed(self, error)
            return
        if output is None:
            return
        if hasattr(output, "__anext__"):
            whole = self._step(_steps(self, output, turn), turn)
        elif isinstance(output, Iterable) and not isinstance(output, str | bytes) and not _is_addressed(output):
            whole = self._step(iter(output), turn)
        else:
            whole = self._emit(output, turn)
        if not whole:
            self.host.apply()

    def _step(self, emissions: Iterator[Any], turn: int) -> bool:
        """Pass all emissions on; False where a flush ended it. The generator is closed before that flush
        is applied, so that its `finally` comes before the node's `on_cancel`."""
        try:
            while True:
                try:
                    emitted = next(emissions)
                except StopIteration:
                    return True
                except Exception as error:
                    self.host.failed(self, error)
                    return True
                if emitted is None:
                    try:
                        self.host.look(self, turn)
                    except Flushed:
                        if self.host.judge(self, turn) is Verdict.UNWIND:
                            raise
                        return False
                elif not self._emit(emitted, turn):
                    return False
        finally:
            close = getattr(emissions, "close", None)
            if close is not None:
                close()

    def _emit(self, emitted: Any, turn: int) -> bool:
        """Pass one emission on; False where a flush made the rest of this item's work stale."""
        port: Out | None = self._only
        item = emitted
        if _is_addressed(emitted):
            port, item = emitted
        problem = self._problem(port, item)
        if problem or port is None:
            self.host.failed(self, NodeError(self.name, problem, self.place))
            return True
        if isinstance(item, Event):
            self.host.announce(self, item, port.name)
            return self._send(self._events[port.name], item, turn)
        return self._send(self._packets[port.name], item, turn)

    def _send(self, push: Push, item: Item, turn: int) -> bool:
        try:
            push(item)
        except Flushed:
            return self._settle(push, item, turn)
        return True

    def _settle(self, push: Push, item: Item, turn: int) -> bool:
        while (verdict := self.host.judge(self, turn)) is Verdict.RETRY:
            self.host.apply()
            try:
                push(item)
                return True
            except Flushed:
                continue
        if verdict is Verdict.UNWIND:
            raise Flushed
        return False

    def _problem(self, port: Out | None, item: object) -> str:
        """What is wrong with an emission, '' where nothing is."""
        known = ", ".join(self.outs) or "none"
        if not isinstance(item, Packet | Event):
            return f"emitted {type(item).__name__}, not a packet or an event"
        if port is None:
            return f"has {len(self.outs)} outputs: yield (self.port, packet); outputs: {known}"
        if self.outs.get(port.name) is not port:
            return f"emitted to a port that is not its own output; outputs: {known}"
        if isinstance(item, Packet) and not isinstance(item, self._types[port.name]):
            return f"emitted {type(item).__name__}, but {self.name}.{port.name} carries {port.caps}"
        return ""

    def _announcer(self, port: str) -> Push:
        return lambda item: self.host.announce(self, item, port)


def _is_addressed(emitted: object) -> bool:
    return isinstance(emitted, tuple) and len(emitted) == 2 and isinstance(emitted[0], Out)


def _is_async(process: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(process) or inspect.isasyncgenfunction(process)


def is_async(node: Node) -> bool:
    """Whether any of a node's methods is a coroutine: it then waits, and needs a thread of its own."""
    names = [n for n in dir(type(node)) if n.startswith("process") or n in ("on_event", "on_timer")]
    return any(_is_async(getattr(node, name)) for name in names)


def _steps(runner: Runner, emissions: Any, turn: int) -> Iterator[Any]:
    try:
        while True:
            try:
                yield runner.host.complete(runner, emissions.__anext__(), turn)
            except StopAsyncIteration:
                return
    finally:
        runner.host.complete(runner, emissions.aclose(), turn)


def _exact_types(kind: type[Packet]) -> frozenset[type]:
    return frozenset([AudioPacket, TextPacket, Packet] if kind is Packet else [kind])


def _fan_out(targets: list[Push]) -> Push:
    if not targets:
        return ignore
    if len(targets) == 1:
        return targets[0]
    every = tuple(targets)

    def push(item: Item) -> None:
        for target in every:
            target(item)

    return push


