"""The bus: messages from nodes and the runtime to the application, apart from the packets."""

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

    `data` by kind:
    - error: {"error"}. warning: {"failed_turn": the turn that failed, if one did}.
    - state: {"state"}. progress: {"fraction": 0..1 or None}. flush: {"flush"}.
    - event: {"event", "port"}. packet: {"port", "packet"}. One withheld until its turn was committed also has
      "made_ns": when it was made.
    - played: {"played", "phase"}.
    - hold, of a reply: {"node", "phase": begun | released | flushed | given_up, "held_ns": at its end, how
      long}.
    - stats, when a node closes: its counts, by name.
    - speculation: {"turn", "phase": begun | retracted | committed, "withheld": the messages that a retraction
      made void, "made": whether messages were withheld at the commit, "given_up": why nobody will commit the
      turn; '' if it goes on}.
    """

    kind: Kind
    source: str
    at_ns: int = 0
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=empty)


class Bus:
    """Carries messages. Any thread may post; that never blocks. If more than `limit` messages are unread, the
    oldest is dropped and counted.

    One reader, or several that share the messages: a thread uses `get` or `for`, an event loop `next` or
    `async for`.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._box: Outbox[Message] = Outbox(limit)
        self._listening = threading.Lock()
        self._listeners: tuple[Callable[[Message], None], ...] = ()  # replaced under _listening

    @property
    def dropped(self) -> int:
        """How many messages were dropped for lack of room."""
        return self._box.dropped

    def post(self, message: Message) -> None:
        """Hand a message to the listeners, in this thread, and to the reader. A listener that raises causes a
        warning to the reader; the thread that posts is not at fault and goes on."""
        messages = [message]
        interrupted: KeyboardInterrupt | None = None
        for listener in self._listeners:
            try:
                listener(message)
            except KeyboardInterrupt as error:
                if threading.current_thread() is threading.main_thread():
                    interrupted = error  # Ctrl-C: raised in the thread that posts, once all have the message
                else:
                    messages.append(_failure(message, error))
            except Signal:
                raise
            except BaseException as error:  # the application's own code may raise anything
                messages.append(_failure(message, error))
        for posted in messages:
            self._box.put(posted)
        if interrupted is not None:
            raise interrupted

    def listen(self, listener: Callable[[Message], None]) -> None:
        """Call `listener` with each message, in the thread that posts it. It must be quick and never block.
        It may flush, drain or stop the pipeline."""
        with self._listening:
            self._listeners = (*self._listeners, listener)

    def get(self, timeout_s: float | None = None) -> Message | None:
        """Return the next message; None after the timeout, or when the bus is closed and read to its end."""
        return self._box.get(timeout_s)

    async def next(self) -> Message | None:
        """Return the next message; None when the bus is closed and read to its end. Blocks no event loop."""
        return await self._box.next()

    def __iter__(self) -> Iterator[Message]:
        """Yield messages until the pipeline has stopped. Ends as `wait` does."""
        return iter(self._box)

    def __aiter__(self) -> AsyncIterator[Message]:
        """Yield messages until the pipeline has stopped. Suspends only the caller."""
        return aiter(self._box)

    def close(self) -> None:
        """Let readers finish. The pipeline calls it after its end."""
        self._box.close()


def _failure(message: Message, error: BaseException) -> Message:
    text = f"a listener failed: {describe(error)}"
    return Message("warning", "bus", message.at_ns, text, {"error": error})
