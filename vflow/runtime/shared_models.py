"""Models that several nodes use: loaded once per process, counted, and closed after their last user."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_NEWEST = object()
OLDEST = "oldest_s"
"""Of a model's `queue`: how long the first who waits has waited."""


@dataclass(slots=True, eq=False)
class _Entry:
    loading: threading.Lock = field(default_factory=threading.Lock)
    value: Any = None
    loaded: bool = False
    users: int = 0


class SharedModels:
    """Instances by key. Any thread may call; if two ask for the same key at once, it is loaded once.

    An instance whose attribute `closed` is True has died. The next to ask for its key loads another one, and
    each of the two is closed after its own last user.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # guarded by _lock: by key, the instances that have users, the newest last; all but it have died
        self._entries: dict[str, list[_Entry]] = {}

    def acquire(self, key: str, load: Callable[[], Any]) -> Any:
        """Return the living instance for `key`, with one user more. If there is none, call `load`."""
        died: _Entry | None = None
        while True:
            with self._lock:
                entries = self._entries.setdefault(key, [])
                if not entries or entries[-1] is died:
                    entries.append(_Entry())
                entry = entries[-1]
                entry.users += 1
            if died is not None:
                with contextlib.suppress(Exception):  # closing an instance that has died may fail
                    self._leave(key, died)
            try:
                with entry.loading:
                    fresh = not entry.loaded
                    if fresh:
                        entry.value = load()
                        entry.loaded = True
                    if fresh or not has_died(entry.value):  # dead right after loading: another would be too
                        return entry.value
            except BaseException:
                self._leave(key, entry)
                raise
            died = entry

    def release(self, key: str, value: Any = _NEWEST) -> None:
        """Count one user less of `value`, by default the key's newest instance. After its last user, close
        the instance if it has a `close`."""
        with self._lock:
            entries = self._entries[key]
            entry = entries[-1]
            if value is not _NEWEST:
                entry = next(each for each in reversed(entries) if each.loaded and each.value is value)
        self._leave(key, entry)

    def queues(self) -> dict[str, dict[str, float]]:
        """Return who waits for each instance that tells it by a method `queue`, by the model's name, added up
        for instances of one name. Any thread; `queue` must not block."""
        with self._lock:
            loaded = [
                (key, entry.value)
                for key, entries in self._entries.items()
                for entry in entries
                if entry.loaded
            ]
        found: dict[str, dict[str, float]] = {}
        for key, value in loaded:
            if (queue := getattr(value, "queue", None)) is None:
                continue
            with contextlib.suppress(Exception):  # the model's own code
                told = {name: float(count) for name, count in queue().items()}
                known = found.setdefault(_name_of(key), {})
                for name, count in told.items():
                    before = known.get(name, 0.0)
                    known[name] = max(before, count) if name == OLDEST else before + count
        return found

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


def _name_of(key: str) -> str:
    """Return what a model is called in figures: its kind and its name, without folders and options."""
    kind, _, rest = key.partition(":")
    name = rest.partition(":")[0].replace("\\", "/").rstrip("/").rpartition("/")[2]
    return f"{kind}:{name}" if name else kind


def has_died(value: object) -> bool:
    """Return whether a shared instance says that it no longer works."""
    return getattr(value, "closed", False) is True


MODELS = SharedModels()
"""The models of this process. They are global on purpose: pipelines share them."""


class Shares:
    """The shared models that one node holds. One thread at a time."""

    def __init__(self) -> None:
        self._held: list[tuple[str, Any]] = []
        self._errors: list[BaseException] = []

    def take(self, key: str, load: Callable[[], Any]) -> Any:
        """Return the living instance for `key`. First give back the node's dead instances of that key: the
        next one needs their memory."""
        for held in [held for held in self._held if held[0] == key and has_died(held[1])]:
            self._give_back(held)
        value = MODELS.acquire(key, load)
        self._held.append((key, value))
        return value

    def release(self) -> list[BaseException]:
        """Give back all instances. Return the errors of closing them."""
        while self._held:
            self._give_back(self._held[-1])
        errors, self._errors = self._errors, []
        return errors

    def _give_back(self, held: tuple[str, Any]) -> None:
        at = next(at for at, each in enumerate(self._held) if each is held)  # by identity, not by `==`
        del self._held[at]
        try:
            MODELS.release(*held)
        except BaseException as error:  # the model's own code may raise anything
            self._errors.append(error)
