"""Compare the runtime with its peers: targets T1 to T10, as ratios measured in one run.

    python benchmarks/core.py [--only T1,T2] [--quick] [--json] [--picture FILE]
                              [--pipecat-python PYTHON] [--gstreamer-python PYTHON]

The work is 20 ms blocks of 16 kHz mono audio through pass-through nodes. Every system is a program of its own
(`benchmarks/peers/`), warmed up, then asked in turn, A B A B. A figure is the median of its rounds; for T1
and T8 it is the best. A peer that is not installed is skipped, with a note on how to install it. The full run
takes four minutes.

| | compared |
|---|---|
| T1 | a fused hop with the same nodes called by hand; the slope from 5 to 50 nodes |
| T2 | packets a second through a chain with a thread a node: queue.Queue's at the same switch interval |
| T3 | latency of a boundary, p50: the slope from 1 to 9 nodes; of ten, p99 from the intended time |
| T4 | a voice agent's twelve nodes at default settings with twelve processors of pipecat |
| T5 | five nodes with GStreamer's, whose elements are written in Python |
| T6 | 200 flushes of a reply under load; 20 of a recorded one, while a node blocks 200 ms a packet |
| T7 | how old a block is when a node begins on it that needs 1.5 times as long as a block lasts |
| T8 | a listener on the bus, and the counters read ten times a second, with neither of them |
| T9, T10 | what `startup.py` and `sessions.py` print |
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import chart
from peers.client import Peer, PeerError
from peers.ratios import t1, t2, t3, t4, t5, t8
from peers.rounds import Bench, Figure, percentile

HERE = Path(__file__).parent
DEBIAN = "/usr/bin/python3"


def t6(bench: Bench) -> None:
    flushes = bench.size(200, 10)
    stale = 0
    for label, busy in (("under load", False), ("busy thread", True)):
        answer = bench.need("flush", "under_load", flushes=flushes, busy=busy)
        fresh_ms = [us / 1e3 for us in answer["fresh_us"]]
        stale += answer["stale"]
        bench.detail[f"flush to fresh, {label}, ms"] = [round(value, 3) for value in fresh_ms]
        p50, last = percentile(fresh_ms, 50), max(fresh_ms)
        if busy:
            bench.figures["T6.busy"] = Figure(f"with a busy thread, max of {flushes}", last, 5, "ms")
            bench.detail["flush to fresh, busy thread, p50 ms"] = round(p50, 3)
        else:
            bench.figures["T6.p50"] = Figure("flush to first fresh packet, p50", p50, 1, "ms")
            bench.figures["T6.max"] = Figure(f"the same, max of {flushes}", last, 2, "ms")
    bench.figures["T6.stale"] = Figure(f"stale packets in {2 * flushes} flushes", stale, 0, "")
    answer = bench.need("flush", "at_the_samples", flushes=bench.size(20, 2))
    bench.detail["at the samples, ms"] = answer
    worst = max(answer["stop_ms"])
    bench.figures["T6.samples"] = Figure("last old sample, a node blocks 200 ms, max", worst, 100, "ms")


def t7(bench: Bench) -> None:
    seconds, limit_ms = bench.size(10, 1), 200
    ages: dict[str, list[tuple[float, float]]] = {}
    for bound in ("time", "max_age"):
        ages[bound] = bench.need("vflow", "overload", seconds=seconds, bound=bound, ms=limit_ms)["ages_ms"]
        what = f"age under 1.5x overload, {bound}: {limit_ms}ms"
        oldest_ms = round(max(age for _, age in ages[bound]), 1)  # from the link into the node: some 20 us
        bench.figures[f"T7.{bound}"] = Figure(what, oldest_ms, limit_ms, "ms")
    peer = bench.ask(("pipecat", "overload", {"seconds": seconds}))
    if peer is not None:
        ages["pipecat"] = peer["ages_ms"]
    bench.detail["age under overload, ms"] = ages


def t9(bench: Bench) -> None:
    told = script("startup.py")
    for name, target in told["targets"].items():
        what = {"help": "vflow --help over a bare interpreter", "check_100": "vflow check, 100 nodes"}[name]
        bench.figures[f"T9.{name}"] = Figure(what, target["value"], target["target"], "ms")
    command = [sys.executable, "-X", "importtime", "-m", "vflow.cli.main", "--help"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    imported = {line.rpartition("|")[2].strip() for line in said.splitlines()}
    heavy = sorted(imported & {"numpy", "networkx", "torch"})
    bench.detail["heavy imports of --help"] = heavy
    bench.figures["T9.imports"] = Figure("numpy, networkx, torch imported for it", len(heavy), 0, "")


def t10(bench: Bench) -> None:
    if not (HERE / "sessions.py").exists():
        bench.skipped["sessions"] = "sessions.py is not there"
        return
    told = script("sessions.py", "--sessions", str(bench.size(1000, 20)))
    bench.detail["sessions"] = told
    for name, target in told["targets"].items():
        part = name.removeprefix("T10_")
        what = f"{part.replace('_', ' ')}, of pipelines started and stopped"
        bench.figures[f"T10.{part}"] = Figure(what, target["value"], target["target"], "")


def script(name: str, *words: str) -> dict[str, Any]:
    """Run another benchmark with --json; return its result."""
    command = [sys.executable, str(HERE / name), "--json", *words]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    told: dict[str, Any] = json.loads(printed)
    return told


TARGETS: dict[str, Callable[[Bench], None]] = {
    "T1": t1, "T2": t2, "T3": t3, "T4": t4, "T5": t5, "T6": t6, "T7": t7, "T8": t8, "T9": t9, "T10": t10,
}  # fmt: skip


def result(bench: Bench) -> dict[str, Any]:
    """Return the object that --json prints."""
    targets = {
        name: {**asdict(figure), "value": round(figure.value, 3), "met": figure.met}
        for name, figure in bench.figures.items()
    }
    machine = {
        "cores": os.cpu_count(),
        "cpu": platform.machine(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }
    return {
        "machine": machine,
        "date": date.today().isoformat(),
        "targets": targets,
        "detail": bench.detail,
        "skipped": [f"{name}: {reason}" for name, reason in bench.skipped.items()],
    }


def table(bench: Bench) -> str:
    lines = []
    for name, figure in bench.figures.items():
        sign = ">=" if figure.at_least else "<="
        value, target = f"{figure.value:.4g} {figure.unit}", f"{sign} {figure.target:.3g}"
        lines.append(
            f"{name:23} {figure.what:60} {value:>10}  {target:>8}  {'met' if figure.met else 'MISSED'}"
        )
    for name, each in bench.detail.items():
        if isinstance(each, dict) and all(isinstance(value, int | float) for value in each.values()):
            lines.append(f"{name:28} " + "  ".join(f"{label} {value:,}" for label, value in each.items()))
    lines += [f"skipped {name}: {reason}" for name, reason in bench.skipped.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(TARGETS), help="such as T1,T2")
    parser.add_argument("--quick", action="store_true", help="a look: too small for figures")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--picture", metavar="FILE", help="draw it (png, svg; needs matplotlib)")
    parser.add_argument("--pipecat-python", metavar="PYTHON", default="", help="one that has pipecat-ai")
    parser.add_argument(
        "--gstreamer-python", metavar="PYTHON", default=DEBIAN, help="one that has GStreamer's bindings"
    )
    args = parser.parse_args()
    wanted = args.only.split(",")
    if unknown := set(wanted) - TARGETS.keys():
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    if args.picture and importlib.util.find_spec("matplotlib") is None:
        parser.error("--picture needs matplotlib: pip install matplotlib")
    own = {name: Peer(name, sys.executable) for name in ("vflow", "flush", "threads")}
    others = {"pipecat": args.pipecat_python, "gstreamer": args.gstreamer_python}
    peers = own | {name: Peer(name, python, optional=True) for name, python in others.items()}
    bench = Bench(peers, args.quick)
    try:
        for name in wanted:
            TARGETS[name](bench)
    except PeerError as error:
        sys.exit(f"core.py: {error}")
    finally:
        for peer in peers.values():
            peer.close()
    if args.picture:
        chart.draw(result(bench), args.picture)
    print(json.dumps(result(bench)) if args.json else table(bench))


if __name__ == "__main__":
    main()
