"""Find the runs of this user that can be watched, and connect to one."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vflow.errors import VflowError
from vflow.live.run_socket import SUFFIX, folder, is_private

ANSWER_S = 5.0
"""Longest wait for a run's next line: it may be stopped by a debugger, or starved."""
LONGEST = 16_000_000
"""Most bytes of a line."""


class Run:
    """A connection to a run."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid, self._connection = pid, connection
        connection.settimeout(ANSWER_S)
        self._stream = connection.makefile("rb")

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield the frames of the run's feed until it ends. Raises: VflowError if none comes for ANSWER_S."""
        try:
            while (line := self._stream.readline(LONGEST)).endswith(b"\n"):
                yield json.loads(line)
        except TimeoutError:
            raise VflowError(f"the run {self.pid} has sent nothing for {ANSWER_S:g} s") from None
        except (ConnectionError, ValueError):  # it ended in the middle of a line
            return

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.close()
            self._connection.close()


def running() -> list[int]:
    """Return the process numbers of this user's runs. Remove the sockets of runs that were killed."""
    place = folder()
    if not is_private(place):
        return []
    paths = [path for path in place.glob(f"*{SUFFIX}") if path.stem.isdecimal()]
    return sorted(int(path.stem) for path in paths if _answers(path))


def _answers(path: Path) -> bool:
    """Return whether a run listens at a socket; remove a socket that nobody listens at."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(ANSWER_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):
                path.unlink()
            return False
        except OSError:
            return False
        return True


def connect(pid: int | None) -> Run:
    """Connect to a run; without a number, to the only one. Raises: VflowError if there is none, if there are
    several to choose from, or if the process is not a run of this user."""
    if not hasattr(socket, "AF_UNIX"):
        raise VflowError(
            "this system has no sockets for 'vflow top'; 'vflow run --watch' shows a run in a browser"
        )
    found = running()
    if pid is None:
        if not found:
            raise VflowError("no 'vflow run' of yours is running; start one, then call 'vflow top' again")
        if len(found) > 1:
            told = ", ".join(f"{each} ({file_of(each)})" for each in found)
            raise VflowError(f"there are several runs: {told}; name one: vflow top {found[0]}")
        pid = found[0]
    elif pid not in found:
        raise VflowError(_why_not(pid, found))
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(folder() / f"{pid}{SUFFIX}"))
        connection.sendall(b"\n")
    except OSError:
        connection.close()
        raise VflowError(f"the run {pid} has just ended") from None
    return Run(pid, connection)


def file_of(pid: int) -> str:
    """Return the graph file of a run; '?' if the run does not tell."""
    with contextlib.suppress(VflowError, OSError), contextlib.closing(connect(pid)) as run:
        for message in run.messages():
            return str(message.get("file", "?"))
    return "?"


def _why_not(pid: int, found: list[int]) -> str:
    others = f"; runs of yours: {', '.join(map(str, found))}" if found else "; no run of yours is running"
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return f"there is no process {pid}{others}"
    except PermissionError:
        return f"the process {pid} is another user's{others}"
    return f"the process {pid} is not a 'vflow run'{others}"
