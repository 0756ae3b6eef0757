"""Audio that is not what its caps say fails the node that emitted it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from vflow import Audio, AudioPacket, In, Node, NodeError, Out, Pipeline
from vflow.graph.loader import load_text

GRAPH = """
nodes:
  liar: {use: liar}
  end: {use: end}
links:
  - {from: liar, to: end, queue: {packets: 4}}
"""


class End(Node):
    """Takes audio."""

    audio = In(Audio())

    def process(self, packet: AudioPacket) -> None:
        return None


@pytest.mark.parametrize(("rate", "shape"), [(8000, (80, 1)), (16000, (160, 3))], ids=["rate", "channels"])
def test_a_packet_of_other_caps_fails_its_node(rate: int, shape: tuple[int, int]) -> None:
    class Liar(Node):
        """A source whose audio differs from its caps."""

        audio = Out(Audio(rate=16000, channels=1))

        def produce(self) -> Iterator[AudioPacket]:
            yield AudioPacket(data=np.zeros(shape, np.float32), rate=rate)

    graph = load_text(GRAPH, nodes={"liar": Liar, "end": End})
    with Pipeline(graph) as pipeline, pytest.raises(NodeError, match=r"liar: emitted audio.*but its output"):
        pipeline.wait(30)


def test_packet_with_the_declared_caps_passes() -> None:
    class Honest(Node):
        """A source whose audio has its caps."""

        audio = Out(Audio(rate=16000, channels=1))

        def produce(self) -> Iterator[AudioPacket]:
            yield AudioPacket(data=np.zeros(160, np.float32), rate=16000)

    graph = load_text(GRAPH, nodes={"liar": Honest, "end": End})
    with Pipeline(graph) as pipeline:
        assert pipeline.wait(30)
        assert pipeline.stats()[0].pushed == 2
