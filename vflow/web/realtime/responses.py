"""Manage the responses of a session: one goes on at a time, the others wait for it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from vflow.errors import VflowError, describe
from vflow.packet import Samples, Span
from vflow.report.turn import TurnRecord
from vflow.session.events import ReplyAudio, ReplyWritten
from vflow.web.commands import Command, Cut
from vflow.web.realtime.detection import Change
from vflow.web.realtime.dialogue import Dialogue
from vflow.web.realtime.messages import Refused, ResponseFields
from vflow.web.realtime.response import Response

ACTIVE = "a response is being made: wait for its 'response.done', or cancel it"
MOST_LOOKS = 8
"""Calls of `look`, four a second, after which the end of a cut reply is no longer waited for."""
NONE_ACTIVE = "no response is being made, so none can be cancelled"


@dataclass(slots=True)
class _Asked:
    """A response that the client has asked for; it waits until all input before it is in the history."""

    response: Response
    instructions: str | None
    changes: list[Change]


@dataclass(slots=True)
class _Waiting:
    """A response that waits for another one to end, with the words and audio that came for it meanwhile."""

    response: Response
    words: list[str] = field(default_factory=list)
    audio: list[tuple[Samples, int, tuple[Span, ...]]] = field(default_factory=list)


class Responses:
    """The responses of one dialogue."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self.active: Response | None = None
        self.texts: list[str] = []
        """The client's texts for a generator that cannot be prompted: the next response asks them."""
        self._asked: _Asked | None = None
        self._waiting: deque[_Waiting] = deque()
        self._back: list[Change] = []
        self._over: int | None = None  # the turn whose audio is being cut: nothing is asked meanwhile
        self._waited = 0  # calls of `look` since the cut
        self._later: ResponseFields | None = None  # asked for while the active response is being cut
        self._cut: TurnRecord | None = None  # the turn of the active response, if the user's voice cut it

    # asked by the client, or begun by what the user said

    def create(self, fields: ResponseFields) -> None:
        """Begin the response that a client asks for with `response.create`. Raises: Refused if another one
        goes on, or the graph cannot do it."""
        if self.active is not None and self.active.cut == "client_cancelled" and self._later is None:
            self._later = fields  # the client does not wait for the end of the response it has cancelled
            return
        if self.active is not None or self._waiting:
            if self.active is not None and self._dialogue.by_client and not self.active.asked:
                self.active.asked = True  # this graph began it when the utterance was committed
                return
            raise Refused("conversation_already_has_active_response", ACTIVE)
        settings, changes = self._dialogue.mapping.overrides(self._dialogue.settings, fields)
        if not self._prompts and not self.texts:
            text = "the generator of this graph only answers input; send audio or text first"
            raise Refused("unsupported_value", text)
        response = Response(settings, self._dialogue.conversation_id, fields.metadata)
        response.asked = True
        self._begin(response)
        self._asked = _Asked(response, fields.instructions, changes)

    def ask(self) -> None:
        """Have the graph make the response that was asked for, if one was. Call it when all input before it
        is in the history."""
        if self._asked is None or self._over is not None:
            return
        asked, self._asked = self._asked, None
        agent, mapping = self._dialogue.agent, self._dialogue.mapping
        try:
            self._back = mapping.apply(asked.changes)
            if self._prompts:
                instructions = asked.instructions
                given = None if instructions is None else mapping.persona(instructions)
                turn = agent.prompt(given)
            else:
                texts, self.texts = self.texts, []
                turn = agent.ask("\n".join(texts))
            asked.response.turn = turn
            if asked.response.protected:
                agent.protect(turn)
        except VflowError as problem:
            self._dialogue.refuse(Refused("generation_failed", describe(problem)), "server_error")
            self._end(TurnRecord(0, stop_reason="error"))

    @property
    def _prompts(self) -> bool:
        return self._dialogue.agent.knob("answers") is not None

    def begin(self, turn: int) -> None:
        """Begin the response to a user who has finished speaking."""
        response = Response(self._dialogue.settings, self._dialogue.conversation_id)
        response.turn = turn
        if self.active is None:
            self._begin(response)
        else:
            self._waiting.append(_Waiting(response))

    def _begin(self, response: Response) -> None:
        self.active = response
        self._dialogue.say("response.created", response=response.as_dict("in_progress"))

    # what is made

    def word(self, turn: int, text: str) -> None:
        """Send a word of a reply; keep it if its response waits."""
        for waiting in self._waiting:
            if waiting.response.turn == turn:
                waiting.words.append(text)
        if (response := self._active(turn)) is not None:
            response.word(self._dialogue.items, text, self._dialogue.say)

    def audio(self, audio: ReplyAudio) -> None:
        """Send a piece of a reply's audio; keep it if its response waits."""
        for waiting in self._waiting:
            if waiting.response.turn == audio.turn:
                waiting.audio.append((audio.samples, audio.rate, audio.spans))
        if (response := self._active(audio.turn)) is not None:
            response.audio(self._dialogue.items, audio.samples, audio.rate, audio.spans, self._dialogue.say)

    def written(self, reply: ReplyWritten) -> None:
        """Take the end of a reply's words. A response of text ends with it: its audio is not waited for."""
        turn = reply.turn
        record = TurnRecord(turn, stop_reason=reply.stop_reason)
        record.tokens, record.prompt_tokens = reply.tokens, reply.prompt_tokens
        for waiting in self._waiting:
            if waiting.response.turn == turn and waiting.response.text_only:
                waiting.response.record = record
        response = self._active(turn)
        if response is not None and response.text_only:
            self._end(record)

    def _active(self, turn: int) -> Response | None:
        response = self.active
        return response if response is not None and response.turn == turn and not response.cut else None

    # how it ends

    def interrupted(self, turn: int) -> None:
        """Mark the response as cut, and drop those that wait, up to a turn."""
        response = self.active
        if response is not None and response.turn is not None and response.turn <= turn:
            response.cut = response.cut or "turn_detected"
        self._waiting = deque(w for w in self._waiting if (w.response.turn or 0) > turn)

    def ended(self, record: TurnRecord) -> None:
        """Take the end of a turn: end its response."""
        if record.number == self._over:
            self._over = None
        self._waiting = deque(
            w for w in self._waiting if w.response.turn != record.number or not record.interrupted
        )
        response = self.active
        if response is None or response.turn != record.number:
            for waiting in self._waiting:
                if waiting.response.turn == record.number:
                    waiting.response.record = record
            return
        if record.interrupted and not response.cut:
            response.cut = "turn_detected"
        if response.cut == "turn_detected" and not self._dialogue.by_client:
            self._cut = record  # clients expect it after `speech_started`, which comes next
        else:
            self._end(record)

    def look(self) -> None:
        """End a response that has waited too long for its last event. Called four times a second."""
        self.settle()
        self._waited += 1
        if self._waited > MOST_LOOKS:
            self._over = None
            if self.active is not None and self.active.cut:
                self._end(None)

    def settle(self) -> None:
        """End the response that the user's voice has cut, if there is one."""
        if (record := self._cut) is not None:
            self._end(record)

    def _end(self, record: TurnRecord | None) -> None:
        response, self.active, self._cut = self.active, None, None
        if response is None:
            return
        response.end(record, self._dialogue.say)
        if response.turn is not None and response.text_only and response.item is not None:
            self._dialogue.agent.settle(response.turn, response.item.text or "")
            if not response.cut and self._dialogue.agent.rate is not None:
                self._over, self._waited = response.turn, 0
                self._dialogue.agent.cut(response.turn)
        try:
            self._dialogue.mapping.apply(self._back)
        finally:
            self._back = []
        later, self._later = self._later, None
        if self._waiting:
            self._go_on(self._waiting.popleft())
        elif later is not None:
            try:
                self.create(later)
            except Refused as refused:
                self._dialogue.refuse(refused)

    def _go_on(self, waiting: _Waiting) -> None:
        """Begin a response that has waited, and send the words and audio that were kept."""
        response, dialogue = waiting.response, self._dialogue
        self._begin(response)
        for word in waiting.words:
            response.word(dialogue.items, word, dialogue.say)
        for samples, rate, spans in waiting.audio:
            response.audio(dialogue.items, samples, rate, spans, dialogue.say)
        if response.record is not None:
            self._end(response.record)

    def cancel(self, response_id: str | None, reason: str = "client_cancelled") -> list[Command]:
        """Cut the active response; nothing more of it is sent. Return the command that stops its reply.
        Raises: Refused if there is none, or `response_id` is another's."""
        response = self.active
        if response is None or (response_id is not None and response_id != response.id) or response.cut:
            raise Refused("response_cancel_not_active", NONE_ACTIVE)
        response.cut, self._waited = reason, 0
        if response.turn is None:  # not begun yet
            self._asked = None
            self._end(None)
            return []
        return [Cut(response.turn)]
