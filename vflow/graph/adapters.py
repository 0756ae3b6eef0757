"""Which nodes could stand between two ports that do not fit, found by what each makes of the caps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from vflow.caps import AnyCaps, Audio, Caps, Text, fill, fits

MOST = 4
"""Nodes of a chain: from a microphone to a voice there are three."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A node, or what plays a role: `use` is what a graph calls it, `name` how. `generates` marks one whose
    outputs are replies."""

    use: str
    name: str
    inputs: Sequence[Caps]
    outputs: Sequence[Caps]
    generates: bool = False

    def makes(self, given: Caps) -> list[Caps]:
        """The caps that come out of it where caps go in; [] where they do not fit, or it takes anything."""
        if not any(fits(given, caps) for caps in self.inputs if not isinstance(caps, AnyCaps)):
            return []
        return [fill(caps, given) for caps in self.outputs if not isinstance(caps, AnyCaps)]

    def asks_for(self, given: Caps) -> bool:
        """Whether it uses a feature that audio has, and so is nearer to it than one that would not."""
        return isinstance(given, Audio) and any(
            isinstance(caps, Audio) and caps.features and fits(given, caps) for caps in self.inputs
        )


def shortest(
    adapters: Iterable[Adapter], given: Collection[Caps], wanted: Collection[Caps], most: int = MOST
) -> list[Adapter]:
    """The shortest chain that makes something wanted of something given; [] where there is none. Of several
    the first, but one that uses features of what is given goes before one that finds them anew.

    A node that leaves open what differs converts nothing: what it makes is what went in. What a voice speaks
    is not given to nodes that listen.
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
                    spoken = isinstance(caps, Text) and isinstance(made, Audio)  # to be played, not heard
                    if made not in seen and not spoken:
                        seen.add(made)
                        longer.append((made, [*way, adapter]))
        ways = longer
    return []


def mend(chain: Sequence[Adapter], source: str, target: str, taken: Collection[str]) -> str:
    """How a chain of nodes is put between two. `taken` are names that the graph has already."""
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
