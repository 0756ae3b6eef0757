"""Clients of a server that ask at the same moment: who is refused, how long the others wait, what it costs.

    python benchmarks/serve.py [--clients 4] [--turns 3] [--rounds 1] [--scripted] [--sessions N]
        [--spread] [--json]

The server is a process of its own: `vflow serve voice_agent`, or with `--scripted` an agent whose generator
and voice are scripted. Each client speaks the page's protocol: it says the bundled question, then silence, at
their pace, as many times as `--turns` says, then leaves; with `--spread` each begins at another moment.
`--rounds` does that again and again, with the memory, threads and descriptors after each. `wait` is from the
last sound of a question that was sent to the first of the reply that came, `compute` from the end of speech
that the server found to the first sound, by the server's own report, as are its parts. CPU seconds and memory
are the server's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from embedding import GRAPH, NODES
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from vflow.bench.speech import Clip, bundled, recorded
from vflow.packet import SECOND

RATE = 16_000
PIECE_S = 0.02
TOKEN = "a-token-of-a-benchmark"
ENDS_S = 30.0
STAGES = ("endpoint", "first_word", "word_to_audio", "compute")
"""Latencies of the server's own report."""


@dataclass
class Asked:
    """The results of all clients of a run."""

    waits_ms: list[float] = field(default_factory=list)
    latencies_ms: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in STAGES})
    closed: Counter[str] = field(default_factory=Counter)
    """How many clients were refused or closed, by the server's word for it."""
    unanswered: int = 0
    served: int = 0


class Server:
    """The server's process."""

    def __init__(self, scripted: bool, options: list[str]) -> None:
        own = [__file__, "--be-the-server"] if scripted else ["-m", "vflow", "serve", "voice_agent"]
        environment = {**os.environ, "VFLOW_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, *own, "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
        assert self.process.stdout is not None
        page = self.process.stdout.readline().split("#")[0].strip()
        if not page:
            raise SystemExit("the server did not begin; it says above why")
        self.address = page.replace("http", "ws", 1) + "ws"

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mib(self) -> float:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def count(self, kind: str) -> int:
        """Count the server's threads (`task`), or its descriptors (`fd`)."""
        return len(os.listdir(f"/proc/{self.process.pid}/{kind}"))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(ENDS_S)


async def client(address: str, clip: Clip, args: argparse.Namespace, start_s: float, asked: Asked) -> None:
    """Ask once per turn, from `start_s` on by the loop's clock, and note the results in `asked`."""
    loop = asyncio.get_running_loop()
    silence = np.zeros(int(args.answer_s * RATE), np.float32)
    said = (np.concatenate([clip.samples, silence]) * 32767).astype("<i2")
    size = round(PIECE_S * RATE)
    off: list[float] = []
    """Times at which the last sound of each question was sent."""
    first: dict[int, float] = {}

    async def speak(socket: Any) -> None:
        due = start_s
        for _ in range(args.turns):
            off.append(due + clip.off_ns / SECOND)
            for at in range(0, len(said), size):
                await asyncio.sleep(max(0.0, due - loop.time()))
                await socket.send(said[at : at + size].tobytes())
                due += PIECE_S
        await socket.send('{"type": "end"}')

    async with connect(address, subprotocols=["vflow.1", f"token.{TOKEN}"], compression=None) as socket:  # type: ignore[list-item]
        speaking: asyncio.Task[None] | None = None
        try:
            await socket.send(json.dumps({"type": "start", "input_rate": RATE}))
            async for message in socket:
                if isinstance(message, bytes):
                    first.setdefault(int.from_bytes(message[:4], "little"), loop.time())
                    continue
                said_by_server = json.loads(message)
                kind = said_by_server["type"]
                if kind == "ready":
                    asked.served += 1
                    speaking = asyncio.create_task(speak(socket))
                elif kind == "turn_ended":
                    for name, found in asked.latencies_ms.items():
                        if (took := said_by_server["latencies_ms"].get(name)) is not None:
                            found.append(took)
                elif kind == "error":
                    asked.closed[said_by_server["code"]] += 1
                    break
        except ConnectionClosed:
            asked.closed["lost"] += 1
        finally:
            if speaking is not None:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)
    for at, last in enumerate(off):
        until = off[at + 1] if at + 1 < len(off) else float("inf")
        begun = [moment for moment in first.values() if last < moment < until]
        if begun:
            asked.waits_ms.append(1000 * (min(begun) - last))
        else:
            asked.unanswered += 1


def spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {"n": 0}
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": round(p50), "p95": round(p95), "max": round(max(values)), "n": len(values)}


async def run(server: Server, args: argparse.Namespace) -> dict[str, Any]:
    clip, asked = recorded(bundled()), Asked()
    cpu_s, rss, began_s = server.cpu_s(), server.rss_mib(), time.perf_counter()
    start_s = asyncio.get_running_loop().time() + 1.0
    period_s = len(clip.samples) / RATE + args.answer_s
    apart_s = period_s / args.clients if args.spread else 0
    starts = [start_s + apart_s * number for number in range(args.clients)]
    await asyncio.gather(*(client(server.address, clip, args, each, asked) for each in starts))
    minutes = (time.perf_counter() - began_s) / 60
    return {
        "clients": args.clients,
        "served": asked.served,
        "closed": dict(asked.closed),
        "wait_ms": spread(asked.waits_ms),
        **{f"{name}_ms": spread(found) for name, found in asked.latencies_ms.items()},
        "unanswered": asked.unanswered,
        "cpu_s_a_session_minute": round((server.cpu_s() - cpu_s) / max(1, asked.served) / minutes, 2),
        "mib": [round(rss, 1), round(server.rss_mib(), 1)],
        "threads": server.count("task"),
        "descriptors": server.count("fd"),
    }


async def run_all(server: Server, args: argparse.Namespace) -> list[dict[str, Any]]:
    return [await run(server, args) for _ in range(args.rounds)]


def be_the_server(options: list[str]) -> int:
    """Serve the scripted agent, in the same way as `vflow serve`."""
    import vflow.cli.serve as verb
    from vflow.cli.main import main
    from vflow.session import preloaded

    load = preloaded.load_for_sessions
    verb.load_for_sessions = lambda _, **given: load(GRAPH, nodes=NODES, **given)
    return main(["serve", "scripted", *options])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--be-the-server"]:
        raise SystemExit(be_the_server(sys.argv[2:]))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--answer-s", type=float, default=12.0, help="silence after each question")
    parser.add_argument("--scripted", action="store_true")
    parser.add_argument("--sessions", type=int, help="what the server is told; by default nothing")
    parser.add_argument("--spread", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    server = Server(args.scripted, [] if args.sessions is None else ["--sessions", str(args.sessions)])
    try:
        rounds = asyncio.run(run_all(server, args))
    finally:
        server.stop()
    for found in rounds:
        print(json.dumps(found) if args.json else found)
