"""Clients that come, talk and leave in each way that a client can, a thousand times: what is left of them?

    python benchmarks/leaving.py [--clients 1000] [--at-once 20] [--vad vad.energy] [--seed 1]
        [--json]

The server is `vflow serve` as a process with the scripted agent of `crowd/agent.py`; a session whose client
was lost waits for five seconds. Ways and protocols take turns: the word `end`, a close, a socket that is shut
without a word, TCP's reset while it speaks or in the middle of a reply, half a frame, a session that is
resumed and then left, one in which nothing is said, one that reads nothing, a wrong token, half a header; by
/ws, /raw and /v1/realtime. After each batch, once no session is left, the process's threads, descriptors and
memory are counted. `kB a client` is a straight line through the memory after the first fifth.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import soxr
from crowd.frames import Refused
from crowd.process import Process
from crowd.systems import TOKEN, scripted_server
from crowd.visitor import PATIENCE_S, RawVisitor, RealtimeVisitor, Unexpected, Visitor

from vflow.bench.speech import bundled, recorded
from vflow.packet import Samples

TARGETS = {"threads": 0.0, "descriptors": 0.0, "kB a client": 2.0}
RATE = 16_000
SAID_S, HUSH_S = 1.0, 0.7
RESUME_S = 5
DEAF_S = 1.0


@dataclass
class Street:
    """Where clients come from: the server's place, the question for each rate, and what went wrong."""

    place: tuple[str, int]
    said: dict[int, bytes]
    counts: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)


def asks(street: Street, kind: type[Visitor]) -> Visitor:
    """A client that has said something."""
    visitor = kind(street.place, TOKEN)
    visitor.begin()
    visitor.speak(street.said[visitor.rate])
    return visitor


def heard(street: Street, kind: type[Visitor]) -> Visitor:
    """A client in the middle of a reply."""
    visitor = asks(street, kind)
    visitor.wait_for_sound()
    return visitor


def ends(street: Street, kind: type[Visitor], chance: random.Random) -> None:
    asks(street, kind).end()


def closes(street: Street, kind: type[Visitor], chance: random.Random) -> None:
    heard(street, kind).close()


def shuts(street: Street, kind: type[Visitor], chance: random.Random) -> None:
    asks(street, kind).shut()


