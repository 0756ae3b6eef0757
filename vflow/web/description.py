"""Describe the agent to a client when its session begins: rates, properties, graph, targets."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal

from vflow.bench.promises import END_TO_END_MS, FIRST_WORD_MS, INTERRUPTION_MS, WORD_TO_AUDIO_MS
from vflow.caps import Audio
from vflow.graph.graph import Graph
from vflow.packet import MS
from vflow.props import Prop, duration_text, is_duration, props_of
from vflow.runtime.pipeline import Pipeline
from vflow.session.ends import BUTTON, SINK, SOURCE, TYPED

ENDS = {SOURCE: "mic", SINK: "speaker"}
KINDS = {bool: "boolean", int: "integer", float: "number", str: "text"}


def describe(pipeline: Pipeline) -> dict[str, Any]:
    """Return the fields of `ready` that describe the agent; those of the connection are not among them."""
    graph = pipeline.graph
    uses = {node.resolved for node in graph.nodes.values()}
    return {
        "output_rate": output_rate(graph),
        "audio": SOURCE in uses,
        "text": TYPED in uses,
        "push_to_talk": BUTTON in uses,
        "properties": list(properties_of(pipeline)),
        "graph": {"nodes": list(_nodes(graph)), "links": list(_links(graph))},
        "targets": targets(graph),
    }


def output_rate(graph: Graph) -> int | None:
    """Return the rate in Hz of the audio that clients are sent; None if the graph does not speak."""
    for node in graph.nodes.values():
        if node.resolved == SINK:
            caps = node.caps.get("audio")
            return caps.rate if isinstance(caps, Audio) else None
    return None


def is_reported(graph: Graph) -> bool:
    """Return whether the graph's sink takes reports of what a client has played."""
    return any(node.resolved == SINK and node.values["pace"] == "played" for node in graph.nodes.values())


def targets(graph: Graph) -> dict[str, float]:
    """Return the promised latencies of a turn in ms, by name."""
    promised: dict[str, float] = {
        "first_word": FIRST_WORD_MS,
        "word_to_audio": WORD_TO_AUDIO_MS,
        "compute": END_TO_END_MS,
        "stop": INTERRUPTION_MS,
    }
    if graph.budget is not None:
        name = "v2v" if graph.budget.start == "voice_off" else "compute"
        promised[name] = graph.budget.limit_ns / MS
    return promised


def _nodes(graph: Graph) -> Iterator[dict[str, Any]]:
    for name, node in graph.nodes.items():
        yield {"name": name, "use": node.resolved, "role": _role(graph, name)}


def _role(graph: Graph, name: str) -> str:
    """Return the role of a node, or of the bin around it; '' for none."""
    if (role := ENDS.get(graph.nodes[name].resolved)) is not None:
        return role
    while name and name not in graph.roles:
        name = name.rpartition(".")[0]
    return graph.roles[name].role if name else ""


def _links(graph: Graph) -> Iterator[dict[str, Any]]:
    for link in graph.links:
        ends = {"name": link.name, "from": link.source, "to": link.target}
        if graph.is_boundary(link):
            queue = graph.queue(link)
            yield {**ends, "capacity": queue.packets, "capacity_ms": queue.time_ns / MS}
        else:
            yield {**ends, "capacity": None, "capacity_ms": None}


def properties_of(pipeline: Pipeline) -> Iterator[dict[str, Any]]:
    """The properties that may be changed now, each with its value and its bounds."""
    for name, node in pipeline.nodes.items():
        for declaration in props_of(type(node)).values():
            if declaration.hot and (kind := kind_of(declaration)):
                yield {"node": name, "name": declaration.name, **_property(declaration, kind, node)}


def _property(declaration: Prop, kind: str, node: object) -> dict[str, Any]:
    found = {"type": kind, "value": _plain(getattr(node, declaration.name), kind), "doc": declaration.doc}
    if declaration.unit:
        found["unit"] = declaration.unit
    if kind == "choice":
        found["choices"] = list(declaration.choices or typing.get_args(declaration.type))
    for name, bound in (("min", declaration.ge), ("max", declaration.le)):
        if bound is not None:
            found[name] = _plain(bound, kind)
    return found


def kind_of(declaration: Prop) -> str:
    """Return the type of a property by the name that clients know; '' if they cannot show it."""
    if is_duration(declaration):
        return "duration"
    kind = declaration.type
    if declaration.choices or typing.get_origin(kind) is Literal:
        return "choice"
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        kinds = [each for each in typing.get_args(kind) if each is not types.NoneType]
        kind = kinds[0] if len(kinds) == 1 else object
    return KINDS.get(kind, "")


def _plain(value: Any, kind: str) -> Any:
    if kind == "duration" and isinstance(value, int | float):
        return duration_text(int(value))
    return None if isinstance(value, float) and not math.isfinite(value) else value
