"""A session: a pipeline whose audio comes from an application, and goes to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Literal, Self, cast

from vflow.bus import Message
from vflow.caps import Text
from vflow.conversation import Conversation
from vflow.errors import VflowError
from vflow.graph.overrides import StandIns
from vflow.graph.registry import NodeClass
from vflow.outbox import Outbox
from vflow.packet import AudioPacket, TextPacket
from vflow.report.turn_log import TurnLog
from vflow.runtime.lifecycle import State
from vflow.runtime.pipeline import Pipeline
from vflow.session.ends import Ends
from vflow.session.event_loop import in_thread
from vflow.session.events import (
    Event,
    Interrupted,
    ReplyAudio,
    ReplyGoesOn,
    ReplyHeld,
    ReplyWord,
    StateChanged,
    TurnEnded,
    UserText,
    Warned,
)
from vflow.session.preloaded import Loadable, Preloaded, graph_for_sessions, refuse_options

PIECE_S = 1.0
"""Audio that `send` hands over at once."""
ENDED = "the session has ended; start a new one"
UNREAD = 10_000
"""Events that wait for the application; beyond, the oldest are dropped."""


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
        """Load and check a graph: a file, its text, a mapping, a shipped pipeline's name; or take one that is
        loaded, or preloaded.

        `pace` says who counts what was heard: the `clock`, or the application by `played`. Rates are in Hz.
        `text` says what typed turns are: `beside` the voice; `alone`, with a reply that is spoken; `silent`,
        with a reply in words only. With `push_to_talk`, `press` and `release` make the utterances.
        These options are for what is still to be loaded; give those of a preloaded graph to `preload`.
        Raises: GraphError; VflowError for a graph through which the application can neither hear nor speak.
        """
        options: dict[str, Any] = {
            "pace": pace,
            "input_rate": input_rate,
            "output_rate": output_rate,
            "overrides": overrides,
            "stand_ins": stand_ins,
            "nodes": nodes,
            "text": text,
            "push_to_talk": push_to_talk,
        }
        if isinstance(graph, Preloaded):
            refuse_options(options, "give it to vflow.preload")
            self.pipeline = graph.take()  # its graph was checked
        else:
            self.pipeline = Pipeline(graph_for_sessions(graph, options))
        self.graph = graph = self.pipeline.graph
        self._ends = Ends(self.pipeline)
        self.log = TurnLog(graph)
        self.events: Outbox[Event] = Outbox(UNREAD)
        self._state = ""
        self._telling = threading.Lock()  # one message after the other
        while (early := self.pipeline.bus.get(0)) is not None:  # of a pipeline that was opened before
            self._listen(early)
        self.pipeline.bus.listen(self._listen)
        if self._ends.has_output:
            self._ends.output.output.listen(self._audio)
            self._ends.output.forget = self._forget

    # its life

    def start(self) -> Self:
        """Load what is not loaded yet, and begin. Blocks until it runs; a second call does nothing. Raises:
        NodeError; VflowError after the session's end."""
        if self.pipeline.state is State.STOPPED:
            raise VflowError(ENDED)
        try:
            self.pipeline.start()
        except BaseException:
            self.events.close()
            raise
        return self

    def stop(self) -> None:
        """End the session; the events that are there can still be read. Blocks, for 5 s at most."""
        self.pipeline.stop()
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
        source = self._ends.source
        for piece in _pieces(audio, source.rate if rate is None else rate):
            while not self.push(piece, rate):
                await source.room.next()

    def push(self, samples: Any, rate: int | None = None) -> bool:
        """Hand in audio; False where there is no room for it at present, and nothing is taken then.

        Arrays of float, int16, int32 or uint8, `(frames,)` or `(frames, channels)`; bytes are 16 bit mono.
        `rate` is in Hz, by default `input_rate`. Raises: VflowError for what is no audio, and outside of the
        session.
        """
        self._check()
        return self._ends.source.push(samples, rate)

    def end(self) -> None:
        """No more audio comes: what was handed in is answered, then the session ends. May be called again.
        Raises: VflowError before the session."""
        if self.pipeline.state is not State.STOPPED:
            self._check()
            self._ends.end()

    def press(self) -> None:
        """The user holds the button down: the reply is cut, and what is pushed from now on is an utterance.
        Raises: VflowError without a `push_to_talk` in the graph, and outside of the session."""
        self._check()
        self._ends.pressed.press()

    def release(self) -> None:
        """The user has let the button go: what was pushed since `press` is answered. Raises: as `press`."""
        self._check()
        self._ends.pressed.release()

    def ask(self, text: str, language: str = "") -> int:
        """Hand in a turn that the user typed; returns its number. It interrupts the reply, as speech does.

        `language` (ISO 639-1) is that of the text. Raises: VflowError for no text, where no generator of the
        graph takes text, and outside of the session.
        """
        self._check()
        return self._ends.typed.ask(text, language)

    def say(self, text: str, language: str = "") -> int:
        """Have the agent say a text as it is, after the reply that is being made; returns the number of its
        turn. An interruption takes it back. It is remembered as a reply. Raises: as `ask`."""
        self._check()
        return self._ends.typed.say(text, language)

    def interrupt(self) -> None:
        """Cut the reply, as if the user had spoken."""
        self._check()
        self.pipeline.flush()

    def played(self, seconds: float, turn: int | None = None) -> None:
        """Report how much of a reply has sounded in all, with `pace: played`; see `app_sink`."""
        self._ends.output.played(seconds, turn)

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
        if event is None and self.pipeline.failure is not None:
            raise self.pipeline.failure
        return event

    def __iter__(self) -> Iterator[Event]:
        """The events until the session's end. Blocks. Raises: NodeError where it failed."""
        while (event := self.get()) is not None:
            yield event

    async def __aiter__(self) -> AsyncIterator[Event]:
        """The events until the session's end. Raises: NodeError where it failed."""
        while (event := await self.events.next()) is not None:
            yield event
        if self.pipeline.failure is not None:
            raise self.pipeline.failure

    def _check(self) -> None:
        if self.pipeline.state is State.STOPPED:
            raise VflowError(ENDED)
        if self.pipeline.state is not State.PLAYING:
            raise VflowError("the session has not started; use 'with Session(...)', or call start()")

    # the pipeline's threads

    def _audio(self, packet: AudioPacket) -> None:
        self.events.put(ReplyAudio(packet.turn, packet.data[:, 0], packet.rate, packet.spans))

    def _forget(self) -> int:
        """Forget audio that the application has not read; returns how many frames."""
        taken = self.events.take_back(lambda event: isinstance(event, ReplyAudio))
        return sum(len(event.samples) for event in taken if isinstance(event, ReplyAudio))

    def _listen(self, message: Message) -> None:
        with self._telling:  # so that nobody tells of a turn's end before the cut that ended it
            self.log.listen(message)
            for event in self._told(message):
                self.events.put(event)
        stopped = message.kind == "state" and message.data["state"] == State.STOPPED.value
        if stopped or message.kind in ("error", "eos"):
            self.events.close()

    def _told(self, message: Message) -> Iterator[Event]:
        if message.kind == "packet":
            packet = message.data["packet"]
            caps = self.graph.nodes[message.source].caps.get(message.data["port"])
            if isinstance(packet, TextPacket) and isinstance(caps, Text):
                if caps.kind == "final":
                    yield UserText(packet.turn, packet.text)
                elif caps.kind == "word":
                    yield ReplyWord(packet.turn, packet.index, packet.text)
        elif message.kind == "flush":
            flush = message.data["flush"]
            cut = any(not played.ended for played in flush.played)  # also of a reply that nobody asked for
            if not flush.retracts and (cut or self.log.interrupted_at(message.at_ns)):
                yield Interrupted(flush.turn)
        elif message.kind == "hold":
            yield ReplyHeld() if message.data["phase"] == "begun" else ReplyGoesOn()
        elif message.kind == "warning":
            yield Warned(message.source, message.text)
        if (state := self.log.states[-1][1]) != self._state:
            self._state = state
            yield StateChanged(cast("Any", state))
        for record in self.log.take_ended():
            yield TurnEnded(record)


def _pieces(audio: Any, rate: Any) -> list[Any]:
    """Cut audio into pieces of PIECE_S; leave what is no audio as it is, for `push` to refuse."""
    count = 2 if isinstance(audio, bytes | bytearray | memoryview) else 1
    try:
        size = max(1, int(PIECE_S * rate)) * count
        return [audio[at : at + size] for at in range(0, max(1, len(audio)), size)]
    except (TypeError, ValueError, OverflowError, LookupError):
        return [audio]
