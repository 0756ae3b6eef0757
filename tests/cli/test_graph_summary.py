"""The description of a good graph: converters, and what the properties fix of its latency."""

from __future__ import annotations

import pytest

from tests.cli.test_check import AGENT, GOOD, graph
from vflow.cli import graph_summary
from vflow.graph.loader import load_text


def described(text: str) -> str:
    return "\n".join(graph_summary.describe(load_text(text)))


def test_a_converter_that_was_inserted_is_named() -> None:
    text = graph(
        "  tone: {use: resample, rate: 48000}\n  t: {use: test_tone}\n  vad: {use: vad.energy}",
        "- t -> tone -> vad -> end",
    )
    converted = "vad.detector.resample: audio(rate=48000, channels=1) -> audio(rate=16000, channels=1)"
    assert converted in described(text)


@pytest.mark.parametrize(
    ("start", "fixed", "left"),
    [
        ("speech_end", "out.latency 60ms = 60ms", "740ms"),
        (
            "voice_off",
            "tone.frame 32ms + vad.turn.speech_end_after 480ms + out.latency 60ms = 572ms",
            "228ms",
        ),
    ],
)
def test_budget_counts_only_latency_after_its_start(start: str, fixed: str, left: str) -> None:
    found = described(AGENT % (start, "800ms"))
    assert fixed in found
    assert f"{left} left for the models" in found


def test_a_budget_that_no_path_can_use_is_told() -> None:
    text = GOOD.replace("nodes:", "budget: {max: 1ms}\nnodes:")
    assert "no path from a source passes a node that ends utterances" in described(text)


def test_only_the_slowest_paths_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_summary, "MAX_PATHS", 1)
    text = graph("  tone: {use: test_tone}\n  other: {use: test_tone}\n  last: {use: 'null'}")
    assert "  and 1 paths more, none of them slower" in described(f"{text}  - other -> last\n").splitlines()
