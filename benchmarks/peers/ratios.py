"""The targets that are ratios of two systems' speed: T1 to T5, and T8."""

from __future__ import annotations

import statistics
from typing import Any

from peers.rounds import Ask, Bench, Figure, median, percentile

from vflow.runtime.pipeline import SWITCH_INTERVAL_S

SWITCH_MS = SWITCH_INTERVAL_S * 1e3
"""The switch interval that `Pipeline.start` sets. The threads of T2 and T3 get it too; the details also have
figures with CPython's own 5 ms."""


def t1(bench: Bench) -> None:
    size = bench.size(20_000, 2000)  # many short runs: some of them are not disturbed
    asks: dict[str, Ask] = {
        f"{system} {nodes}": (
            "vflow",
            "throughput",
            {"system": system, "nodes": nodes, "packets": size // per},
        )
        for system in ("direct", "fused", "loop")
        for nodes, per in ((5, 1), (50, 10))
    }
    rates = bench.rates("hop, packets/s", 41, asks, best=True)
    hop_ns = {s: (1e9 / rates[f"{s} 50"] - 1e9 / rates[f"{s} 5"]) / 45 for s in ("direct", "fused", "loop")}
    bench.detail["hop, ns"] = {system: round(value, 1) for system, value in hop_ns.items()}
    bench.figures["T1"] = Figure("fused hop / call by hand", hop_ns["fused"] / hop_ns["direct"], 1.3)


def t2(bench: Bench) -> None:
    ratios = []
    for nodes, packets in ((0, bench.size(60_000, 1000)), (5, bench.size(20_000, 500))):
        work = {"nodes": nodes, "packets": packets}
        asks: dict[str, Ask] = {
            "vflow": ("vflow", "throughput", {"system": "boundary", **work}),
            "queue": ("threads", "throughput", {"system": "queue", "switch_ms": SWITCH_MS, **work}),
            "condition": ("threads", "throughput", {"system": "condition", "switch_ms": SWITCH_MS, **work}),
            "vflow, 5 ms": ("vflow", "throughput", {"system": "boundary", "switch_ms": 5, **work}),
            "queue, 5 ms": ("threads", "throughput", {"system": "queue", **work}),
            "condition, 5 ms": ("threads", "throughput", {"system": "condition", **work}),
        }
        rates = bench.rates(f"boundaries {nodes + 1}, packets/s", 5, asks)
        ratios.append({label: rates["vflow"] / rate for label, rate in rates.items()})
    worst = {label: min(each[label] for each in ratios) for label in ratios[0]}
    bench.detail["vflow's throughput against"] = {label: round(value, 2) for label, value in worst.items()}
    what = "throughput / queue.Queue's, the worse of 1 and 6 boundaries"
    bench.figures["T2"] = Figure(what, worst["queue"], 1.5, at_least=True)


def t3(bench: Bench) -> None:
    systems: dict[str, tuple[str, dict[str, Any]]] = {
        "vflow": ("vflow", {"system": "boundary"}),
        "queue": ("threads", {"system": "queue", "switch_ms": SWITCH_MS}),
        "queue, 5 ms": ("threads", {"system": "queue"}),
        "GStreamer queue": ("gstreamer", {"system": "c-queue"}),
    }
    packets = bench.size(420, 40)
    answers = bench.turns(
        5,
        {
            f"{label} {nodes}": (peer, "paced", {**options, "nodes": nodes, "packets": packets})
            for label, (peer, options) in systems.items()
            for nodes in (1, 9)
        },
    )
    p50, p99 = {}, {}
    for label in systems:
        if f"{label} 9" in answers:
            # the slope from the real emission on: the lateness of the source itself is no cost of a boundary
            few, many = ([percentile(a["emitted_us"], 50) for a in answers[f"{label} {n}"]] for n in (1, 9))
            p50[label] = statistics.median((b - a) / 8 for a, b in zip(few, many, strict=True))
            p99[label] = median(answers[f"{label} 9"], lambda a: percentile(a["due_us"], 99))
    bench.detail["boundary p50, us"] = {label: round(value, 1) for label, value in p50.items()}
    bench.detail["ten boundaries p99, us"] = {label: round(value) for label, value in p99.items()}
    bench.compare("T3.p50", "boundary p50 / queue.Queue's", p50["vflow"], p50["queue"], 1.05)
    bench.compare("T3.p99", "ten boundaries p99 / queue.Queue's", p99["vflow"], p99["queue"], 1.2)
    if "GStreamer queue" in p50:
        what = "boundary p50 / GStreamer's C queue"
        bench.compare("T3.gstreamer", what, p50["vflow"], p50["GStreamer queue"], 1.3)


def t4(bench: Bench) -> None:
    packets, slow = bench.size(40_000, 500), bench.size(3000, 100)
    paced = {"packets": bench.size(420, 40), "nodes": 10}
    rates = bench.rates(
        "twelve nodes, packets/s",
        3,
        {
            "vflow": ("vflow", "throughput", {"system": "voice", "packets": packets}),
            "pipecat": ("pipecat", "throughput", {"nodes": 10, "packets": slow}),
        },
    )
    answers = bench.turns(
        3,
        {
            "vflow": ("vflow", "paced", {"system": "voice", **paced}),
            "pipecat": ("pipecat", "paced", paced),
        },
    )
    # from the real emission: asyncio's timers are late by up to 1 ms, which is not pipecat's fault
    found = {
        what: {label: median(each, value) for label, each in answers.items()}
        for what, value in (
            ("p50, us", lambda a: percentile(a["emitted_us"], 50)),
            ("p99, us", lambda a: percentile(a["emitted_us"], 99)),
            ("CPU a packet, us", lambda a: a["cpu_us"]),
        )
    }
    for what, each in found.items():
        bench.detail[f"twelve nodes, {what}"] = {label: round(value) for label, value in each.items()}
    if "pipecat" not in answers:
        return
    latency, cpu = found["p50, us"], found["CPU a packet, us"]
    ratio = rates["vflow"] / rates["pipecat"]
    bench.figures["T4.throughput"] = Figure("twelve nodes, throughput / pipecat's", ratio, 20, at_least=True)
    bench.figures["T4.latency"] = Figure("its p50 / pipecat's", latency["vflow"] / latency["pipecat"], 1 / 3)
    bench.figures["T4.cpu"] = Figure("its CPU a packet / pipecat's", cpu["vflow"] / cpu["pipecat"], 1 / 2)


def t5(bench: Bench) -> None:
    fast = {"packets": bench.size(60_000, 1000)}
    middle = {"packets": bench.size(20_000, 500)}
    slow = {"packets": bench.size(3000, 200)}
    rates = bench.rates(
        "five nodes, packets/s",
        3,
        {
            "vflow, one thread": ("vflow", "throughput", {"system": "fused", **fast}),
            "GStreamer Python": ("gstreamer", "throughput", {"system": "python", **slow}),
            "GStreamer C": ("gstreamer", "throughput", {"system": "c", **fast}),
            "vflow, boundaries": ("vflow", "throughput", {"system": "boundary", **middle}),
            "GStreamer Python, queues": ("gstreamer", "throughput", {"system": "python-queue", **slow}),
            "GStreamer C, queues": ("gstreamer", "throughput", {"system": "c-queue", **fast}),
            "pipecat": ("pipecat", "throughput", slow),
        },
    )
    if "GStreamer Python" in rates:
        fused = rates["vflow, one thread"] / rates["GStreamer Python"]
        queued = rates["vflow, boundaries"] / rates["GStreamer Python, queues"]
        bench.figures["T5.fused"] = Figure("fused / GStreamer's Python elements", fused, 50, at_least=True)
        bench.figures["T5.queued"] = Figure("boundaries / the same with queues", queued, 15, at_least=True)


def t8(bench: Bench) -> None:
    work = {"packets": bench.size(40_000, 500)}
    asks: dict[str, Ask] = {
        "off": ("vflow", "throughput", {"system": "voice", **work}),
        "on": ("vflow", "throughput", {"system": "voice", "observed": True, **work}),
        "posted": ("vflow", "throughput", {"system": "told", "observed": True, **work}),
    }
    rates = bench.rates("instrumented, packets/s", 11, asks, best=True)
    bench.detail["a packet on the bus, us"] = round(1e6 / rates["posted"] - 1e6 / rates["on"], 2)
    cost = max(0.0, 1 - rates["on"] / rates["off"]) * 100
    bench.figures["T8"] = Figure("throughput lost to a listener and live counters", cost, 10, "%")
