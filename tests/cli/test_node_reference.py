"""The reference out of the classes: of nodes, bins and roles."""

from __future__ import annotations

from typing import ClassVar

import pytest

from tests.stand_ins import Takes
from vflow import Audio, Bin, Duration, In, Out, QueueOptions, Text, Unavailable, prop
from vflow.cli.node_reference import NodeReference
from vflow.graph.registry import Registry


class Best(Takes):
    """Speaks well. Needs much."""

    rank = 99
    heavy = True
    example = "tts: {use: tts.best}"
    pace: float = prop(1.0, ge=0.5, le=2, unit="words/s", doc="how fast", hot=True)
    wait: Duration = prop("20ms", ge="1ms", doc="how long", latency="path")
    mood: str = prop(doc="how")
    text = In(Text("chunk"), doc="what to say", queue=QueueOptions(packets=2))
    audio = Out(Audio(rate=24_000, channels=1), bus=True)

    @classmethod
    def unavailable(cls) -> str:
        return "no such card; plug one in"


class Worse(Best):
    """Speaks."""

    rank = 98

    @classmethod
    def unavailable(cls) -> str:
        return ""


class Pair(Bin):
    """Two in one."""

    rank = 97
    example: ClassVar[str] = "tts: {use: tts.pair}"
    graph = """
    params: {gain: 3}
    ports: {text: inner.text, audio: inner.audio}
    proxy: [inner]
    nodes:
      inner: {use: tts.worse, mood: fine}
    """


@pytest.fixture
def reference() -> NodeReference:
    return NodeReference(Registry({"tts.best": Best, "tts.worse": Worse, "tts.pair": Pair}))


def test_everything_is_told_of_a_node(reference: NodeReference) -> None:
    assert list(reference.about("tts.best")) == [
        "tts.best (node)",
        "  Speaks well. Needs much.",
        "role: tts, rank 99 (the available candidate of the highest rank plays a role)",
        "available: no: no such card; plug one in",
        "traits: heavy (has a thread of its own)",
        "ports:",
        "  in  text: text/chunk: what to say",
        "      queue by default: 2 packets, 2s, block",
        "  out audio: audio(rate=24000, channels=1)",
        "      its packets are posted on the bus",
        "properties:",
        "  pace: float in words/s, default 1.0, at least 0.5, at most 2, may change while it runs",
        "      how fast",
        "  wait: duration, default 20ms, at least 1ms, adds to the latency, after that",
        "      how long",
        "  mood: str, required",
        "      how",
        "example:",
        "  tts: {use: tts.best}",
    ]


class Jack(Worse):
    """Plays on what is plugged in."""

    rank = 96
    plugged: ClassVar[list[str]] = ["  0  speaker  2 channels", " 11  headset  1 channel, the default"]

    @classmethod
    def devices(cls) -> list[str]:
        if not cls.plugged:
            raise Unavailable("PortAudio does not start")
        return cls.plugged


def test_a_node_with_devices_lists_them() -> None:
    lines = list(NodeReference(Registry({"tts.jack": Jack})).about("tts.jack"))
    at = lines.index("available: yes")
    assert lines[at + 1 : at + 4] == [
        "devices: an index, a name or a part of it is what 'device' takes",
        "    0  speaker  2 channels",
        "   11  headset  1 channel, the default",
    ]


def test_a_role_lists_the_devices_of_the_candidate_that_plays_it() -> None:
    lines = list(NodeReference(Registry({"tts.jack": Jack, "tts.best": Best})).about("tts"))
    at = lines.index("  tts.jack, rank 96: available: plays the role here")
    assert lines[at + 1].startswith("    devices: ")
    assert lines[at + 2] == "        0  speaker  2 channels"
    assert lines[at + 4].startswith("  tts.")


def test_devices_that_cannot_be_listed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Jack, "plugged", [])
    lines = list(NodeReference(Registry({"tts.jack": Jack})).about("tts.jack"))
    assert not any("devices" in line for line in lines)


def test_bin_shows_its_nodes_and_forwarded_properties(reference: NodeReference) -> None:
    lines = list(reference.about("tts.pair"))
    assert lines[0] == "tts.pair (bin)"
    assert "  text: inner.text" in lines
    assert "  gain = 3" in lines
    assert any(line.startswith("  pace: float") and line.endswith("(given to inner)") for line in lines)
    assert "    inner: {use: tts.worse, mood: fine}" in lines


def test_a_role_lists_its_candidates_by_rank_and_says_which_plays_it(reference: NodeReference) -> None:
    lines = list(reference.about("tts"))
    assert lines[0] == "tts (role): speaks chunks of text"
    first = lines.index("candidates, the best first:") + 1
    assert lines[first : first + 3] == [
        "  tts.best, rank 99: not available: no such card; plug one in",
        "  tts.worse, rank 98: available: plays the role here",
        "  tts.pair, rank 97: available",
    ]
