"""A Realtime client for tests: it parses each event of the server by the SDK's own models."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import soxr
from pydantic import TypeAdapter
from websockets.sync.client import ClientConnection, connect

from tests import scripted_agent
from tests.stand_ins import PATIENCE_S
from tests.web.live import TOKEN, Live

RATE = 24_000
Event = dict[str, Any]


@functools.cache
def models() -> TypeAdapter[Any]:
    """Return the SDK's models of a server's events; importing them takes 2 s."""
    from openai.types.realtime import RealtimeServerEvent

    return TypeAdapter(RealtimeServerEvent)


def hum(ms: int = 600, rate: int = RATE) -> bytes:
    """Return the PCM16 of an utterance, and of the silence after it that ends a turn."""
    samples = np.pad(scripted_agent.utterance(ms=ms).samples, (0, 8_000))
    return (soxr.resample(samples, 16_000, rate) * 32767).astype("<i2").tobytes()


class Client:
    """Reads events in order; `events` holds all that came."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[Event] = []

    def say(self, kind: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def update(self, **session: Any) -> Event:
        """Change the session; return it, or the error."""
        self.say("session.update", session={"type": "realtime", **session})
        event = self.wait_for("session.updated", "error")
        return event.get("session") or event["error"]

    def detect(self, detection: Any, **input_fields: Any) -> Event:
        """Set how turns are detected; ask for transcripts too."""
        fields = {"turn_detection": detection, "transcription": {"model": "any"}, **input_fields}
        return self.update(audio={"input": fields})

    def append(self, pcm16: bytes) -> None:
        self.say("input_audio_buffer.append", audio=base64.b64encode(pcm16).decode())

    def read(self) -> Event:
        text = self.socket.recv(PATIENCE_S)
        event: Event = json.loads(text)
        models().validate_python(event)
        self.events.append(event)
        return event

    def wait_for(self, *kinds: str, **fields: Any) -> Event:
        """Read until an event of one of these kinds comes, with these fields."""
        while True:
            event = self.read()
            if event["type"] in kinds and fields.items() <= event.items():
                return event
            assert event["type"] != "error" or "error" in kinds, event

    def refusal(self, kind: str, **fields: Any) -> tuple[str, str | None]:
        """Send an event that is refused; return the error's code and field."""
        self.say(kind, event_id="mine", **fields)
        error = self.wait_for("error")["error"]
        assert error["event_id"] == "mine"
        assert error["message"]
        return error["code"], error["param"]

    def write(self, text: str, role: str = "user", **fields: Any) -> Event:
        """Add a message; return its item."""
        kind = "output_text" if role == "assistant" else "input_text"
        item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}], **fields}
        self.say("conversation.item.create", item=item)
        added: Event = self.wait_for("conversation.item.done")["item"]
        return added

    def retrieve(self, item_id: str) -> str:
        """Return the text of an item, as the server has it."""
        self.say("conversation.item.retrieve", item_id=item_id)
        part = self.wait_for("conversation.item.retrieved")["item"]["content"][0]
        text: str = part.get("transcript") or part.get("text") or ""
        return text

    def types(self, *prefixes: str) -> list[str]:
        """Return the kinds of events that came, in order; a run of one kind counts once."""
        found: list[str] = []
        for event in self.events:
            if event["type"].startswith(prefixes) and found[-1:] != [event["type"]]:
                found.append(event["type"])
        return found

    def audio(self, response_id: str) -> bytes:
        """Return the audio that was sent of a response."""
        pieces = [
            base64.b64decode(event["delta"])
            for event in self.events
            if event["type"] == "response.output_audio.delta" and event["response_id"] == response_id
        ]
        return b"".join(pieces)

    def words(self, response_id: str) -> str:
        """Return the words that were sent of a response."""
        kinds = ("response.output_audio_transcript.delta", "response.output_text.delta")
        return "".join(
            event["delta"]
            for event in self.events
            if event["type"] in kinds and event["response_id"] == response_id
        )


@contextlib.contextmanager
def client(live: Live, token: str | None = TOKEN, **options: Any) -> Iterator[Client]:
    """Connect in the way that programs do, with a key."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    address = f"ws://127.0.0.1:{live.port}/v1/realtime?model=gpt-realtime"
    with connect(address, additional_headers=headers, max_size=None, **options) as socket:
        yield Client(socket)
