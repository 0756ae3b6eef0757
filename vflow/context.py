"""The requests that a node may make of the runtime. Only the runtime and the test harness implement it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from vflow.bus import Kind
from vflow.caps import Caps
from vflow.conversation import Conversation
from vflow.event import Event

T = TypeVar("T")


class Context(Protocol):
    """Give a node all it may ask of the runtime: it is `self.ctx` from `open` to `close`.

    - Every node uses `name`, `now_ns`, `caps`, `linked`, `sources`, `post`, `warn`, `progress`, `shared` and
      `threads`.
    - Sources, and nodes that wait or play, also use `wait_until`, `notify`, `wake_at`, `epoch`, `busy` and
      `lead_ns`.
    - Nodes that mint or answer turns use all others.

    Call methods in the node's own thread, unless they say "any thread".
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
        """Return pipeline time: nanoseconds since PLAYING; any thread."""

    def caps(self, port: str) -> Caps:
        """Return the negotiated caps of a port."""

    def wait_until(self, deadline_ns: int | None = None) -> None:
        """Block until pipeline time reaches the deadline, or until `notify`.

        Raises: Flushed, Stopped or (in sources) Drained. Let them pass: they end the node's work.
        """

    def notify(self) -> None:
        """Wake `wait_until`; any thread, such as a device's callback."""

    def wake_at(self, time_ns: int | None) -> None:
        """Ask for `on_timer` at that time, in the place of any time asked for before; None cancels."""

    def post(self, kind: Kind, text: str = "", **data: Any) -> None:
        """Post a message on the bus in this node's name; any thread."""

    def warn(self, text: str) -> None:
        """Post a warning; any thread."""

    def progress(self, text: str, fraction: float | None = None) -> None:
        """Report progress of long work, such as loading; any thread."""

    def shared(self, key: str, load: Callable[[], T]) -> T:
        """Return the one instance in this process for `key`. It is loaded once, and closed after its last
        user. If its `closed` is True, it has died: the next to ask loads another."""

    def new_turn(self) -> int:
        """Return the number of a new turn: 1, 2, ..."""

    def interrupt(self, turn: int) -> None:
        """Flush the reply and cancel every turn up to `turn`; any thread."""

    def take_back(self, turn: int) -> None:
        """Interrupt as `interrupt` does, because the end of `turn` was decided too early; any thread. A reply
        of which at most `flush.UNHEARD_WORDS` were heard counts as unheard, and what the user says next is
        joined with what was said before."""

    def cancelled(self, turn: int) -> bool:
        """Return whether an interruption has cancelled this turn; any thread."""

    def speculate(self, turn: int) -> None:
        """Have a turn that pauses, and may be over, answered in advance by nodes downstream that
        `speculates`. From now on, everything that belongs to it waits before every effect."""

    def retract(self, turn: int, after_ns: int) -> None:
        """Discard what was made of the turn in advance: the user spoke on, at that pipeline time in ns; any
        thread. Does nothing for a turn that is not speculative."""

    def commit(self, turn: int) -> None:
        """Let everything held of the turn reach the world: it is over; any thread."""

    def doubt(self, turn: int) -> None:
        """Say that the end of the turn, which follows, may be false. Nodes with `after_grace` get nothing of
        it until `settle`, a flush that cancels the turn, or the end of this node; for at most 5 s."""

    def settle(self, turn: int) -> None:
        """Say that the end of the turn was right; any thread."""

    def speculative(self, pause: Event) -> bool:
        """Return whether to answer this pause in advance: its turn is speculative, and the user has not
        spoken on. For a node that `speculates`; if False, it works at `speech_end`."""

    def speaking(self) -> bool:
        """Return whether a sink plays or holds audio that is still to be played; any thread."""

    def protected(self) -> bool:
        """Return whether words sound that nobody may interrupt (see `Conversation.protect`), downstream of
        this node's generators; any thread."""

    def duck(self, gain: float) -> None:
        """Have the sinks downstream of this node's generators play at `gain`, 0 to 1 (1: unchanged), until
        another call or a flush; any thread."""

    def hold(self, held: bool) -> None:
        """Have the sinks downstream of this node's generators keep what they have not played and play
        silence; or, with False, go on. Any thread. `speaking` stays true while something is kept.

        A flush ends a hold, and so does the end, restart or close of this node. The runtime ends a hold that
        is not released within 2 s, with a warning.
        """

    def linked(self, port: str) -> bool:
        """Return whether anything is linked to one of this node's outputs."""

    def sources(self, port: str) -> tuple[str, ...]:
        """Return the names of the nodes that feed one of this node's inputs (see `In.several`)."""

    def lead_ns(self) -> int:
        """Return how much audio downstream of this node is still to be played; any thread."""

    def threads(self, library: str) -> int:
        """Return how many threads this pipeline gives to a library: `torch` or `onnxruntime`."""

    def busy(self) -> AbstractContextManager[None]:
        """Hold a manual clock still, for work that no thread of the pipeline does."""
