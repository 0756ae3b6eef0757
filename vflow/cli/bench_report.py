"""Show a bench: a live line while it runs, then promised against measured, or one JSON object."""

from __future__ import annotations

import sys
import textwrap
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from vflow.bench.bench_run import BenchRun
from vflow.bench.verdict import PromiseVerdict, Standing
from vflow.bus import Message
from vflow.cli.diagnostics import of_error
from vflow.cli.status_line import StatusLine
from vflow.errors import VflowError
from vflow.printing import indented, write
from vflow.report.recordings import summary
from vflow.report.turn import LATENCIES

FORMAT = 1
"""Version of the JSON object; raised when a key changes its meaning."""
MAX_FAILURES = 5
"""Most failures shown for a broken promise; the JSON object has all."""
WIDEST = 100
"""Longest status on a terminal, in characters: a line that wraps cannot be redrawn."""


class Live:
    """Shows progress on stderr: on a terminal one line that changes, else a line per step. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards all below
        self._line = StatusLine(sys.stderr)
        self._turn = ""

    def turn(self, number: int, count: int, text: str) -> None:
        """Show that an utterance begins."""
        with self._lock:
            self._turn = f"turn {number} of {count}: {text}"
            self._show(self._turn)

    def status(self, text: str) -> None:
        """Show what is going on now."""
        with self._lock:
            self._show(text)

    def note(self, text: str) -> None:
        """Print a line that stays."""
        with self._lock:
            self._line.clear()
            write(text, sys.stderr)

    def failed(self, error: VflowError) -> None:
        """Print an error with its place."""
        self.note(of_error(error))

    def clear(self) -> None:
        """Remove the status line."""
        with self._lock:
            self._line.clear()

    def listen(self, message: Message) -> None:
        """Take a message of the bus: show what loads, warnings, and on a terminal the state of the reply."""
        if message.kind == "warning":
            self.note(f"warning: {message.source}: {indented(message.text)}")
        elif message.kind == "progress":
            self.status(f"{message.source}: {message.text}")
        elif message.kind == "played" and self._line.redraws and message.data["phase"] == "start":
            with self._lock:
                self._show(f"{self._turn} - answering")

    def _show(self, text: str) -> None:
        self._line.show(text[:WIDEST] if self._line.redraws else text)


def result(run: BenchRun, complete: bool) -> dict[str, Any]:
    """Return the bench as `--json` prints it. `complete`: the scenario ran to its end."""
    evidence, verdicts, log = run.evidence(), run.verdicts(), run.log
    turns = [turn.as_dict() for turn in log.snapshot()]
    samples = {
        name: [r.latency_ms[name] for r in evidence.replies if name in r.latency_ms] for name in LATENCIES
    }
    cuts = evidence.interruptions
    samples |= {
        "detect": [cut.detect_ms for cut in cuts],
        "stop": [cut.stop_ms for cut in cuts],
        "talk_over": [cut.talk_over_ms for cut in cuts],
        "generation": [reply.generation_ms for reply in evidence.replies if reply.whole],
    }
    return {
        "bench": FORMAT,
        "pipeline": run.graph.file,
        "resolved": run.graph.resolved(),
        "machine": run.machine,
        "complete": complete,
        "kept": not any(verdict.standing is Standing.BROKEN for verdict in verdicts),
        "promises": [verdict.as_dict() for verdict in verdicts],
        "figures_ms": {
            name: summary([ms for ms in values if ms is not None]) for name, values in samples.items()
        },
        "counts": {
            "utterances": len(evidence.asked),
            "replies": len(evidence.replies),
            "interruptions": len(cuts),
            "errors": len(evidence.errors),
            "false_cuts": evidence.false_cuts,
            "false_barge_ins": evidence.false_barge_ins,
        },
        "scenario": [
            {
                "said": utterance.step.clip.said,
                "how": utterance.step.clip.how,
                "fixed": utterance.step.clip.fixed,
                "interrupts": utterance.step.interrupts,
                "on_ms": round(utterance.on_ns / 1e6, 1),
                "off_ms": round(utterance.off_ns / 1e6, 1),
                "turn": asked.turn if asked else None,
            }
            for utterance, asked in _paired(run, evidence.asked)
        ],
        "turns": turns,
        "warnings": log.warnings,
    }


def _paired(run: BenchRun, asked: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each utterance with its turn; None for the last one of a run that was ended during it."""
    for number, utterance in enumerate(run.script.utterances):
        yield utterance, asked[number] if number < len(asked) else None


def table(found: dict[str, Any], verdicts: Sequence[PromiseVerdict]) -> Iterator[str]:
    """Yield the lines: the machine, what was said, promised against measured, and what broke a promise."""
    machine = found["machine"]
    gpu, torch = machine["gpu"] or "no CUDA device", machine["torch"] or "none"
    yield f"{found['pipeline']} on {machine['cpu']}, {machine['cores']} cores, {gpu}, torch {torch}"
    counts = found["counts"]
    yield (
        f"{counts['utterances']} utterances: {counts['interruptions']} fell into a reply, "
        f"{counts['false_cuts']} were cut, {counts['false_barge_ins']} replies were stopped by nobody"
    )
    for how, said in _said(found["scenario"]).items():
        yield from textwrap.wrap(
            f"{how}: {', '.join(said)}", 110, initial_indent="  ", subsequent_indent="    "
        )
    rows = [("", "promised", "measured", "n", "")]
    rows += [(v.name, v.promised, v.measured, str(v.n or "-"), v.standing.value) for v in verdicts]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for verdict in verdicts:
        for failure in verdict.failures[:MAX_FAILURES]:
            yield f"broken: {verdict.name}: {indented(failure)}"
        if len(verdict.failures) > MAX_FAILURES:
            yield f"broken: {verdict.name}: and {len(verdict.failures) - MAX_FAILURES} more"
    if not found["complete"]:
        yield "the scenario did not come to its end: these figures are from the part before"


def _said(scenario: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the utterances by how they were made, each once."""
    found: dict[str, list[str]] = {}
    for step in scenario:
        texts = found.setdefault(step["how"], [])
        if step["said"] not in texts:
            texts.append(step["said"])
    return found
