"""The bus: messages from nodes and runtime to the application, out of band."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vflow.errors import Signal, describe
from vflow.outbox import Outbox
from vflow.packet import empty

Kind = Literal[
    "error", "warning", "state", "progress", "event", "packet", "flush", "played", "hold", "speculation",
    "stats", "eos",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `source` is a node's name, or "pipeline"; `at_ns` is pipeline time.

    `data` by kind: error {"error"}; warning {"failed_turn": the turn that failed, if one did}; state
    {"state"}; progress {"fraction": 0..1 or None};
    event {"event"}; packet {"port", "packet"}; flush {"flush"}; played {"played", "phase"};
    hold {"node", "phase": begun | released | flushed | given_up, "held_ns": how long, at its end}: a reply;
    stats: what a node counted, by name, when it closes; speculation {"turn", "phase": begun | retracted |
    committed, "withheld": what a retraction made void, "made": whether anything had been told by the commit,
    "given_up": why nobody will commit it, '' where it goes on}.
    A packet or event that was withheld until its turn was committed has "made_ns", when it was made.
    """

    kind: Kind
    source: str
    at_ns: int = 0
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=empty)


class Bus:
    """Any thread may post; it never blocks. Unread messages beyond `limit` drop the oldest, counted.

    One reader, or several that share: a thread by `get` or `for`, an event loop by `next` or `async for`.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._box: Outbox[Message] = Outbox(limit)
        self._listening = threading.Lock()
        self._listeners: tuple[Callable[[Message], None], ...] = ()  # replaced under _listening

    @property
    def dropped(self) -> int:
        """Messages that there was no room for."""
        return self._box.dropped

    def post(self, message: Message) -> None:
        """Hand a message to the listeners (in this thread) and to the reader. What a listener raises is a
        warning to the reader: it is no fault of whoever posts."""
        messages = [message]
        interrupted: KeyboardInterrupt | None = None
        for listener in self._listeners:
            try:
                listener(message)
            except KeyboardInterrupt as error:
                if threading.current_thread() is threading.main_thread():
                    interrupted = error  # Ctrl-C: for whoever posts
                else:
                    messages.append(_failure(message, error))
            except Signal:
                raise
            except BaseException as error:  # the application's own code, sys.exit included
                messages.append(_failure(message, error))
        for posted in messages:
            self._box.put(posted)
        if interrupted is not None:
            raise interrupted

    def listen(self, listener: Callable[[Message], None]) -> None:
        """Call `listener` with each message, in the thread that posts it: it must be quick, never block. It
        may flush, drain or stop the pipeline."""
        with self._listening:
            self._listeners = (*self._listeners, listener)

    def get(self, timeout_s: float | None = None) -> Message | None:
        """The next message; None after the timeout, or when the bus is closed and read to its end."""
        return self._box.get(timeout_s)

    async def next(self) -> Message | None:
        """The next message; None when the bus is closed and read to its end. Suspends the caller only."""
        return await self._box.next()

    def __iter__(self) -> Iterator[Message]:
        """Messages until the pipeline has stopped, as `wait` does at its end."""
        return iter(self._box)

    def __aiter__(self) -> AsyncIterator[Message]:
        """Messages until the pipeline has stopped. Suspends the caller only."""
        return aiter(self._box)

    def close(self) -> None:
        """Let readers finish; the pipeline calls it when it has ended."""
        self._box.close()


def _failure(message: Message, error: BaseException) -> Message:
    text = f"a listener failed: {describe(error)}"
    return Message("warning", "bus", message.at_ns, text, {"error": error})
