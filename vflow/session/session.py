"""Run a session: a pipeline that an application gives audio and gets audio from."""

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
"""Most events that wait for the application; beyond, the oldest are dropped."""


@dataclass(frozen=True)
class _Agent:
    """The parts of a session, once its graph is loaded and checked."""

    pipeline: Pipeline
    ends: Ends
    teller: Teller


class Session:
    """One conversation, with the application in the place of microphone and loudspeaker.

        async with vflow.Session("voice_agent") as session:
            await session.send(samples, rate=48_000)
            async for event in session: ...

    The nodes with the roles `mic` and `speaker` are replaced by `app_source` and `app_sink`, unless the graph
    has these already. Methods may be called from any thread, and never block unless they say so. Without
    asyncio use `with`, `push` and `for event in session`. A session runs once.
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
        preloaded. This does not block; `start` loads and checks the graph, or the first use of `pipeline`.

        `pace`: who counts how much was heard, the `clock` or the application, by `played`. Rates are in Hz.
        `text` says how turns are typed: `beside` the voice; `alone`, with a spoken reply; `silent`, with a
        reply in words only. With `push_to_talk`, `press` and `release` begin and end utterances.
        A loaded graph takes none of these options; give those of a preloaded one to `preload`.
        Raises: VflowError for options that come with a loaded graph.
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
        # written under _making, read without it
        self._made: _Agent | None = None
        self._ended = False  # whether `stop` was called

    def _agent(self) -> _Agent:
        """Return the parts; the first call loads and checks the graph. Blocks."""
        with self._making:
            if self._made is None:
                if self._ended:
                    raise VflowError(ENDED)
                self._made = self._make()
            return self._made

    def _make(self) -> _Agent:
        given = self._given
        if isinstance(given, Preloaded):
            pipeline = given.take()  # its graph is already checked
        else:
            pipeline = Pipeline(graph_for_sessions(given, self._options))
        ends, teller = Ends(pipeline), Teller(pipeline.graph, self.events)
        if ends.has_source:
            teller.handed_in_s = ends.source.pushed_by
        while (early := pipeline.bus.get(0)) is not None:  # messages of a pipeline that was preloaded
            teller.listen(early)
        pipeline.bus.listen(teller.listen)
        if ends.has_output:
            ends.output.output.listen(teller.audio)
            ends.output.forget = teller.forget
        return _Agent(pipeline, ends, teller)

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline. Before `start` this loads and checks the graph, and blocks. Raises: GraphError;
        VflowError if the application can neither hear nor speak through the graph."""
        return self._agent().pipeline

    @property
    def graph(self) -> Graph:
        """The checked graph. Blocks and raises as `pipeline`."""
        return self.pipeline.graph

    @property
    def log(self) -> TurnLog:
        """The turns so far. Blocks and raises as `pipeline`."""
        return self._agent().teller.log

    # its life

    def start(self) -> Self:
        """Load the graph if it is not loaded, and begin. Blocks until the pipeline runs; a second call does
        nothing. Raises: as `pipeline`; NodeError; VflowError after the session's end."""
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
        """End the session; events that came before can still be read. Blocks, for 5 s at most."""
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
        except asyncio.CancelledError:  # `__aexit__` will not be called
            await in_thread(self.stop)
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await in_thread(self.stop)

    # what the application does

    async def send(self, audio: Any, rate: int | None = None) -> None:
        """Hand in audio of any length, of a type that `push` takes. Wait while there is no room. Raises: as
        `push`, also if the session ends meanwhile."""
        source = self._check().source
        for piece in pieces(audio, source.rate if rate is None else rate):
            while not self.push(piece, rate):
                await source.room.next()

    def push(self, samples: Any, rate: int | None = None) -> bool:
        """Hand in audio. Return False if there is no room for all of it now; then none of it is taken.

        `samples`: an array of float, int16, int32 or uint8, `(frames,)` or `(frames, channels)`; or bytes of
        PCM16, mono. `rate` is in Hz, by default `input_rate`. Raises: VflowError if it is not audio, and
        before and after the session.
        """
        return self._check().source.push(samples, rate)

    def end(self) -> None:
        """Announce that no more audio comes: all of it is answered, then the session ends. May be called
        again. Raises: VflowError before the session."""
        if not (self._made is not None and self._made.pipeline.state is State.STOPPED):
            self._check().end()

    def press(self) -> None:
        """Begin an utterance: the user presses the button. A reply is cut; audio from now on belongs to the
        utterance. Raises: VflowError if the graph has no button, and before and after the session."""
        self._check().pressed.press()

    def release(self) -> None:
        """End the utterance, which is then answered: the user releases the button. Raises: as `press`."""
        self._check().released.release()

    def ask(self, text: str, language: str = "") -> int:
        """Answer a text that the user typed; return the turn's number. It cuts the reply, as speech does.

        `language` is the text's (ISO 639-1). Raises: VflowError for an empty text, if no generator of the
        graph takes text, and before and after the session.
        """
        return self._check().typed.ask(text, language)

    def say(self, text: str, language: str = "", *, barge_in: bool = True) -> int:
        """Have the agent say a text word for word, after the current reply; return the turn's number. An
        interruption drops it; without `barge_in`, only before its first sound. The history holds it as a
        reply. Raises: as `ask`."""
        return self._check().typed.say(text, language, barge_in)

    def prompt(self, instructions: str | None = None) -> int:
        """Have the agent reply to the history as it is, without a new question; return the turn's number.
        `instructions` replace the persona for this reply. Raises: as `ask`."""
        return self._check().typed.prompt(instructions)

    def settle(self, turn: int, heard: str) -> None:
        """Fix the text that was heard of a reply; later reports do not change it. Blocks before `start`."""
        self.conversation.settle(turn, heard)
        self._agent().teller.settle(turn, heard)

    def interrupt(self, turn: int | None = None) -> None:
        """Cut the replies up to `turn`, by default all, as if the user had spoken. Blocks for a moment."""
        self._check()
        self.pipeline.flush(turn)

    def played(self, seconds: float, turn: int | None = None) -> None:
        """Report how many seconds of a reply have sounded so far, for `pace: played`; see `app_sink`. Raises:
        VflowError before the session, and for an impossible report."""
        if self._made is None:
            raise VflowError(NOT_STARTED)
        self._made.ends.output.played(seconds, turn)

    def set(self, node: str, prop: str, value: object) -> None:
        """Change a `hot` property of a node. Raises: PropertyError if it cannot be changed so."""
        self.pipeline.set(node, prop, value)

    def expect(self, kind: str) -> None:
        """Announce the kind of the user's next answer: `phone`, `number`, `email`, `name`, `yes_no`; '' for
        any. Raises: VflowError for another kind."""
        self.conversation.expect(kind)

    @property
    def conversation(self) -> Conversation:
        """The history: the words that were said, and those of replies that were heard."""
        return self.pipeline.conversation

    # what the application hears

    def get(self, timeout_s: float | None = None) -> Event | None:
        """Return the next event; None after the timeout, or at the session's end. Blocks. Raises: NodeError
        at the end of a session that failed."""
        event = self.events.get(timeout_s)
        if event is None:
            self._raise_failure()
        return event

    def __iter__(self) -> Iterator[Event]:
        """Yield events until the session's end. Blocks. Raises: NodeError if the session failed."""
        while (event := self.get()) is not None:
            yield event

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield events until the session's end. Raises: NodeError if the session failed."""
        while (event := await self.events.next()) is not None:
            yield event
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._made is not None and self._made.pipeline.failure is not None:
            raise self._made.pipeline.failure

    def _check(self) -> Ends:
        """Return the graph's ends. Raises: VflowError before and after the session."""
        state = None if self._made is None else self._made.pipeline.state
        if state is State.STOPPED or (self._made is None and self._ended):
            raise VflowError(ENDED)
        if self._made is None or state is not State.PLAYING:
            raise VflowError(NOT_STARTED)
        return self._made.ends
