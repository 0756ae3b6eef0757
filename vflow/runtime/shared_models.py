"""Models that several nodes use: loaded once a process, counted, closed with their last user."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class _Entry:
    loading: threading.Lock = field(default_factory=threading.Lock)
    value: Any = None
    loaded: bool = False
    users: int = 0


class SharedModels:
    """Any thread may call; two that ask for the same key at once load it once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}  # guarded by _lock

    def acquire(self, key: str, load: Callable[[], Any]) -> Any:
        """The instance for `key`, loaded by `load` where there is none; one more user."""
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            entry.users += 1
        try:
            with entry.loading:
                if not entry.loaded:
                    entry.value = load()
                    entry.loaded = True
        except BaseException:
            self.release(key)
            raise
        return entry.value

    def release(self, key: str) -> None:
        """One user less; the last one closes the instance, if it has a `close`."""
        with self._lock:
            entry = self._entries[key]
            entry.users -= 1
            if entry.users:
                return
            del self._entries[key]
        close = getattr(entry.value, "close", None)
        if entry.loaded and close is not None:
            close()


MODELS = SharedModels()
"""The process's models: sharing them between pipelines is their purpose."""
