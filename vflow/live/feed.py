"""Tell watchers of a run about its graph, its words and its figures, in frames of JSON.

The frames' kinds are those of the page's protocol (docs/serving.md), and two more: `figures` and `property`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import msgspec

from vflow.bus import Message
from vflow.errors import VflowError
from vflow.live.figures import Figures
from vflow.outbox import Outbox
from vflow.report.stages import stages
from vflow.report.turn import TurnRecord, in_ms
from vflow.report.turn_log import TurnLog
from vflow.runtime.lifecycle import State
from vflow.runtime.pipeline import Pipeline
from vflow.session.events import Event, StateChanged, TurnEnded
from vflow.session.teller import Teller
from vflow.web.description import describe, properties_of
from vflow.web.drawing import drawing_of
from vflow.web.protocol import PageProtocol, turn_of

UNREAD = 2_000
"""Most frames that wait for a watcher; beyond, the oldest are dropped."""
TOLD_TURNS = 20
"""How many of the turns before it came a watcher is told."""
ENDED = "the run has ended"


class Follower:
    """One watcher of a run. `history` holds the frames about the time before it came; `frames` gets those
    about what happens from then on, and is closed with the run. `figures` is for one thread."""

    def __init__(self, pipeline: Pipeline, log: TurnLog) -> None:
        self.history: list[str] = []
        self.owed: set[int] = set()
        """Turns that were going on when it came: their ends are told from the run's log, which has all of
        them."""
        self._log = log
        self.frames: Outbox[str] = Outbox(UNREAD)
        self._figures = Figures(pipeline)
        self._core = PageProtocol()
        events: Outbox[Event] = Outbox()
        events.listen(self._take)
        self._teller = Teller(pipeline.graph, events)
        self.state = ""
        """The last state in a frame."""

    def figures(self) -> str:
        """Return the current figures, as a frame."""
        return frame("figures", **self._figures.look())

    def listen(self, message: Message, state: str) -> None:
        """Take a message of the bus, and the agent's state after it."""
        self._teller.listen(message)
        if state != self.state:
            self.state = state
            self.frames.put(frame("state", state=state))
        for number in [number for number in self.owed if self._log.has_ended(number)]:
            self.owed.discard(number)
            self.frames.put(next(turn_frame(turn) for turn in self._log.snapshot() if turn.number == number))

    def _take(self, event: Event) -> None:
        if isinstance(event, TurnEnded):
            if event.record.number not in self.owed:
                self.frames.put(turn_frame(event.record))
        elif not isinstance(event, StateChanged):  # states are told by `listen`, from the run's log
            for told in self._core.tell(event):
                if isinstance(told, str):
                    self.frames.put(told)


class Feed:
    """Tells the watchers of one run. Any thread. It costs nothing before the first watcher comes."""

    def __init__(self, pipeline: Pipeline, log: TurnLog) -> None:
        self._pipeline, self._log = pipeline, log
        self._lock = threading.Lock()  # guards all below
        self._followers: tuple[Follower, ...] = ()  # replaced under it
        self._listens = self._ended = False
        self._drawing: dict[str, Any] | None = None
        self._drawn = False

    def about(self, drawing: bool = True) -> dict[str, Any]:
        """Return the fields of `ready` for the run, with a drawing that has room for figures. The first call
        with a drawing blocks, for 0.5 s at most."""
        found = {**describe(self._pipeline), "pid": os.getpid(), "file": self._pipeline.graph.file}
        if drawing:
            with self._lock:
                if not self._drawn:
                    self._drawing = drawing_of(self._pipeline.graph, figures=True, properties=True)
                    self._drawn = True
            found["graph"]["drawing"] = self._drawing
        return found

    def follow(self, drawing: bool = True) -> Follower:
        """Add a watcher. Its history has `ready`, the last turns and the agent's state."""
        follower = Follower(self._pipeline, self._log)
        history = follower.history
        history.append(frame("ready", **self.about(drawing)))
        with self._lock:
            if not self._listens:
                self._listens = True
                self._pipeline.bus.listen(self._listen)
            over = self._ended or self._pipeline.state is State.STOPPED
            for record in self._log.snapshot()[-TOLD_TURNS:]:
                history += _told_again(record)
                follower.owed |= set() if record.ended else {record.number}
            follower.state = self._state()
            history.append(frame("state", state=follower.state))
            if over:
                _end(follower)
                return follower
            self._followers = (*self._followers, follower)
        return follower

    def _state(self) -> str:
        """Return the agent's state; `loading` before the pipeline plays."""
        loads = self._pipeline.state in (State.NULL, State.READY, State.PAUSED)
        return "loading" if loads else self._log.states.newest

    def leave(self, follower: Follower) -> None:
        """Remove a watcher."""
        with self._lock:
            self._followers = tuple(each for each in self._followers if each is not follower)

    def set(self, node: str, name: str, value: object) -> str:
        """Change a `hot` property, and tell all watchers its value. Return why the change was refused; '' if
        it was not."""
        problem = ""
        try:
            self._pipeline.set(node, name, value)
        except VflowError as error:
            problem = str(error)
        for each in properties_of(self._pipeline):
            if (each["node"], each["name"]) == (node, name):
                self._tell(frame("property", node=node, property=name, value=each["value"]))
        return problem

    def _tell(self, told: str) -> None:
        for follower in self._followers:
            follower.frames.put(told)

    def _listen(self, message: Message) -> None:
        state = self._state()
        for follower in self._followers:
            follower.listen(message, state)
        if message.kind == "progress":
            fraction = message.data.get("fraction")
            self._tell(frame("progress", node=message.source, text=message.text, fraction=fraction))
        elif message.kind == "state" and message.data.get("state") == State.STOPPED.value:
            with self._lock:
                self._ended = True
                followers, self._followers = self._followers, ()
            for follower in followers:
                _end(follower)


def _end(follower: Follower) -> None:
    follower.frames.put(frame("bye", reason=ENDED))
    follower.frames.close()


def _told_again(record: TurnRecord) -> Iterator[str]:
    """Yield the frames about a turn that began before the watcher came."""
    if record.user:
        yield frame("user", turn=record.number, text=record.user)
    for index, text in enumerate(record.words):
        yield frame("word", turn=record.number, index=index, text=text)
    if record.ended:
        yield turn_frame(record)


def turn_frame(record: TurnRecord) -> str:
    """Return the frame for a turn that has ended, with all its stages."""
    return frame("turn_ended", **{**turn_of(record), "stages": stage_fields(record)})


def stage_fields(record: TurnRecord) -> list[dict[str, Any]]:
    return [
        {"name": s.name, "start_ms": in_ms(s.start_ns), "end_ms": in_ms(s.end_ns), "cut": s.cut}
        for s in stages(record.at_ns)
    ]


def frame(kind: str, **fields: Any) -> str:
    """Return a frame as JSON."""
    encoded: bytes = msgspec.json.encode({"type": kind, **fields})
    return encoded.decode()
