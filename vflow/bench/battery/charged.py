"""Virtual time: a clock that jumps from one event to the next, and nodes that take a fixed time.

Under a `ManualClock` work takes no pipeline time, however long it takes. So each node that has a model is
charged the time that it was measured to take on two cores, always the same: a battery then has the same
outcome on every machine, however busy, and takes no longer than the work.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vflow.event import Event, Pause
from vflow.graph.graph import Graph
from vflow.node import Node
from vflow.packet import MS


@dataclass(frozen=True, slots=True)
class Charge:
    """The time that a node's work takes, in ns of pipeline time: before a pause has any effect, before the
    first packet of each call, and before each packet. Steps without a packet are free: an engine that runs in
    a thread of its own makes more of them on a busy machine."""

    pause_ns: int = 0
    first_ns: int = 0
    each_ns: int = 0


CHARGES: Mapping[str, Charge] = {
    "backchannel": Charge(first_ns=50 * MS),
    "chat": Charge(first_ns=80 * MS, each_ns=15 * MS),
    "end_of_turn": Charge(pause_ns=50 * MS),
    "generator": Charge(first_ns=80 * MS, each_ns=15 * MS),
    "stt": Charge(first_ns=80 * MS),
    "tts": Charge(first_ns=25 * MS),
}
"""By role: a look at the words, a first word and each word, a look at the sound, a transcript, a
chunk of speech."""


def charged(graph: Graph) -> Graph:
    """Return the graph with nodes that take the time of their role."""
    nodes = {
        name: replace(node, cls=_charged(node.cls, charge))
        if (charge := CHARGES.get(node.resolved.partition(".")[0]))
        else node
        for name, node in graph.nodes.items()
    }
    return replace(graph, nodes=nodes)


def _charged(cls: type[Node], charge: Charge) -> type[Node]:
    """Return a subclass whose generators wait. A method that is no generator emits at most one packet, and is
    taken for quick."""
    methods = {
        name: _slow(method, charge)
        for name, method in inspect.getmembers(cls, inspect.isgeneratorfunction)
        if name in ("process", "on_event", "on_timer") or name.startswith("process_")
    }
    return type(cls.__name__, (cls,), {"__doc__": cls.__doc__, **methods})


def _slow(method: Callable[..., Iterator[Any]], charge: Charge) -> Callable[..., Iterator[Any]]:
    @functools.wraps(method)
    def run(self: Node, *given: Any) -> Iterator[Any]:
        due_ns = charge.pause_ns if given and isinstance(given[0], Pause) else 0
        first_ns = charge.first_ns
        with contextlib.closing(method(self, *given)) as emissions:  # type: ignore[type-var]
            for emitted in emissions:
                if emitted is not None and not isinstance(emitted, Event):
                    due_ns += first_ns + charge.each_ns
                    first_ns = 0
                _wait(self, due_ns)
                due_ns = 0
                yield emitted
            _wait(self, due_ns)

    return run


def _wait(node: Node, ns: int) -> None:
    if ns:
        node.ctx.wait_until(node.ctx.now_ns() + ns)
