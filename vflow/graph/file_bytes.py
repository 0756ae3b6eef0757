"""Read the bytes of a graph file, which may be a pipe or a device. Size and waiting are bounded."""

from __future__ import annotations

import errno
import os
import select
import stat
from pathlib import Path

PIPE_WITHIN_S = 5.0
"""Longest wait for bytes from a pipe or device, in seconds."""


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the first `limit` bytes. Raises: OSError; its kind TimeoutError if nobody writes to a pipe."""
    # O_NONBLOCK: opening a pipe would otherwise wait for a writer, and there may never be one
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
    """Wait for bytes or the end of the file; a pipe that no writer has opened yet has neither."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    if not poll.poll(PIPE_WITHIN_S * 1000):
        kind = "pipe" if stat.S_ISFIFO(os.fstat(fd).st_mode) else "device"
        text = f"it is a {kind} to which nobody has written for {PIPE_WITHIN_S:g} s"
        raise TimeoutError(errno.ETIMEDOUT, text)
