from __future__ import annotations

import pytest

from vflow_nodes.lib.decode.dialects import Marker
from vflow_nodes.lib.decode.turn_header import HARMONY_ENDS, Announced, TurnHeader

OWN, OTHER = Announced(first=True), Announced(ended=True, first=True)


@pytest.mark.parametrize(
    ("opened", "text", "left", "announced"),
    [
        ("<|im_start|>", "assistant\nHi", "Hi", OWN),
        ("<|im_start|>", "assistant<|im_sep|>Hi", "Hi", OWN),
        ("<|im_start|>", "assistant Hi", "Hi", OWN),
        ("<|im_start|>", "user\nHi", "Hi", OTHER),
        ("<|im_start|>", "Hello there", "Hello there", OWN),
        ("<|start_header_id|>", "assistant<|end_header_id|>\n\nHi", "\n\nHi", OWN),
        ("<|start_header_id|>", "ipython<|end_header_id|>x", "x", OTHER),
        ("<start_of_turn>", "model\nHi", "Hi", OWN),
        ("<|im_assistant|>", "kimi<|im_middle|>Hi", "Hi", OWN),
        ("<|channel|>", "", "", None),
        (">>>", "all\nHi", "Hi", Announced()),
        ("<|recipient|>", "all\n<|content|>Hi", "Hi", Announced()),
    ],
)
def test_header_names_the_speaker_of_the_turn(
    opened: str, text: str, left: str, announced: Announced | None
) -> None:
    assert TurnHeader(opened).read(text, whole=False) == (left, announced)


@pytest.mark.parametrize("text", ["assis", "assistant", "assistant<|end_head"])
def test_a_header_is_read_when_it_is_whole(text: str) -> None:
    assert TurnHeader("<|start_header_id|>").read(text, whole=False) == (text, None)


@pytest.mark.parametrize(
    ("text", "inside", "name"),
    [
        ("<|channel|>final<|message|>", "speech", ""),
        ("assistant<|channel|>final<|message|>", "speech", ""),
        ("assistant<|message|>", "speech", ""),
        ("<|channel|>analysis<|message|>", "thought", ""),
        ("<|channel|>commentary<|message|>", "thought", ""),
        ("<|channel|>commentary to=functions.weather <|constrain|>json<|message|>", "call", "weather"),
        ("assistant to=functions.weather<|channel|>commentary json<|message|>", "call", "weather"),
    ],
)
def test_harmony_s_channels_say_what_is_speech(text: str, inside: str, name: str) -> None:
    left, found = TurnHeader("<|start|>").read(f"{text}Hi", whole=False)
    assert left == "Hi"
    assert found is not None
    assert (found.inside, found.name, found.ended) == (inside, name, False)
    assert found.closers == (() if inside == "speech" else HARMONY_ENDS)


def test_message_of_a_tool_is_not_part_of_the_reply() -> None:
    text = "functions.weather to=assistant<|channel|>commentary<|message|>"
    found = TurnHeader("<|start|>").read(text, whole=False)[1]
    assert found is not None
    assert found.ended


def test_a_mark_that_ends_a_turn_ends_it_in_a_header_too() -> None:
    assert TurnHeader("<|im_start|>").mark(Marker("<|im_end|>", "end")) == Announced(ended=True)
    assert TurnHeader("<|start|>").mark(Marker("<|end|>", "end")) is None
