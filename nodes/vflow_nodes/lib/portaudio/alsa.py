"""ALSA prints to stderr whatever it meets, in the midst of a conversation; its user counts it and warns."""

from __future__ import annotations

import contextlib
import ctypes
import sys


def be_quiet() -> None:
    """Have ALSA print nothing; where there is no ALSA, nothing happens."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        # a function of C that ignores what it is given: one of Python's would be called in ALSA's threads
        # while the interpreter ends
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(ctypes.CDLL(None).getpid)
