"""The page's protocol: each message becomes its command or its refusal, each event its frames."""

from __future__ import annotations

import json
import struct
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow.packet import MS, Span
from vflow.report.turn import TurnRecord
from vflow.session import (
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
from vflow.web.commands import (
    Ask,
    Closing,
    Command,
    End,
    Interrupt,
    PlayedSoFar,
    Press,
    Release,
    Say,
    Set,
    Sound,
    Start,
)
from vflow.web.protocol import PageProtocol, stages_of

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
TYPES = st.sampled_from(
    ["start", "ask", "say", "press", "release", "interrupt", "played", "set", "end", "Start", ""]
)
FIELDS = st.dictionaries(
    st.sampled_from(["input_rate", "played", "text", "turn", "seconds", "node", "property", "value"]), JSON
)
MESSAGES = st.builds(lambda kind, fields: json.dumps({**fields, "type": kind}), TYPES, FIELDS)
TEXTS = st.text(max_size=200) | JSON.map(json.dumps) | MESSAGES


def begun() -> PageProtocol:
    core = PageProtocol()
    core.receive('{"type": "start"}')
    return core


def told(event: Event) -> dict[str, Any]:
    (frame,) = PageProtocol().tell(event)
    message: dict[str, Any] = json.loads(frame)
    return message


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('{"type": "ask", "text": "hello"}', Ask("hello")),
        ('{"type": "say", "text": "hello", "more": 1}', Say("hello")),
        ('{"type": "press"}', Press()),
        ('{"type": "release"}', Release()),
        ('{"type": "interrupt"}', Interrupt()),
        ('{"type": "played", "turn": 3, "seconds": 1}', PlayedSoFar(3, 1.0)),
        ('{"type": "set", "node": "tts", "property": "speed", "value": 1.5}', Set("tts", "speed", 1.5)),
        ('{"type": "end"}', End()),
    ],
)
def test_a_message_becomes_its_command(text: str, command: Command) -> None:
    assert begun().receive(text) == command


def test_the_first_message_says_how_the_client_sounds() -> None:
    core = PageProtocol()
    assert core.receive('{"type": "start", "input_rate": 48000, "played": true}') == Start(48_000, True)
    assert core.start == Start(48_000, True)
    assert core.receive(b"\0\1") == Sound(b"\0\1")


@given(st.lists(TEXTS | st.binary(max_size=50), max_size=6))
def test_whatever_comes_is_a_command_or_a_refusal_with_its_code(messages: list[str | bytes]) -> None:
    core = PageProtocol()
    for message in messages:
        command = received(core, message)
        if isinstance(command, Closing):
            assert (command.close, command.code) in [(1007, "bad_message"), (1003, "wrong_kind")]
            assert command.text
            break
        assert core.start is not None
        if isinstance(command, PlayedSoFar):
            assert 0 <= command.seconds < 2e6
            assert 0 <= command.turn < 2**32
        elif isinstance(command, Start):
            assert 8_000 <= command.input_rate <= 192_000


def received(core: PageProtocol, message: str | bytes) -> Command | Closing:
    try:
        return core.receive(message)
    except Closing as closing:
        return closing


@given(st.text(max_size=30), st.text(max_size=30), st.integers(0, 2**31), st.integers(0, 1000))
def test_a_text_of_any_kind_reaches_the_client_as_it_is(text: str, node: str, turn: int, index: int) -> None:
    assert told(UserText(turn, text)) == {"type": "user", "turn": turn, "text": text}
    word = {"type": "word", "turn": turn, "index": index, "text": text}
    assert told(ReplyWord(turn, index, text)) == word
    assert told(Warned(node, text)) == {"type": "warning", "node": node, "text": text}


@given(st.integers(0, 2**32 - 1), st.lists(st.floats(-4, 4), max_size=50))
def test_audio_is_the_number_of_its_turn_then_16_bit_samples(turn: int, samples: list[float]) -> None:
    (frame,) = PageProtocol().tell(ReplyAudio(turn, np.array(samples, np.float32), 24_000))
    assert isinstance(frame, bytes)
    assert struct.unpack_from("<I", frame) == (turn,)
    sent = np.frombuffer(frame[4:], "<i2") / 32767
    assert np.allclose(sent, np.clip(samples, -1, 1), atol=1e-4)


