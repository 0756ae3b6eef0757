"""Drive one node in a test: no threads, no pipeline, time moves when the test says so.

with Harness(Gain(factor=2.0)) as harness:
    harness.push(AudioPacket(data=samples, rate=16000))
    assert harness.pull()[0].data.max() == 2.0
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Self, TypeVar

from vflow.bus import Kind, Message
from vflow.caps import Caps
from vflow.conversation import Conversation
from vflow.declarations import require_sound
from vflow.errors import Flushed, NodeError, describe
from vflow.event import Eos, Event
from vflow.flush import Flush, Played
from vflow.node import Node, Sink
from vflow.packet import Packet
from vflow.ports import Item, inputs_of, main_input, outputs_of
from vflow.runtime.emitted import Emitted
from vflow.runtime.runner import Runner, Verdict
from vflow.runtime.shared_models import Shares

T = TypeVar("T")


class Harness:
    """One node, driven by hand. It is also the node's context (`harness.conversation`, `harness.lead`, ...).

    caps: the negotiated caps by port, if they differ from what the node declares.
    `wait_until` moves the time to its deadline at once. A node that raises fails the test with NodeError.
    """

    def __init__(self, node: Node, *, name: str = "node", caps: Mapping[str, Caps] | None = None) -> None:
        require_sound(type(node))
        self.node, self.name, self._own = node, name, frozenset([name])
        self.conversation = Conversation()
        self.epoch = 0
        self.time_ns = 0
        self.lead = 0
        """The result of `ctx.lead_ns()`, in ns. A `Sink` returns its own."""
        self.is_speaking = self.is_protected = False
        self.turn = 0
        self.speculation: list[tuple[str, int]] = []
        """The node's calls of `speculate`, `retract`, `commit`, `doubt` and `settle`, each with its turn."""
        self.speculative_turn = 0
        """The turn for whose pauses `ctx.speculative` returns True; 0 for none."""
        self.gains: list[float] = []  # the gains that the node asked of the sinks
        self.holds: list[bool] = []  # the node's calls of `ctx.hold`
        self.linked_ports: set[str] | None = None  # the outputs for which `ctx.linked` is True; None: all
        self.linked_sources: tuple[str, ...] = ()  # the result of `ctx.sources`, for every input
        self.messages: list[Message] = []
        self.interrupted: list[int] = []
        """The turns up to which the node asked for an interruption."""
        self.taken_back: list[int] = []  # the turns that the node took back
        self.timer_ns: int | None = None
        self.on_look: Callable[[], None] = lambda: None
        """Called at each `None` that the node yields. It may call `cancel` or raise Flushed."""
        self._caps = dict(caps or {})
        self._cancelled = 0
        self._emitted = Emitted(outputs_of(type(node)), self.caps)
        self._shares = Shares()
        self._notified = False
        self._asyncio = asyncio.Runner()
        """One event loop for all that the node awaits; it starts at the first await."""
        node.ctx = self
        self._runner = Runner(node, name, None, self)
        self._runner.open_inputs = len(inputs_of(type(node)))
        for port in outputs_of(type(node)):
            entry = self._emitted.entry(port)
            self._runner.connect(port, [entry], [entry])
        self._entries = {port: self._runner.entry(port) for port in inputs_of(type(node))}

    def __enter__(self) -> Self:
        try:
            self.node.open()
            self.node.warm_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self.node.close()
        finally:
            self._asyncio.close()
            for error in self._shares.release():
                raise error

    # what a test does

    def push(self, packet: Packet, port: str = "") -> list[Item]:
        """Give a packet to `port`, by default the first input that must be linked. Return what has come out
        and was not pulled yet."""
        entry = self._entries[port or main_input(type(self.node))]
        return self._drive(lambda: entry(packet))

    def event(self, event: Event) -> list[Item]:
        """Give an event to the node; `Eos` counts once for each input."""
        return self._drive(lambda: self._runner.event(event))

    def eos(self) -> list[Item]:
        """End all inputs."""
        self._runner.open_inputs = 1
        return self.event(Eos(pts_ns=self.time_ns))

    def advance(self, ns: int) -> list[Item]:
        """Let `ns` of pipeline time pass. A timer that comes due on the way runs at its time."""
        end = self.time_ns + ns
        while self.timer_ns is not None and self.timer_ns <= end:
            self.time_ns, self.timer_ns = max(self.time_ns, self.timer_ns), None
            self._drive(self._runner.timer, keep=True)
        self.time_ns = end
        return self.pull()

    def produce(self) -> Iterator[Item]:
        """Yield the items of a source; stop iterating to stop it."""
        for emitted in self.node.produce():
            self._runner.run(iter, (emitted,), 0)
            yield from self.pull()

    def flush(self, turn: int = 0, played: tuple[Played, ...] = (), *, takes_back: bool = False) -> Flush:
        """Flush the node as one downstream of the flush's origin: first `drop`, then `on_flush`."""
        self.epoch += 1
        if isinstance(self.node, Sink):
            played = (*played, *self.node.drop(self.epoch))
        flush = Flush(self.epoch, turn, nodes=self._own, played=played, sinks=1, takes_back=takes_back)
        self.node.on_flush(flush)
        return flush

    def cancel(self, turn: int, played: tuple[Played, ...] = (), *, takes_back: bool = False) -> None:
        """Interrupt the node as an origin of a flush that cancels all turns up to `turn`."""
        self.epoch += 1
        self._cancelled = max(self._cancelled, turn)
        flush = Flush(self.epoch, turn, origins=self._own, played=played, sinks=1, takes_back=takes_back)
        self.node.on_cancel(flush)

    def retracted(self, turn: int) -> None:
        """Tell the node that the user spoke on: as an origin if it `speculates`, else as one downstream."""
        self.epoch += 1
        if self.node.speculates:
            self.node.on_cancel(Flush(self.epoch, turn, origins=self._own, retracts=True))
        else:
            self.node.on_flush(Flush(self.epoch, turn, nodes=self._own, retracts=True))

    def pull(self, port: str = "") -> list[Item]:
        """Take the items that came out of all outputs, in order, or those of one output."""
        return self._emitted.pull(port)

    def _drive(self, step: Callable[[], None], keep: bool = False) -> list[Item]:
        with suppress(Flushed):
            step()
        return [] if keep else list(self._emitted.order)

    # what the node asks for: vflow.node.Context

    def now_ns(self) -> int:
        return self.time_ns

    def caps(self, port: str) -> Caps:
        return self._caps.get(port) or self.node.port_caps(port)

    def wait_until(self, deadline_ns: int | None = None) -> None:
        if self._notified:
            self._notified = False
        elif deadline_ns is None:
            message = "waits for ever, since it gives no deadline; call the harness's notify() before it"
            raise NodeError(self.name, message)
        else:
            self.time_ns = max(self.time_ns, deadline_ns)

    def notify(self) -> None:
        self._notified = True

    def wake_at(self, time_ns: int | None) -> None:
        self.timer_ns = time_ns

    def post(self, kind: Kind, text: str = "", **data: Any) -> None:
        self.messages.append(Message(kind, self.name, self.time_ns, text, data))

    def warn(self, text: str) -> None:
        self.post("warning", text)

    def progress(self, text: str, fraction: float | None = None) -> None:
        self.post("progress", text, fraction=fraction)

    def shared(self, key: str, load: Callable[[], T]) -> T:
        value: T = self._shares.take(key, load)
        return value

    def new_turn(self) -> int:
        self.turn += 1
        return self.turn

    def interrupt(self, turn: int) -> None:
        self.interrupted.append(turn)
        self._cancelled = max(self._cancelled, turn)

    def take_back(self, turn: int) -> None:
        self.taken_back.append(turn)
        self._cancelled = max(self._cancelled, turn)

    def cancelled(self, turn: int) -> bool:
        return turn <= self._cancelled

    def speculate(self, turn: int) -> None:
        self.speculation.append(("speculate", turn))
        self.speculative_turn = turn

    def retract(self, turn: int, after_ns: int) -> None:
        self.speculation.append(("retract", turn))

    def commit(self, turn: int) -> None:
        self.speculation.append(("commit", turn))
        self.speculative_turn = 0

    def doubt(self, turn: int) -> None:
        self.speculation.append(("doubt", turn))

    def settle(self, turn: int) -> None:
        self.speculation.append(("settle", turn))

    def speculative(self, pause: Event) -> bool:
        return pause.turn == self.speculative_turn != 0

    def speaking(self) -> bool:
        return self.is_speaking

    def protected(self) -> bool:
        return self.is_protected

    def duck(self, gain: float) -> None:
        self.gains.append(gain)

    def hold(self, held: bool) -> None:
        self.holds.append(held)

    def linked(self, port: str) -> bool:
        return self.linked_ports is None or port in self.linked_ports

    def sources(self, port: str) -> tuple[str, ...]:
        return self.linked_sources

    def lead_ns(self) -> int:
        return self.lead

    def threads(self, library: str) -> int:
        return 1

    def busy(self) -> AbstractContextManager[None]:
        return nullcontext()

    # what the runner asks for: RunnerHost

    def look(self, runner: Runner, turn: int) -> None:
        self.on_look()
        if self.node.generates and turn and self.cancelled(turn):
            raise Flushed

    def judge(self, runner: Runner, turn: int) -> Verdict:
        return Verdict.DROP

    def spares(self, runner: Runner) -> bool:
        return False

    def apply(self) -> None:
        """Do nothing: a harness calls `on_flush` and `on_cancel` at once."""

    def failed(self, runner: Runner, error: Exception) -> None:
        if isinstance(error, NodeError):
            raise error
        raise NodeError(self.name, describe(error, type(self.node))) from error

    def announce(self, runner: Runner, item: Item, port: str) -> None:
        kind: Kind = "event" if isinstance(item, Event) else "packet"
        self.messages.append(Message(kind, self.name, self.time_ns, "", {"port": port, kind: item}))

    def complete(self, runner: Runner, awaitable: Any, turn: int) -> Any:
        async def result() -> Any:
            return await awaitable

        return self._asyncio.run(result())

    def finish(self, awaitable: Any) -> None:
        self.complete(self._runner, awaitable, 0)
