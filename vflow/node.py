"""Nodes: what an author writes. Ports and properties are declared in the class; the runtime does the rest.

A node is driven by one thread at a time: `open`, `warm_up`, `process` / `on_event` / `on_timer` /
`on_flush` / `on_cancel`, `close`. Nothing here knows of threads, links or graphs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from vflow.bus import Kind
from vflow.caps import Caps
from vflow.conversation import Conversation
from vflow.event import Event
from vflow.flush import Flush, Played
from vflow.ports import Emission, In, Out, Output, inputs_of, ports_of
from vflow.props import convert_all

T = TypeVar("T")


class Context(Protocol):
    """What the runtime offers a node, as `self.ctx`, from `open` to `close`.

    Methods are for the node's own thread, unless they say otherwise.
    """

    @property
    def name(self) -> str:
        """The node's name in the graph."""

    @property
    def conversation(self) -> Conversation:
        """The history of this pipeline's conversation; any thread."""

    @property
    def epoch(self) -> int:
        """The number of the last flush that this thread has applied."""

    def now_ns(self) -> int:
        """Pipeline time: nanoseconds since PLAYING; any thread."""

    def caps(self, port: str) -> Caps:
        """The negotiated caps of a port."""

    def wait_until(self, deadline_ns: int | None = None) -> None:
        """Block until pipeline time reaches the deadline, or until `notify`.

        Raises: Flushed, Stopped or Drained (sources), which a node lets pass.
        """

    def notify(self) -> None:
        """Wake `wait_until`; any thread, such as a device's callback."""

    def wake_at(self, time_ns: int | None) -> None:
        """Ask for `on_timer` at that time; replaces the time asked for before, None cancels it."""

    def post(self, kind: Kind, text: str = "", **data: Any) -> None:
        """Post a message on the bus in this node's name; any thread."""

    def warn(self, text: str) -> None:
        """Post a warning; any thread."""

    def progress(self, text: str, fraction: float | None = None) -> None:
        """Report progress of long work, such as loading; any thread."""

    def shared(self, key: str, load: Callable[[], T]) -> T:
        """One instance a process for all that ask for `key`; loaded once, closed with its last user. One
        whose `closed` is True has died, and is loaded anew for whoever asks next."""

    def new_turn(self) -> int:
        """The number of a new turn: 1, 2, ..."""

    def interrupt(self, turn: int) -> None:
        """Flush the reply and cancel every turn up to `turn`; any thread."""

    def take_back(self, turn: int) -> None:
        """Interrupt as `interrupt` does, since `turn` was not over when its end was decided: a reply of which
        at most `flush.UNHEARD_WORDS` were heard counts as unheard, and what the user says next is joined with
        what was said before it; any thread."""

    def cancelled(self, turn: int) -> bool:
        """Whether an interruption has cancelled this turn; any thread."""

    def speculate(self, turn: int) -> None:
        """The turn pauses, and may be over: have it answered in advance by the nodes downstream that
        `speculates`. What belongs to it is held in front of every effect from now on."""

    def retract(self, turn: int, after_ns: int) -> None:
        """The user spoke on, at that pipeline time in ns: what was made of the turn in advance is void; any
        thread. Does nothing for a turn that is not speculative."""

    def commit(self, turn: int) -> None:
        """The turn is over: what was held of it reaches the world; any thread."""

    def doubt(self, turn: int) -> None:
        """The end of the turn, which is told next, may be false: nodes `after_grace` get nothing of it until
        `settle`, a flush that cancels the turn, or the end of this node; for 5 s at most."""

    def settle(self, turn: int) -> None:
        """The end of the turn was right; any thread."""

    def speculative(self, pause: Event) -> bool:
        """Whether to answer this pause in advance: its turn is speculative, and nobody has spoken on since.
        For a node that `speculates`; else it does its work at `speech_end`."""

    def speaking(self) -> bool:
        """Whether a sink is playing or holds audio that is still to be played; any thread."""

    def duck(self, gain: float) -> None:
        """Have the sinks below the generators downstream of this node play at `gain`, 0 to 1 (1: as it is),
        until another call or a flush; any thread."""

    def hold(self, held: bool) -> None:
        """Have the sinks below the generators downstream of this node keep what they have not played, and
        play silence; or go on with it; any thread. `speaking` stays true while something is kept.

        A flush ends a hold, and so does the end, restart or close of this node. A hold that is not released
        within 2 s is ended by the runtime, with a warning.
        """

    def linked(self, port: str) -> bool:
        """Whether anything is linked to one of this node's outputs."""

    def sources(self, port: str) -> tuple[str, ...]:
        """The names of the nodes whose packets come into one of this node's inputs (see `In.several`)."""

    def lead_ns(self) -> int:
        """How much audio downstream of this node is still to be played; any thread."""

    def threads(self, library: str) -> int:
        """How many threads this pipeline gives to a library: `torch`, `onnxruntime`."""

    def busy(self) -> AbstractContextManager[None]:
        """Holds a manual clock still while work goes on that no thread of the pipeline does."""


