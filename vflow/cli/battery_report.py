"""Show a battery: a line for each kind of scenes, then each fault; or one JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vflow.bench.battery.battery_run import SceneResult
from vflow.bench.battery.outcome import Verdict
from vflow.bench.battery.shares import ALL, FORMAT, Share, time_of
from vflow.bench.machine import machine
from vflow.bench.verdict import spread
from vflow.graph.graph import Graph
from vflow.packet import SECOND
from vflow.report.turn import in_ms

TIMES = {
    "answer": "last sound to answer",
    "silent": "onset to silence",
    "flush": "to flush",
    "hole": "held",
}
"""The times of `Outcome`, as the table names them."""


def result(
    graph: Graph,
    results: Sequence[SceneResult],
    found: Sequence[Share],
    losses: Sequence[str],
    complete: bool,
    fast: bool,
) -> dict[str, Any]:
    """Return the battery as `--json` prints it."""
    return {
        "battery": FORMAT,
        "pipeline": graph.file,
        "resolved": graph.resolved(),
        "machine": machine(),
        "time": time_of(fast),
        "complete": complete,
        "kinds": {share.kind: share.as_dict() for share in found},
        "worse": list(losses),
        "scenes": [_scene(one) for one in results],
    }


def _scene(one: SceneResult) -> dict[str, Any]:
    scene = one.played.scene
    return {
        "name": scene.name,
        "kind": scene.kind,
        "wav": one.wav,
        **one.outcome.as_dict(),
        "sounds": [
            {
                "said": sounded.sound.clip.said,
                "on_ms": in_ms(sounded.on_ns),
                "off_ms": in_ms(sounded.off_ns),
                "asks": sounded.sound.asks,
            }
            for sounded in one.played.sounded
        ],
        "turns": [
            {
                "user": turn.user,
                "heard": turn.heard,
                "interrupted": turn.interrupted,
                "taken_back": turn.taken_back,
                "decided_ms": in_ms(turn.at_ns.get("decided")),
            }
            for turn in one.played.turns
        ],
    }


def table(
    graph: Graph,
    results: Sequence[SceneResult],
    found: Sequence[Share],
    losses: Sequence[str],
    complete: bool,
    fast: bool,
) -> Iterator[str]:
    """Yield the lines: the machine, the share of each kind, what went wrong, and what got worse."""
    here = machine()
    gpu, torch = here["gpu"] or "no CUDA device", here["torch"] or "none"
    yield f"{graph.file} on {here['cpu']}, {here['cores']} cores, {gpu}, torch {torch}; {time_of(fast)} time"
    rows = [("", "ok", "at 95 %", "else", "times")]
    rows += [_row(share, results) for share in found]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for one in results:
        if one.outcome.verdict is not Verdict.OK:
            yield _fault(one)
    for loss in losses:
        yield f"worse: {loss}"
    if not complete:
        yield "the battery did not come to its end: this is what was found before"


def _row(share: Share, results: Sequence[SceneResult]) -> tuple[str, str, str, str, str]:
    low, high = share.interval
    faults = ", ".join(f"{count} {name}" for name, count in share.faults.items())
    of = [one.outcome.times_ms for one in results if one.played.scene.kind == share.kind]
    times = {name: [ms[name] for ms in of if name in ms] for name in TIMES}
    shown = "; ".join(f"{TIMES[name]} {spread(values)}" for name, values in times.items() if values)
    between = f"{low:.0%} to {high:.0%}" if share.of else "-"
    return share.kind, f"{share.ok} of {share.of}", between, faults, "" if share.kind == ALL else shown


def _fault(one: SceneResult) -> str:
    outcome = one.outcome
    at = f" at {outcome.at_ns / SECOND:.2f} s" if outcome.at_ns is not None else ""
    why = f": {outcome.why}" if outcome.why else ""
    heard = "; ".join(f"'{turn.user}'" for turn in one.played.turns if turn.user)
    turns = f" (turns: {heard})" if heard else ""
    return f"{outcome.verdict.value}: {one.wav}{at}{why}{turns}"
