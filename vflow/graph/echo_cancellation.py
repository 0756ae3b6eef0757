"""Insert an echo canceller after each microphone that hears the loudspeaker.

Every node that plays the role `mic` takes the property `echo_cancellation`. The loader handles it, so the
nodes need no code for it. If the graph has a sink that tells what it plays (by an output `played`), a node
`aec` is linked after the microphone, and `played` is linked to its input `reference`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from vflow.caps import Audio, Text
from vflow.errors import Diagnostic, Unavailable, nearest
from vflow.graph.document import NodeSpec
from vflow.graph.draft import Draft, End, MicrophoneTap
from vflow.graph.graph import Graph, GraphLink
from vflow.graph.insertion import inserted
from vflow.graph.registry import UnknownNode
from vflow.graph.resolver import Resolver, use_role
from vflow.graph.roles import ROLES
from vflow.node import Node, Sink
from vflow.ports import QueueOptions, inputs_of, outputs_of, ports_of

CANCELLER = "aec"
MICROPHONE, SPEAKER = "mic", "speaker"
PLAYED = "played"
"""The output by which a sink tells what it plays, with the time at which it sounds."""
PROPERTY = "echo_cancellation"
FEEDBACK = QueueOptions(packets=256, policy="leaky-oldest", keep=True)
"""Bounds of the link from `played` to `reference`, which closes a cycle. It leaks, so the cycle cannot
deadlock. It is a `keep` link, so a flush of the reply ends there and does not come round to the user's
input."""
WITHOUT = "use headphones, or set 'barge_in: false' on the vad"

Mode = Literal["auto", "on", "off"]
MODES: tuple[Mode, ...] = ("auto", "on", "off")


def take_mode(draft: Draft, spec: NodeSpec) -> Mode:
    """Take the property out of a microphone's values. A wrong value is noted, and means "auto"."""
    value = spec.values.pop(PROPERTY, None) if is_microphone(spec.use) else None
    if value is None:
        return "auto"
    for mode in MODES:
        if value.plain() == mode:
            return mode
    if unset := value.all_unset():
        draft.diagnostics += unset
        return "auto"
    message = f"{spec.name}: {PROPERTY} is one of {', '.join(MODES)}; not {value}"
    draft.error(message, value.place, nearest(str(value.plain()), MODES))
    return "auto"


def note(draft: Draft, spec: NodeSpec, full: str, use: str, mode: Mode, ports: Mapping[str, End]) -> None:
    """Note a microphone, or a sink without sound, among the nodes just added.

    use: the node that is used, which is a stand-in if it differs from the file's.
    ports: the node's outer ports, each with the inner port that it means.
    """
    stands_in = use != spec.use
    if stands_in and use_role(spec.use) == SPEAKER:
        draft.silent_sinks.add(full)
    if is_microphone(spec.use) and not stands_in:
        # a microphone may be a bin: then it counts once, not its inner microphones too
        draft.microphones = [other for other in draft.microphones if not other.node.startswith(f"{full}.")]
        place = spec.keys.get(PROPERTY, spec.place)
        ends = [ports[port] for port in ROLES[MICROPHONE].outputs if port in ports]
        draft.microphones += [MicrophoneTap(*end, mode, place) for end in ends]


def cancel_echo(draft: Draft) -> None:
    """Insert a canceller after each microphone that needs one.

    If none can be had, note a warning; with `echo_cancellation: on`, an error.
    """
    graph, resolver = draft.graph, draft.resolver
    for microphone in draft.microphones:
        if microphone.mode == "off" or _cancelled(graph, microphone):
            continue
        sinks = _heard_by(graph, microphone, draft.silent_sinks)
        speakers = [name for name in sinks if PLAYED in outputs_of(graph.nodes[name].cls)]
        problem, mend = _problem(sinks, speakers, resolver)
        if not problem:
            _insert(draft, microphone, speakers[0])
            for other in speakers[1:]:
                _warn(draft, microphone, f"the echo of {other} stays: only {speakers[0]} is heeded")
        elif microphone.mode == "on":
            severity = "error" if draft.require_available else "warning"
            _warn(draft, microphone, f"no echo canceller: {problem}", mend, severity)
        elif sinks:
            _warn(draft, microphone, f"no echo canceller: {problem}", mend)


