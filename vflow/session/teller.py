"""Translate a pipeline's messages and audio to the events of its session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

from vflow.bus import Message
from vflow.caps import Text
from vflow.event import SpeechEnd, SpeechStart, SpeechVoid, TurnEnd
from vflow.flush import Played
from vflow.graph.graph import Graph
from vflow.outbox import Outbox
from vflow.packet import SECOND, AudioPacket, TextPacket
from vflow.report.turn_log import TurnLog
from vflow.runtime.lifecycle import State
from vflow.session.events import (
    Event,
    Interrupted,
    ReplyAudio,
    ReplyGoesOn,
    ReplyHeld,
    ReplyWord,
    ReplyWritten,
    StateChanged,
    TurnEnded,
    UserBegan,
    UserFinished,
    UserText,
    Warned,
)


class Teller:
    """Puts a session's events into `events`. Its methods are called in the pipeline's threads."""

    def __init__(self, graph: Graph, events: Outbox[Event]) -> None:
        self._graph, self._events = graph, events
        self.log = TurnLog(graph)
        self.handed_in_s: Callable[[int], float] = lambda pts_ns: pts_ns / SECOND
        """Converts a time of the stream in ns to its place in the audio that was handed in, in seconds."""
        self._state = ""
        self._doubtful: UserBegan | None = None
        """Voice over a reply that may be only a word of assent. It is not told until it surely interrupts: an
        application would stop the reply for it."""
        self._spoke = self._finished = 0  # the last turn in which the user began, and finished
        self._written = 0  # the last turn whose reply has all its words
        self._telling = threading.Lock()  # held for each message, so that events keep the order of messages

    def listen(self, message: Message) -> None:
        """Put the events of a message of the bus."""
        with self._telling:  # else a turn's end may come before the cut that ended it
            self.log.listen(message)
            for event in self._told(message):
                self._events.put(event)
        stopped = message.kind == "state" and message.data["state"] == State.STOPPED.value
        if stopped or message.kind in ("error", "eos"):
            self._events.close()

    def audio(self, packet: AudioPacket) -> None:
        """Put the event for audio to play."""
        self._events.put(ReplyAudio(packet.turn, packet.data[:, 0], packet.rate, packet.spans))

    def settle(self, turn: int, heard: str) -> None:
        """Log the text that was heard of a reply, as the application knows it."""
        played = Played(turn, 0, 1, heard)
        self.log.listen(Message("played", "session", 0, "", {"played": played, "phase": "late"}))

    def forget(self) -> int:
        """Drop audio that the application has not read; return how many frames."""
        taken = self._events.take_back(lambda event: isinstance(event, ReplyAudio))
        return sum(len(event.samples) for event in taken if isinstance(event, ReplyAudio))

    def _told(self, message: Message) -> Iterator[Event]:
        if message.kind == "packet":
            packet = message.data["packet"]
            caps = self._graph.nodes[message.source].caps.get(message.data["port"])
            if isinstance(packet, TextPacket) and isinstance(caps, Text):
                if caps.kind == "final" and not packet.meta.get("prompted"):
                    yield UserText(packet.turn, packet.text)
                elif caps.kind == "word":
                    yield ReplyWord(packet.turn, packet.index, packet.text)
        elif message.kind == "event":
            event = message.data["event"]
            if isinstance(event, SpeechStart) and event.turn > self._spoke:  # a node may emit it again
                self._spoke = event.turn
                began = UserBegan(event.turn, self.handed_in_s(event.pts_ns))
                if "over_reply_ns" in event.meta:
                    self._doubtful = began
                else:
                    yield began
            elif isinstance(event, SpeechVoid):
                self._doubtful = None
            elif isinstance(event, SpeechEnd) and event.turn > self._finished:
                self._finished = event.turn
                yield from self._surely(event.turn)
                yield UserFinished(event.turn, self.handed_in_s(event.pts_ns))
            elif isinstance(event, TurnEnd) and event.turn != self._written:
                self._written = event.turn
                tokens, reason = event.meta.get("tokens"), event.meta.get("stop_reason", "eos")
                made, asked = (
                    n if isinstance(n, int) else 0 for n in (tokens, event.meta.get("prompt_tokens"))
                )
                yield ReplyWritten(event.turn, made, str(reason), asked)
        elif message.kind == "flush":
            flush = message.data["flush"]
            cut = any(not played.ended for played in flush.played)  # even a reply that nobody asked for
            if not flush.retracts and (cut or self.log.interrupted_at(message.at_ns)):
                yield Interrupted(flush.turn)
            if not flush.retracts:
                yield from self._surely(flush.turn + 1)
        elif message.kind == "hold":
            yield ReplyHeld() if message.data["phase"] == "begun" else ReplyGoesOn()
        elif message.kind == "warning":
            yield Warned(message.source, message.text)
        if (state := self.log.states.newest) != self._state:
            self._state = state
            yield StateChanged(cast("Any", state))
        for record in self.log.take_ended():
            yield TurnEnded(record)

    def _surely(self, turn: int) -> Iterator[Event]:
        """Yield the begin of a voice that was in doubt, if it belongs to a turn up to this one."""
        if self._doubtful is not None and self._doubtful.turn <= turn:
            began, self._doubtful = self._doubtful, None
            yield began
