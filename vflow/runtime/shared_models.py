"""Models that several nodes use: loaded once a process, counted, closed with their last user."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_NEWEST = object()


@dataclass(slots=True, eq=False)
class _Entry:
    loading: threading.Lock = field(default_factory=threading.Lock)
    value: Any = None
    loaded: bool = False
    users: int = 0


class SharedModels:
    """Any thread may call; two that ask for the same key at once load it once.

    An instance with an attribute `closed` that is True has died: whoever asks next loads another, and each
    of the two is closed with its own last user.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # guarded by _lock: of each key the instances that have users, the newest last; those before it died
        self._entries: dict[str, list[_Entry]] = {}

    def acquire(self, key: str, load: Callable[[], Any]) -> Any:
        """The living instance for `key`, loaded by `load` where there is none; one more user."""
        died: _Entry | None = None
        while True:
            with self._lock:
                entries = self._entries.setdefault(key, [])
                if not entries or entries[-1] is died:
                    entries.append(_Entry())
                entry = entries[-1]
                entry.users += 1
            if died is not None:
                with contextlib.suppress(Exception):  # of one that is dead already
                    self._leave(key, died)
            try:
                with entry.loading:
                    fresh = not entry.loaded
                    if fresh:
                        entry.value = load()
                        entry.loaded = True
                    if fresh or not has_died(entry.value):  # one that is dead when it is loaded stays so
                        return entry.value
            except BaseException:
                self._leave(key, entry)
                raise
            died = entry

    def release(self, key: str, value: Any = _NEWEST) -> None:
        """One user less of `value`, the key's newest instance if not given; the last one closes the
        instance, if it has a `close`."""
        with self._lock:
            entries = self._entries[key]
            entry = entries[-1]
            if value is not _NEWEST:
                entry = next(each for each in reversed(entries) if each.loaded and each.value is value)
        self._leave(key, entry)

    def _leave(self, key: str, entry: _Entry) -> None:
        with self._lock:
            entry.users -= 1
            if entry.users:
                return
            self._entries[key].remove(entry)
            if not self._entries[key]:
                del self._entries[key]
        close = getattr(entry.value, "close", None)
        if entry.loaded and close is not None:
            close()


def has_died(value: object) -> bool:
    """Whether a shared instance says of itself that it works no more."""
    return getattr(value, "closed", False) is True


MODELS = SharedModels()
"""The process's models: sharing them between pipelines is their purpose."""


class Shares:
    """What one node has of the process's models. One thread at a time."""

    def __init__(self) -> None:
        self._held: list[tuple[str, Any]] = []
        self._errors: list[BaseException] = []

    def take(self, key: str, load: Callable[[], Any]) -> Any:
        """The living instance for `key`. What the node had of that key, and has died, is given back first:
        its memory is what the next one needs."""
        for held in [held for held in self._held if held[0] == key and has_died(held[1])]:
            self._give_back(held)
        value = MODELS.acquire(key, load)
        self._held.append((key, value))
        return value

    def release(self) -> list[BaseException]:
        """Give back what is left. Returns what could not be closed."""
        while self._held:
            self._give_back(self._held[-1])
        errors, self._errors = self._errors, []
        return errors

    def _give_back(self, held: tuple[str, Any]) -> None:
        at = next(at for at, each in enumerate(self._held) if each is held)  # no instance is compared
        del self._held[at]
        try:
            MODELS.release(*held)
        except BaseException as error:  # a model's own code
            self._errors.append(error)
