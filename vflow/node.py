"""Nodes: the classes that an author writes. Declare ports and properties in the class; the runtime does the
rest.

One thread at a time drives a node: `open`, `warm_up`, then `process` / `on_event` / `on_timer` / `on_flush` /
`on_cancel`, then `close`. Nothing here knows of threads, links or graphs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal

from vflow.caps import Caps
from vflow.context import Context
from vflow.event import Event
from vflow.flush import Flush, Played
from vflow.ports import Emission, In, Out, Output, inputs_of, ports_of
from vflow.props import convert_all


class Node:
    """Base of all nodes. Subclass it, declare ports and properties, write `process`.

    Class attributes tell the runtime how to treat it: `live` a source paced by the world; `heavy` worth a
    thread of its own; `effect` reaches the world outside the graph; `after_grace` its effect must not happen
    twice, so it gets nothing of a turn whose end may still be taken back; `generates` its outputs are
    replies, and an interruption flushes from there; `speculates` it may answer a turn at its pause, if
    `ctx.speculative` says so; `order` of a fan-in; `swallows` the events that end here; `sparse` may be
    silent for long without sending a gap; `rank` among the candidates of a role; `absent` properties that
    users may look for, each with why there is none.
    """

    live: ClassVar[bool] = False
    heavy: ClassVar[bool] = False
    effect: ClassVar[bool] = False
    after_grace: ClassVar[bool] = False
    generates: ClassVar[bool] = False
    speculates: ClassVar[bool] = False
    sparse: ClassVar[bool] = False
    order: ClassVar[Literal["arrival", "pts"]] = "arrival"
    swallows: ClassVar[tuple[type[Event], ...]] = ()
    rank: ClassVar[int] = 0
    absent: ClassVar[Mapping[str, str]] = {}
    example: ClassVar[str] = ""

    ctx: Context

    def __init__(self, **values: Any) -> None:
        """Set the properties; does no I/O.

        Raises: PropertyError for the first property that is wrong.
        """

        def fail(name: str, error: Exception) -> None:
            raise error

        self.__dict__.update(convert_all(type(self), values, fail))

    @classmethod
    def unavailable(cls) -> str:
        """Return why this node cannot run here and how to mend it; '' if it can. Import nothing big."""
        return ""

    def port_caps(self, port: str) -> Caps:
        """Return the caps of one of this node's ports; override it if properties or a file's header fix them.

        Called when the graph is built, before `open`. Raises: Unavailable for a file that cannot be read.
        """
        declared: In | Out = ports_of(type(self))[port]
        return declared.caps

    def paced(self) -> bool:
        """Return whether the world paces this source, so that it must never block; `live` by default."""
        return self.live

    def open(self) -> None:
        """Load models, open files: do whatever takes time. Runs in another thread than `process`."""

    def warm_up(self) -> None:
        """Make the first packet as fast as later ones. Runs after `open`."""

    def close(self) -> None:
        """Undo `open`, even a half-finished one. May be called twice."""

    def process(self, packet: Any) -> Output:
        """Take a packet of any input that has no `process_<port>` of its own.

        Return one or several emissions, yield them, or be `async def`. A long computation yields None now and
        then; there a flush or a stop can end it.
        """
        raise NotImplementedError(f"{type(self).__name__} has inputs but no process()")

    def produce(self) -> Iterable[Emission]:
        """Yield a source's stream; it ends with the last packet. Wait only by `ctx.wait_until`."""
        raise NotImplementedError(f"{type(self).__name__} has no inputs and no produce()")

    def on_event(self, event: Event) -> Output:
        """Handle an event, in order with the packets. What this emits goes out first, then the event."""
        return None

    def on_timer(self) -> Output:
        """Run at the time asked for by `ctx.wake_at`."""
        return None

    def on_flush(self, flush: Flush) -> None:
        """Forget what this node holds of a reply, if `flush.concerns` its turn: it is stale."""

    def on_cancel(self, flush: Flush) -> None:
        """Forget the replies of `flush.turn` and all turns before it: nobody wants them. For a node that
        `generates` or `speculates`. If the flush `retracts`, the user spoke on: only work in advance is
        void."""


class Sink(Node):
    """A node that plays. The methods here are called from any thread."""

    effect = True

    def drop(self, epoch: int) -> tuple[Played, ...]:
        """Forget what is not yet played, and refuse older epochs from now on. Return within 10 ms.

        Return a record of each turn that was being played, and of the last turn that was played to its end
        (`ended`). Undo any `duck` and any hold.
        """
        raise NotImplementedError

    def duck(self, gain: float) -> None:
        """Play at this linear gain, 0 to 1, from the next sample on. Return within 10 ms. A sink without a
        volume does nothing."""

    def hold(self, held: bool) -> None:
        """Play silence and keep what was not played; or, with False, go on with it. Return within 10 ms. A
        second call of the same kind changes nothing. A sink that cannot hold does nothing: its reply plays
        on."""

    def lead_ns(self) -> int:
        """Return how long the accepted audio still plays, in ns."""
        raise NotImplementedError

    def sounding(self) -> Played | None:
        """Return how much was played of the reply that has begun, or comes next, and is not over. Return
        within 10 ms. A sink without this cannot protect words from an interruption."""
        return None


class Bin:
    """A graph used as a node. `graph` is its YAML text; the `params:` in it are the bin's properties."""

    graph: ClassVar[str]
    rank: ClassVar[int] = 0
    absent: ClassVar[Mapping[str, str]] = {}
    example: ClassVar[str] = ""

    @classmethod
    def unavailable(cls) -> str:
        """Return why this bin cannot run here; '' if it can."""
        return ""


def is_source(cls: type[Node]) -> bool:
    return not inputs_of(cls)


def overrides(node: Node | type[Node], method: str) -> bool:
    """Return whether a node's class overrides one of `Node`'s methods."""
    cls = node if isinstance(node, type) else type(node)
    return getattr(cls, method) is not getattr(Node, method)


def is_async_function(process: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(process) or inspect.isasyncgenfunction(process)


def is_async(node: Node | type[Node]) -> bool:
    """Return whether any of a node's methods is a coroutine: it waits, and needs a thread of its own."""
    cls = node if isinstance(node, type) else type(node)
    names = [n for n in dir(cls) if n.startswith("process") or n in ("on_event", "on_timer")]
    return any(is_async_function(getattr(cls, name)) for name in names)
