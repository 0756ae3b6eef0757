"""Count the remains of a reply after an interruption: packets at the sink, and samples that are played.

    python benchmarks/interrupt.py [--pipecat-python PYTHON] [--quick] [--json] [--picture FILE]

Packets: a generator fills four threads, whose sink takes a packet every 5 ms; it is flushed at seeded random
moments while the next question waits. Counted are the packets of the old reply that the sink takes after the
flush has returned, and the time from the flush to the first packet of the new reply. Then the same is done
beside a busy thread of pure Python, and with a node that blocks.

Samples: each chunk of a reply becomes 0.6 s of audio, whose sample values tell which reply it belongs to, and
is played into a file at the clock's pace. `tts.hibari` makes the chunks, or a stand-in for a TTS that blocks
for 200 ms a chunk in a C library (`time.sleep`). The recording gives the time from the interruption to the
last sample of the old reply, its samples after the flush had returned, and the first sample of the new reply.

pipecat does the same work with its own processors and its own InterruptionFrame. The blocking call is once in
its event loop, as in a plain processor, and once in a thread, as its authors advise. The file of its
transport holds the chunk that plays and one more, at most 80 ms, as a device must so as not to run dry.
pipecat cannot call that back, so up to 80 ms of its result is due to this. Install it with

    python -m venv VENV && VENV/bin/pip install torch==2.13.0
    VENV/bin/pip install pipecat-ai -e '.[speech]'

It takes 2.5 minutes for vflow, 5.5 with the peer.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import soundfile
from peers.vflow_interrupt import packets, samples
from speech.stamps import judge

PEER = Path(__file__).parent / "peers" / "pipecat_interrupt.py"
BLOCK_S = 0.2
PEER_MODES = {
    "pipecat, tts.hibari": "hibari",
    "pipecat, blocking in its loop": "loop",
    "pipecat, blocking in a thread": "thread",
}


def pauses(cuts: int, seed: int) -> list[float]:
    """Draw the seconds from each interruption to the next."""
    moments = random.Random(seed)
    return [moments.uniform(0.8, 2.2) for _ in range(cuts)]


def peer_samples(python: str, pauses: list[float], mode: str, folder: Path) -> dict[str, Any]:
    """Run `samples` in pipecat. Raises: RuntimeError, OSError."""
    wav, record = folder / "peer.wav", folder / "peer.json"
    command = [python, str(PEER), mode, json.dumps(pauses), str(wav), str(record)]
    environment = {**os.environ, "LOGURU_LEVEL": "ERROR"}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    if ended.returncode:
        raise RuntimeError(ended.stderr.strip().splitlines()[-1])
    recording, _ = soundfile.read(wav, dtype="int16")
    return judge(recording, [tuple(pair) for pair in json.loads(record.read_text())["flushed"]])


def targets(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the targets of an interruption."""
    idle, busy, blocking = (found["packets"][name] for name in ("idle", "busy thread", "blocking node"))
    played = found["samples"]
    stale = idle["stale"] + busy["stale"] + blocking["stale"]
    stale_samples = sum(
        values["stale_samples"] for name, values in played.items() if name.startswith("vflow")
    )
    values = {
        "fresh packet, p50 ms": (idle["fresh_ms"].get("p50", idle["fresh_ms"]["max"]), 1.0),
        "fresh packet, max ms": (idle["fresh_ms"]["max"], 2.0),
        "fresh packet beside a busy thread, max ms": (busy["fresh_ms"]["max"], 5.0),
        "stale packets": (stale, 0),
        "stale samples": (stale_samples, 0),
        "stop with a blocking TTS, max ms": (played["vflow, blocking"]["stop_ms"]["max"], 100.0),
    }
    return {name: {"value": v, "target": t, "met": v <= t} for name, (v, t) in values.items()}


def table(result: dict[str, Any]) -> str:
    """Format the result as text."""
    lines = ["packets: flush to the first fresh one, ms"]
    for name, found in result["packets"].items():
        lines.append(f"  {name:32} {line(found['fresh_ms'])}  stale packets {found['stale']}")
    lines.append("samples, ms: interruption to the last stale one | to the first fresh one")
    for name, found in result["samples"].items():
        stale = f"stale after it returned: {found['stale_samples']} ({found['stale_ms']} ms)"
        stale += f" in {found['cuts_with_stale']} of {found['cuts']}"
        lines.append(f"  {name:32} {line(found['stop_ms'])} | {line(found['fresh_ms'])}  {stale}")
    for name, target in result["targets"].items():
        verdict = "met" if target["met"] else "MISSED"
        lines.append(f"target {name}: {target['value']}, wanted {target['target']}: {verdict}")
    lines += [f"skipped: {reason}" for reason in result["skipped"]]
    return "\n".join(lines)


def line(figures: dict[str, Any]) -> str:
    return "  ".join(f"{name} {value}" for name, value in figures.items())


def picture(found: dict[str, Any], file: str) -> None:
    """Draw for each interruption when the last sample of the old reply sounded."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3), layout="constrained")
    for place, values in enumerate(found.values()):
        axes.plot(values["stop_all_ms"], [place] * len(values["stop_all_ms"]), "|", markersize=14)
    axes.set(xlabel="ms from the interruption to the last sample of the old reply", xlim=(-5, None))
    axes.set_yticks(range(len(found)), list(found))
    axes.set_ylim(-0.6, len(found) - 0.4)
    figure.savefig(file, dpi=150)


def machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cuts", type=int, default=30, help="interruptions of what is played, 1.5 s each")
    parser.add_argument("--flushes", type=int, default=300, help="flushes of the full chain, 55 ms each")
    parser.add_argument("--quick", action="store_true", help="5 interruptions, 40 flushes")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--pipecat-python", metavar="PYTHON", default="", help="one that has pipecat")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--picture", metavar="FILE", help="draw the stops (needs matplotlib)")
    args = parser.parse_args()
    cuts, flushes = (5, 40) if args.quick else (args.cuts, args.flushes)
    skipped: list[str] = []
    chain = {
        "idle": packets(flushes, args.seed),
        "busy thread": packets(flushes, args.seed, busy=True),
        "blocking node": packets(cuts, args.seed, block=f"{BLOCK_S * 1000:.0f}ms"),
    }
    played: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        moments = pauses(cuts, args.seed)
        runs: dict[str, Callable[[], dict[str, Any]]] = {
            "vflow, tts.hibari": partial(samples, moments, 0.0, folder),
            "vflow, blocking": partial(samples, moments, BLOCK_S, folder),
        }
        if args.pipecat_python:
            for name, mode in PEER_MODES.items():
                runs[name] = partial(peer_samples, args.pipecat_python, moments, mode, folder)
        else:
            skipped.append("pipecat: no --pipecat-python (the head of this file says how to install it)")
        for name, run in runs.items():
            print(f"samples: {name}", file=sys.stderr, flush=True)
            try:
                played[name] = run()
            except (OSError, RuntimeError) as error:
                skipped.append(f"{name}: {error}")
    result = {
        "machine": machine(),
        "date": datetime.date.today().isoformat(),
        "packets": chain,
        "samples": played,
        "skipped": skipped,
    }
    result["targets"] = targets(result)
    if args.picture:
        picture(played, args.picture)
    print(json.dumps(result) if args.json else table(result))


if __name__ == "__main__":
    main()
