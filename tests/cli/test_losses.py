"""A run reports the audio that it lost."""

from __future__ import annotations

import pytest

from vflow.cli.losses import dropped_ms, lost
from vflow.graph.graph import Graph
from vflow.graph.loader import load_text
from vflow.runtime.call_times import CallStats
from vflow.runtime.link import LinkStats


@pytest.fixture
def graph() -> Graph:
    mic = "mic: {use: test_tone, rate: 16000, pace: clock}"
    nodes = f"nodes: {{{mic}, vad: {{use: detector.energy}}, out: {{use: 'null'}}}}\n"
    return load_text(f"{nodes}links: [mic -> vad -> out]\n")


def links(graph: Graph, *dropped: float) -> list[LinkStats]:
    return [
        LinkStats(link.name, 100, int(ms > 0), 0, 9, 1.0, ms)
        for link, ms in zip(graph.links, (*dropped, *[0.0] * len(graph.links)), strict=False)
    ]


def test_busiest_thread_after_the_loss_is_named(graph: Graph) -> None:
    threads = [CallStats(("out",), 9, 0.1, 1, 2, 3), CallStats(("vad",), 9, 0.98, 200, 300, 310)]
    text = lost(graph, links(graph, 3200.0), threads)
    assert text.startswith("3.2 s of the audio of mic was dropped, since ")
    assert "vad was too slow (busy 98% of the time, calls of up to 310 ms); use a smaller model" in text


def test_nothing_is_said_where_nothing_was_lost(graph: Graph) -> None:
    assert lost(graph, links(graph), []) == ""


def test_drops_on_links_of_other_sources_are_not_reported(graph: Graph) -> None:
    assert dropped_ms(graph, links(graph, 0.0, 500.0)) == 0.0
    assert lost(graph, links(graph, 0.0, 500.0), []) == ""
