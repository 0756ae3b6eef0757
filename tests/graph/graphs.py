"""Stand-ins for a microphone and a node that hears it, and graphs of the two: `m`, linked to `e`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from tests.stand_ins import Gives, Takes
from vflow import Audio, Bin, Graph, GraphError, In, Out, QueueOptions, Text, prop
from vflow.graph.loader import load_text
from vflow.graph.registry import NodeClass


class Mic(Gives):
    """A stand-in for a device."""

    rank = 1000
    device: str = prop("auto")
    gain: float = prop(1.0, ge=0)
    audio = Out(Audio(rate=16_000, channels=1))


class Fancy(Mic):
    rank: ClassVar[int] = 2000
    sparkle: int = prop(1)

    @classmethod
    def unavailable(cls) -> str:
        return "no sparkle here"


class Tape(Gives):
    file: str = prop()
    audio = Out(Audio(rate=8_000, channels=1))


class Ear(Takes):
    order = "arrival"
    audio = In(Audio(), queue=QueueOptions(packets=7))
    also = In(Text(), optional=True)


class Box(Bin):
    """A microphone in a box."""

    graph = """
    params: {loudness: 2}
    ports: {audio: inner.audio}
    proxy: [inner]
    nodes:
      inner: {use: mic.plain, gain: "${loudness}"}
    """


NODES: dict[str, NodeClass] = {"mic.plain": Mic, "mic.fancy": Fancy, "tape": Tape, "ear": Ear, "box": Box}


def build(
    nodes: str, links: str = "[m -> e]", classes: Mapping[str, NodeClass] = NODES, **options: Any
) -> Graph:
    """Load a graph of the nodes in `nodes`, which begin in line 2, and of the ear."""
    text = f"nodes:\n{nodes}\n  e: {{use: ear}}\nlinks: {links}\n"
    return load_text(text, nodes=classes, **options)


def said(nodes: str, links: str = "[m -> e]", **options: Any) -> str:
    """Return the findings for which such a graph is refused."""
    with pytest.raises(GraphError) as info:
        build(nodes, links, **options)
    return str(info.value)
