"""Servers to talk with: vflow's, of scripted or of real models, and pipecat's; and the question for them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from crowd import script
from crowd.process import Process
from crowd.talkers import Dialect, Said, page
from vflow.bench.speech import bundled, recorded
from vflow.packet import SECOND

HERE = Path(__file__).parents[1]
PEER = HERE / "peers" / "pipecat_serve.py"
TOKEN = "a-token-of-a-benchmark"


@dataclass(frozen=True)
class System:
    """A server, and how it is spoken to."""

    name: str
    dialect: Dialect
    command: list[str]
    environment: dict[str, str]

    def start(self, sessions: int) -> Process:
        command = [each.format(sessions=sessions) for each in self.command]
        return Process(command, **self.environment)


def scripted_server(vad: str, *options: str) -> System:
    """`vflow serve` of `crowd.agent`, with a detector."""
    command = [sys.executable, "-m", "crowd.agent", "--port", "0", "--sessions", "{sessions}", *options]
    path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH", "")]))
    return System("vflow", page(TOKEN), command, {"VFLOW_TOKEN": TOKEN, "VAD": vad, "PYTHONPATH": path})


def models_server() -> System:
    """`vflow serve voice_agent`, with its models."""
    command = [
        sys.executable,
        "-m",
        "vflow",
        "serve",
        "voice_agent",
        "--port",
        "0",
        "--sessions",
        "{sessions}",
    ]
    return System("vflow", page(TOKEN), command, {"VFLOW_TOKEN": TOKEN})


def pipecat_server(python: str, vad: str) -> System:
    """pipecat, with Silero or, for `vad.energy`, with a detector by loudness."""
    return System("pipecat", Dialect("/ws"), [python, str(PEER)], {"VAD": vad, "PYTHONPATH": str(HERE)})


def question() -> Said:
    """The bundled question."""
    clip = recorded(bundled())
    pcm16 = (clip.samples * 32767).astype("<i2").tobytes()
    return Said.of(pcm16, script.MIC_RATE, clip.on_ns / SECOND, clip.off_ns / SECOND)
