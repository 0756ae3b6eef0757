"""Typed text beside the user's voice, or in its place: insert a node that hands in text to the generator."""

from __future__ import annotations

from dataclasses import replace

from vflow.caps import Audio, Text
from vflow.errors import Diagnostic, Place
from vflow.graph.draft import Draft
from vflow.graph.graph import GraphLink
from vflow.graph.insertion import inserted
from vflow.graph.negotiation import free_name
from vflow.graph.overrides import TextInput
from vflow.node import Node
from vflow.ports import inputs_of, outputs_of

NAME = "typed"
ASKED, SAID = Text("final"), Text("reply")
"""Text from the user, which is answered, and text from the application, which the agent says."""


def add_text_input(draft: Draft) -> None:
    """Insert the node that hands in text before the generator, if the caller of `load` asked for it."""
    wanted = draft.text_input
    if wanted is None:
        return
    generators = [name for name in draft.graph.generators() if _input(draft, name, ASKED)]
    typed = next((n.name for n in draft.graph.nodes.values() if n.resolved == wanted.use), "")
    if typed and len(generators) > 1:  # the graph's own text node shows which generator is meant
        linked = {link.target for link in draft.graph.out_of(typed)}
        generators = [name for name in generators if name in linked]
    if len(generators) != 1:
        if wanted.required:
            draft.diagnostics.append(_refusal(draft, generators))
        return
    (generator,) = generators
    typed = typed or _insert(draft, wanted, generator)
    if wanted.alone or wanted.silent:
        _leave_out(draft, typed, generator, wanted)


def _refusal(draft: Draft, generators: list[str]) -> Diagnostic:
    place = Place(draft.document.file)
    if not generators:
        return Diagnostic("no generator takes text", place, "add a node with 'use: generator'")
    listed = ", ".join(sorted(generators))
    mend = f"link one: 'typed: {{use: app_text}}', 'typed.text -> {min(generators)}.text'"
    return Diagnostic(f"several generators take text: {listed}", place, mend)


def _input(draft: Draft, name: str, caps: Text) -> str:
    """Return the input of a node that takes this text; '' if none does."""
    inputs = inputs_of(draft.graph.nodes[name].cls)
    return next((port for port, declared in inputs.items() if declared.caps == caps), "")


def _insert(draft: Draft, wanted: TextInput, generator: str) -> str:
    cls = draft.resolver.registry.load(wanted.use)
    assert issubclass(cls, Node)
    name = free_name(draft.graph, NAME)
    caps = {port: out.caps for port, out in outputs_of(cls).items()}
    place = draft.graph.nodes[generator].place
    node = inserted(draft, name, wanted.use, cls, caps, place, wanted.values)
    draft.add(replace(node, converter=False))  # shown like the file's nodes: the caller asked for it
    for out, carried in caps.items():
        if isinstance(carried, Text) and (into := _input(draft, generator, carried)):
            queue = inputs_of(draft.graph.nodes[generator].cls)[into].queue
            draft.link(GraphLink(name, out, generator, into, queue, place=place))
    return name


def _leave_out(draft: Draft, typed: str, generator: str, wanted: TextInput) -> None:
    """Remove the nodes of the voices that are not heard."""
    graph = draft.graph
    for link in graph.into(generator):
        if link.source != typed:
            draft.unlink(link)
    unheard = ((generator, port) for port in inputs_of(_cls(draft, generator)))
    draft.outer_ports = [*draft.outer_ports, *unheard]
    kept = {typed, generator, *graph.reach([generator]).nodes}
    if wanted.silent:
        kept = {name for name in kept if name in (typed, generator) or not _has_audio(draft, name)}
    todo = [name for name in kept if name not in (typed, generator)]
    while todo and not wanted.silent:  # keep what else joins the reply, such as music
        above = {link.source for link in graph.into(todo.pop())} - kept
        kept |= above
        todo += above
    for name in [*graph.nodes]:
        if name not in kept:
            draft.remove(name)
    kept -= {typed, generator}
    while loose := [name for name in kept if _is_loose(draft, name)]:
        for name in loose:
            draft.remove(name)
        kept -= set(loose)


def _is_loose(draft: Draft, name: str) -> bool:
    """Return whether a node has no input or no output left, though its class has ports for them."""
    cls, graph = _cls(draft, name), draft.graph
    ends = bool(outputs_of(cls)) and not cls.effect and not graph.out_of(name)
    return ends or (bool(inputs_of(cls)) and not graph.into(name))


def _has_audio(draft: Draft, name: str) -> bool:
    return any(isinstance(caps, Audio) for caps in draft.graph.nodes[name].caps.values())


def _cls(draft: Draft, name: str) -> type[Node]:
    return draft.graph.nodes[name].cls
