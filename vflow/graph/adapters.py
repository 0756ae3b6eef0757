"""Find the nodes that could join two ports that do not fit, by the caps that each node takes and makes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from vflow.caps import AnyCaps, Audio, Caps, Text, fill, fits

MOST = 4
"""Longest chain of nodes that is tried. From a microphone to a voice it takes three."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A node, or a role that some node plays, with the caps that it takes and makes.

    use: its text after `use:` in a graph file.
    name: the name suggested for it in a graph.
    generates: its outputs are replies.
    """

    use: str
    name: str
    inputs: Sequence[Caps]
    outputs: Sequence[Caps]
    generates: bool = False

    def makes(self, given: Caps) -> list[Caps]:
        """Return the caps of its outputs when `given` goes in; [] if `given` does not fit, or only an input
        for any caps would take it."""
        if not any(fits(given, caps) for caps in self.inputs if not isinstance(caps, AnyCaps)):
            return []
        return [fill(caps, given) for caps in self.outputs if not isinstance(caps, AnyCaps)]

    def asks_for(self, given: Caps) -> bool:
        """Return whether it uses a feature of the audio `given`: then it goes before one that does not."""
        return isinstance(given, Audio) and any(
            isinstance(caps, Audio) and caps.features and fits(given, caps) for caps in self.inputs
        )


def shortest(
    adapters: Iterable[Adapter], given: Collection[Caps], wanted: Collection[Caps], most: int = MOST
) -> list[Adapter]:
    """Return the shortest chain of at most `most` nodes from one of `given` to one of `wanted`; [] if none.

    Of chains of one length the first is taken, but a node that uses a feature of the audio (its turns, say)
    goes before one that would find the same anew. A node whose output only repeats its input converts
    nothing. What a voice speaks is not led to nodes that listen.
    """
    known = list(adapters)
    seen = set(given)
    ways: list[tuple[Caps, list[Adapter]]] = [(caps, []) for caps in given]
    for _ in range(most):
        longer: list[tuple[Caps, list[Adapter]]] = []
        for caps, way in ways:
            for adapter in sorted(known, key=lambda found: not found.asks_for(caps)):
                for made in adapter.makes(caps):
                    if any(fits(made, caps) for caps in wanted):
                        return [*way, adapter]
                    spoken = isinstance(caps, Text) and isinstance(made, Audio)  # for a loudspeaker
                    if made not in seen and not spoken:
                        seen.add(made)
                        longer.append((made, [*way, adapter]))
        ways = longer
    return []


def mend(chain: Sequence[Adapter], source: str, target: str, taken: Collection[str]) -> str:
    """Return the advice that puts `chain` between `source` and `target`, as a user would write it. No
    suggested name is one of `taken`, the names in the graph."""
    names: list[str] = []
    for adapter in chain:
        name = adapter.name
        while name in (*taken, *names):
            name += "_"
        names.append(name)
    written = [f"'{name}: {{use: {adapter.use}}}'" for name, adapter in zip(names, chain, strict=True)]
    nodes = written[0] if len(written) == 1 else f"{', '.join(written[:-1])} and {written[-1]},"
    between = "a generator stands between: " if any(adapter.generates for adapter in chain) else ""
    return f"{between}insert {nodes} and link {' -> '.join((source, *names, target))}"
