"""What a running pipeline offers one node, as `self.ctx` (see `vflow.node.Context`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from vflow.bus import Kind, Message
from vflow.caps import Caps
from vflow.conversation import Conversation
from vflow.event import Event
from vflow.resources import usable_cores
from vflow.runtime.shared_models import MODELS

if TYPE_CHECKING:
    from vflow.graph.graph import Graph, GraphNode
    from vflow.runtime.pipeline import Pipeline
    from vflow.runtime.runner import Runner
    from vflow.runtime.segment import Segment

T = TypeVar("T")


def threads_of(graph: Graph, library: str) -> int:
    """How many threads a graph gives to a library: what its file says, else half of the usable cores."""
    given = graph.threads.get(library)
    return given if given is not None else max(1, int(usable_cores()) // 2)


class NodeContext:
    """One node's view of its pipeline."""

    def __init__(self, pipeline: Pipeline, node: GraphNode, segment: Segment, runner: Runner) -> None:
        self._pipeline, self._node, self._segment, self._runner = pipeline, node, segment, runner
        self._keys: list[str] = []
        self.name = node.name
        self.now_ns = pipeline.clock.now_ns

    @property
    def conversation(self) -> Conversation:
        return self._pipeline.conversation

    @property
    def epoch(self) -> int:
        return self._segment.epoch

    def caps(self, port: str) -> Caps:
        return self._node.caps[port]

    def wait_until(self, deadline_ns: int | None = None) -> None:
        self._segment.wait_until(self._runner, deadline_ns)

    def notify(self) -> None:
        self._segment.notify()

    def wake_at(self, time_ns: int | None) -> None:
        if time_ns is None:
            self._segment.timers.pop(self._runner, None)
        else:
            self._segment.timers[self._runner] = time_ns

    def post(self, kind: Kind, text: str = "", **data: Any) -> None:
        self._pipeline.post(Message(kind, self.name, self.now_ns(), text, data))

    def warn(self, text: str) -> None:
        self.post("warning", text)

    def progress(self, text: str, fraction: float | None = None) -> None:
        self.post("progress", text, fraction=fraction)

    def shared(self, key: str, load: Callable[[], T]) -> T:
        value: T = MODELS.acquire(key, load)
        self._keys.append(key)
        return value

    def release(self) -> list[Exception]:
        """Give back what was shared; the pipeline calls it behind `close`. What could not be closed is in
        the answer."""
        errors: list[Exception] = []
        while self._keys:
            try:
                MODELS.release(self._keys.pop())
            except Exception as error:  # a model's own code
                errors.append(error)
        return errors

    def new_turn(self) -> int:
        return self._pipeline.new_turn()

    def interrupt(self, turn: int) -> None:
        self._pipeline.flush(turn, self._pipeline.graph.generators(below=self.name))

    def cancelled(self, turn: int) -> bool:
        return turn <= self._pipeline.cancelled_turn

    def speculate(self, turn: int) -> None:
        if self._pipeline.graph.speculating(below=self.name):
            self._pipeline.speculate(turn)

    def retract(self, turn: int, after_ns: int) -> None:
        self._pipeline.retract(turn, after_ns, self._pipeline.graph.speculating(below=self.name))

    def commit(self, turn: int) -> None:
        self._pipeline.commit(turn)

    def speculative(self, pause: Event) -> bool:
        return self._pipeline.speculation.wanted(pause.turn, pause.pts_ns)

    def speaking(self) -> bool:
        return self._pipeline.lead_ns(None) > 0

    def duck(self, gain: float) -> None:
        self._pipeline.duck(gain, self._pipeline.graph.generators(below=self.name))

    def linked(self, port: str) -> bool:
        return any(link.out == port for link in self._pipeline.graph.out_of(self.name))

    def lead_ns(self) -> int:
        return self._pipeline.lead_ns(self.name)

    def threads(self, library: str) -> int:
        return threads_of(self._pipeline.graph, library)

    def busy(self) -> AbstractContextManager[None]:
        return self._pipeline.clock.busy()
