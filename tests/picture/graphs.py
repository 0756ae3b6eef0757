"""Make graphs to draw: the shipped agent, and one with names that are hard to write."""

from __future__ import annotations

from itertools import pairwise

from vflow import Graph, load
from vflow.graph.loader import load_text
from vflow.graph.shipped import find

HARD = "Ein <sehr> \"langer\" & 'schwerer' Name für eine Datei, die es so nicht gibt.wav"


def agent() -> Graph:
    """Load the shipped agent, with an application's microphone and loudspeaker."""
    return load(find("voice_agent"), stand_ins={"mic": ("app_source", {}), "speaker": ("app_sink", {})})


def chain(count: int, name: str = "node") -> Graph:
    """Load a chain of `count` nodes."""
    names = [f"{name}{at}" for at in range(count)]
    uses = ["test_tone", *["identity"] * (count - 1)]
    nodes = "\n".join(f"  {node}: {{use: {use}}}" for node, use in zip(names, uses, strict=True))
    links = "\n".join(f"  - {one} -> {other}" for one, other in pairwise(names))
    return load_text(f"nodes:\n{nodes}\n" + (f"links:\n{links}\n" if links else ""))


def hard() -> Graph:
    """Load a graph with a value that looks like HTML."""
    return load_text(
        f"nodes:\n  a: {{use: test_tone}}\n  b: {{use: wav_sink, file: {HARD!r}}}\nlinks: [a -> b]\n".replace(
            repr(HARD), '"' + HARD.replace('"', '\\"') + '"'
        )
    )
