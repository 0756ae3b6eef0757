"""The C library's memory in a process with many threads that come and go."""

from __future__ import annotations

import ctypes
import os

M_ARENA_MAX = -8
"""Source: glibc, malloc.h; mallopt(3)."""
ARENAS = 2


def few_arenas() -> bool:
    """Have all threads share ARENAS pools of memory: glibc keeps one for each thread that there was, up to
    eight a core, and gives none back. False where another library allocates, or `MALLOC_ARENA_MAX` says it
    already."""
    if "MALLOC_ARENA_MAX" in os.environ:
        return False
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  # musl has a mallopt that does nothing
        return bool(library.mallopt(M_ARENA_MAX, ARENAS))
    except (OSError, AttributeError, TypeError):  # the last one on Windows
        return False
