"""A model's chat template: from a conversation to the text of a prompt, and why a template makes none."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2.exceptions import TemplateError

from vflow_nodes.chat.template_sandbox import MAX_CHARS, Sandbox, TooMuch, compiled, within
from vflow_nodes.lib.decode.errors import DecodeError, TooLong

MAX_S = 2.0
"""A template may run for so long, of its thread's own time. SmolLM2's takes 0.2 ms for a turn."""
SWITCHES = ("enable_thinking", "thinking", "enable_reasoning", "reasoning", "think")
"""Qwen3's, GLM's and SmolLM3's; Granite's and DeepSeek's; others'."""
HELLO = "Hello."
_SAMPLES = (
    [{"role": "user", "content": HELLO}],
    [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Good morning."},
        {"role": "user", "content": HELLO},
    ],
)
"""Conversations with which a template is tried: of one turn, and with a history."""


class BrokenTemplate(DecodeError):
    """A chat template makes no prompt; the message continues "the chat template"."""


def render(tokenizer: Any, persona: str, messages: Sequence[Mapping[str, str]], think: bool = False) -> str:
    """Return a conversation's prompt, up to where the assistant's reply begins. Bounded in size and time.

    The persona heads the first message where the template knows no system role, as Gemma's. Raises:
    BrokenTemplate, TooLong.
    """
    if (chars := len(persona) + sum(len(message["content"]) for message in messages)) > MAX_CHARS // 2:
        raise TooLong(f"the conversation has {chars:,} characters; shorten persona and history")
    source = _source(tokenizer)
    names = {**tokenizer.special_tokens_map, "tools": None, "documents": None, **_switches(source, think)}
    try:
        try:
            return _run(source, names, [{"role": "system", "content": persona}, *messages])
        except Exception:  # no system role, or broken: then the next run fails too
            first, *rest = messages
            joined = {**first, "content": f"{persona}\n\n{first['content']}"}
            return _run(source, names, [joined, *rest])
    except TooMuch as error:
        raise BrokenTemplate(str(error)) from None
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"fails in line {line}" if line else "fails"
        raise BrokenTemplate(f"{where}: {_line(error)}") from error
    except Exception as error:  # a template's own code
        raise BrokenTemplate(f"fails: {type(error).__name__}: {_line(error)}") from error


def check(tokenizer: Any, persona: str = "Be kind.") -> None:
    """Try a template with conversations such as it will get. Raises: BrokenTemplate."""
    for sample in _SAMPLES:
        if HELLO not in render(tokenizer, persona, sample):
            raise BrokenTemplate("leaves out what the user said")


def _switches(source: str, think: bool) -> dict[str, Any]:
    """The names by which templates learn whether the model is to think."""
    switches: dict[str, Any] = dict.fromkeys(SWITCHES, think)
    if not think:
        switches["thinking_budget"] = 0  # Seed-OSS
        if "<|channel|>" in source:
            switches["reasoning_effort"] = "low"  # gpt-oss always thinks
        elif "reasoning_effort" in source and re.search("['\"]none['\"]", source):
            switches["reasoning_effort"] = "none"  # Mistral
    return switches


def _run(source: str, names: Mapping[str, Any], messages: list[Mapping[str, str]]) -> str:
    with within(MAX_S):
        text: str = _template(source).render(
            **{**names, "add_generation_prompt": True},
            messages=[dict(message) for message in messages],
        )
    return text


@functools.lru_cache(maxsize=8)
def _template(source: str) -> Any:
    return compiled(Sandbox(), source)


def _source(tokenizer: Any) -> str:
    """The template; of several, the tokenizer's default. Raises: BrokenTemplate."""
    try:
        source = tokenizer.get_chat_template()
    except Exception as error:  # it has several, and none of them is the default
        raise BrokenTemplate(f"is not there: {_line(error)}") from error
    if not isinstance(source, str):
        raise BrokenTemplate(f"is no text, but {type(source).__name__}")
    return source


def _line(error: Exception) -> str:
    """The text of an error as a line that a terminal can show: a template chooses it."""
    text = str(error).strip().partition("\n")[0][:200]
    return "".join(character if character.isprintable() else "?" for character in text) or "it says not why"
