"""Hostile messages are answered by an error or a close, and disturb nobody else."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.stand_ins import PATIENCE_S
from tests.web.live import Live
from tests.web.realtime.clerk import REPLY
from tests.web.realtime.client import Client, client, hum
from tests.web.realtime.stand_in import StandIn, Talk
from vflow.report.turn import TurnRecord
from vflow.session import Interrupted, ReplyWord, ReplyWritten, TurnEnded, UserBegan, UserFinished, UserText
from vflow.web.realtime.messages import KNOWN


def closed(reader: Client) -> tuple[int, str]:
    """Read until the server closes; returns the close code, and the code of the error before it."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            reader.read()
    errors = [event["error"]["code"] for event in reader.events if event["type"] == "error"]
    return reader.socket.close_code or 0, errors[-1] if errors else ""


def test_rubbish_is_answered_by_errors_and_the_conversation_goes_on(live: Live) -> None:
    with client(live) as other, client(live) as reader:
        other.wait_for("session.created")
        other.say("response.create")
        reader.wait_for("session.created")
        for text in (
            "",
            "[" * 100_000,
            '{"a":' * 10_000,
            "\ud800".encode("utf-8", "replace").decode(),
            "NaN",
            "{}",
        ):
            reader.socket.send(text)
            assert reader.wait_for("error")["error"]["code"]
        reader.socket.send(b"\0" * 640)
        assert reader.wait_for("error")["error"]["code"] == "invalid_event"
        assert reader.refusal("session.make")[1] == "type"
        assert reader.refusal("input_audio_buffer.append", audio="A" * 900_001) == ("invalid_value", "audio")
        reader.say("response.create")
        assert reader.wait_for("response.done")["response"]["status"] == "completed"
        done = other.wait_for("response.done")["response"]
    assert done["output"][0]["content"][0]["transcript"] == REPLY


def test_a_message_beyond_all_is_too_large(live: Live) -> None:
    with client(live) as reader:
        reader.wait_for("session.created")
        reader.socket.send("A" * 1_048_577)
        assert closed(reader)[0] == 1009
    with client(live) as reader:
        reader.wait_for("session.created")
        reader.detect({"type": "server_vad"})
        reader.append(hum())
        reader.wait_for("response.done")


def test_audio_that_comes_much_faster_than_it_lasts_is_too_fast(live: Live) -> None:
    with client(live) as reader:
        reader.wait_for("session.created")
        for _ in range(60):
            with contextlib.suppress(ConnectionClosed):
                reader.append(bytes(48_000 * 2))
        assert closed(reader) == (1008, "too_fast")


def test_a_wrong_token_is_an_invalid_key(live: Live) -> None:
    for token in ("wrong", "", None):
        with pytest.raises(InvalidStatus) as raised, client(live, token):
            pass
        assert raised.value.response.status_code == 401
    address = f"ws://127.0.0.1:{live.port}/v1/realtime"
    key: Any = ["realtime", "openai-insecure-api-key.wrong"]
    with connect(address, subprotocols=key) as socket:  # as a browser
        assert json.loads(socket.recv(PATIENCE_S))["error"]["code"] == "invalid_api_key"


def test_a_browser_offers_its_token_as_a_subprotocol(live: Live) -> None:
    from tests.web.live import TOKEN

    offered: Any = ["realtime", f"openai-insecure-api-key.{TOKEN}"]
    with client(live, None, subprotocols=offered) as reader:
        reader.wait_for("session.created")
        assert reader.socket.subprotocol == "realtime"


VALUES = st.sampled_from(
    [None, 0, -1, 1.5, True, "", "x", "AAAA", [], {}, 10**30, {"type": "message"}, "root"]
)
FIELDS = (
    "item_id",
    "audio_end_ms",
    "content_index",
    "audio",
    "item",
    "session",
    "response",
    "response_id",
    "event_id",
)
TOLD = st.sampled_from(
    [
        UserBegan(1, 0.5),
        UserFinished(1, 1.5),
        UserText(1, "hello"),
        ReplyWord(1, 0, "Rome"),
        ReplyWord(2, 0, "grew"),
        ReplyWritten(1, 3, "eos"),
        ReplyWritten(2, 3, "limit"),
        UserBegan(2, 2.0),
        UserFinished(2, 3.0),
        Interrupted(1),
        Interrupted(2),
        TurnEnded(TurnRecord(1, "hello", ["Rome"], "Rome")),
        TurnEnded(TurnRecord(2, None, [], "", interrupted=True)),
    ]
)
SAID = st.tuples(st.sampled_from(sorted(KNOWN)), st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4))
GOOD: list[tuple[str, dict[str, Any]]] = [
    ("response.create", {}),
    ("response.cancel", {}),
    ("output_audio_buffer.clear", {}),
    ("input_audio_buffer.commit", {}),
    ("input_audio_buffer.clear", {}),
    ("input_audio_buffer.append", {"audio": "AAAA" * 2_000}),
    ("session.update", {"session": {"audio": {"input": {"turn_detection": None}}}}),
    ("session.update", {"session": {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}),
    ("session.update", {"session": {"output_modalities": ["text"]}}),
    ("conversation.item.create", {"item": {
        "type": "message", "id": "i", "role": "user", "content": [{"type": "input_text", "text": "hi"}],
    }}),
    ("conversation.item.delete", {"item_id": "i"}),
    ("conversation.item.retrieve", {"item_id": "i"}),
]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=200)
@given(st.lists(st.one_of(SAID, st.sampled_from(GOOD), TOLD), max_size=25), st.booleans())
def test_any_order_of_events_leaves_a_core_that_answers(steps: list[Any], answers: bool) -> None:
    talk = Talk(StandIn() if answers else StandIn().without("answers"))
    begun: list[str] = []
    done: list[str] = []
    for step in steps:
        said = isinstance(step, tuple)
        for event in talk.say(step[0], **step[1]) if said else talk.tell(step):
            assert json.dumps(event)
            if event["type"] == "response.created":
                begun.append(event["response"]["id"])
            elif event["type"] == "response.done":
                done.append(event["response"]["id"])
            elif event["type"].endswith(".delta") and "response_id" in event:
                assert event["response_id"] not in done
            assert len(begun) - len(done) in (0, 1)
    assert done == begun[: len(done)]
    assert talk.say("session.update", session={})[0]["type"] == "session.updated"
