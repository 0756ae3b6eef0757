from __future__ import annotations

from typing import Any

import pytest

from vflow_nodes.lib.decode.tool_calls import Balance, CallText, ToolCall, begins_call, parse

OSLO = {"city": "Oslo"}
DIALECTS: dict[str, tuple[str, list[tuple[str, dict[str, Any]]]]] = {
    "json": ('{"name": "weather", "arguments": {"city": "Oslo"}}', [("weather", OSLO)]),
    "arguments as text": (
        '{"name": "weather", "arguments": "{\\"city\\": \\"Oslo\\"}"}',
        [("weather", OSLO)],
    ),
    "parameters": ('{"name": "weather", "parameters": {"city": "Oslo"}}', [("weather", OSLO)]),
    "no arguments": ('{"name": "now"}', [("now", {})]),
    "action": ('{"action": "weather", "action_input": {"city": "Oslo"}}', [("weather", OSLO)]),
    "openai": (
        '{"type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo"}}}',
        [("weather", OSLO)],
    ),
    "python literal": ("{'name': 'weather', 'arguments': {'city': 'Oslo'}}", [("weather", OSLO)]),
    "list": ('[{"name": "a", "arguments": {}}, {"name": "b", "arguments": {}}]', [("a", {}), ("b", {})]),
    "several": ('{"name": "a", "arguments": {}}; {"name": "b", "parameters": {}}', [("a", {}), ("b", {})]),
    "fenced": ('```json\n{"name": "weather", "arguments": {"city": "Oslo"}}\n```', [("weather", OSLO)]),
    "command r": ('[{"tool_name": "weather", "parameters": {"city": "Oslo"}}]', [("weather", OSLO)]),
    "function tag": ('<function=weather>{"city": "Oslo"}</function>', [("weather", OSLO)]),
    "qwen3 coder": (
        "\n<function=weather>\n<parameter=city>\nOslo\n</parameter>\n"
        "<parameter=days>\n3\n</parameter>\n</function>\n",
        [("weather", {"city": "Oslo", "days": 3})],
    ),
    "invoke": (
        '<invoke name="weather"><parameter name="city">Oslo</parameter></invoke>',
        [("weather", OSLO)],
    ),
    "glm": (
        "weather\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n",
        [("weather", OSLO)],
    ),
    "deepseek": (
        '<｜tool▁call▁begin｜>weather<｜tool▁sep｜>{"city": "Oslo"}<｜tool▁call▁end｜>',  # noqa: RUF001
        [("weather", OSLO)],
    ),
    "deepseek r1": (
        'function<｜tool▁sep｜>weather\n```json\n{"city": "Oslo"}\n```',  # noqa: RUF001
        [("weather", OSLO)],
    ),
    "kimi": (
        '<|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>{"city": "Oslo"}',
        [("weather", OSLO)],
    ),
    "mistral": ('weather[ARGS]{"city": "Oslo"}', [("weather", OSLO)]),
    "mistral with an id": ('weather[CALL_ID]a1b2c3[ARGS]{"city": "Oslo"}', [("weather", OSLO)]),
    "gemma 4": ('call:weather{city:<|"|>Oslo<|"|>,days:3}', [("weather", {"city": "Oslo", "days": 3})]),
    "react": ('weather\nAction Input: {"city": "Oslo"}\n', [("weather", OSLO)]),
    "react with a text": (" weather \nAction Input: Oslo", [("weather", {"input": "Oslo"})]),
    "react in brackets": ("weather[Oslo]", [("weather", {"input": "Oslo"})]),
    "a text as input": ('{"action": "weather", "action_input": "Oslo"}', [("weather", {"input": "Oslo"})]),
    "pythonic": ('[weather(city="Oslo"), now()]', [("weather", OSLO), ("now", {})]),
    "printed": ('print(default_api.weather(city="Oslo"))', [("default_api.weather", OSLO)]),
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_call_is_read_in_the_dialect_of_its_family(dialect: str) -> None:
    raw, calls = DIALECTS[dialect]
    found = parse(raw)
    assert [(call.name, dict(call.arguments)) for call in found] == calls
    assert {call.raw for call in found} == {raw}


def test_the_text_of_a_call_named_in_a_header_is_its_arguments() -> None:
    assert parse(' {"city": "Oslo"}\n', "weather") == [ToolCall("weather", OSLO, ' {"city": "Oslo"}\n')]
    assert parse("Oslo", "weather") == [ToolCall("weather", {}, "Oslo")]


@pytest.mark.parametrize(
    "raw", ["", "weather", '{"name": "weather", "arg', '{"name": 3, "arguments": {}}', "[" * 9999, "f(", "{]"]
)
def test_a_malformed_call_is_kept_as_it_is(raw: str) -> None:
    assert parse(raw) == [ToolCall("", {}, raw)]


def test_a_text_begins_a_call_where_it_has_a_name_and_arguments() -> None:
    assert begins_call('{"name": "weather", "arguments": {"ci')
    assert not begins_call('{"name": "Ann", "age": ')
    assert not begins_call('{"name": "Ann", "input": 3}')


@pytest.mark.parametrize("text", ['{"a": "}"}', "[{'a': ']'}]", '{"a": "\\"}"}', 'x("]")', "[]"])
def test_a_value_ends_with_its_own_bracket_however_its_text_comes(text: str) -> None:
    for cut in range(len(text)):
        balance = Balance()
        assert balance.feed(text[:cut]) == -1
        assert balance.feed(f"{text[cut:]} }}") == len(text) - cut


@pytest.mark.parametrize("text", ['[{"a": 1}]', 'w[ARGS]{"a": 1}', 'w[CALL_ID]a1[ARGS]{"a": 1}'])
def test_a_call_of_json_ends_with_it_however_its_text_comes(text: str) -> None:
    for cut in range(len(text)):
        call = CallText(json=True)
        assert call.read(text[:cut]) is None
        assert call.read(f"{text[cut:]} Done.") == " Done."
        assert call.text == text


def test_unmarked_text_with_broken_json_is_not_a_call() -> None:
    call = CallText(json=True, bare=True)
    assert call.read('{"name": "Ann", "age": 3} x') == " x"
    assert call.calls() == []
    named = CallText('{"name": "Ann (a cook)"}', json=True, bare=True)
    assert named.calls() == []
    assert CallText("broken").calls() == [ToolCall("", {}, "broken")]