class Node:
    """Base of all nodes. Subclass it, declare ports and properties, write `process`.

    Class attributes say how the runtime treats it:
    `live` a source paced by the world; `heavy` worth a thread of its own; `effect` reaches the world
    outside the graph; `after_grace` must not do so twice, and gets nothing of a turn whose end may still be
    taken back; `generates` its outputs are replies: an interruption flushes from there;
    `speculates` it may answer a turn at its pause, where `ctx.speculative` says so; `order` of fan-in;
    `swallows` the events that end here; `sparse` may be silent for long and send no gap; `rank` among the
    candidates of a role; `absent` properties that one may look for, each with why there is none.
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
        """Why this node cannot run here, with what mends it; '' where it can. Cheap, imports nothing big."""
        return ""

    def port_caps(self, port: str) -> Caps:
        """The caps of one of this node's ports, where its properties or a file's header fix them.

        Called when the graph is built, before `open`. Raises: Unavailable for a file that cannot be read.
        """
        declared: In | Out = ports_of(type(self))[port]
        return declared.caps

    def paced(self) -> bool:
        """Whether the world paces this source, so that it must never be blocked; `live` unless overridden."""
        return self.live

    def open(self) -> None:
        """Load models, open files: whatever costs time. Not in the thread that processes."""

    def warm_up(self) -> None:
        """Make the first packet as fast as the others. After `open`."""

    def close(self) -> None:
        """Undo `open`; copes with a half-finished one, may be called twice."""

    def process(self, packet: Any) -> Output:
        """Take a packet of any input that has no `process_<port>` of its own.

        Return an emission or several, yield them, or be `async def`. A long computation yields None now
        and then: there a flush or a stop ends it.
        """
        raise NotImplementedError(f"{type(self).__name__} has inputs but no process()")

    def produce(self) -> Iterable[Emission]:
        """A source's stream; ends with its last packet. Waits through `ctx.wait_until` only."""
        raise NotImplementedError(f"{type(self).__name__} has no inputs and no produce()")

    def on_event(self, event: Event) -> Output:
        """An event came, in order with the packets. It is passed on after what this emits."""
        return None

    def on_timer(self) -> Output:
        """The time asked for with `ctx.wake_at` has come."""
        return None

    def on_flush(self, flush: Flush) -> None:
        """What this node holds of a reply is stale: forget it, if `flush.concerns` its turn."""

    def on_cancel(self, flush: Flush) -> None:
        """The reply of `flush.turn` and of all turns before it is not wanted; for a node that `generates`, or
        `speculates`: where the flush `retracts`, the user spoke on, and only the work in advance is void."""


class Sink(Node):
    """A node that plays. The methods here are called from any thread."""

    effect = True

    def drop(self, epoch: int) -> tuple[Played, ...]:
        """Forget what is not yet played, refuse older epochs from now on; returns within 10 ms.

        Answers a record of each turn that was being played, and of the last one that was played to its end
        (`ended`). Volume is as it was before any `duck`, and nothing is held any more.
        """
        raise NotImplementedError

    def duck(self, gain: float) -> None:
        """Play at this linear gain, 0 to 1, from the next sample on; returns within 10 ms. A sink without
        a volume does nothing."""

    def hold(self, held: bool) -> None:
        """Play silence and keep what was not played, or go on with it; returns within 10 ms. A second call of
        the same kind changes nothing. A sink that cannot does nothing: its reply plays on."""

    def lead_ns(self) -> int:
        """How long the accepted audio still plays."""
        raise NotImplementedError


class Bin:
    """A graph used as a node. `graph` is the YAML text; its `params:` are the bin's properties."""

    graph: ClassVar[str]
    rank: ClassVar[int] = 0
    absent: ClassVar[Mapping[str, str]] = {}
    example: ClassVar[str] = ""

    @classmethod
    def unavailable(cls) -> str:
        """Why this bin cannot run here; '' where it can."""
        return ""


def is_source(cls: type[Node]) -> bool:
    return not inputs_of(cls)


def overrides(node: Node | type[Node], method: str) -> bool:
    """Whether a node's class has its own version of one of `Node`'s methods."""
    cls = node if isinstance(node, type) else type(node)
    return getattr(cls, method) is not getattr(Node, method)


def is_async_function(process: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(process) or inspect.isasyncgenfunction(process)


def is_async(node: Node | type[Node]) -> bool:
    """Whether any of a node's methods is a coroutine: it then waits, and needs a thread of its own."""
    cls = node if isinstance(node, type) else type(node)
    names = [n for n in dir(cls) if n.startswith("process") or n in ("on_event", "on_timer")]
    return any(is_async_function(getattr(cls, name)) for name in names)
