"""Find the nodes of a pipeline through which an application sends and receives audio and text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from vflow.errors import VflowError
from vflow.graph.graph import Graph
from vflow.outbox import Outbox
from vflow.packet import AudioPacket
from vflow.runtime.pipeline import Pipeline

SOURCE, SINK, TYPED, BUTTON = "app_source", "app_sink", "app_text", "push_to_talk"
TURN = "turn"


class Source(Protocol):
    """The node that takes an application's audio."""

    rate: int
    room: Outbox[bool]

    def push(self, samples: Any, rate: int | None = None) -> bool: ...
    def press(self) -> None: ...
    def release(self) -> None: ...
    def pushed_by(self, pts_ns: int) -> float: ...
    def end(self) -> None: ...
    def pause(self, paused: bool) -> None: ...


class TextSource(Protocol):
    """The node that takes an application's text."""

    def ask(self, text: str, language: str = "") -> int: ...
    def say(self, text: str, language: str = "", barge_in: bool = True) -> int: ...
    def prompt(self, instructions: str | None = None) -> int: ...
    def end(self) -> None: ...


class Output(Protocol):
    """The node that gives audio to an application."""

    output: Outbox[AudioPacket]
    forget: Callable[[], int]

    def played(self, seconds: float, turn: int | None = None) -> None: ...
    def pause(self, paused: bool) -> None: ...


class Ends:
    """These nodes of one pipeline. Each property raises VflowError if the graph lacks its node."""

    def __init__(self, pipeline: Pipeline) -> None:
        """Raises: VflowError if an application cannot use the graph."""
        check_ends(pipeline.graph)
        self._file = pipeline.graph.file
        self._nodes: dict[str, Any] = {
            node.resolved: pipeline.nodes[name] for name, node in pipeline.graph.nodes.items()
        }

    @property
    def source(self) -> Source:
        return cast("Source", self._node(SOURCE, "it takes no audio; add 'mic: {use: mic}'"))

    @property
    def pressed(self) -> Source:
        """The source, if a button can begin an utterance."""
        if TURN in self._nodes and not self._nodes[TURN].detect:
            return self.source
        self._node(BUTTON, "no button ends a turn; give 'push_to_talk=True', or 'vad: {use: push_to_talk}'")
        return self.source

    @property
    def released(self) -> Source:
        """The source, if a button can end an utterance."""
        return self.source if TURN in self._nodes else self.pressed

    @property
    def has_source(self) -> bool:
        return SOURCE in self._nodes

    @property
    def has_output(self) -> bool:
        return SINK in self._nodes

    @property
    def output(self) -> Output:
        return cast("Output", self._node(SINK, "it sends no audio that could be played"))

    @property
    def typed(self) -> TextSource:
        mend = (
            "no generator in it takes text, or several do; add"
            f" 'typed: {{use: {TYPED}}}' and 'typed.text -> NODE.text'"
        )
        return cast("TextSource", self._node(TYPED, mend))

    def end(self) -> None:
        """End the application's audio and text: no more comes."""
        for use in (SOURCE, TYPED):
            if use in self._nodes:
                self._nodes[use].end()

    def pause(self, paused: bool) -> None:
        """Pause source and sink while the user is away, or let them go on."""
        for use in (SOURCE, SINK):
            if use in self._nodes:
                self._nodes[use].pause(paused)

    def _node(self, use: str, otherwise: str) -> Any:
        if use not in self._nodes:
            raise VflowError(f"{self._file} has no {use}: {otherwise}")
        return self._nodes[use]


def check_ends(graph: Graph) -> None:
    """Check that an application can use a graph. Raises: VflowError if it has none of these nodes, or several
    of one kind."""
    uses = (SOURCE, SINK, TYPED)
    names = {use: [n for n, node in graph.nodes.items() if node.resolved == use] for use in uses}
    if not any(names.values()):
        if {"mic", "speaker"} & {choice.role for choice in graph.roles.values()}:
            raise VflowError(
                f"{graph.file} is loaded with a microphone and a loudspeaker of its own; give the session the"
                " graph's file, text or name, and it puts the application in their place"
            )
        raise VflowError(
            f"{graph.file} has neither {SOURCE}, {SINK} nor {TYPED}, nor the roles mic and speaker: the"
            " application can neither speak nor hear; add 'caller: {use: app_source}' and"
            " 'out: {use: app_sink}'"
        )
    for use, found in names.items():
        if len(found) > 1:
            raise VflowError(f"{graph.file} has several {use}: {', '.join(found)}; a session takes one")
