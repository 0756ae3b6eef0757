"""Commands: what a client may ask, and in which bounds."""

from __future__ import annotations

import msgspec
import pytest

from vflow.errors import VflowError
from vflow.web.commands import Closing, Message, PlayedSoFar, Set, Start


def test_each_command_is_read_by_its_type() -> None:
    kinds = ["ask", "end", "interrupt", "played", "press", "release", "resume", "say", "set", "start"]
    types = [member.__struct_config__.tag for member in Message.__args__]
    assert sorted(types) == kinds


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "ask"}',
        '{"type": "ask", "text": 3}',
        '{"type": "start", "input_rate": 7999}',
        '{"type": "start", "input_rate": 192001}',
        '{"type": "start", "input_rate": true}',
        '{"type": "start", "played": 1}',
        '{"type": "played", "turn": 4294967296, "seconds": 0}',
        '{"type": "played", "turn": 1, "seconds": -0.1}',
        '{"type": "played", "turn": 1, "seconds": 1e999}',
        '{"type": "played", "turn": 1, "seconds": 0, "received": -1}',
        '{"type": "resume", "session": "a", "token": "b"}',
        '{"type": "resume", "session": "a", "token": "b", "received": 1e300}',
        '{"type": "set", "node": "a", "property": "b", "value": []}',
        '{"type": "set", "node": "a", "property": "b", "value": {"c": 1}}',
        '{"type": "set", "node": "a", "property": "b"}',
        '{"text": "no type"}',
    ],
)
def test_a_value_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Message)


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({"type": "ask", "text": "x" * 20_001}), type=Message)


def test_values_of_each_simple_kind_are_taken() -> None:
    for value in (True, 3, 0.5, "x", None):
        text = msgspec.json.encode({"type": "set", "node": "a", "property": "b", "value": value})
        assert msgspec.json.decode(text, type=Message) == Set("a", "b", value)
    assert msgspec.json.decode('{"type": "start"}', type=Message) == Start(16_000, False)
    assert msgspec.json.decode('{"type": "played", "turn": 0, "seconds": 0}', type=Message) == PlayedSoFar(
        0, 0
    )


def test_a_closing_is_an_error_with_its_codes() -> None:
    closing = Closing(1013, "full", "all taken")
    assert isinstance(closing, VflowError)
    assert (closing.close, closing.code, str(closing)) == (1013, "full", "all taken")
