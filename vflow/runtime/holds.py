"""Holds: a node may keep a reply from being played for a moment. None lasts for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from vflow.node import Sink
from vflow.packet import MS
from vflow.props import duration_text
from vflow.runtime.announcer import Announcer

LONGEST_NS = 1500 * MS
"""Longest hold. An older one ends at the next check; the watchdog checks every 0.5 s."""
End = Literal["released", "flushed", "given_up"]


@dataclass(frozen=True, slots=True)
class Hold:
    """The hold of one node: its sinks, and since when in pipeline time."""

    node: str
    since_ns: int
    sinks: tuple[tuple[str, Sink], ...]


class Holds:
    """The holds of a pipeline, at most one per node. Any thread may call.

    `ask(name, sink, held)` tells a sink to hold or to go on; `now_ns` returns pipeline time. A sink goes on
    once no node holds it.
    """

    def __init__(
        self, ask: Callable[[str, Sink, bool], None], announcer: Announcer, now_ns: Callable[[], int]
    ) -> None:
        self._ask, self._announcer, self._now_ns = ask, announcer, now_ns
        self._lock = threading.Lock()
        self._holds: dict[str, Hold] = {}  # by node; guarded by _lock

    def begin(self, node: str, sinks: Iterable[tuple[str, Sink]]) -> None:
        """Tell these sinks to hold what they have not played. Does nothing if the node holds already."""
        hold = Hold(node, self._now_ns(), tuple(sinks))
        with self._lock:
            if node in self._holds or not hold.sinks:
                return
            self._holds[node] = hold
        self._announcer.say("hold", node=node, phase="begun", held_ns=0)
        for name, sink in hold.sinks:
            self._ask(name, sink, True)
        with self._lock:
            ended = self._holds.get(node) is not hold
        if ended:  # a flush ended it, and may have asked the sinks before this thread did
            self._let_go(hold)

    def end(self, node: str, phase: End, why: str = "") -> None:
        """Let a node's sinks go on, if it holds any. `why` is the text of a warning."""
        with self._lock:
            hold = self._holds.pop(node, None)
        if hold is None:
            return
        self._let_go(hold)
        held_ns = self._now_ns() - hold.since_ns
        if why:
            text = f"the reply was held for {duration_text(held_ns)}: {node} {why}; it goes on"
            self._announcer.warn(node, text)
        self._announcer.say("hold", node=node, phase=phase, held_ns=held_ns)

    def flushed(self, nodes: frozenset[str]) -> None:
        """Note that sinks among these nodes have dropped what they held."""
        for hold in self._current():
            if any(name in nodes for name, _ in hold.sinks):
                self.end(hold.node, "flushed")

    def give_up_overdue(self) -> None:
        """End each hold that nobody has released for LONGEST_NS."""
        for hold in self._current():
            if self._now_ns() - hold.since_ns >= LONGEST_NS:
                self.end(hold.node, "given_up", "has not released it")

    def _current(self) -> list[Hold]:
        with self._lock:
            return list(self._holds.values())

    def _let_go(self, hold: Hold) -> None:
        # a sink that another node holds too stays held
        kept = {name for other in self._current() for name, _ in other.sinks}
        for name, sink in hold.sinks:
            if name not in kept:
                self._ask(name, sink, False)
