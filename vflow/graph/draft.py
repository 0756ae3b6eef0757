"""The graph while it is built: the state that the passes of `load` share and change."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from vflow.caps import Caps
from vflow.errors import Diagnostic, Place
from vflow.graph.document import Document
from vflow.graph.file_uses import FileUse
from vflow.graph.graph import Graph, GraphLink, GraphNode, RoleChoice
from vflow.graph.overrides import Overrides, TextInput
from vflow.graph.registry import Registry
from vflow.graph.resolver import Resolver
from vflow.graph.secrets import Secrets

End = tuple[str, str]
"""A port: the full name of a node of the graph, and its port."""


@dataclass(frozen=True, slots=True)
class MicrophoneTap:
    """A node's output that carries what a microphone hears, and whether to take the echo out of it."""

    node: str
    port: str
    mode: Literal["auto", "on", "off"]
    place: Place


class Draft:
    """The document, the caller's changes, the findings, and the graph so far.

    Read nodes and links from `graph`. Change them only by the methods here; each change puts a new record in
    the place of the old one. `frozen` returns the finished graph, which cannot change.
    """

    def __init__(
        self,
        document: Document,
        registry: Registry,
        overrides: Overrides,
        require_available: bool,
        text_input: TextInput | None = None,
    ) -> None:
        self.document, self.overrides, self.require_available = document, overrides, require_available
        self.text_input = text_input
        self.resolver = Resolver(registry)
        self.diagnostics: list[Diagnostic] = []
        self.secrets: dict[str, str] = {}
        """Values that environment variables gave to the document and its bins, each with its `${NAME}`."""
        self.microphones: list[MicrophoneTap] = []
        """Microphones whose echo may have to be cancelled; `cancel_echo` decides."""
        self.unheard: list[str] = []
        """Nodes that feed an input which does not exist (see `linker.leave_out_unheard`)."""
        self.silent_sinks: set[str] = set()
        """Sinks that stand in for a loudspeaker and make no sound, such as a file."""
        self.problems: dict[str, Diagnostic] = {}
        """Why a node or bin cannot run here, by its name."""
        self.files: list[FileUse] = []
        """Files that the graph was read from, and files that its nodes read and write."""
        self.outer_ports: Collection[End] = ()
        """Inner ports that are fed from outside, if the document is a bin's."""
        self._nodes: dict[str, GraphNode] = {}
        self._links: list[GraphLink] = []
        self.aliases: dict[str, str] = {}
        self.roles: dict[str, RoleChoice] = {}
        threads = document.threads | overrides.threads(document.nodes, self.diagnostics)
        self.graph = Graph(
            document.file, self._nodes, self._links, document.budget, threads, self.aliases, self.roles
        )

    @property
    def sound(self) -> bool:
        """Whether no error has been found."""
        return all(diagnostic.severity != "error" for diagnostic in self.diagnostics)

    def error(self, message: str, place: Place | None, mend: str = "") -> None:
        """Note an error."""
        self.diagnostics.append(Diagnostic(message, place, mend))

    def add(self, node: GraphNode, after: str = "") -> None:
        """Add a node at the end, or right after the node `after`."""
        self._nodes[node.name] = node
        if after:
            names = [name for name in self._nodes if name != node.name]
            names.insert(names.index(after) + 1, node.name)
            moved = {name: self._nodes[name] for name in names}
            self._nodes.clear()
            self._nodes.update(moved)

    def link(self, link: GraphLink, before: GraphLink | None = None) -> None:
        """Add a link at the end, or right before the link `before`."""
        at = len(self._links) if before is None else self._links.index(before)
        self._links.insert(at, link)

    def unlink(self, link: GraphLink) -> None:
        """Remove a link."""
        self._links.remove(link)

    def remove(self, name: str) -> None:
        """Remove a node, its links, and all notes about it and about bins that are empty without it."""
        del self._nodes[name]
        self._links[:] = [link for link in self._links if name not in (link.source, link.target)]
        self.microphones = [tap for tap in self.microphones if tap.node != name]
        for noted in (self.roles, self.aliases, self.problems):
            for other in [*noted]:
                if not any(node == other or node.startswith(f"{other}.") for node in self._nodes):
                    del noted[other]

    def relink(self, link: GraphLink, *others: GraphLink) -> None:
        """Replace a link by others, at its place in the order."""
        at = self._links.index(link)
        self._links[at : at + 1] = others

    def change(self, link: GraphLink, **values: Any) -> None:
        """Replace some fields of a link."""
        self.relink(link, replace(link, **values))

    def set_caps(self, name: str, port: str, caps: Caps) -> None:
        """Set the caps of a port."""
        node = self._nodes[name]
        self._nodes[name] = replace(node, caps={**node.caps, port: caps})

    def frozen(self) -> Graph:
        """Return the finished graph, which nothing can change; the findings are its warnings."""
        secrets = Secrets(self.secrets)
        nodes = {
            name: replace(
                node,
                values=MappingProxyType(dict(node.values)),
                caps=MappingProxyType(dict(node.caps)),
                place=node.place and self._shown(node.place, secrets),
            )
            for name, node in self._nodes.items()
        }
        return replace(
            self.graph,
            nodes=MappingProxyType(nodes),
            links=tuple(self._links),
            threads=MappingProxyType(dict(self.graph.threads)),
            aliases=MappingProxyType({name: secrets.hide(file) for name, file in self.aliases.items()}),
            roles=MappingProxyType(dict(self.roles)),
            warnings=tuple(map(str, self.findings())),
            files=tuple(self.files),
            secrets=secrets,
        )

    def findings(self) -> list[Diagnostic]:
        """Return the findings, with values from the environment hidden."""
        return Secrets(self.secrets).hidden(self.diagnostics, self.document.file)

    def _shown(self, place: Place, secrets: Secrets) -> Place:
        """Return a place whose file name may be printed: a bin's may hold a value from the environment."""
        return place if place.file == self.document.file else replace(place, file=secrets.hide(place.file))
