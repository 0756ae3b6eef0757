"""One node's `self.ctx` in a running pipeline (see `vflow.node.Context`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from vflow.bus import Kind, Message
from vflow.caps import Caps
from vflow.clock import Clock
from vflow.conversation import Conversation
from vflow.event import Event
from vflow.graph.graph import Graph, GraphNode
from vflow.resources import usable_cores
from vflow.runtime.announcer import Announcer
from vflow.runtime.runner import Runner
from vflow.runtime.segment import Segment
from vflow.runtime.shared_models import Shares
from vflow.runtime.turn_control import TurnControl
from vflow.runtime.wiring import origins

T = TypeVar("T")


def threads_of(graph: Graph, library: str) -> int:
    """Return a library's threads: the number in the graph's file, else half of the usable cores."""
    given = graph.threads.get(library)
    return given if given is not None else max(1, int(usable_cores()) // 2)


class NodeContext:
    """One node's view of its pipeline."""

    def __init__(
        self,
        node: GraphNode,
        graph: Graph,
        segment: Segment,
        runner: Runner,
        clock: Clock,
        conversation: Conversation,
        announcer: Announcer,
        turns: TurnControl,
    ) -> None:
        self._node, self._graph, self._segment, self._runner = node, graph, segment, runner
        self._clock, self._announcer, self._turns = clock, announcer, turns
        self._shares = Shares()
        self.name = node.name
        self.conversation = conversation
        self.now_ns = clock.now_ns

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
        self._segment.wake_at(self._runner, time_ns)

    def post(self, kind: Kind, text: str = "", **data: Any) -> None:
        self._announcer.post(Message(kind, self.name, self.now_ns(), text, data))

    def warn(self, text: str) -> None:
        self.post("warning", str(text))

    def progress(self, text: str, fraction: float | None = None) -> None:
        self.post("progress", str(text), fraction=fraction)

    def shared(self, key: str, load: Callable[[], T]) -> T:
        value: T = self._shares.take(key, load)
        return value

    def release(self) -> list[BaseException]:
        """Give back shared models; for the pipeline, after `close`. Return the errors of closing them."""
        return self._shares.release()

    def new_turn(self) -> int:
        return self._turns.new_turn()

    def interrupt(self, turn: int) -> None:
        self._turns.flush(turn, self._graph.generators(below=self.name))

    def take_back(self, turn: int) -> None:
        self._turns.flush(turn, self._graph.generators(below=self.name), takes_back=True)

    def cancelled(self, turn: int) -> bool:
        return turn <= self._turns.cancelled_turn

    def speculate(self, turn: int) -> None:
        if self._graph.speculating(below=self.name):
            self._turns.speculate(turn, self.name)

    def retract(self, turn: int, after_ns: int) -> None:
        self._turns.retract(turn, after_ns, self._graph.speculating(below=self.name))

    def commit(self, turn: int) -> None:
        self._turns.commit(turn)

    def doubt(self, turn: int) -> None:
        self._turns.doubt(turn, self.name)

    def settle(self, turn: int) -> None:
        self._turns.settle(lambda doubt: doubt.turn == turn)

    def speculative(self, pause: Event) -> bool:
        return self._turns.wanted(pause.turn, pause.pts_ns)

    def speaking(self) -> bool:
        return self._turns.lead_ns() > 0

    def protected(self) -> bool:
        heard = self._turns.sounding(self._graph.generators(below=self.name))
        return any(self.conversation.protects(played.turn, played.words) for played in heard)

    def duck(self, gain: float) -> None:
        self._turns.duck(gain, self._graph.generators(below=self.name))

    def hold(self, held: bool) -> None:
        self._turns.hold(held, self.name)

    def linked(self, port: str) -> bool:
        return any(link.out == port for link in self._graph.out_of(self.name))

    def sources(self, port: str) -> tuple[str, ...]:
        return tuple(origins(self._graph, self.name, port).values())

    def lead_ns(self) -> int:
        return self._turns.lead_ns(self.name)

    def threads(self, library: str) -> int:
        return threads_of(self._graph, library)

    def busy(self) -> AbstractContextManager[None]:
        return self._clock.busy()
