"""Hold the state that the parts of one Realtime session share: agent, settings, items, events to send."""

from __future__ import annotations

from typing import Any

import msgspec

from vflow.web.protocol import Frame
from vflow.web.realtime.agent import Agent
from vflow.web.realtime.items import Items, new_id
from vflow.web.realtime.messages import Refused
from vflow.web.realtime.settings import Mapping, Settings

Event = dict[str, Any]


class Dialogue:
    """The shared state of one session. For one event loop."""

    def __init__(self, agent: Agent, model: str) -> None:
        self.agent = agent
        self.mapping = Mapping(agent)
        self.settings: Settings = self.mapping.first(model)
        self.mapping.begin(self.settings)
        self.items = Items()
        self.id, self.conversation_id = new_id("sess"), new_id("conv")
        self._events: list[Event] = []
        self._written = 0

    def say(self, kind: str, **fields: Any) -> None:
        """Queue an event to send."""
        self._events.append({"type": kind, **fields})

    def refuse(self, refused: Refused, kind: str = "invalid_request_error") -> None:
        """Queue the `error` event for a refusal."""
        self._events.append(error(refused, kind))

    def take(self) -> list[Frame]:
        """Return the queued events as frames, in order, and empty the queue."""
        events, self._events = self._events, []
        return [frame(event) for event in events]

    def next_turn(self) -> int:
        """Return a new number below 0: the turn of a history entry that a client adds."""
        self._written -= 1
        return self._written

    @property
    def by_client(self) -> bool:
        """Whether the client commits its utterances, without turn detection."""
        return self.settings.detection is None


def frame(event: Event) -> str:
    """Encode an event as JSON, with a new `event_id`."""
    encoded: bytes = msgspec.json.encode({"event_id": new_id("event"), **event})
    return encoded.decode()


def error(refused: Refused, kind: str = "invalid_request_error") -> Event:
    """Return the `error` event that answers an event which was refused."""
    about = {
        "type": kind,
        "code": refused.code,
        "message": refused.text,
        "param": refused.param,
        "event_id": refused.event_id,
    }
    return {"type": "error", "error": about}
