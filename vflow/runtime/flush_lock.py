"""The lock held while a flush is made, and while a thread decides about an item that a flush refused."""

from __future__ import annotations

import threading

from vflow.errors import VflowError


class FlushLock:
    """A lock that can be broken open, since its owner may be in a node's code that never returns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._freeing = threading.Lock()
        self._owner: int | None = None  # set by the owner of _lock, cleared under _freeing

    def __enter__(self) -> None:
        """Raises: VflowError in the thread that holds it: a sink interrupts or retracts in its `drop`."""
        if self.mine:
            raise VflowError("interrupts in its drop(): drop what is not played, and return")
        self._lock.acquire()
        self._owner = threading.get_ident()

    def __exit__(self, *exc: object) -> None:
        with self._freeing:
            if self.mine:  # else it was broken open meanwhile
                self._free()

    @property
    def mine(self) -> bool:
        """Whether the calling thread holds the lock."""
        return self._owner == threading.get_ident()

    def break_open(self) -> None:
        """Take the lock from its owner, for those that wait. Only for a pipeline that ends: the work under
        the lock may be half done."""
        with self._freeing:
            if self._owner is not None:
                self._free()

    def _free(self) -> None:
        self._owner = None
        self._lock.release()
