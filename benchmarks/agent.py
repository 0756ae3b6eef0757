"""Measure the latencies of `pipelines/voice_agent.yaml` in recordings, and of the same models in pipecat.

    python benchmarks/agent.py [--pipecat-python PYTHON] [--quick] [--json] [--picture FILE]

Three scenes at a microphone's pace, the same for every system, each in turn:

* conversation: questions by `tts.hibari`, human clips before them where VFLOW_SPEECH names their folder;
* interruptions: each question falls into the reply to the one before, at a seeded random moment;
* disturbances: coughs, knocks, typing and a fan during the replies, none of which is speech.

There is no echo here: `echo.py` measures how the agent reacts to its own voice.

The systems are vflow without speculation, vflow with it, and pipecat: once with chunks of words as vflow's
word buffer makes them, once by sentences, its default. The conversation has two halves, in the order
A B C D A B C D, so that a busy minute affects all systems. With the defaults a system takes 6.5 minutes, four
take 26; with --turns 60 --interruptions 60, for the p95s, 62. Install the peer with

    python -m venv VENV && VENV/bin/pip install torch==2.13.0
    VENV/bin/pip install pipecat-ai -e '.[speech]'

Latencies are shown with false cuts, misses and false barge-ins, and mean nothing without them. A p50 needs 20
samples, a p95 59, a p99 299; with fewer the maximum is shown.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers.vflow_agent import converse
from speech import scenes
from speech.ear import COUNTS, Ear, Found, Record
from speech.scenes import Scene

from vflow import load
from vflow.graph.overrides import StandIns
from vflow.report.recordings import summary
from vflow_nodes.lib.moonshine import Transcriber, bundled

HERE = Path(__file__).parent
GRAPH = HERE.parent / "pipelines" / "voice_agent.yaml"
PEER = HERE / "peers" / "pipecat_agent.py"
WAIT_S = 0.48
MAX_TOKENS, TALKATIVE = 20, 48
"""Tokens of a reply in conversation, and of one that is to be interrupted or disturbed."""
GAP_S = 7.0
"""Time between two questions: longer than a reply of MAX_TOKENS, so that none is interrupted."""
REPLY_S = 9.0
"""Time for a disturbed reply of TALKATIVE tokens."""
LATENCIES = (
    "endpoint", "first_word", "word_to_audio", "compute", "v2v", "detect", "stop", "talk_over",
)  # fmt: skip
EFFORT = ("attempts", "wasted_words")
CUT = ("detect", "stop", "talk_over")
"""Latencies that are measured in the scene of interruptions."""


class PeerFailed(Exception):
    """Raised if the peer ended with an error; the text is the last line of its output."""


@dataclass(frozen=True, slots=True)
class System:
    """A system to measure: vflow with some properties set, or pipecat with arguments."""

    name: str
    arguments: tuple[str, ...]
    pipecat: str = ""

    def run(self, heard: Path, said: Path, max_tokens: int) -> Record:
        if self.pipecat:
            return self._run_pipecat(heard, said, max_tokens)
        overrides = {"generator.max_tokens": str(max_tokens)}
        overrides |= dict(argument.split("=") for argument in self.arguments)
        stand_ins: StandIns = {
            "mic": ("wav_source", {"file": str(heard)}),
            "speaker": ("wav_sink", {"file": str(said)}),
        }
        return converse(load(GRAPH, overrides=overrides, stand_ins=stand_ins))

    def _run_pipecat(self, heard: Path, said: Path, max_tokens: int) -> Record:
        record = said.with_suffix(".json")
        words = [str(heard), str(said), str(record), "--max-tokens", str(max_tokens), "--wait", str(WAIT_S)]
        command = [self.pipecat, str(PEER), *words, *self.arguments]
        environment = {**os.environ, "LOGURU_LEVEL": "ERROR"}
        ended = subprocess.run(command, capture_output=True, text=True, env=environment)
        if ended.returncode:
            raise PeerFailed(f"{self.name}: {ended.stderr.strip().splitlines()[-1]}")
        return Record(**json.loads(record.read_text()))


def systems(pipecat: str) -> tuple[list[System], list[str]]:
    """Return the systems that can be run here, and a line with the reason for each that is skipped."""
    wait = f"vad.speech_end_after={WAIT_S * 1000:.0f}ms"
    found = [
        System("vflow", (wait, "vad.speculate=false")),
        System("vflow, speculation", (wait, "vad.speculate=true")),
    ]
    skipped: list[str] = []
    if not pipecat:
        skipped.append("pipecat: no --pipecat-python (the head of this file says how to install it)")
        return found, skipped
    try:
        probe = [pipecat, "-c", "import pipecat, vflow_nodes"]
        subprocess.run(probe, capture_output=True, text=True, check=True)
    except OSError as error:
        skipped.append(f"pipecat: {error}")
    except subprocess.CalledProcessError as error:
        skipped.append(f"pipecat: {error.stderr.strip().splitlines()[-1]}")
    else:
        found += [System(f"pipecat, {how}", ("--chunks", how), pipecat) for how in ("words", "sentences")]
    return found, skipped


@dataclass(frozen=True, slots=True)
class Take:
    """One scene, and how it is judged."""

    name: str
    scene: Scene
    max_tokens: int
    interrupting: bool = False


def takes(turns: int, interruptions: int, disturbed: int, seed: int) -> list[Take]:
    """Return the scenes in order: half of the conversation, the other scenes, the other half."""
    said = scenes.clips(turns, human=True)
    prompts = scenes.clips(max(interruptions + 1, disturbed), human=False, texts=scenes.PROMPTS)
    halves = [said[::2], said[1::2]]  # human clips in both
    found = [Take("conversation", scenes.conversation(half, GAP_S), MAX_TOKENS) for half in halves if half]
    if interruptions:
        scene = scenes.interruptions(prompts[: interruptions + 1], seed, REPLY_S)
        found.insert(1, Take("interruptions", scene, TALKATIVE, interrupting=True))
    if disturbed:
        scene = scenes.disturbances(prompts[:disturbed], seed, REPLY_S)
        found.insert(2, Take("disturbances", scene, TALKATIVE))
    return found


def measure(
    able: Sequence[System], planned: Sequence[Take], keep: Path | None, skipped: list[str]
) -> dict[str, dict[str, Found]]:
    """Measure, and return the findings by system and scene. A peer that fails is left out, and its reason
    added to `skipped`."""
    folder = bundled()
    assert folder is not None, "moonshine-voice is not installed: pip install -e '.[speech]'"
    transcriber = Transcriber(folder)
    results: dict[str, dict[str, Found]] = {system.name: {} for system in able}
    with tempfile.TemporaryDirectory() as scratch:
        root = keep or Path(scratch)
        root.mkdir(parents=True, exist_ok=True)
        for number, take in enumerate(planned):
            heard = root / f"{number}-{take.name}.wav"
            take.scene.write(heard)
            for system in able:
                if system.name not in results:
                    continue
                note(f"{take.name}, {take.scene.ns / 1e9:.0f} s: {system.name}")
                said = root / f"{number}-{take.name}-{system.name.replace(', ', '-')}.wav"
                try:
                    record = system.run(heard, said, take.max_tokens)
                except PeerFailed as error:
                    skipped.append(str(error))
                    del results[system.name]
                    continue
                found = Ear(take.scene, said, record, transcriber.text).find(take.interrupting)
                results[system.name].setdefault(take.name, Found()).add(found)
    return results


def note(text: str) -> None:
    """Print progress to stderr, apart from the result."""
    print(text, file=sys.stderr, flush=True)


def report(scenes: dict[str, Found]) -> dict[str, Any]:
    """Return one system's figures. Latencies up to v2v come from the conversation, in which no reply is
    cut."""
    talk, cut = scenes.get("conversation", Found()), scenes.get("interruptions", Found())
    latency = {
        name: summary([*talk.latencies.get(name, ()), *(cut.latencies.get(name, ()) if name in CUT else ())])
        for name in LATENCIES
    }
    errors = {
        # if the reply is not cut this is the transcriber's error, shown beside the other for comparison
        "interrupted": [t["cut_error"] for t in cut.turns if "cut_error" in t],
        "whole": [t["heard_error"] for t in talk.turns if "heard_error" in t],
    }
    hits = [t["compute_ms"] for t in talk.turns if speculated(t) == "hit" and "compute_ms" in t]
    return {
        "latency_ms": latency,
        "compute_on_hit_ms": summary(hits),
        "speculation": {
            **Counter(map(speculated, talk.turns)),
            **{name: sum(t["speculation"].get(name, 0) for t in talk.turns) for name in EFFORT},
        },
        "heard_error_words": {
            name: {"n": len(e), "max": max(e), "mean": sum(e) / len(e)} for name, e in errors.items() if e
        },
        "counts": {name: {count: getattr(f, count) for count in COUNTS} for name, f in scenes.items()},
        "agent_sounding_s": {name: round(f.sounding_s, 1) for name, f in scenes.items()},
        "cpu_s_per_minute": {name: round(60 * f.cpu_s / f.wall_s, 2) for name, f in scenes.items()},
        "turns": {name: f.turns for name, f in scenes.items()},
    }


def speculated(turn: dict[str, Any]) -> str:
    """Return the result of speculation in a turn: `hit`, `miss` or `none`."""
    result: str = turn["speculation"].get("result", "none")
    return result


def targets(reports: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the agent's targets. With too few samples for a quantile, the maximum takes its place."""
    goals: dict[str, dict[str, Any]] = {}

    def goal(name: str, figures: dict[str, Any], quantile: str, limit: float) -> None:
        basis = quantile if quantile in figures else f"max of {figures['n']}"
        value = figures.get(quantile, figures.get("max"))
        met = value is not None and value <= limit
        goals[name] = {"value": value, "target": limit, "met": met, "basis": basis}

    plain, eager = reports["vflow"], reports.get("vflow, speculation")
    goal("v2v_p50_ms", plain["latency_ms"]["v2v"], "p50", 900)
    if eager:
        tally = eager["speculation"]
        hits = tally.get("hit", 0) / sum(tally.get(kind, 0) for kind in ("hit", "miss", "none"))
        counts = eager["counts"]["conversation"]
        cuts = counts["false_cuts"] / counts["utterances"]
        goal("speculation_v2v_p50_ms", eager["latency_ms"]["v2v"], "p50", 650)
        goal("speculation_v2v_p95_ms", eager["latency_ms"]["v2v"], "p95", 900)
        goal("compute_on_hit_p50_ms", eager["compute_on_hit_ms"], "p50", 30)
        goals["false_cuts"] = {"value": cuts, "target": 0.05, "met": cuts <= 0.05}
        goals["hits"] = {"value": hits, "target": 0.8, "met": hits >= 0.8}
    shipped = eager or plain
    for name, quantile, limit in (("stop", "max", 20), ("talk_over", "p95", 400)):
        goal(f"{name}_{quantile}_ms", shipped["latency_ms"][name], quantile, limit)
    barges = sum(counts["false_barge_ins"] for counts in shipped["counts"].values())
    goals["false_barge_ins"] = {"value": barges, "target": 0, "met": barges == 0}
    worst = shipped["heard_error_words"].get("interrupted", {}).get("max")
    goals["heard_error_words"] = {"value": worst, "target": 1, "met": worst is not None and worst <= 1}
    return goals


