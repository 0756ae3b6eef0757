"""The memory of a process in which many sessions, each with threads of its own, come and go."""

from __future__ import annotations

import contextlib
import ctypes
import gc
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


def settle() -> None:
    """Take what is loaded by now for what stays. A collection of garbage then looks at sessions alone: with a
    library like torch in it, it takes 5 ms in place of 440, in which no session is served."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Collect what is left of sessions that have ended, and give its memory back. To be called after
    `settle`, or it takes long. Blocks for some milliseconds."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):  # as above
        ctypes.CDLL(None).malloc_trim(0)
