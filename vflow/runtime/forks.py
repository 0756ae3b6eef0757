"""Processes that a node's code forks: the child has a copy of the pipeline, and is no part of it.

It has one thread, locks that nobody frees, and files that are its parent's.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

CHILD_CAME_BACK = 70
"""Exit code of a child that came back from the node's code: EX_SOFTWARE of sysexits.h."""


class Forked(Protocol):
    """Who has to know that this is the child."""

    def forked(self) -> None:
        """This process is the child."""


_watchers: weakref.WeakSet[Forked] = weakref.WeakSet()


def watch(watcher: Forked) -> None:
    """Have `watcher.forked` called in each child of this process."""
    _watchers.add(watcher)


def _tell_all() -> None:
    for watcher in list(_watchers):
        watcher.forked()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_tell_all)
