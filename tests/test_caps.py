"""Caps: which fit, which need a converter, and how open fields are filled."""

from __future__ import annotations

import pytest

from vflow import AnyCaps, Audio, AudioPacket, Caps, Text, TextPacket
from vflow.caps import fill, fits, needs_converter

WIDE, NARROW = Audio(rate=48_000, channels=2), Audio(rate=16_000, channels=1)
TURNS = Audio(rate=16_000, channels=1, features={"turns"})


@pytest.mark.parametrize(
    ("source", "sink", "expected"),
    [
        (WIDE, NARROW, True),
        (NARROW, Audio(), True),
        (TURNS, NARROW, True),
        (NARROW, TURNS, False),
        (Audio(features={"speech"}), TURNS, False),
        (Text("word"), Text("word"), True),
        (Text("word"), Text("chunk"), False),
        (Text(), Text("chunk"), True),
        (Text("word"), Text(), True),
        (Text("word"), NARROW, False),
        (AnyCaps(), TURNS, True),
        (Text("word"), AnyCaps(), True),
        (Text("chunk"), Text("chunk", {"spoken"}), True),  # a node is inserted that makes it
        (Text("chunk", {"spoken"}), Text("chunk"), True),
        (Text("word", {"spoken"}), Text("chunk", {"spoken"}), False),
        (Text("chunk"), Text("chunk", {"translated"}), False),
        (Text("chunk", features=None), Text("chunk", {"translated"}), True),  # its node's input decides
    ],
)
def test_fitting(source: Caps, sink: Caps, expected: bool) -> None:
    assert fits(source, sink) is expected


@pytest.mark.parametrize(
    ("source", "sink", "expected"),
    [
        (WIDE, NARROW, True),
        (NARROW, NARROW, False),
        (Audio(rate=8_000), Audio(channels=1), False),
        (NARROW, Audio(rate=8_000), True),
        (NARROW, Audio(channels=2), True),
        (Text("word"), NARROW, False),
        (AnyCaps(), NARROW, False),
    ],
)
def test_converter_is_inserted_if_fixed_fields_differ(source: Caps, sink: Caps, expected: bool) -> None:
    assert needs_converter(source, sink) is expected


def test_open_fields_are_filled_and_fixed_ones_kept() -> None:
    assert fill(Audio(rate=8_000), WIDE) == Audio(rate=8_000, channels=2)
    assert fill(Audio(), TURNS) == TURNS
    assert fill(TURNS, WIDE) == TURNS
    assert fill(Text(), Text("word")) == Text("word")
    assert fill(Text("chunk"), Text("word")) == Text("chunk")
    assert fill(AnyCaps(), TURNS) == TURNS
    assert fill(Text("chunk"), Text("word", {"spoken"})) == Text("chunk")
    assert fill(Text("chunk", features=None), Text("word", {"spoken"})) == Text("chunk", {"spoken"})
    assert fill(NARROW, None) == NARROW
    assert fill(NARROW, Text("word")) == NARROW


def test_caps_print_as_messages_have_them_and_name_their_packets() -> None:
    assert [str(c) for c in (Audio(), NARROW, TURNS, Text(), Text("word"), AnyCaps())] == [
        "audio",
        "audio(rate=16000, channels=1)",
        "audio(rate=16000, channels=1, turns)",
        "text",
        "text/word",
        "any",
    ]
    assert NARROW.packet_type is AudioPacket
    assert Text().packet_type is TextPacket
    assert issubclass(AudioPacket, AnyCaps().packet_type)
