"""Run servers for tests of the page: a scripted agent in this process, or a pipeline as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from tests import scripted_agent
from tests.stand_ins import PATIENCE_S
from tests.web.live import TOKEN, Live
from vflow import preload, prop
from vflow.web import Limits
from vflow.web.supply import serving_options


class Talker(scripted_agent.Voice):
    """A voice with properties that a listener may change."""

    speed: float = prop(1.0, ge=0.5, le=2.0, hot=True)
    voice: Literal["low", "high"] = prop("low", hot=True)
    gain: float = prop(0.0, unit="dB", hot=True)


NODES = {**scripted_agent.NODES, "t.voice": Talker}
START_S = 6 * PATIENCE_S


@contextmanager
def scripted(folder: Path, sessions: int = 16, push_to_talk: bool = False, **agent: Any) -> Iterator[str]:
    """Serve `scripted_agent` in this process; yield its address, with the token.

    It waits long for the end of an utterance: a browser beside other tests may stop for half a second.
    """
    file = scripted_agent.graph(folder, **{"every": "1ms", **agent})
    overrides = None if push_to_talk else {"vad.speech_end_after": "800ms"}
    options: dict[str, Any] = {**serving_options(), "push_to_talk": push_to_talk, "overrides": overrides}
    with (
        preload(file, nodes=NODES, **options) as loaded,
        Live(loaded, Limits(sessions=sessions)) as live,
    ):
        yield f"http://127.0.0.1:{live.port}/#token={TOKEN}"


@contextmanager
def command(pipeline: Path, *options: str) -> Iterator[str]:
    """Run `vflow serve` of a pipeline; yield the address that it prints."""
    words = [sys.executable, "-m", "vflow", "serve", str(pipeline), "--port", "0", *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as served:
        killer = threading.Timer(START_S, served.kill)  # a server that prints nothing would hang the test
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
