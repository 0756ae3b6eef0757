"""Every message of a client is decoded to an event or refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow.web.realtime.messages import KNOWN, Refused, Respond, Truncate, Update, read

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def refused(text: str | bytes) -> tuple[str, str | None, str | None]:
    with pytest.raises(Refused) as raised:
        read(text)
    assert raised.value.text
    return raised.value.code, raised.value.param, raised.value.event_id


def test_events_are_typed() -> None:
    assert read('{"type": "response.create"}') == Respond()
    made = read(
        '{"type":"conversation.item.truncate","item_id":"a","content_index":0,"audio_end_ms":7,"event_id":"e"}'
    )
    assert made == Truncate("e", item_id="a", content_index=0, audio_end_ms=7)
    update = read('{"type": "session.update", "session": {"type": "realtime", "tracing": "auto"}}')
    assert isinstance(update, Update)
    assert update.session.tracing == "auto"


BAD: dict[str, tuple[str | bytes, str, str | None]] = {
    "no JSON": ("hello", "invalid_json", None),
    "binary": (b"\0\1", "invalid_event", None),
    "deep nesting": ("[" * 100_000, "invalid_json", None),
    "a deep object": ('{"a":' * 50_000 + "1" + "}" * 50_000, "invalid_json", None),
    "a list": ("[]", "invalid_event", None),
    "NaN": ('{"type": "response.create", "response": {"max_output_tokens": NaN}}', "invalid_json", None),
    "no type": ("{}", "missing_required_parameter", "type"),
    "a type that is none": ('{"type": "response.make"}', "invalid_value", "type"),
    "a type that is a list": ('{"type": []}', "missing_required_parameter", "type"),
    "no session": ('{"type": "session.update"}', "missing_required_parameter", "session"),
    "a field of the beta": (
        '{"type": "session.update", "session": {"modalities": ["text"]}}', "unknown_parameter",
        "session.modalities",
    ),
    "a value of another type": (
        '{"type": "session.update", "session": {"instructions": 7}}', "invalid_value", "session.instructions",
    ),
    "a time below 0": (
        '{"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": -1}',
        "invalid_value", "audio_end_ms",
    ),
    "a time beyond all": (
        '{"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": 1e300}',
        "invalid_value", "audio_end_ms",
    ),
    "a threshold beyond 1": (
        '{"type": "session.update", "session": {"audio": {"input": {"turn_detection": {"threshold": 2}}}}}',
        "invalid_value", "session.audio.input.turn_detection.threshold",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_malformed_event_is_refused_with_its_field(what: str) -> None:
    text, code, param = BAD[what]
    assert refused(text) == (code, param, None)


def test_a_refusal_names_the_event_of_the_client() -> None:
    assert refused('{"type": "x", "event_id": "mine"}')[2] == "mine"
    assert refused('{"type": "x", "event_id": 7}')[2] is None


@given(st.text(max_size=200) | st.binary(max_size=50) | JSON.map(json.dumps))
def test_anything_is_an_event_or_refused(data: Any) -> None:
    with contextlib.suppress(Refused):
        read(data)


@given(st.sampled_from(sorted(KNOWN)), st.dictionaries(st.text(max_size=10), JSON, max_size=3), JSON)
def test_any_fields_of_an_event_are_taken_or_refused(kind: str, fields: dict[str, Any], value: Any) -> None:
    for name in ("session", "response", "item", "audio", "item_id"):
        with contextlib.suppress(Refused):
            read(json.dumps({**fields, "type": kind, name: value}))
