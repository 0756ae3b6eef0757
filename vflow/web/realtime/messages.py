"""Decode the events of a Realtime client: their types and bounds, and errors for events that break them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from vflow.errors import VflowError, nearest
from vflow.web.protocol import Frame

Id = Annotated[str, Meta(max_length=512)]
Words = Annotated[str, Meta(max_length=100_000)]
Ms = Annotated[int, Meta(ge=0, le=10**9)]
Modalities = Annotated[list[Literal["text", "audio"]], Meta(min_length=1, max_length=2)]
Tokens = Annotated[int, Meta(ge=1, le=1_000_000)] | Literal["inf"]
INVALID = "invalid_value"
_PATH = re.compile(r" - at `\$\.?(.*?)`$")
_FIELD = re.compile(r"unknown field `(.*?)`|missing required field `(.*?)`")


class Refused(VflowError):
    """Raised to refuse a client's event: a word for programs, a text for people, and the field at fault."""

    def __init__(self, code: str, text: str, param: str | None = None, event_id: str | None = None) -> None:
        self.code, self.text, self.param, self.event_id = code, text, param, event_id
        super().__init__(text)


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON object in which unknown fields are errors."""


class Format(Strict, frozen=True):
    """An audio format."""

    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
    rate: Literal[24_000, 8_000] | None = None


class Detection(Strict, frozen=True):
    """How turns are detected; None in a field keeps the graph's value."""

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: Annotated[float, Meta(ge=0, le=1)] | None = None
    prefix_padding_ms: Annotated[int, Meta(ge=0, le=2_000)] | None = None
    silence_duration_ms: Annotated[int, Meta(ge=64, le=10_000)] | None = None
    idle_timeout_ms: int | None = None
    eagerness: Literal["low", "medium", "high", "auto"] | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None


class Input(Strict, frozen=True):
    """The client's audio."""

    format: Format | None = None
    transcription: dict[str, Any] | UnsetType | None = UNSET
    noise_reduction: dict[str, Any] | None = None
    turn_detection: Detection | bool | UnsetType | None = UNSET
    """Some clients send false for null."""


class Output(Strict, frozen=True):
    """The reply's audio."""

    format: Format | None = None
    voice: Annotated[str, Meta(max_length=200)] | dict[str, Any] | None = None
    speed: Annotated[float, Meta(ge=0.25, le=1.5)] | None = None


class SessionAudio(Strict, frozen=True):
    """The session's audio, both ways."""

    input: Input | None = None
    output: Output | None = None


class SessionFields(Strict, frozen=True):
    """The fields of `session.update`. A field left out keeps its value."""

    type: Literal["realtime"] = "realtime"
    model: Id | None = None
    instructions: Words | None = None
    output_modalities: Modalities | None = None
    audio: SessionAudio | None = None
    max_output_tokens: Tokens | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    tracing: Any = None
    include: Any = None
    truncation: Any = None
    prompt: Any = None
    reasoning: Any = None
    id: Id | None = None
    object: Id | None = None
    expires_at: float | None = None


class ResponseAudio(Strict, frozen=True):
    """The audio of one response."""

    output: Output | None = None


class ResponseFields(Strict, frozen=True):
    """The fields of `response.create`, for one response. A field left out has the session's value."""

    instructions: Words | None = None
    output_modalities: Modalities | None = None
    conversation: Literal["auto", "none"] | None = None
    input: list[Any] | None = None
    metadata: dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]] | None = None
    max_output_tokens: Tokens | None = None
    audio: ResponseAudio | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    prompt: Any = None
    reasoning: Any = None


class Content(Struct, frozen=True):
    """A part of an item."""

    type: Annotated[str, Meta(max_length=100)]
    text: Words | None = None


class NewItem(Struct, frozen=True):
    """An item that a client adds."""

    type: Annotated[str, Meta(max_length=100)]
    id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    role: Literal["user", "assistant", "system"] | None = None
    content: Annotated[list[Content], Meta(max_length=100)] = []


class _Event(Struct, frozen=True, tag_field="type"):
    """An event of a client; the tag is its `type`."""

    event_id: Id | None = None


class Update(_Event, frozen=True, tag="session.update", kw_only=True):
    session: SessionFields


class Append(_Event, frozen=True, tag="input_audio_buffer.append", kw_only=True):
    audio: str


class Commit(_Event, frozen=True, tag="input_audio_buffer.commit"):
    pass


class Clear(_Event, frozen=True, tag="input_audio_buffer.clear"):
    pass


class Create(_Event, frozen=True, tag="conversation.item.create", kw_only=True):
    item: NewItem
    previous_item_id: Id | None = None


class Retrieve(_Event, frozen=True, tag="conversation.item.retrieve", kw_only=True):
    item_id: Id


class Delete(_Event, frozen=True, tag="conversation.item.delete", kw_only=True):
    item_id: Id


class Truncate(_Event, frozen=True, tag="conversation.item.truncate", kw_only=True):
    item_id: Id
    content_index: Ms
    audio_end_ms: Ms


class Respond(_Event, frozen=True, tag="response.create"):
    response: ResponseFields = ResponseFields()


class Cancel(_Event, frozen=True, tag="response.cancel"):
    response_id: Id | None = None


class ClearOutput(_Event, frozen=True, tag="output_audio_buffer.clear"):
    pass


ClientEvent = (
    Update | Append | Commit | Clear | Create | Retrieve | Delete | Truncate | Respond | Cancel | ClearOutput
)
KNOWN: dict[str, type[ClientEvent]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        Update, Append, Commit, Clear, Create, Retrieve, Delete, Truncate, Respond, Cancel, ClearOutput
    )
}  # fmt: skip


def read(data: Frame) -> ClientEvent:
    """Decode a client's event. Raises: Refused if it is malformed or unknown."""
    if isinstance(data, bytes):
        raise Refused("invalid_event", "send events as text, and audio with input_audio_buffer.append")
    try:
        fields = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise Refused("invalid_json", f"the message is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise Refused("invalid_event", "an event must be a JSON object with a 'type'")
    given = fields.get("event_id")
    event_id = given if isinstance(given, str) and len(given) <= 512 else None
    kind = fields.get("type")
    if not isinstance(kind, str):
        raise Refused("missing_required_parameter", "the event has no 'type'", "type", event_id)
    if kind not in KNOWN:
        mend = nearest(kind, KNOWN) or f"known: {', '.join(KNOWN)}"
        raise Refused(INVALID, f"no event {kind[:100]!r}; {mend}", "type", event_id)
    try:
        event: ClientEvent = msgspec.convert(fields, KNOWN[kind])
    except (msgspec.ValidationError, RecursionError) as error:
        raise _refused(str(error), event_id) from None
    return event


def _refused(text: str, event_id: str | None) -> Refused:
    """Turn the text of a ValidationError into a refusal, with the field's name as clients write it."""
    found = _PATH.search(text)
    path, text = (found[1], text[: found.start()]) if found else ("", text)
    code = INVALID
    if field := _FIELD.search(text):
        code = "unknown_parameter" if field[1] else "missing_required_parameter"
        path = f"{path}.{field[1] or field[2]}".lstrip(".")
    return Refused(code, f"{path}: {text}" if path else text, path or None, event_id)
