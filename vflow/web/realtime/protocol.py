"""Translate OpenAI's Realtime API, without input or output: a client's events to commands and calls of the
session, the session's events to events of the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from vflow.session.events import (
    Event,
    Interrupted,
    ReplyAudio,
    ReplyWord,
    ReplyWritten,
    TurnEnded,
    UserBegan,
    UserFinished,
    UserText,
)
from vflow.session.session import Session
from vflow.web.commands import Closing, Command, Start, Together
from vflow.web.protocol import Frame
from vflow.web.realtime import messages
from vflow.web.realtime.agent import Agent, SessionAgent
from vflow.web.realtime.audio import PCM, RATES
from vflow.web.realtime.detection import PARAM
from vflow.web.realtime.dialogue import Dialogue, error, frame
from vflow.web.realtime.edits import Edits
from vflow.web.realtime.messages import ClientEvent, Refused
from vflow.web.realtime.responses import Responses
from vflow.web.realtime.speech import Speech

CODES = {"token": "invalid_api_key", "full": "server_busy", "busy": "server_busy", "failed": "server_error"}
"""The API's words for reasons to close, where they differ from ours."""
FAULTS = ("server_busy", "server_error", "stopping")


class RealtimeProtocol:
    """The protocol of one client, whose session begins as soon as it is connected."""

    name = "realtime"
    subprotocol = "realtime"

    def __init__(self, model: str = "") -> None:
        """`model` is the name in the client's address: it is sent back to the client and used for nothing
        else."""
        self.start: Start | None = Start(input_rate=RATES[PCM])
        self._model = model[:200]

    def meet(self, session: Session) -> None:
        """Take the session once it has begun."""
        self.serve(SessionAgent(session))

    def serve(self, agent: Agent) -> None:
        """Begin a dialogue with an agent."""
        self._dialogue = Dialogue(agent, self._model)
        self._responses = Responses(self._dialogue)
        self._speech = Speech(self._dialogue, self._responses)
        self._edits = Edits(self._dialogue, self._responses, self._speech)

    def ready(self, about: Mapping[str, Any]) -> list[Frame]:
        self._dialogue.id = f"sess_{about['session']}"
        self._dialogue.say("session.created", session=self._session())
        return self._dialogue.take()

    def _session(self) -> dict[str, Any]:
        return self._dialogue.settings.as_dict(self._dialogue.id)

    # from the client

    def receive(self, data: Frame) -> Command:
        """Decode a client's event and obey it. A bad event is answered with an `error` event; it never closes
        the connection."""
        commands: list[Command] = []
        event_id: str | None = None
        try:
            event = messages.read(data)
            event_id = event.event_id
            commands = self._obey(event)
        except Refused as refused:
            refused.event_id = refused.event_id or event_id
            self._dialogue.refuse(refused)
        if not self._speech.unheard:
            self._responses.ask()
        return Together(tuple(self._dialogue.take()), tuple(commands))

    def _obey(self, event: ClientEvent) -> list[Command]:
        """Carry out an event; return the commands for the session. Raises: Refused if it cannot be done."""
        match event:
            case messages.Append():
                return self._speech.append(event.audio)
            case messages.Commit():
                return self._speech.commit()
            case messages.Clear():
                self._speech.clear()
            case messages.Update():
                self._update(event.session)
            case messages.Create():
                self._edits.create(event)
            case messages.Retrieve():
                self._edits.retrieve(event.item_id)
            case messages.Delete():
                self._edits.delete(event.item_id)
            case messages.Truncate():
                return self._edits.truncate(event)
            case messages.Respond():
                self._responses.create(event.response)
            case messages.Cancel():
                return self._responses.cancel(event.response_id)
            case messages.ClearOutput():
                return self._clear_output()
        return []

    def _update(self, fields: messages.SessionFields) -> None:
        """Change the settings of the session. Raises: Refused if one cannot be changed."""
        given = fields.audio.input if fields.audio is not None else None
        if given is not None and given.turn_detection is not UNSET and self._speech.pending:
            text = "committed audio is still being heard; change this after its transcript"
            raise Refused("input_audio_buffer_busy", text, PARAM)
        self._dialogue.settings = self._dialogue.mapping.update(self._dialogue.settings, fields)
        self._dialogue.say("session.updated", session=self._session())

    def _clear_output(self) -> list[Command]:
        active = self._responses.active
        commands = self._responses.cancel(None)
        assert active is not None
        self._dialogue.say("output_audio_buffer.cleared", response_id=active.id)
        return commands

    # to the client

    def tell(self, event: Event) -> list[Frame]:
        match event:
            case UserBegan(turn, at_s):
                self._speech.began(turn, at_s)
            case UserFinished(turn, at_s):
                self._speech.finished(turn, at_s)
            case UserText(turn, text):
                self._speech.heard(turn, text)
            case ReplyWord(turn, _, text):
                self._responses.word(turn, text)
            case ReplyWritten():
                self._responses.written(event)
            case ReplyAudio():
                self._responses.audio(event)
            case Interrupted(turn):
                self._responses.interrupted(turn)
            case TurnEnded(record):
                self._speech.ended(record)
                self._responses.ended(record)
                if not self._speech.unheard:
                    self._responses.ask()
        return self._dialogue.take()

    def warn(self, node: str, text: str) -> list[Frame]:
        return [frame(error(Refused("server_error", text), "server_error"))]

    def levels(self, links: Mapping[str, float]) -> list[Frame]:
        """Use this as a clock, called four times a second: end what has waited too long. Clients of this API
        are told nothing of links."""
        self._responses.look()
        if not self._speech.unheard:
            self._responses.ask()
        return self._dialogue.take()

    def leave(self, closing: Closing) -> list[Frame]:
        if closing.code == "end":
            return []
        code = CODES.get(closing.code, closing.code)
        kind = "server_error" if code in FAULTS else "invalid_request_error"
        return [frame(error(Refused(code, closing.text), kind))]