def _warn(
    draft: Draft, microphone: MicrophoneTap, message: str, mend: str = WITHOUT, severity: str = "warning"
) -> None:
    text = f"{microphone.node}: {message}"
    draft.diagnostics.append(Diagnostic(text, microphone.place, mend, severity=severity))


def is_microphone(use: str) -> bool:
    return use_role(use) == MICROPHONE


def _problem(sinks: list[str], speakers: list[str], resolver: Resolver) -> tuple[str, str]:
    """Return why there can be no canceller, and how to mend it; '' if there can be one."""
    if not sinks:
        return "nothing in the graph plays", "remove 'echo_cancellation: on'"
    if not speakers:
        return f"{', '.join(sinks)} does not say what it plays (no output {PLAYED!r})", WITHOUT
    try:
        resolver.registry.load(CANCELLER)
    except (UnknownNode, Unavailable) as error:
        return str(error), WITHOUT
    return resolver.problem(CANCELLER), f"or {WITHOUT}"


def _cancelled(graph: Graph, microphone: MicrophoneTap) -> bool:
    """Return whether the file itself links a canceller after the microphone."""
    return any(graph.nodes[name].resolved == CANCELLER for name in _below(graph, microphone.node))


def _heard_by(graph: Graph, microphone: MicrophoneTap, silent: Collection[str]) -> list[str]:
    """Return the sinks that the microphone hears: those of the role `speaker`, or if there are none, all that
    tell what they play.

    A sink that plays the microphone's own audio does not count: no other voice is mixed into that.
    """
    own = _below(graph, microphone.node)
    sinks = [
        name
        for name, node in graph.nodes.items()
        if issubclass(node.cls, Sink) and name not in silent and name not in own
    ]
    speakers = [name for name in sinks if use_role(graph.nodes[name].resolved) == SPEAKER]
    audible = [
        name for name in speakers if any(isinstance(c, Audio) for c in graph.nodes[name].caps.values())
    ]
    return audible or [name for name in sinks if PLAYED in outputs_of(graph.nodes[name].cls)]


def _below(graph: Graph, name: str) -> set[str]:
    """Return the nodes that the audio of a node comes to, before it becomes text or a reply."""
    seen: set[str] = set()
    todo = [name]
    while todo:
        for link in graph.out_of(todo.pop()):
            source, target = graph.nodes[link.source], graph.nodes[link.target]
            other = isinstance(source.caps[link.out], Text) or target.cls.generates
            if link.target not in seen and not other:
                seen.add(link.target)
                todo.append(link.target)
    return seen


def _insert(draft: Draft, microphone: MicrophoneTap, speaker: str) -> None:
    """Link microphone -> canceller -> the microphone's former targets, and the speaker's `played` ->
    canceller."""
    graph = draft.graph
    cls = draft.resolver.registry.load(CANCELLER)
    assert issubclass(cls, Node)
    name = f"{microphone.node}.{CANCELLER}"
    while name in graph.nodes:
        name += "_"
    caps = {port: declared.caps for port, declared in ports_of(cls).items()}
    draft.add(inserted(draft, name, CANCELLER, cls, caps, microphone.place), after=microphone.node)
    fed = [link for link in graph.out_of(microphone.node) if link.out == microphone.port]
    convert = all(link.convert for link in fed)
    into = GraphLink(microphone.node, microphone.port, name, "audio", convert=convert, place=microphone.place)
    draft.link(into, before=fed[0] if fed else next(iter(graph.links), None))
    for link in fed:
        queue = link.queue
        if not link.explicit:  # no longer fed by a live source
            queue = inputs_of(graph.nodes[link.target].cls)[link.into].queue
        draft.change(link, source=name, out="out", queue=queue)
    draft.link(GraphLink(speaker, PLAYED, name, "reference", FEEDBACK, place=microphone.place))
