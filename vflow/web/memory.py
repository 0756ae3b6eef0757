"""Keep a process small and quick in which many sessions, each with its own threads, come and go."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os

M_ARENA_MAX = -8
"""Source: glibc, malloc.h; mallopt(3)."""
ARENAS = 2


def few_arenas() -> bool:
    """Have all threads share ARENAS memory pools; return whether that was done. glibc otherwise makes one per
    thread, up to eight a core, and gives none back. False without glibc, or if `MALLOC_ARENA_MAX` is set."""
    if "MALLOC_ARENA_MAX" in os.environ:
        return False
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  # musl has a mallopt that does nothing
        return bool(library.mallopt(M_ARENA_MAX, ARENAS))
    except (OSError, AttributeError, TypeError):  # the last one on Windows
        return False


def settle() -> None:
    """Exempt all objects that exist now from garbage collection: call it when all is loaded. A collection
    stops every session; with a library like torch loaded this makes it take 5 ms instead of 440."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Free the memory of sessions that have ended, and return it to the system. Blocks for some milliseconds;
    for much longer if `settle` was not called before."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):  # as above
        ctypes.CDLL(None).malloc_trim(0)
