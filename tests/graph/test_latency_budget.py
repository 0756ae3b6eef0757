"""The part of a reply's latency that properties fix: which paths count, and when it exceeds the budget."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stand_ins import Gives, Takes
from vflow import MS, Audio, Duration, Graph, In, Out, Played, Sink, prop
from vflow.graph.latency_budget import over_budget, path_latencies
from vflow.graph.loader import load_text


class Source(Gives):
    frame: Duration = prop("10ms", latency="path")
    audio = Out(Audio(rate=16_000, channels=1))


class Hop(Takes):
    wait: Duration = prop(0, latency="path")
    other: Duration = prop("7s")
    into = In(Audio())
    audio = Out(Audio(rate=16_000, channels=1))


class Ends(Hop):
    """A node that decides on the end of an utterance."""

    pause: Duration = prop("300ms", latency="endpoint")


class Speaker(Takes, Sink):
    latency: Duration = prop("20ms", latency="path")
    into = In(Audio())
    played = Out(Audio(rate=16_000, channels=1))

    def drop(self, epoch: int) -> tuple[Played, ...]:
        return ()

    def lead_ns(self) -> int:
        return 0


class Log(Takes):
    into = In(Audio())


NODES: dict[str, Any] = {"source": Source, "hop": Hop, "ends": Ends, "plays": Speaker, "log": Log}


def graph(nodes: str, links: str, budget: str = "") -> Graph:
    head = f"budget: {{{budget}}}\n" if budget else ""
    return load_text(f"{head}nodes: {{{nodes}}}\nlinks: [{links}]\n", nodes=NODES)


def agent(budget: str = "") -> Graph:
    nodes = "s: {use: source}, v: {use: ends}, h: {use: hop, wait: 40ms}, out: {use: plays}, l: {use: log}"
    return graph(nodes, "s -> v -> h -> out, s -> l", budget)


def parts(made: Graph) -> dict[str, list[str]]:
    return {str(path): [str(part) for part in path.parts] for path in path_latencies(made)}


def test_without_a_budget_every_path_counts_what_its_properties_add_the_slowest_first() -> None:
    found = parts(agent())
    assert list(found.items()) == [
        ("s -> v -> h -> out", ["s.frame 10ms", "v.pause 300ms", "h.wait 40ms", "out.latency 20ms"]),
        ("s -> l", ["s.frame 10ms"]),
    ]
    assert path_latencies(agent())[0].total_ns == 370 * MS


def test_properties_and_paths_without_latency_are_left_out() -> None:
    assert parts(graph("s: {use: source, frame: 0ms}, l: {use: log}", "s -> l")) == {}


def test_a_budget_from_voice_off_counts_everything_on_the_paths_that_play_a_reply() -> None:
    assert parts(agent("from: voice_off, max: 1s")) == {
        "s -> v -> h -> out": ["s.frame 10ms", "v.pause 300ms", "h.wait 40ms", "out.latency 20ms"]
    }


def test_budget_from_speech_end_counts_nodes_after_the_one_that_ends_utterances() -> None:
    assert parts(agent("from: speech_end, max: 1s")) == {
        "s -> v -> h -> out": ["h.wait 40ms", "out.latency 20ms"]
    }


def test_path_ends_at_its_first_sink() -> None:
    made = graph(
        "s: {use: source}, out: {use: plays}, h: {use: hop, wait: 1s}, l: {use: log}", "s -> out -> h -> l"
    )
    assert parts(made) == {"s -> out": ["s.frame 10ms", "out.latency 20ms"]}


@pytest.mark.parametrize("budget", ["", "from: voice_off, max: 370ms", "from: speech_end, max: 60ms"])
def test_a_graph_within_its_budget_is_no_error(budget: str) -> None:
    assert over_budget(agent(budget)) is None


def test_a_graph_over_its_budget_is_told_the_sum_and_the_largest_part() -> None:
    found = over_budget(agent("from: speech_end, max: 59ms"))
    assert str(found) == (
        "<text>:1:9: error: the properties alone take 60ms of a budget of 59ms from speech_end: "
        "h.wait 40ms + out.latency 20ms; lower h.wait, or raise 'max'"
    )


def test_budget_without_a_matching_path_is_not_broken() -> None:
    assert over_budget(graph("s: {use: source}, out: {use: plays}", "s -> out", "max: 1ms")) is None
