"""The socket by which a run tells other processes of its user what it does: `vflow top` reads it.

A socket in a folder that no other user enters. Who connects and sends a byte is told the frames of the run's
feed, a line each. A thread waits for it: a run that nobody looks at pays nothing.
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
"""Between two looks at the figures."""
SEND_S = 2.0
"""Until a reader takes what it is sent; then it is left."""
READERS = 8
"""At once."""
TRIES = 3
"""Another run, which ends, may take the empty folder away."""


def folder() -> Path:
    """Where the sockets of this user's runs are; it need not be there."""
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    if own and os.path.isdir(own):
        return Path(own, "vflow")
    return Path(tempfile.gettempdir(), f"vflow-{os.getuid()}")


def is_private(place: Path) -> bool:
    """Whether a folder is one that this user alone enters: no link, and nobody else's."""
    try:
        found = place.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


@contextlib.contextmanager
def published(pipeline: Pipeline, log: TurnLog) -> Iterator[None]:
    """Tell of a run inside the context. Where no socket can be had, the run goes on without."""
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
        """Raises: OSError where it cannot be had."""
        if not hasattr(socket, "AF_UNIX"):
            raise OSError("this system has no such sockets")
        place = folder()
        for left in reversed(range(TRIES)):
            place.mkdir(mode=0o700, exist_ok=True)
            if not is_private(place):
                raise OSError(f"{place} is not this user's alone")
            try:
                self._bind(place / f"{os.getpid()}{SUFFIX}")
                return
            except FileNotFoundError:
                if not left:
                    raise

    def _bind(self, path: Path) -> None:
        path.unlink(missing_ok=True)  # of a process of this number that was killed
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
        """Leave nothing behind; may be called twice."""
        self._ended.set()
        bound, self._socket = self._socket, None
        if bound is not None:
            with contextlib.suppress(OSError):  # wakes the thread that accepts
                bound.shutdown(socket.SHUT_RDWR)
            bound.close()
        path, self._path = self._path, None
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                path.parent.rmdir()  # where it is empty

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
            with reader, contextlib.suppress(OSError):  # it has gone, or does not read
                reader.settimeout(SEND_S)
                self._follow(reader)
        finally:
            self._places.release()

    def _follow(self, reader: socket.socket) -> None:
        if not reader.recv(1):  # it only looked whether somebody listens
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
        """One for all readers; made when the first comes, since what it needs takes a moment to import."""
        with self._lock:
            if self._made is None:
                self._made = importlib.import_module("vflow.live.feed").Feed(self._pipeline, self._log)
            return self._made
