"""Servers for the page's tests: an agent whose replies are written down, and the real one as a process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from tests import scripted_agent
from tests.stand_ins import PATIENCE_S
from vflow import preload
from vflow.web import Limits, app
from vflow.web.supply import serving_options

TOKEN = "a-token-of-the-tests"
START_S = 6 * PATIENCE_S


@contextmanager
def scripted(folder: Path, sessions: int = 16, push_to_talk: bool = False, **agent: Any) -> Iterator[str]:
    """Serve `scripted_agent` in this process; gives its address, with the token."""
    file = scripted_agent.graph(folder, **agent)
    options: dict[str, Any] = {**serving_options(), "push_to_talk": push_to_talk}
    with preload(file, nodes=scripted_agent.NODES, **options) as loaded, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        served = app(loaded, token=TOKEN, limits=Limits(sessions=sessions))
        started = threading.Event()
        server = _Server(served, started)
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        try:
            assert started.wait(PATIENCE_S)
            yield f"http://127.0.0.1:{bound.getsockname()[1]}/#token={TOKEN}"
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, served: Any, started: threading.Event) -> None:
        super().__init__(
            uvicorn.Config(
                served,
                ws="websockets-sansio",
                log_config=None,
                log_level="error",
                timeout_graceful_shutdown=1,
            )
        )
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started.set()


@contextmanager
def command(pipeline: Path, *options: str) -> Iterator[str]:
    """Run `vflow serve` of a pipeline; gives the address that it prints."""
    words = [sys.executable, "-m", "vflow", "serve", str(pipeline), "--port", "0", *options]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as served:
        killer = threading.Timer(START_S, served.kill)  # a command that prints nothing would hang the test
        killer.start()
        try:
            assert served.stdout is not None
            address = served.stdout.readline().strip()
            killer.cancel()
            assert address.startswith("http"), f"vflow serve printed {address!r}"
            yield address
        finally:
            killer.cancel()
            served.send_signal(signal.SIGTERM)
            served.wait(PATIENCE_S)
