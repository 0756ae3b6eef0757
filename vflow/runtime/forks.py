"""Recognise processes that a node's code forks: they have a copy of the pipeline, but are no part of it.

Such a child has a single thread, locks that nobody frees, and open files that belong to its parent.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

CHILD_CAME_BACK = 70
"""Exit code of a child that returned from the node's code: EX_SOFTWARE in sysexits.h."""


class Forked(Protocol):
    """Something that must know that it is in the child."""

    def forked(self) -> None:
        """Note that this process is the child."""


_watchers: weakref.WeakSet[Forked] = weakref.WeakSet()


def watch(watcher: Forked) -> None:
    """Have `watcher.forked` called in each child of this process."""
    _watchers.add(watcher)


def _tell_all() -> None:
    for watcher in list(_watchers):
        watcher.forked()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_tell_all)
