"""The log of errors that nodes raised: each error once, with how often it came and its traceback."""

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
"""Most different errors that are kept; later ones are only in the warnings."""


@dataclass(slots=True)
class RaisedError:
    """One error: when it first came, how often it came, and the traceback of the first time."""

    at_ns: int
    times: int
    traceback: str


class ErrorLog:
    """Takes messages of the bus; any thread. `hide` returns a text without values from the environment."""

    def __init__(self, hide: Callable[[str], str]) -> None:
        self._hide = hide
        self._lock = threading.Lock()
        self._raised: dict[tuple[str, str], RaisedError] = {}  # guarded by _lock; by node and message

    def take(self, message: Message) -> None:
        """Take an error or a warning; ignore one that is not about an error that a node raised."""
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
        """Return the errors as a report has them, the earliest first."""
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
