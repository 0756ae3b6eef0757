"""Stand in for an agent: do nothing, and note each call."""

from __future__ import annotations

import json
from typing import Any

from vflow.errors import PropertyError
from vflow.packet import MS
from vflow.props import convert, props_of
from vflow.web.realtime.agent import Knob
from vflow.web.realtime.protocol import RealtimeProtocol
from vflow_nodes.tts.kokoro import KokoroTts
from vflow_nodes.turn import Turn

TURN = {
    "threshold": 0.5,
    "pre_roll": 400 * MS,
    "speech_end_after": 480 * MS,
    "waits": {0.5: 300 * MS},
    "barge_in": True,
    "detect": True,
}
MIND = {"persona": "Be brief.", "answers": True, "max_tokens": 250}
VOICE = {"voice": "ada", "speed": 1.0}
FIXED = ("voice",)


class StandIn:
    """An `Agent`. `calls` are the calls it got, in order; `values` its properties."""

    def __init__(
        self, judges: bool = True, button: bool = False, rate: int | None = 24_000, **values: Any
    ) -> None:
        self.values: dict[str, Any] = {**TURN, **MIND, **VOICE, **values}
        self.rate, self.hears, self.types, self.button, self.judges = rate, True, True, button, judges
        self.calls: list[tuple[Any, ...]] = []
        self.turns = 0

    def without(self, *names: str) -> StandIn:
        """Return it without some of its properties."""
        self.values = {name: value for name, value in self.values.items() if name not in names}
        return self

    def knob(self, name: str) -> Knob | None:
        if name not in self.values:
            return None
        return Knob("node", name, self.values[name], name not in FIXED)

    def check(self, name: str, value: object) -> None:
        for kind in (Turn, KokoroTts):
            if name in (declared := props_of(kind)):
                convert(declared[name], value)

    def set(self, name: str, value: object) -> None:
        if name not in self.values:
            raise PropertyError(f"no property {name!r}", "")
        self.values[name] = value

    def prompt(self, instructions: str | None) -> int:
        return self._turn("prompt", instructions)

    def ask(self, text: str) -> int:
        return self._turn("ask", text)

    def _turn(self, *call: Any) -> int:
        self.calls.append(call)
        self.turns += 1
        return self.turns

    def remember(self, role: str, text: str, turn: int) -> None:
        self.calls.append(("remember", role, text, turn))

    def forget(self, role: str, turn: int) -> None:
        self.calls.append(("forget", role, turn))

    def settle(self, turn: int, heard: str) -> None:
        self.calls.append(("settle", turn, heard))

    def protect(self, turn: int) -> None:
        self.calls.append(("protect", turn))

    def cut(self, turn: int) -> None:
        self.calls.append(("cut", turn))


class Talk:
    """A protocol core that talks with a stand-in."""

    def __init__(self, agent: StandIn | None = None) -> None:
        self.agent = agent or StandIn()
        self.core = RealtimeProtocol("gpt-realtime")
        self.core.serve(self.agent)
        self.commands: list[Any] = []
        """The commands for the driver."""
        (self.created,) = self.events(self.core.ready({"session": "s"}))

    def say(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Send an event; return the events that come back."""
        return self.raw(json.dumps({"type": kind, **fields}))

    def raw(self, data: str | bytes) -> list[dict[str, Any]]:
        answer = self.core.receive(data)
        self.commands += answer.commands  # type: ignore[union-attr]
        return self.events(answer.frames)  # type: ignore[union-attr]

    def tell(self, *events: Any) -> list[dict[str, Any]]:
        """Pass events of the session; return the events that the client is sent."""
        return [told for event in events for told in self.events(self.core.tell(event))]

    def events(self, frames: Any) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in frames]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def code(events: list[dict[str, Any]]) -> tuple[str, str | None]:
    """Return the code and the field of the only error."""
    (event,) = events
    assert event["type"] == "error", event
    return event["error"]["code"], event["error"]["param"]