def resets(street: Street, kind: type[Visitor], chance: random.Random) -> None:
    visitor = kind(street.place, TOKEN)
    visitor.begin()
    said = street.said[visitor.rate]
    visitor.speak(said[: 2 * chance.randrange(len(said) // 2)])
    visitor.reset()


def dies(street: Street, kind: type[Visitor], chance: random.Random) -> None:
    visitor = heard(street, kind)
    time.sleep(chance.uniform(0, 0.5))
    visitor.reset()


def breaks_off(street: Street, kind: type[Visitor], chance: random.Random) -> None:
    asks(street, kind).half()


def resumes(street: Street, kind: type[Visitor], chance: random.Random) -> None:
    visitor = heard(street, kind)
    if kind is RealtimeVisitor:  # has no way back
        visitor.reset()
        return
    visitor.reset()
    again = visitor.back()
    chance.choice([again.end, again.close, again.reset])()


def says_nothing(street: Street, kind: type[Visitor], chance: random.Random) -> None:
    visitor = kind(street.place, TOKEN)
    visitor.begin()
    time.sleep(chance.uniform(0, 0.5))
    chance.choice([visitor.close, visitor.shut, visitor.reset])()


def never_starts(street: Street, kind: type[Visitor], chance: random.Random) -> None:
    visitor = kind(street.place, TOKEN)
    chance.choice([visitor.shut, visitor.reset])()


def reads_nothing(street: Street, kind: type[Visitor], chance: random.Random) -> None:
    visitor = kind(street.place, TOKEN)
    visitor.begin()
    visitor.speak(street.said[visitor.rate], deaf=True)
    time.sleep(DEAF_S)
    visitor.reset()


def is_refused(street: Street, kind: type[Visitor], chance: random.Random) -> None:
    visitor = kind(street.place, "not-the-token-of-it")
    if (code := visitor.wait_for_close()) != 1008:
        raise Unexpected(f"a wrong token was answered with {code}")
    visitor.shut()


def half_a_header(street: Street, kind: type[Visitor], chance: random.Random) -> None:
    with socket.create_connection(street.place, PATIENCE_S) as opened:
        opened.sendall(f"GET {kind.path} HTTP/1.1\r\nHost: 127.0".encode())


WAYS: tuple[Callable[[Street, type[Visitor], random.Random], None], ...] = (
    ends,
    closes,
    shuts,
    resets,
    dies,
    breaks_off,
    resumes,
    says_nothing,
    never_starts,
    reads_nothing,
    is_refused,
    half_a_header,
)
KINDS = (Visitor, RawVisitor, RealtimeVisitor)


def visit(street: Street, number: int, seed: int) -> None:
    """One client, by its number."""
    way, kind = WAYS[number % len(WAYS)], KINDS[number // len(WAYS) % len(KINDS)]
    name = f"{way.__name__} {kind.path}"
    street.counts[name] += 1
    try:
        way(street, kind, random.Random(f"{seed} {number}"))
    except (Unexpected, Refused, OSError) as error:
        street.wrong[f"{name}: {error}"] += 1


@dataclass
class Counts:
    """The server's figures after each batch."""

    clients: list[int] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    def take(self, clients: int, server: Process) -> None:
        self.clients.append(clients)
        self.rss.append(server.rss())
        self.threads.append(server.threads())
        self.descriptors.append(server.descriptors())

    def kb_a_client(self) -> float:
        """By a straight line after the first fifth."""
        first = len(self.rss) // 5
        clients, rss = np.array(self.clients[first:]), np.array(self.rss[first:])
        return float(np.polyfit(clients, rss, 1)[0]) / 1000 if len(rss) > 1 else 0.0

    def more(self, values: list[int]) -> int:
        """How many more there are at the end than after the first batch."""
        return values[-1] - values[0]


def empty(server: Process, tidy_s: float) -> None:
    """Wait until no session is left. Raises: Unexpected."""
    deadline = time.monotonic() + 3 * PATIENCE_S
    while sessions(server):
        if time.monotonic() > deadline:
            raise Unexpected(f"sessions do not end: {sessions(server)}")
        time.sleep(0.2)
    time.sleep(tidy_s)


def sessions(server: Process) -> list[Any]:
    asked = http.client.HTTPConnection(server.host, server.port, timeout=PATIENCE_S)
    asked.request("GET", "/status", headers={"Authorization": f"Bearer {TOKEN}"})
    found: dict[str, Any] = json.loads(asked.getresponse().read())
    asked.close()
    return list(found["sessions"])


def spoken(samples: Samples) -> dict[int, bytes]:
    """PCM16 of an utterance at 16 kHz and the silence after it, for each rate."""
    samples = np.pad(samples, (0, round(HUSH_S * RATE)))
    both = {RATE: samples, 24_000: soxr.resample(samples, RATE, 24_000)}
    return {rate: (each * 32767).astype("<i2").tobytes() for rate, each in both.items()}


def run(args: argparse.Namespace) -> dict[str, Any]:
    system, counts = scripted_server(args.vad, "--resume-for", str(RESUME_S)), Counts()
    with system.start(4 * args.at_once) as server:
        samples = recorded(bundled()).samples[: round(SAID_S * RATE)]
        street = Street((server.host, server.port), spoken(samples))
        batches = max(2, round(args.clients / args.batch))
        with ThreadPoolExecutor(args.at_once) as pool:
            for batch in range(batches):
                numbers = range(batch * args.batch, (batch + 1) * args.batch)
                list(pool.map(lambda number: visit(street, number, args.seed), numbers))
                empty(server, args.tidy)
                counts.take((batch + 1) * args.batch, server)
                if not args.json:
                    print(
                        counts.clients[-1],
                        counts.rss[-1],
                        counts.threads[-1],
                        counts.descriptors[-1],
                        flush=True,
                    )
    values = {
        "threads": counts.more(counts.threads),
        "descriptors": counts.more(counts.descriptors),
        "kB a client": round(counts.kb_a_client(), 2),
    }
    return {
        "clients": counts.clients[-1],
        "ways": len(street.counts),
        "wrong": dict(street.wrong),
        "rss_mib": [round(each / 2**20, 1) for each in counts.rss],
        "targets": {
            name: {"value": values[name], "target": limit, "met": values[name] <= limit}
            for name, limit in TARGETS.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=72, help="clients between two looks at the server")
    parser.add_argument(
        "--tidy", type=float, default=6.5, help="seconds for the server to collect what a batch has left"
    )
    parser.add_argument("--vad", default="vad.energy", help="the detector's node")
    parser.add_argument("--at-once", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    result = run(args)
    if args.json:
        print(json.dumps(result))
        return
    print({name: value for name, value in result.items() if name != "targets"})
    for name, found in result["targets"].items():
        print(f"{name}: {found['value']}, target {found['target']}: {'met' if found['met'] else 'MISSED'}")


if __name__ == "__main__":
    main()
