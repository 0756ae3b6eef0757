"""Talk to a peer: a program that is started once and asked many times."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
TIMEOUT_S = 120.0
"""Time for one answer, before the peer is ended."""


class PeerError(Exception):
    """Raised if a peer cannot be started, or failed."""


class Peer:
    """One program of this folder, in its own interpreter; it is started when it is first asked. An `optional`
    one may be missing: it is skipped."""

    def __init__(self, name: str, python: str, optional: bool = False) -> None:
        self.name, self.python, self.optional = name, python, optional
        self.script = FOLDER / f"{name}_peer.py"
        self._process: subprocess.Popen[str] | None = None
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by `close`)
        self._failure = ""

    def install(self) -> str:
        """How to install it, from its docstring; '' if there is nothing to install."""
        text = self.script.read_text().split('"""')[1]
        return next((" ".join(part.split()) for part in text.split("\n\n") if part.startswith("Install")), "")

    def ask(self, run: str, **options: Any) -> dict[str, Any]:
        """Return the answer to a request. Raises: PeerError; at once if it has failed to start before."""
        if self._failure:
            raise PeerError(self._failure)
        line = self._exchange(self._started(), json.dumps({"run": run, **options}) + "\n")
        if not line:
            raise self._failed(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(f"{self.name}: {run}: {answer['error']}")
        return answer

    def close(self) -> None:
        """End the program at once: it has nothing to save."""
        if self._process is not None:
            self._process.kill()
            with suppress(BrokenPipeError):
                self._process.communicate()
        self._said.close()

    def _started(self) -> subprocess.Popen[str]:
        if not self.python:
            raise self._failed(f"not asked, since --{self.name}-python is not given")
        if self._process is None:
            command = [self.python, str(self.script)]
            pipe = subprocess.PIPE
            try:
                self._process = subprocess.Popen(
                    command, stdin=pipe, stdout=pipe, stderr=self._said, text=True
                )
            except OSError as error:
                raise self._failed(str(error)) from error
        return self._process

    def _exchange(self, process: subprocess.Popen[str], request: str) -> str:
        """Return the line of the answer; '' if the peer has ended, or does not answer in time."""
        assert process.stdin is not None
        assert process.stdout is not None
        deadline = threading.Timer(TIMEOUT_S, process.kill)
        deadline.start()
        try:
            with suppress(BrokenPipeError):  # it has ended: its last output says why
                process.stdin.write(request)
                process.stdin.flush()
            return process.stdout.readline()
        finally:
            deadline.cancel()

    def _failed(self, reason: str) -> PeerError:
        self._failure = f"{self.name}: {reason}"
        return PeerError(self._failure)

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = [line for line in self._said.read().splitlines() if line.strip()]
        return lines[-1] if lines else f"it ended, or gave no answer in {TIMEOUT_S:.0f} s"
