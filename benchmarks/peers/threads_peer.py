"""Run one thread per node, with a queue of 64 between two: the code one would write without a framework.

`system` is `queue` (queue.Queue) or `condition` (a deque and one Condition).
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from itertools import pairwise
from queue import Queue
from typing import Any, Protocol

from protocol import FRAMES, Answer, Paces, rate, serve

SIZE = 64
DEFAULT_MS = 5.0
"""CPython's switch interval; vflow sets 0.1 ms in its process."""


class Channel(Protocol):
    def put(self, item: Any) -> None: ...
    def get(self) -> Any: ...


class ConditionChannel:
    """A bounded deque behind one Condition."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[Any] = deque()
        self._changed = threading.Condition()

    def put(self, item: Any) -> None:
        with self._changed:
            while len(self._items) >= self._size:
                self._changed.wait()
            self._items.append(item)
            self._changed.notify()

    def get(self) -> Any:
        with self._changed:
            while not self._items:
                self._changed.wait()
            item = self._items.popleft()
            self._changed.notify()
            return item


CHANNELS: dict[str, Any] = {"queue": Queue, "condition": ConditionChannel}


class Pass:
    """A node that passes on each packet."""

    def process(self, packet: Any) -> Any:
        return packet


def work(node: Pass, source: Channel, target: Channel) -> None:
    """Run one node, in its thread."""
    while (packet := source.get()) is not None:
        emitted = node.process(packet)
        if emitted is not None:
            target.put(emitted)
    target.put(None)


def chain(system: str, nodes: int) -> tuple[Channel, Channel, list[threading.Thread]]:
    """Make `nodes` pass-through nodes; return the channels before the first and after the last, and all
    threads."""
    channels = [CHANNELS[system](SIZE) for _ in range(nodes + 1)]
    pairs = pairwise(channels)
    threads = [threading.Thread(target=work, args=(Pass(), *pair), daemon=True) for pair in pairs]
    for thread in threads:
        thread.start()
    return channels[0], channels[-1], threads


def throughput(
    system: str = "queue", nodes: int = 5, packets: int = 20_000, switch_ms: float = DEFAULT_MS
) -> Answer:
    """Send packets as fast as it goes, from the source's thread through every node's to the sink's."""
    sys.setswitchinterval(switch_ms / 1e3)
    first, last, threads = chain(system, nodes)
    block = bytes(4 * FRAMES)

    def produce() -> None:
        for _ in range(packets):
            first.put(block)
        first.put(None)

    source = threading.Thread(target=produce, daemon=True)
    began = time.perf_counter()
    source.start()
    count = 0
    while last.get() is not None:
        count += 1
    elapsed_s = time.perf_counter() - began
    for thread in [source, *threads]:
        thread.join()
    return rate(count, elapsed_s)


def paced(
    system: str = "queue",
    nodes: int = 5,
    packets: int = 400,
    period_ms: float = 5.0,
    switch_ms: float = DEFAULT_MS,
) -> Answer:
    """Send one packet every `period_ms`."""
    sys.setswitchinterval(switch_ms / 1e3)
    first, last, threads = chain(system, nodes)
    paces = Paces(period_ms)
    block = bytes(4 * FRAMES)

    def produce() -> None:
        paces.begin()
        for index in range(packets):
            left_s = (paces.due_ns(index) - time.monotonic_ns()) / 1e9
            if left_s > 0:
                time.sleep(left_s)
            paces.emit()
            first.put(block)
        first.put(None)

    source = threading.Thread(target=produce, daemon=True)
    source.start()
    while last.get() is not None:
        paces.arrive()
    answer = paces.answer()
    for thread in [source, *threads]:
        thread.join()
    return answer


if __name__ == "__main__":
    serve(throughput, paced)
