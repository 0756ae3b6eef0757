"""Give the Realtime protocol what it needs of a session: the graph's properties, its history, its turns."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from dataclasses import dataclass
from typing import Any, Protocol

from vflow.errors import VflowError
from vflow.props import Prop, convert, props_of
from vflow.session.ends import BUTTON, SOURCE, TURN, TYPED
from vflow.session.event_loop import in_thread
from vflow.session.session import Session
from vflow.web.description import output_rate

OF_TURN = ("threshold", "pre_roll", "speech_end_after", "waits", "barge_in", "detect")
"""Properties to look up in the `turn` node only; other nodes may have properties of the same names."""
END_OF_TURN = "end_of_turn"


@dataclass(frozen=True, slots=True)
class Knob:
    """A property of a node: its value, and whether it can change while the graph runs (`hot`)."""

    node: str
    name: str
    value: Any
    hot: bool


class Agent(Protocol):
    """A session as the protocol sees it. No method blocks; each raises VflowError if it cannot be done."""

    rate: int | None
    """Rate of the reply's audio, in Hz; None if the graph does not speak."""
    hears: bool
    """Whether the graph takes audio."""
    types: bool
    """Whether the graph takes text."""
    button: bool
    """Whether in this graph a button begins and ends each utterance."""
    judges: bool
    """Whether a node rates each pause, so that some end a turn sooner than others."""

    def knob(self, name: str) -> Knob | None: ...
    def check(self, name: str, value: object) -> None: ...
    def set(self, name: str, value: object) -> None: ...
    def prompt(self, instructions: str | None) -> int: ...
    def ask(self, text: str) -> int: ...
    def remember(self, role: str, text: str, turn: int) -> None: ...
    def forget(self, role: str, turn: int) -> None: ...
    def settle(self, turn: int, heard: str) -> None: ...
    def protect(self, turn: int) -> None: ...
    def cut(self, turn: int) -> None: ...


class SessionAgent:
    """The `Agent` of a `vflow.Session` that has begun."""

    def __init__(self, session: Session) -> None:
        self._session = session
        graph = session.graph
        uses = {node.resolved for node in graph.nodes.values()}
        self.rate = output_rate(graph)
        self.hears, self.types, self.button = SOURCE in uses, TYPED in uses, BUTTON in uses
        self.judges = any(choice.role == END_OF_TURN for choice in graph.roles.values())
        self._cutting: set[asyncio.Task[None]] = set()
        self._found: dict[str, tuple[str, Prop]] = {}
        for name, node in session.pipeline.nodes.items():
            for prop in props_of(type(node)).values():
                if prop.name in OF_TURN and graph.nodes[name].resolved != TURN:
                    continue
                known = self._found.get(prop.name)
                if known is None or (prop.hot and not known[1].hot):
                    self._found[prop.name] = name, prop

    def knob(self, name: str) -> Knob | None:
        """Return the property of that name; None if the graph has none."""
        if name not in self._found:
            return None
        node, prop = self._found[name]
        return Knob(node, name, getattr(self._session.pipeline.nodes[node], name), prop.hot)

    def check(self, name: str, value: object) -> None:
        """Raises: VflowError if the property does not take the value."""
        convert(self._found[name][1], value)

    def set(self, name: str, value: object) -> None:
        """Change a property. Raises: PropertyError if it cannot be."""
        self._session.set(self._found[name][0], name, value)

    def prompt(self, instructions: str | None) -> int:
        """Have the generator answer the history, under these instructions; return the turn."""
        return self._session.prompt(instructions)

    def ask(self, text: str) -> int:
        """Have the generator answer a text; return the turn."""
        return self._session.ask(text)

    def remember(self, role: str, text: str, turn: int) -> None:
        """Add a message to the history."""
        self._session.conversation.append(role, text, turn)

    def forget(self, role: str, turn: int) -> None:
        """Remove a role's message of a turn from the history."""
        self._session.conversation.delete(turn, role)

    def settle(self, turn: int, heard: str) -> None:
        """Fix the text that was heard of a reply; nothing later changes it."""
        self._session.settle(turn, heard)

    def protect(self, turn: int) -> None:
        """Let nobody interrupt the reply of a turn once it sounds."""
        self._session.conversation.protect(turn)

    def cut(self, turn: int) -> None:
        """Begin to cut the replies up to a turn, in a task. Call it in the event loop's thread."""
        task = asyncio.get_running_loop().create_task(self._cut(turn))
        self._cutting.add(task)
        task.add_done_callback(self._cutting.discard)

    async def _cut(self, turn: int) -> None:
        with contextlib.suppress(VflowError):  # the session ends; the connection tells of that
            await in_thread(functools.partial(self._session.interrupt, turn))