def test_where_words_lie_in_a_reply_is_told_before_their_audio() -> None:
    core = PageProtocol()
    silence = np.zeros(2_400, np.float32)
    pieces = [
        ReplyAudio(1, silence, 24_000, (Span(1, 0, "one", 0, 1_200), Span(1, 1, "two", 1_200, 3_000))),
        ReplyAudio(1, silence, 24_000),
        ReplyAudio(1, silence, 24_000, (Span(1, 2, "three", -480, 2_400),)),
        ReplyAudio(2, silence, 24_000, (Span(2, 0, "next", 240, 2_400),)),
    ]
    frames = [frame for piece in pieces for frame in core.tell(piece)]
    assert [isinstance(frame, bytes) for frame in frames] == [False, True, True, False, True, False, True]
    assert [json.loads(frame) for frame in frames if isinstance(frame, str)] == [
        {"type": "spoken", "turn": 1, "words": [[0, 0.0, 0.05], [1, 0.05, 0.125]]},
        {"type": "spoken", "turn": 1, "words": [[2, 0.18, 0.3]]},
        {"type": "spoken", "turn": 2, "words": [[0, 0.01, 0.1]]},
    ]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Interrupted(2), {"type": "interrupted", "turn": 2}),
        (ReplyHeld(), {"type": "held"}),
        (ReplyGoesOn(), {"type": "goes_on"}),
        (StateChanged("speaking"), {"type": "state", "state": "speaking"}),
    ],
)
def test_an_event_becomes_its_message(event: Event, message: dict[str, Any]) -> None:
    assert told(event) == message


def test_a_turn_that_ended_comes_with_its_texts_latencies_and_stages() -> None:
    at_ns = {"voice_off": 100, "decided": 580, "first_word": 620, "audible": 700, "reply_end": 3_000}
    record = TurnRecord(
        4, "hi", ["Good", "day."], "Good day.", at_ns={name: ms * MS for name, ms in at_ns.items()}
    )
    message = told(TurnEnded(record))
    stages = message.pop("stages")
    assert message == {
        "type": "turn_ended",
        "turn": 4,
        "user": "hi",
        "reply": "Good day.",
        "heard": "Good day.",
        "interrupted": False,
        "taken_back": False,
        "latencies_ms": {
            "endpoint": 480.0,
            "first_word": 40.0,
            "compute": 120.0,
            "v2v": 600.0,
            "word_to_audio": 80.0,
            "stop": None,
        },
    }
    assert [(stage["name"], stage["start_ms"], stage["end_ms"]) for stage in stages] == [
        ("endpoint", 0, 480),
        ("first_word", 480, 520),
        ("word_to_audio", 520, 600),
        ("speaking", 600, 2_900),
    ]


def test_a_reply_that_was_cut_speaks_until_it_was_silent() -> None:
    at_ns = {"decided": 0, "first_word": 40 * MS, "audible": 90 * MS, "flushed": 500 * MS, "silent": 510 * MS}
    assert stages_of(at_ns)[-1] == {"name": "speaking", "start_ms": 90.0, "end_ms": 510.0}


def test_levels_refusals_and_the_last_words_are_told() -> None:
    core = PageProtocol()
    (frame,) = core.levels({"a.x -> b.y": 0.25})
    assert json.loads(frame) == {"type": "levels", "links": {"a.x -> b.y": 0.25}}
    frames = core.leave(Closing(1013, "full", "all taken"))
    assert [msgspec.json.decode(frame) for frame in frames] == [
        {"type": "error", "code": "full", "text": "all taken"},
        {"type": "bye", "reason": "all taken"},
    ]
    assert [json.loads(frame)["type"] for frame in core.leave(Closing(1000, "end", "over"))] == ["bye"]
