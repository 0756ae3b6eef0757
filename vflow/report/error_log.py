"""The log of what nodes raised: each error once, with how often it came and its traceback."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vflow.bus import Message
from vflow.errors import NodeError
from vflow.report.json_values import text_of
from vflow.report.turn import in_ms

KEPT_ERRORS = 100
"""Different ones; later ones are in the warnings alone."""


@dataclass(slots=True)
class RaisedError:
    """One error: when it came first, how often, and the traceback of the first time."""

    at_ns: int
    times: int
    traceback: str


class ErrorLog:
    """Takes messages of the bus; any thread. `hide` returns a text without what the environment gave."""

    def __init__(self, hide: Callable[[str], str]) -> None:
        self._hide = hide
        self._lock = threading.Lock()
        self._raised: dict[tuple[str, str], RaisedError] = {}  # guarded by _lock; by node and message

    def take(self, message: Message) -> None:
        """Take an error or a warning; one that tells of nothing that a node raised is passed over."""
        error = message.data.get("error")
        if not isinstance(error, NodeError):
            return
        key = error.node, text_of(self._hide(error.message))
        with self._lock:
            known = self._raised.get(key)
            if known is not None:
                known.times += 1
            elif len(self._raised) < KEPT_ERRORS:
                self._raised[key] = RaisedError(message.at_ns, 1, self._hide(error.traceback))

    def as_list(self) -> list[dict[str, Any]]:
        """The errors as a report has them, the first one first."""
        with self._lock:
            return [
                {
                    "node": node,
                    "at_ms": in_ms(raised.at_ns),
                    "message": text,
                    "times": raised.times,
                    "traceback": raised.traceback,
                }
                for (node, text), raised in self._raised.items()
            ]
