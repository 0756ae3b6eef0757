"""Latencies of `pipelines/voice_agent.yaml` over paced turns, found in the recorded output.

    python benchmarks/agent.py [--turns 20] [--json]

Questions are spoken by `tts.hibari`, in one session, at a microphone's pace; with VFLOW_SPEECH set, human
clips come first. A p50 needs 20 samples; below that the maximum is shown. False cuts (more turns than
utterances) and misses stand beside the latencies, which mean nothing without them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from hibari import Hibari

from vflow import MS, Pipeline, Samples, load
from vflow.turns import LATENCIES, TurnLog

RATE = 16000
GAP_S = 9.0
"""Between two questions: longer than a reply of 24 tokens, so that none is interrupted."""
GRAPH = Path(__file__).parents[1] / "pipelines" / "voice_agent.yaml"
QUESTIONS = (
    "What is the capital of France?",
    "Who wrote the play Hamlet?",
    "How many days are there in a week?",
    "What is the largest planet?",
    "Can you tell me a fact about cats?",
    "What do bees make?",
    "Where does the sun rise?",
    "What is your favourite colour?",
    "How do I boil an egg?",
    "Why is the sky blue?",
)
HUMAN = ("livekit_weather_question.wav", "ps_goforward.wav", "librivox_austen_0880.wav")
TARGETS_MS = {"v2v": 900.0}


def clips(turns: int) -> list[Samples]:
    """One utterance a turn, `(n,) float32` at RATE."""
    found: list[Samples] = []
    if "VFLOW_SPEECH" in os.environ:
        for name in HUMAN:
            samples, rate = soundfile.read(Path(os.environ["VFLOW_SPEECH"]) / name, dtype="float32")
            found.append(soxr.resample(samples, rate, RATE).astype(np.float32))
    voice = Hibari()
    for number in range(turns - len(found)):
        text = QUESTIONS[number % len(QUESTIONS)]
        found.append(soxr.resample(voice(text, seed=number), 24000, RATE).astype(np.float32))
    return found


def converse(utterances: list[Samples], folder: Path) -> TurnLog:
    """Play the utterances to the agent, and listen to what it answers."""
    gap = np.zeros(int(GAP_S * RATE), np.float32)
    heard, said = folder / "in.wav", folder / "out.wav"
    soundfile.write(heard, np.concatenate([part for u in utterances for part in (gap[:RATE], u, gap)]), RATE)
    stand_ins = {"mic": ("wav_source", {"file": str(heard)}), "speaker": ("wav_sink", {"file": str(said)})}
    graph = load(GRAPH, overrides={"generator.max_tokens": "24"}, stand_ins=stand_ins)
    pipeline, log = Pipeline(graph), TurnLog(graph)
    pipeline.bus.listen(log.listen)
    with pipeline:
        pipeline.wait()
    log.refine(heard, said)
    return log


def summary(values: list[float]) -> dict[str, Any]:
    """Median and p95 as far as the number of samples allows, and the maximum."""
    figures: dict[str, Any] = {"n": len(values), "max": round(max(values), 1)} if values else {"n": 0}
    if len(values) >= 20:
        figures["p50"] = round(statistics.median(values), 1)
    if len(values) >= 59:
        figures["p95"] = round(statistics.quantiles(values, n=20)[-1], 1)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=20, help="utterances, about 12 s each")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    utterances = clips(args.turns)
    with tempfile.TemporaryDirectory() as folder:
        log = converse(utterances, Path(folder))
    turns = list(log.turns.values())
    latency = {
        name: summary([ns / MS for turn in turns if (ns := turn.latency_ns(name)) is not None])
        for name in LATENCIES
    }
    targets = {
        name: {
            "value": latency[name].get("p50"),
            "target": limit,
            "met": latency[name].get("p50", 1e9) <= limit,
        }
        for name, limit in TARGETS_MS.items()
    }
    result = {
        "utterances": len(utterances),
        "turns": len(turns),
        "interrupted": sum(turn.interrupted for turn in turns),
        "unanswered": sum(not turn.heard for turn in turns),
        "latency_ms": latency,
        "targets": targets,
    }
    if args.json:
        print(json.dumps(result))
        return
    for name in ("utterances", "turns", "interrupted", "unanswered"):
        print(f"{name:14} {result[name]}")
    for name, figures in latency.items():
        print(f"{name:14} " + "  ".join(f"{key} {value}" for key, value in figures.items()))
    for name, target in targets.items():
        print(f"target {name} p50 <= {target['target']:.0f} ms: {'met' if target['met'] else 'MISSED'}")


if __name__ == "__main__":
    main()
