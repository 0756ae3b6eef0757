"""The bytes of a graph file, which may be a pipe or a device: bounded, and without waiting for ever."""

from __future__ import annotations

import errno
import os
import select
import stat
from pathlib import Path

PIPE_WITHIN_S = 5.0
"""How long a pipe may stay silent."""


def read_bytes(path: Path, limit: int) -> bytes:
    """The first `limit` bytes. Raises: OSError; TimeoutError, one of these, where nobody writes to a pipe."""
    # not to wait for the writer of a pipe: there may never be one
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        waits = not stat.S_ISREG(os.fstat(fd).st_mode)
        data = bytearray()
        while len(data) < limit:
            if waits:
                _wait(fd)
            piece = os.read(fd, limit - len(data))
            if not piece:
                break
            data += piece
        return bytes(data)
    finally:
        os.close(fd)


def _wait(fd: int) -> None:
    """Wait for bytes or the end. A pipe without a writer so far has neither."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if not poll.poll(PIPE_WITHIN_S * 1000):
        kind = "pipe" if stat.S_ISFIFO(os.fstat(fd).st_mode) else "device"
        text = f"it is a {kind} to which nobody has written for {PIPE_WITHIN_S:g} s"
        raise TimeoutError(errno.ETIMEDOUT, text)
