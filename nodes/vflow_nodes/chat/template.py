"""Turn a conversation into the text of a prompt by a model's chat template, or say why it cannot."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2.exceptions import TemplateError

from vflow_nodes.chat.template_form import LAST, PERSONA, Form, Message, find
from vflow_nodes.chat.template_sandbox import MAX_CHARS, Sandbox, TooMuch, compiled, within
from vflow_nodes.lib.decode.errors import DecodeError, TooLong

MAX_S = 2.0
"""The longest that a template may run, in its thread's own time. SmolLM2's takes 0.2 ms for a turn."""
NO_TOKENS = dict.fromkeys(("bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token"), "")
"""Special tokens that templates write without a check, although a tokenizer may lack them."""
OTHER_USES = ("tool_use", "rag")
"""Names of templates that are not for a plain conversation, in a tokenizer that has several."""
SWITCHES = ("enable_thinking", "thinking", "enable_reasoning", "reasoning", "think")
"""The names that turn thoughts on: of Qwen3, GLM and SmolLM3; of Granite and DeepSeek; of others."""


class BrokenTemplate(DecodeError):
    """A chat template makes no prompt. The message goes on after the words "the chat template"."""


def render(tokenizer: Any, persona: str, messages: Sequence[Mapping[str, str]], think: bool = False) -> str:
    """Return a conversation's prompt, up to where the assistant's reply begins. Bounded in size and time.

    The template gets the form of conversation that `template_form.find` found. Raises: BrokenTemplate,
    TooLong.
    """
    if (chars := len(persona) + sum(len(message["content"]) for message in messages)) > MAX_CHARS // 2:
        raise TooLong(f"the conversation has {chars:,} characters; shorten persona and history")
    source = _source(tokenizer)
    names = {**NO_TOKENS, **tokenizer.special_tokens_map, "tools": None, "documents": None}
    names |= _switches(source, think)
    try:
        plain = ((name, value) for name, value in names.items() if isinstance(value, str | int | None))
        form = _form(source, tuple(plain))
        if isinstance(form, Form):
            return form.prompt(functools.partial(_run, source, names), persona, messages)
    except TooMuch as error:
        raise BrokenTemplate(str(error)) from None
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"fails in line {line}" if line else "fails"
        raise BrokenTemplate(f"{where}: {_line(error)}") from error
    except Exception as error:  # a template's own code
        raise BrokenTemplate(f"fails: {type(error).__name__}: {_line(error)}") from error
    raise BrokenTemplate(f"leaves out {form}")


def check(tokenizer: Any) -> None:
    """Try a template with the kinds of conversations that it will get. Raises: BrokenTemplate."""
    render(tokenizer, PERSONA, [{"role": "user", "content": LAST}])


def _switches(source: str, think: bool) -> dict[str, Any]:
    """Return the variables that tell a template whether the model is to think."""
    switches: dict[str, Any] = dict.fromkeys(SWITCHES, think)
    if not think:
        switches["thinking_budget"] = 0  # Seed-OSS
        if "<|channel|>" in source:
            switches["reasoning_effort"] = "low"  # gpt-oss always thinks
        elif "reasoning_effort" in source and re.search("['\"]none['\"]", source):
            switches["reasoning_effort"] = "none"  # Mistral
    return switches


@functools.lru_cache(maxsize=8)
def _form(source: str, names: tuple[tuple[str, Any], ...]) -> Form | str:
    return find(functools.partial(_run, source, dict(names)))


def _run(source: str, names: Mapping[str, Any], messages: list[Message], begin: bool) -> str:
    with within(MAX_S):
        text: str = _template(source).render(
            **{**names, "add_generation_prompt": begin},
            messages=copy.deepcopy(messages),
        )
    return text


@functools.lru_cache(maxsize=8)
def _template(source: str) -> Any:
    return compiled(Sandbox(), source)


def _source(tokenizer: Any) -> str:
    """Return the template; of several, the default, or else the first that is for a conversation. Raises:
    BrokenTemplate."""
    several = getattr(tokenizer, "chat_template", None)
    if isinstance(several, dict) and "default" not in several:
        plain = [source for name, source in several.items() if name not in OTHER_USES]
        if not plain:
            raise BrokenTemplate(f"is for other uses alone: {_line(', '.join(map(str, several)))}")
        source = plain[0]
    else:
        try:
            source = tokenizer.get_chat_template()
        except Exception as error:
            raise BrokenTemplate(f"is not there: {_line(error)}") from error
    if not isinstance(source, str):
        raise BrokenTemplate(f"is no text, but {type(source).__name__}")
    return source


def _line(error: object) -> str:
    """Return an error's text as one line that is safe for a terminal: the template chooses the text."""
    text = str(error).strip().partition("\n")[0][:200]
    return "".join(character if character.isprintable() else "?" for character in text) or "it says not why"
