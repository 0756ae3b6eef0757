"""Serve the feed of a run to other processes of the same user, over a Unix socket; `vflow top` reads it.

The socket lies in a folder that no other user can enter. A process that connects and sends a byte is sent the
frames of the run's feed, one per line. Until then one waiting thread is all it costs.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vflow.report.turn_log import TurnLog
from vflow.runtime.pipeline import Pipeline

if TYPE_CHECKING:
    from vflow.live.feed import Feed

SUFFIX = ".sock"
EVERY_S = 0.5
"""Time between two frames of figures."""
SEND_S = 2.0
"""Time for a reader to take a frame, before it is given up."""
READERS = 8
"""Most readers at once."""
TRIES = 3
"""Attempts to bind: another run that is just ending may remove the empty folder."""


def folder() -> Path:
    """Return the folder for the sockets of this user's runs; it may not exist."""
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    if own and os.path.isdir(own):
        return Path(own, "vflow")
    return Path(tempfile.gettempdir(), f"vflow-{os.getuid()}")


def is_private(place: Path) -> bool:
    """Return whether a path is a folder, not a link, that belongs to this user and nobody else can enter."""
    try:
        found = place.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


@contextlib.contextmanager
def published(pipeline: Pipeline, log: TurnLog) -> Iterator[None]:
    """Serve a run's feed inside the context. If no socket can be had, the run goes on without one."""
    server = RunSocket(pipeline, log)
    try:
        with contextlib.suppress(OSError):
            server.open()
        yield
    finally:
        server.close()


class RunSocket:
    """The socket of one run."""

    def __init__(self, pipeline: Pipeline, log: TurnLog) -> None:
        self._pipeline, self._log = pipeline, log
        self._socket: socket.socket | None = None
        self._path: Path | None = None
        self._ended = threading.Event()
        self._places = threading.Semaphore(READERS)
        self._lock = threading.Lock()
        self._made: Feed | None = None  # guarded by _lock

    def open(self) -> None:
        """Begin to listen. Raises: OSError if the socket cannot be had."""
        if not hasattr(socket, "AF_UNIX"):
            raise OSError("this system has no Unix sockets")
        place = folder()
        for left in reversed(range(TRIES)):
            place.mkdir(mode=0o700, exist_ok=True)
            if not is_private(place):
                raise OSError(f"{place} is not a private folder of this user")
            try:
                self._bind(place / f"{os.getpid()}{SUFFIX}")
                return
            except FileNotFoundError:
                if not left:
                    raise

    def _bind(self, path: Path) -> None:
        path.unlink(missing_ok=True)  # left by a process of the same number that was killed
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            bound.bind(str(path))
            os.chmod(path, 0o600)
            bound.listen(READERS)
        except BaseException:
            bound.close()
            raise
        self._socket, self._path = bound, path
        threading.Thread(target=self._accept, args=(bound,), name="vflow:published", daemon=True).start()

    def close(self) -> None:
        """Stop listening, and remove socket and folder. May be called twice."""
        self._ended.set()
        bound, self._socket = self._socket, None
        if bound is not None:
            with contextlib.suppress(OSError):  # this wakes the thread that accepts
                bound.shutdown(socket.SHUT_RDWR)
            bound.close()
        path, self._path = self._path, None
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                path.parent.rmdir()  # fails, as it should, while it holds other runs' sockets

    def _accept(self, bound: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                reader, _ = bound.accept()
                if not self._places.acquire(blocking=False):
                    reader.close()
                    continue
                told = threading.Thread(
                    target=self._tell, args=(reader,), name="vflow:published", daemon=True
                )
                told.start()

    def _tell(self, reader: socket.socket) -> None:
        try:
            with reader, contextlib.suppress(OSError):  # the reader has gone, or does not read
                reader.settimeout(SEND_S)
                self._follow(reader)
        finally:
            self._places.release()

    def _follow(self, reader: socket.socket) -> None:
        if not reader.recv(1):  # it closed at once: it only looked whether somebody listens
            return
        feed = self._feed()
        follower = feed.follow(drawing=False)
        try:
            lines = [*follower.history, follower.figures()]
            while lines:
                reader.sendall("".join(f"{line}\n" for line in lines).encode())
                ended = self._ended.wait(EVERY_S)
                lines = list(iter(lambda: follower.frames.get(0), None))
                if not ended:
                    lines.append(follower.figures())
        finally:
            feed.leave(follower)

    def _feed(self) -> Feed:
        """Return the feed, one for all readers. The first reader makes it: its imports take a moment."""
        with self._lock:
            if self._made is None:
                self._made = importlib.import_module("vflow.live.feed").Feed(self._pipeline, self._log)
            return self._made
