"""Post messages to the application: now, after the flush under way, or at a turn's commit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from vflow.bus import Bus, Kind, Message
from vflow.clock import Clock
from vflow.event import Event
from vflow.graph.secrets import Secrets
from vflow.ports import Item
from vflow.runtime.speculation import Speculation

HIDING: frozenset[Kind] = frozenset(("error", "warning", "progress", "state", "stats"))
"""Kinds whose text is for people. The others are not searched: they are too many, and hold what is said."""


class Announcer:
    """Posts on a bus. Any thread may call.

    Values that the graph got from the environment are hidden in the text of messages, and in texts that a
    node counts. Words that are said stay as they are.
    """

    def __init__(
        self, bus: Bus, clock: Clock, speculation: Speculation, secrets: Secrets | None = None
    ) -> None:
        self._bus, self._clock, self._speculation = bus, clock, speculation
        self._secrets = secrets or Secrets()
        self._holder: int | None = None  # the one thread that holds its messages back
        self._held: list[Message] = []  # the messages of that thread

    def post(self, message: Message) -> None:
        """Post a message, or keep it while this thread holds its messages back."""
        if message.kind in HIDING:
            message = self._hidden(message)
        if self._holder == threading.get_ident():
            self._held.append(message)
        else:
            self._bus.post(message)

    def _hidden(self, message: Message) -> Message:
        hide = self._secrets.hide
        data = message.data
        if message.kind == "stats":
            data = {key: hide(value) if isinstance(value, str) else value for key, value in data.items()}
        return replace(message, text=hide(message.text), data=data)

    def say(self, kind: Kind, text: str = "", source: str = "pipeline", **data: object) -> None:
        """Make a message with the present time and post it, by default in the pipeline's name."""
        self.post(Message(kind, source, self._clock.now_ns(), text, data))

    def warn(self, source: str, text: str) -> None:
        """Post a warning in a node's name."""
        self.say("warning", text, source)

    def announce(self, source: str, epoch: int, item: Item, port: str) -> None:
        """Post an item emitted in a thread at that epoch. Withhold it while its turn is speculative."""
        now_ns = self._clock.now_ns()
        if isinstance(item, Event):
            message = Message("event", source, now_ns, item.name, {"event": item, "port": port})
        else:
            text = getattr(item, "text", "")
            message = Message("packet", source, now_ns, text, {"packet": item, "port": port})
        if source in self._speculation.nodes and self._speculation.withhold(item.turn, epoch, message):
            return
        self.post(message)

    @contextmanager
    def holding(self) -> Iterator[list[Message]]:
        """Hold back the messages that this thread posts. They are in the list; the caller posts them later.

        A flush needs this while it has its lock: a listener may flush too, and would wait for the same lock.
        """
        held: list[Message] = []
        self._held, self._holder = held, threading.get_ident()
        try:
            yield held
        finally:
            self._holder = None
