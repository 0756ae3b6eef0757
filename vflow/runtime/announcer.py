"""What a pipeline tells the application, and when: now, after the flush under way, or at a turn's commit."""

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
"""Kinds with a text for people; the others are too many to look into, and hold what is said."""


class Announcer:
    """Posts on a bus. Any thread may call. What the environment gave to the graph is in no message's text,
    and in no text that a node counted; words that are said are as they are."""

    def __init__(
        self, bus: Bus, clock: Clock, speculation: Speculation, secrets: Secrets | None = None
    ) -> None:
        self._bus, self._clock, self._speculation = bus, clock, speculation
        self._secrets = secrets or Secrets()
        self._holder: int | None = None  # the thread that holds messages back; there is one at a time
        self._held: list[Message] = []  # of that thread

    def post(self, message: Message) -> None:
        """Post a message; while this thread holds messages back, keep it for later."""
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
        """Post a message of now, by default in the pipeline's name."""
        self.post(Message(kind, source, self._clock.now_ns(), text, data))

    def warn(self, source: str, text: str) -> None:
        """Post a warning in a node's name."""
        self.say("warning", text, source)

    def announce(self, source: str, epoch: int, item: Item, port: str) -> None:
        """Post what a node, in a thread of that epoch, emitted. Withheld while its turn is speculative."""
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
        """Hold back what this thread posts; the list has it, and the caller posts it afterwards.

        For a flush, under its lock: a listener may flush too, and must not meet the lock.
        """
        held: list[Message] = []
        self._held, self._holder = held, threading.get_ident()
        try:
            yield held
        finally:
            self._holder = None
