"""Open and close a pipeline's nodes side by side, each in a thread of its own.

Each node is closed once. If its `open` still runs while all are closed, the same thread closes it after
`open` returns. So nobody waits for a model that loads, and no node stays open.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from queue import SimpleQueue

from vflow.errors import describe
from vflow.node import Node, overrides


class State(Enum):
    """The state of a pipeline."""

    NULL = "null"
    READY = "ready"
    PAUSED = "paused"
    PLAYING = "playing"
    STOPPED = "stopped"


class Lifecycle:
    """Opens and closes nodes by name. After each `close`, `closed(name, error)` is called in its thread.

    Any thread may call, but only one may call `open`.
    """

    def __init__(
        self, nodes: Mapping[str, Node], closed: Callable[[str, BaseException | None], None]
    ) -> None:
        self._nodes, self._closed = nodes, closed
        self._results: SimpleQueue[tuple[str, Exception | None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        # all below guarded by _lock
        self._ending = False
        self._opening: dict[str, threading.Thread] = {}
        self._opened: set[str] = set()
        self._open: set[str] = set()
        self._closing: dict[str, threading.Thread] = {}

    def open(self) -> tuple[str, Exception] | None:
        """Open and warm up all nodes. Block until that is done, or another thread calls `close`, or a node
        fails; return the name and error of that node."""
        with self._lock:
            if self._ending:
                return None
            for name, node in self._nodes.items():
                if overrides(node, "open") or overrides(node, "warm_up"):
                    self._opening[name] = _thread("open", name, self._open_node)
                else:
                    self._open.add(name)
                    self._opened.add(name)
            threads = list(self._opening.values())
            for thread in threads:
                thread.start()
        for _ in threads:
            result = self._results.get()
            if result is None:
                return None
            name, error = result
            if error is not None:
                return name, error
        return None

    def _open_node(self, name: str) -> None:
        node, error = self._nodes[name], None
        try:
            node.open()
            if not self._ending:  # a node that is closed next need not be warm
                node.warm_up()
        except Exception as caught:  # the node's own code may raise anything
            error = caught
        except BaseException as caught:  # sys.exit() and the like would end this thread unnoticed
            error = RuntimeError(describe(caught)).with_traceback(caught.__traceback__)
        with self._lock:
            late = self._ending  # `close` has passed: this thread closes the node itself
            if late:
                self._closing[name] = self._opening[name]
            elif error is None:
                self._open.add(name)
            del self._opening[name]
            self._opened.add(name)
        if late:
            self._close_node(name)
        self._results.put((name, error))

    def is_open(self, name: str) -> bool:
        """Return whether a node's `open` has returned and its `close` has not begun."""
        return name in self._open

    def owns(self, thread: threading.Thread) -> bool:
        """Return whether the thread is one of those that open and close nodes."""
        with self._lock:
            return thread in (*self._opening.values(), *self._closing.values())

    def threads(self) -> dict[str, threading.Thread]:
        """Return the threads that open or close a node now, by `open:NAME` or `close:NAME`."""
        with self._lock:
            both = (("open", self._opening), ("close", self._closing))
            return {f"{verb}:{n}": t for verb, found in both for n, t in found.items() if t.is_alive()}

    def going_on(self) -> list[str]:
        """Return the nodes that are being opened or closed now."""
        return [key.partition(":")[2] for key in self.threads()]

    @property
    def busy(self) -> bool:
        """Whether a node is being opened or closed."""
        with self._lock:
            return any(t.is_alive() for t in (*self._opening.values(), *self._closing.values()))

    def close(self, until: float, until_opened: float) -> list[str]:
        """Close all opened nodes. Return, by `until` (of `time.monotonic`), the names of the nodes that are
        not closed yet. Wait for nodes that still open only until `until_opened`."""
        with self._lock:
            self._ending = True
            opening = dict(self._opening)
            self._open.clear()
            fresh = {
                name: _thread("close", name, self._close_node) for name in self._opened - self._closing.keys()
            }
            self._closing.update(fresh)
            for thread in fresh.values():
                thread.start()
        self._results.put(None)
        _join(opening.values(), until_opened)
        _join(self._closing.values(), until)
        alive = {**opening, **self._closing}
        return [name for name in self._nodes if name in alive and alive[name].is_alive()]

    def _close_node(self, name: str) -> None:
        error: BaseException | None = None
        try:
            self._nodes[name].close()
        except BaseException as caught:  # the node's own code may raise anything, sys.exit included
            error = caught
        self._closed(name, error)


def _thread(verb: str, name: str, target: Callable[[str], None]) -> threading.Thread:
    return threading.Thread(target=target, args=(name,), name=f"vflow:{verb}:{name}", daemon=True)


def _join(threads: Iterable[threading.Thread], until: float) -> None:
    for thread in list(threads):
        thread.join(max(0.0, until - time.monotonic()))
