"""A session: a pipeline whose audio comes from an application, and goes to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from vflow.conversation import Conversation
from vflow.errors import VflowError
from vflow.graph.graph import Graph
from vflow.graph.overrides import StandIns
from vflow.graph.registry import NodeClass
from vflow.outbox import Outbox
from vflow.report.turn_log import TurnLog
from vflow.runtime.lifecycle import State
from vflow.runtime.pipeline import Pipeline
from vflow.session.ends import Ends
from vflow.session.event_loop import in_thread
from vflow.session.events import Event
from vflow.session.pieces import pieces
from vflow.session.preloaded import Loadable, Preloaded, graph_for_sessions, refuse_options
from vflow.session.teller import Teller

ENDED = "the session has ended; start a new one"
NOT_STARTED = "the session has not started; use 'with Session(...)', or call start()"
UNREAD = 10_000
"""Events that wait for the application; beyond, the oldest are dropped."""


@dataclass(frozen=True)
class _Agent:
    """The parts of a session, once its graph is loaded and checked."""

    pipeline: Pipeline
    ends: Ends
    teller: Teller


class Session:
    """One conversation, whose microphone and loudspeaker are the application's.

        async with vflow.Session("voice_agent") as session:
            await session.send(samples, rate=48_000)
            async for event in session: ...

    What plays the roles `mic` and `speaker` is replaced by `app_source` and `app_sink`; a graph that has them
    already is taken as it is. Methods may be called from any thread, and never block unless they say so;
    without asyncio, `with`, `push` and `for event in session` do the same. One session runs once.
    """

    def __init__(
        self,
        graph: Loadable | Preloaded,
        *,
        pace: Literal["clock", "played"] = "clock",
        input_rate: int = 16_000,
        output_rate: int | None = None,
        overrides: Mapping[str, str] | None = None,
        stand_ins: StandIns | None = None,
        nodes: Mapping[str, NodeClass] | None = None,
        text: Literal["beside", "alone", "silent"] = "beside",
        push_to_talk: bool = False,
    ) -> None:
        """Take a graph: a file, its text, a mapping, a shipped pipeline's name; or one that is loaded, or
        preloaded. `start` loads and checks it, or what asks for the `pipeline` before that, so that an event
        loop that makes a session does not wait.

        `pace` says who counts what was heard: the `clock`, or the application by `played`. Rates are in Hz.
        `text` says what typed turns are: `beside` the voice; `alone`, with a reply that is spoken; `silent`,
        with a reply in words only. With `push_to_talk`, `press` and `release` make the utterances.
        These options are for what is still to be loaded; give those of a preloaded graph to `preload`.
        Raises: VflowError for options of a graph that is loaded.
        """
        self._options: dict[str, Any] = {
            "pace": pace,
            "input_rate": input_rate,
            "output_rate": output_rate,
            "overrides": overrides,
            "stand_ins": stand_ins,
            "nodes": nodes,
            "text": text,
            "push_to_talk": push_to_talk,
        }
        if isinstance(graph, Graph | Preloaded):
            mend = "give the graph's file, text or name in its place"
            refuse_options(
                self._options, "give it to vflow.preload" if isinstance(graph, Preloaded) else mend
            )
        self._given = graph
        self.events: Outbox[Event] = Outbox(UNREAD)
        self._making = threading.Lock()
        # guarded by _making; read without it
        self._made: _Agent | None = None
        self._ended = False  # before it was made

    def _agent(self) -> _Agent:
        """Load and check the graph, at the first call. Blocks."""
        with self._making:
            if self._made is None:
                if self._ended:
                    raise VflowError(ENDED)
                self._made = self._make()
            return self._made

    def _make(self) -> _Agent:
        given = self._given
        if isinstance(given, Preloaded):
            pipeline = given.take()  # its graph was checked
        else:
            pipeline = Pipeline(graph_for_sessions(given, self._options))
        ends, teller = Ends(pipeline), Teller(pipeline.graph, self.events)
        if ends.has_source:
            teller.handed_in_s = ends.source.pushed_by
        while (early := pipeline.bus.get(0)) is not None:  # of a pipeline that was opened before
            teller.listen(early)
        pipeline.bus.listen(teller.listen)
        if ends.has_output:
            ends.output.output.listen(teller.audio)
            ends.output.forget = teller.forget
        return _Agent(pipeline, ends, teller)

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline. Before `start` it blocks for as long as it takes to load and check the graph. Raises:
        GraphError; VflowError for a graph through which the application can neither hear nor speak."""
        return self._agent().pipeline

    @property
    def graph(self) -> Graph:
        """The graph that was checked. Blocks and raises as `pipeline`."""
        return self.pipeline.graph

    @property
    def log(self) -> TurnLog:
        """The turns so far. Blocks and raises as `pipeline`."""
        return self._agent().teller.log

    # its life

    def start(self) -> Self:
        """Load what is not loaded yet, and begin. Blocks until it runs; a second call does nothing. Raises:
        as `pipeline`; NodeError; VflowError after the session's end."""
        try:
            if self.pipeline.state is State.STOPPED:
                raise VflowError(ENDED)
            self.pipeline.start()
        except BaseException:
            self.events.close()
            raise
        finally:
            if isinstance(self._given, Preloaded):
                self._given.restock()
        return self

    def stop(self) -> None:
        """End the session; the events that are there can still be read. Blocks, for 5 s at most."""
        with self._making:
            self._ended = True
        if self._made is not None:
            self._made.pipeline.stop()
        self.events.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        try:
            await in_thread(self.start)
        except asyncio.CancelledError:  # nobody will leave what was not entered
            await in_thread(self.stop)
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await in_thread(self.stop)

    # what the application does

    async def send(self, audio: Any, rate: int | None = None) -> None:
        """Hand in audio of any length, as `push` takes it; waits while there is no room. Raises: as `push`,
        also where the session ends meanwhile."""
        source = self._check().source
        for piece in pieces(audio, source.rate if rate is None else rate):
            while not self.push(piece, rate):
                await source.room.next()

    def push(self, samples: Any, rate: int | None = None) -> bool:
        """Hand in audio; False where there is no room for it at present, and nothing is taken then.

        Arrays of float, int16, int32 or uint8, `(frames,)` or `(frames, channels)`; bytes are 16 bit mono.
        `rate` is in Hz, by default `input_rate`. Raises: VflowError for what is no audio, and outside of the
        session.
        """
        return self._check().source.push(samples, rate)

    def end(self) -> None:
        """No more audio comes: what was handed in is answered, then the session ends. May be called again.
        Raises: VflowError before the session."""
        if not (self._made is not None and self._made.pipeline.state is State.STOPPED):
            self._check().end()

    def press(self) -> None:
        """The user holds the button down: the reply is cut, and what is pushed from now on is an utterance.
        Raises: VflowError where no button makes utterances, and outside of the session."""
        self._check().pressed.press()

    def release(self) -> None:
        """The user has let the button go, or has finished: what was said is answered. Raises: as `press`."""
        self._check().released.release()

    def ask(self, text: str, language: str = "") -> int:
        """Hand in a turn that the user typed; returns its number. It interrupts the reply, as speech does.

        `language` (ISO 639-1) is that of the text. Raises: VflowError for no text, where no generator of the
        graph takes text, and outside of the session.
        """
        return self._check().typed.ask(text, language)

    def say(self, text: str, language: str = "", *, barge_in: bool = True) -> int:
        """Have the agent say a text as it is, after the reply that is being made; returns the number of its
        turn. An interruption drops it; without `barge_in`, only before its first sound. It is remembered as a
        reply. Raises: as `ask`."""
        return self._check().typed.say(text, language, barge_in)

    def prompt(self, instructions: str | None = None) -> int:
        """Have the agent answer the history as it stands, nothing new being asked; returns the number of the
        turn. `instructions` take the persona's place for this reply. Raises: as `ask`."""
        return self._check().typed.prompt(instructions)

    def settle(self, turn: int, heard: str) -> None:
        """Say for good how much of a reply was heard, whatever is reported later. Blocks before `start`."""
        self.conversation.settle(turn, heard)
        self._agent().teller.settle(turn, heard)

    def interrupt(self, turn: int | None = None) -> None:
        """Cut the reply, as if the user had spoken; up to a turn, by default all. Blocks for a moment."""
        self._check()
        self.pipeline.flush(turn)

    def played(self, seconds: float, turn: int | None = None) -> None:
        """Report how much of a reply has sounded in all, with `pace: played`; see `app_sink`. Raises:
        VflowError before the session, and for a report that cannot be true."""
        if self._made is None:
            raise VflowError(NOT_STARTED)
        self._made.ends.output.played(seconds, turn)

    def set(self, node: str, prop: str, value: object) -> None:
        """Change a property that is declared `hot`. Raises: PropertyError."""
        self.pipeline.set(node, prop, value)

    def expect(self, kind: str) -> None:
        """Say which kind of answer the user's next turn is: `phone`, `number`, `email`, `name`, `yes_no`; ''
        for any. Raises: VflowError for another."""
        self.conversation.expect(kind)

    @property
    def conversation(self) -> Conversation:
        """The history: what was said, and what was heard."""
        return self.pipeline.conversation

    # what it hears

    def get(self, timeout_s: float | None = None) -> Event | None:
        """The next event; None after the timeout, or at the session's end. Blocks. Raises: NodeError at the
        end of a session that failed."""
        event = self.events.get(timeout_s)
        if event is None:
            self._raise_failure()
        return event

    def __iter__(self) -> Iterator[Event]:
        """The events until the session's end. Blocks. Raises: NodeError where it failed."""
        while (event := self.get()) is not None:
            yield event

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The events until the session's end. Raises: NodeError where it failed."""
        while (event := await self.events.next()) is not None:
            yield event
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._made is not None and self._made.pipeline.failure is not None:
            raise self._made.pipeline.failure

    def _check(self) -> Ends:
        """Raises: VflowError outside of the session."""
        state = None if self._made is None else self._made.pipeline.state
        if state is State.STOPPED or (self._made is None and self._ended):
            raise VflowError(ENDED)
        if self._made is None or state is not State.PLAYING:
            raise VflowError(NOT_STARTED)
        return self._made.ends
