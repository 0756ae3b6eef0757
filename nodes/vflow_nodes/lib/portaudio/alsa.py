"""Stop ALSA from printing each small trouble to stderr during a conversation; the nodes count and warn."""

from __future__ import annotations

import contextlib
import ctypes
import sys


def be_quiet() -> None:
    """Have ALSA print nothing; do nothing if there is no ALSA."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        # getpid is a C function that ignores arguments: ALSA's threads would call a Python function even
        # while the interpreter ends
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(ctypes.CDLL(None).getpid)
