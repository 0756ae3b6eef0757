"""A network that is cut in the middle of words, a hundred times: is a sample missing, how long is it quiet?

    python benchmarks/resume.py [--cuts 100] [--seed 1] [--json]

A server with a scripted agent, a client that comes back at once, and a proxy between them that is cut after a
random number of bytes, so that what is on its way is lost. Every reply is compared with what the agent said,
sample by sample and word by word. `back_ms` is from the cut to the server's `ready`; meanwhile another client
talks, whose replies must be whole too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import scripted_agent
from tests.web.cutting import Cutting, Returning, budgets
from tests.web.live import Live, agent
from vflow.web.limits import Limits

WORD_MS = 40


class Timed(Returning):
    """A client that notes how long it takes to come back."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.back_ms: list[float] = []

    def connect(self) -> None:
        began, again = time.perf_counter(), bool(self.about)
        super().connect()
        if again:
            self.back_ms.append(1000 * (time.perf_counter() - began))


def reply() -> bytes:
    """Return the PCM16 of the agent's reply."""
    frames = WORD_MS * scripted_agent.VOICE_RATE // 1000
    word = (0.2 * np.sin(np.arange(frames) * 0.1)).astype(np.float32)
    return (np.tile(word, len(scripted_agent.REPLY.split())) * 32767).astype("<i2").tobytes()


def run(live: Live, cuts: int, seed: int) -> dict[str, Any]:
    wanted, turns, wrong = reply(), 0, 0
    with Cutting(live.port, budgets(seed, cuts)) as network:
        client = Timed(network.port)
        client.connect()
        while network.cuts < cuts:
            client.audio, before = b"", len(client.all("word"))
            client.say('{"type": "ask", "text": "go on"}')
            heard = client.wait_for("turn_ended")["heard"]
            words = [word["text"] for word in client.all("word")][before:]
            whole = client.audio == wanted and words == scripted_agent.REPLY.split()
            turns, wrong = turns + 1, wrong + (not whole or heard != scripted_agent.REPLY)
        client.close()
    p50, p95 = (round(float(value), 1) for value in np.percentile(client.back_ms, [50, 95]))
    back_ms = {"p50": p50, "p95": p95, "max": round(max(client.back_ms), 1)}
    return {"cuts": network.cuts, "replies": turns, "not whole": wrong, "back_ms": back_ms}


def bystander(live: Live, over: threading.Event, counts: dict[str, int]) -> None:
    with live.client() as client:
        client.begin()
        while not over.is_set():
            client.say("ask", text="go on")
            counts["whole"] += client.wait_for("turn_ended")["heard"] == scripted_agent.REPLY
            counts["replies"] += 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    over, other = threading.Event(), {"replies": 0, "whole": 0}
    with (
        tempfile.TemporaryDirectory() as folder,
        agent(Path(folder), word_ms=WORD_MS) as preloaded,
        Live(preloaded, Limits(sessions=4)) as live,
    ):
        beside = threading.Thread(target=bystander, args=(live, over, other))
        beside.start()
        found = {**run(live, args.cuts, args.seed), "the other client": other}
        over.set()
        beside.join()
    print(json.dumps(found) if args.json else found)