def cell(figures: dict[str, Any]) -> str:
    """Format a latency for the table."""
    if not figures["n"]:
        return "-"
    quantiles = "  ".join(f"{name} {figures[name]:.0f}" for name in ("p50", "p95", "p99") if name in figures)
    return f"{quantiles}  max {figures['max']:.0f}  n {figures['n']}".strip()


def table(result: dict[str, Any]) -> str:
    """Format the result as text."""
    reports = result["systems"]
    rows = [["ms, from the recordings", *reports]]
    rows += [[name, *(cell(r["latency_ms"][name]) for r in reports.values())] for name in LATENCIES]
    rows.append(["compute on a hit", *(cell(r["compute_on_hit_ms"]) for r in reports.values())])
    tallies = [r["speculation"].items() for r in reports.values()]
    told = [", ".join(f"{kind} {count}" for kind, count in tally) for tally in tallies]
    rows.append(["speculation", *told])
    for kind in ("interrupted", "whole"):
        errors = [r["heard_error_words"].get(kind) for r in reports.values()]
        shown = [f"mean {e['mean']:.2f}  max {e['max']}  n {e['n']}" if e else "-" for e in errors]
        rows.append([f"heard_error, words, {kind}", *shown])
    for scene in next(iter(reports.values()))["counts"]:
        rows.append([f"-- {scene}", *("" for _ in reports)])
        for count in COUNTS:
            rows.append([count, *(str(r["counts"][scene][count]) for r in reports.values())])
        rows.append(["agent sounding, s", *(str(r["agent_sounding_s"][scene]) for r in reports.values())])
        rows.append(["CPU s a minute", *(str(r["cpu_s_per_minute"][scene]) for r in reports.values())])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    padded = [[text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in rows]
    lines = ["  ".join(row).rstrip() for row in padded]
    for name, target in result["targets"].items():
        basis = f" ({target['basis']})" if "basis" in target else ""
        verdict = "met" if target["met"] else "MISSED"
        lines.append(f"target {name}: {target['value']}{basis}, wanted {target['target']}: {verdict}")
    lines += [f"skipped: {reason}" for reason in result["skipped"]]
    return "\n".join(lines)


def picture(v2v_ms: dict[str, list[float]], file: str) -> None:
    """Draw v2v of all turns, a cumulative curve for each system."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    for name, values in v2v_ms.items():
        ordered = sorted(values)
        shares = [(place + 1) / len(ordered) for place in range(len(ordered))]
        axes.step(ordered, shares, where="post", label=name)
    axes.set(xlabel="voice to voice, ms", ylabel="share of turns", xlim=(0, None), ylim=(0, 1))
    axes.legend(frameon=False)
    figure.savefig(file, dpi=150)


def machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=20, help="utterances of the conversation, 10.5 s each")
    parser.add_argument("--interruptions", type=int, default=20, help="4.5 s each")
    parser.add_argument("--disturbed", type=int, default=6, help="replies with noises, 13 s each")
    parser.add_argument("--quick", action="store_true", help="4 turns, 4 interruptions, 1 disturbed")
    parser.add_argument("--seed", type=int, default=1, help="of the interruptions and noises")
    parser.add_argument("--pipecat-python", metavar="PYTHON", default="", help="one that has pipecat")
    parser.add_argument(
        "--only", metavar="NAME", action="append", default=[], help="run this system (repeatable)"
    )
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="leave the recordings there")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--picture", metavar="FILE", help="draw v2v (needs matplotlib)")
    args = parser.parse_args()
    turns, interruptions, disturbed = args.turns, args.interruptions, args.disturbed
    if args.quick:
        turns, interruptions, disturbed = 4, 4, 1
    able, skipped = systems(args.pipecat_python)
    if args.only:
        able = [system for system in able if system.name in args.only]
    planned = takes(turns, interruptions, disturbed, args.seed)
    minutes = len(able) * sum(take.scene.ns for take in planned) / 60e9
    note(f"{len(able)} systems, about {minutes:.0f} minutes")
    results = measure(able, planned, args.keep, skipped)
    reports = {name: report(found) for name, found in results.items()}
    result = {
        "machine": machine(),
        "date": datetime.date.today().isoformat(),
        "systems": reports,
        "targets": targets(reports) if "vflow" in reports else {},
        "skipped": skipped,
    }
    if args.picture:
        talks = {name: scenes["conversation"] for name, scenes in results.items()}
        picture({name: talk.latencies.get("v2v", []) for name, talk in talks.items()}, args.picture)
    print(json.dumps(result) if args.json else table(result))


if __name__ == "__main__":
    main()
