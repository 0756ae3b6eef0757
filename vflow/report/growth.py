"""Find a node that keeps something of every packet: its memory grows as long as the run lasts.

Python does not tell which memory belongs to a node. But such things are kept in a container that an attribute
of the node leads to. If a container grows by an entry per packet at every check, its length alone gives it
away.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vflow.bus import Message
from vflow.node import Node
from vflow.runtime.pipeline import Pipeline

EVERY_S = 1.0
LOOKS = 4
"""Checks that must find the container longer, and none shorter, with one more entry per packet meanwhile."""
PACKETS = 5_000
"""Least packets kept before a warning: 100 s of audio in packets of 20 ms. An utterance that a node collects
is shorter."""
SHARE, SLACK = 0.9, 32
"""Least entries per packet, and how many entries may lack: a thread does not count its calls at once."""
_DEPTH, _OBJECTS = 2, 200
"""How deep attributes of attributes are followed, and at most how many objects per node."""


@dataclass(slots=True)
class _Seen:
    """A container: its size at the last check; its size, and the packet count, when it began to grow."""

    last: int
    size: int
    packets: int
    looks: int = 0


class Growth:
    """Checks the nodes of a pipeline from time to time; one thread."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = dict(nodes)
        self._seen: dict[tuple[str, str], _Seen] = {}

    def look(self, packets: Mapping[str, int]) -> Iterator[tuple[str, str]]:
        """Yield each node found by this check, with what it keeps; each node only once.

        packets: how many packets each node has taken so far; nodes that it lacks are skipped.
        """
        for name in list(self._nodes):
            if name not in packets:
                continue
            for path, size in _containers(self._nodes[name]):
                if self._grows((name, path), size, packets[name]):
                    del self._nodes[name]
                    grown = f"{path} has {size:,} entries after {packets[name]:,} packets"
                    text = "memory runs out in a long run; give it a bound"
                    yield name, f"keeps something of every packet: {grown}, and {text}"
                    break

    def _grows(self, key: tuple[str, str], size: int, packets: int) -> bool:
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen(size, size, packets)
        came = packets - seen.packets
        if size < seen.last or size - seen.size < SHARE * came - SLACK:
            self._seen[key] = _Seen(size, size, packets)
            return False
        seen.looks += size > seen.last
        seen.last = size
        return seen.looks >= LOOKS and came >= PACKETS


@contextlib.contextmanager
def watched(pipeline: Pipeline) -> Iterator[None]:
    """Check the nodes while the context lasts. Warn on the pipeline's bus of those that grow."""
    ended = threading.Event()
    thread = threading.Thread(target=_watch, args=(pipeline, ended), name="vflow:growth", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(EVERY_S)


def _watch(pipeline: Pipeline, ended: threading.Event) -> None:
    growth = Growth(pipeline.nodes)
    while not ended.wait(EVERY_S):
        packets = {name: thread.calls for thread in pipeline.call_stats() for name in thread.nodes}
        for name, text in growth.look(packets):
            pipeline.bus.post(Message("warning", name, pipeline.clock.now_ns(), text))


def _containers(node: Node) -> Iterator[tuple[str, int]]:
    """Yield the containers without a bound that a node's attributes lead to: each path, and its length."""
    todo: deque[tuple[str, object, int]] = deque([("self", node, 0)])
    known = {id(node)}
    while todo:
        path, owner, depth = todo.popleft()
        for name, value in list(vars(owner).items()):
            if name == "ctx":  # it belongs to the runtime
                continue
            size = _size(value)
            if size is not None:
                yield f"{path}.{name}", size
            elif depth < _DEPTH and id(value) not in known and len(known) < _OBJECTS and _is_plain(value):
                known.add(id(value))
                todo.append((f"{path}.{name}", value, depth + 1))


def _size(value: object) -> int | None:
    """Return how many entries a container holds; None for anything else, or if it has a bound."""
    if isinstance(value, deque):
        return len(value) if value.maxlen is None else None
    if isinstance(value, queue.Queue):
        return value.qsize() if value.maxsize <= 0 else None
    if isinstance(value, queue.SimpleQueue):
        return value.qsize()
    if isinstance(value, list | dict | set | bytearray | bytes) and type(value).__len__ in _LENGTHS:
        return len(value)
    return None


_LENGTHS = (list.__len__, dict.__len__, set.__len__, bytearray.__len__, bytes.__len__)
"""Python's own, which take no time and no lock; another class may have a slow one."""


def _is_plain(value: object) -> bool:
    """Return whether the attributes of an object may be read: it is no class, function or model."""
    return hasattr(value, "__dict__") and not callable(value) and not isinstance(value, deque | queue.Queue)
