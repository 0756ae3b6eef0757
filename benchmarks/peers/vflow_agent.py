"""Run a graph for `benchmarks/agent.py`, and record what it did."""

from __future__ import annotations

import time

from speech.ear import Record

from vflow import Graph, Pipeline
from vflow.report.turn_log import TurnLog


def converse(graph: Graph) -> Record:
    """Run a graph to its end; return the record of its run."""
    pipeline, log = Pipeline(graph), TurnLog(graph)
    flushes: list[int] = []
    pipeline.bus.listen(log.listen)
    pipeline.bus.listen(lambda message: flushes.append(message.at_ns) if message.kind == "flush" else None)
    with pipeline:
        cpu_s, begun_s = time.process_time(), time.monotonic()
        pipeline.wait()
        cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - begun_s
    turns = [turn for turn in log.snapshot() if "decided" in turn.at_ns]
    replies = [
        {
            "decided_ns": turn.at_ns["decided"],
            "first_word_ns": turn.at_ns.get("first_word"),
            "text": turn.reply,
            "heard": turn.heard,
            "speculation": turn.speculation.as_dict(),
        }
        for turn in turns
    ]
    starts = [turn.at_ns["speech_start"] for turn in turns]
    ends = [turn.at_ns["decided"] for turn in turns]
    return Record(starts, ends, flushes, replies, cpu_s, wall_s)
