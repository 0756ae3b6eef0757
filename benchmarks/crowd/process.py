"""A server's process: its address, and what it costs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from pathlib import Path
from typing import Self

ADDRESS = re.compile(r"http://([\d.]+):(\d+)/")
START_S, END_S = 120.0, 20.0


class Process:
    """A program that prints its address in a line, and then serves until SIGTERM."""

    def __init__(self, command: list[str], **environment: str) -> None:
        """Raises: RuntimeError where it does not begin."""
        given = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, env=given, text=True)
        killer = threading.Timer(START_S, self._process.kill)
        killer.start()
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        killer.cancel()
        if (found := ADDRESS.search(line)) is None:
            self._process.kill()
            self._process.communicate()
            raise RuntimeError(f"{' '.join(command)} did not begin; it printed {line!r}")
        self.host, self.port = found[1], int(found[2])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.communicate(timeout=END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def cpu_s(self) -> float:
        """Seconds of CPU so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss(self) -> int:
        """Memory in bytes."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self._process.pid}/task"))

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))
