"""The facts of an agent that are in its spans: its name, and the models that answer, transcribe and speak."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlsplit

from vflow.graph.graph import Graph, GraphNode
from vflow.node import Node
from vflow.runtime.pipeline import Pipeline

STAGE_OF_ROLE = {"stt": "transcript", "generator": "thinking", "tts": "voice"}
"""The stage of a turn that a role's node works in."""
LOCAL, REMOTE = "vflow", "openai"
"""`gen_ai.provider.name` of a model in this process, and of one behind an OpenAI-compatible endpoint."""
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node with a model: its name, its registered name, the model; `host` and `port` of a remote one."""

    node: str
    use: str
    model: str = ""
    host: str = ""
    port: int = 0

    @property
    def provider(self) -> str:
        return REMOTE if self.host else LOCAL


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """`nodes` by name; `stages` has the node of a stage where exactly one works in it. `hide` takes values of
    the environment out of a text."""

    name: str
    nodes: Mapping[str, NodeFacts]
    stages: Mapping[str, NodeFacts]
    hide: Callable[[str], str] = str


def agent_facts(pipeline: Pipeline) -> AgentFacts:
    """Look at a pipeline's nodes as they are now; any thread."""
    graph = pipeline.graph
    found = {name: _facts(graph, node, pipeline.nodes[name]) for name, node in graph.nodes.items()}
    stages: dict[str, list[NodeFacts]] = {}
    for name, node in graph.nodes.items():
        for stage in _stages_of(node):
            stages.setdefault(stage, []).append(found[name])
    alone = {stage: nodes[0] for stage, nodes in stages.items() if len(nodes) == 1}
    file = "" if graph.file.startswith("<") else PurePath(graph.file).stem
    return AgentFacts(file or "agent", found, alone, graph.secrets.hide)


def _stages_of(node: GraphNode) -> Iterator[str]:
    role = "generator" if node.cls.generates else node.resolved.partition(".")[0]
    if role in STAGE_OF_ROLE:
        yield STAGE_OF_ROLE[role]


def _facts(graph: Graph, declared: GraphNode, node: Node) -> NodeFacts:
    model, address = (getattr(node, name, "") for name in ("model", "base_url"))
    host, port = _server(address) if isinstance(address, str) else ("", 0)
    hide = graph.secrets.hide
    named = hide(model) if isinstance(model, str) else ""
    return NodeFacts(declared.name, declared.resolved, named, hide(host), port)


def _server(address: str) -> tuple[str, int]:
    """Return host and port of an address, without what else it may hold, such as a password."""
    try:
        parts = urlsplit(address)
        return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", 0
