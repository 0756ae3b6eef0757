"""One run of a pipeline through a scenario: microphone and speaker are files, all else is the user's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vflow.bench.evidence import Evidence, Ledger, gather
from vflow.bench.machine import machine
from vflow.bench.microphone import Script, ScriptedMicrophone, Told, microphone
from vflow.bench.promises import judge
from vflow.bench.scenario import ScenarioStep
from vflow.bench.verdict import PromiseVerdict
from vflow.caps import Audio
from vflow.clock import Clock
from vflow.errors import Diagnostic, GraphError, Place
from vflow.graph.graph import Graph
from vflow.graph.loader import load
from vflow.graph.registry import NodeClass
from vflow.graph.resolver import use_role
from vflow.ports import outputs_of
from vflow.report.turn_log import TurnLog
from vflow.runtime.pipeline import Pipeline

MICROPHONE = "bench.microphone"


def check(file: str, overrides: Mapping[str, str], nodes: Mapping[str, NodeClass] | None = None) -> None:
    """Raises: GraphError if the file is wrong, lacks a node that a conversation needs, or names one that
    cannot run here."""
    try:
        graph = load(file, overrides=overrides, nodes=nodes, require_available=False)
    except GraphError as error:  # no warnings: the nodes for microphone and speaker are replaced
        raise GraphError([d for d in error.diagnostics if d.severity == "error"]) from None
    uses = {use_role(node.use) for node in graph.nodes.values()}
    uses |= {use_role(resolved) for resolved in graph.aliases.values()}
    needs = {
        "nothing plays the role mic: there is nobody to ask": "add a node with 'use: mic'",
        "nothing ends utterances": "add a node with 'use: vad' after the microphone",
        "nothing generates replies": "add a node with 'use: generator' after the vad",
        "nothing plays the role speaker: no reply would be heard": "add a node with 'use: speaker'",
    }
    has = ("mic" in uses, _ends_utterances(graph), bool(graph.generators()), "speaker" in uses)
    found = [
        Diagnostic(f"cannot be benched: {message}", Place(file), mend)
        for (message, mend), there in zip(needs.items(), has, strict=True)
        if not there
    ]
    if found:
        raise GraphError(found)
    load_for_bench(file, overrides, nodes, microphone(), Path(os.devnull), Path(os.devnull))


def load_for_bench(
    file: str,
    overrides: Mapping[str, str],
    nodes: Mapping[str, NodeClass] | None,
    node: type[ScriptedMicrophone],
    heard: Path,
    said: Path,
) -> Graph:
    """Return the graph with a scripted microphone `node` and a speaker that writes `said`. Raises:
    GraphError."""
    return load(
        file,
        overrides=overrides,
        stand_ins={
            "mic": (MICROPHONE, {"keep": str(heard)}),
            "speaker": ("wav_sink", {"file": str(said)}),
        },
        nodes={**(nodes or {}), MICROPHONE: node},
    )


def _ends_utterances(graph: Graph) -> bool:
    """Return whether a node cuts audio into utterances."""
    made = (node.caps.get(port) for node in graph.nodes.values() for port in outputs_of(node.cls))
    return any(isinstance(caps, Audio) and "turns" in caps.features for caps in made)


RECORDINGS = "heard.wav", "said.wav"
"""The recordings of the microphone, and of the speaker."""


class BenchRun:
    """A pipeline ready to start, and its results after it has ended.

    `told` is called as the scenario goes on, and `over` when it has ended; the caller then stops the
    pipeline. The recordings are `heard.wav` and `said.wav` in `folder`. Those of an earlier bench stay until
    this one's microphone or speaker plays.
    """

    def __init__(
        self,
        file: str,
        overrides: Mapping[str, str],
        steps: Sequence[ScenarioStep],
        folder: Path,
        told: Told,
        over: Callable[[], None],
        nodes: Mapping[str, NodeClass] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Raises: GraphError if something that the graph needs is missing here."""
        self.steps = list(steps)
        self.heard, self.said = (folder / name for name in RECORDINGS)
        node = microphone()
        self.graph = load_for_bench(file, overrides, nodes, node, self.heard, self.said)
        self._before = [_stamp(recording) for recording in (self.heard, self.said)]
        self.log, self.ledger = TurnLog(self.graph), Ledger(self.graph)
        self.script = node.script = Script(steps, self.log, told, over)
        self.pipeline = Pipeline(self.graph, clock=clock)
        self.pipeline.bus.listen(self.log.listen)
        self.pipeline.bus.listen(self.ledger.listen)
        self.machine: dict[str, Any] = {}

    def refine(self) -> None:
        """Take the turns' times from the recordings; call it once, after the pipeline has ended.

        Raises: OSError, RuntimeError if a recording cannot be read; the runtime's own times stay.
        """
        paths = self.heard, self.said
        fresh = [path if _stamp(path) != old else None for path, old in zip(paths, self._before, strict=True)]
        self.log.refine(*fresh)

    def evidence(self) -> Evidence:
        """Return what the run showed."""
        self.machine = self.machine or machine()
        turns = self.log.snapshot()
        cuda = self.machine["gpu"] is not None
        return gather(self.script.utterances, turns, self.ledger, self.graph, cuda)

    def verdicts(self) -> list[PromiseVerdict]:
        return judge(self.evidence())


def _stamp(file: Path) -> tuple[int, int] | None:
    """Return a value that changes when a file is written; None if there is no file."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size
