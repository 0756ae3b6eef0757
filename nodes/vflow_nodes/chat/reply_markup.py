"""Find out how a model marks ends, thoughts and next turns in replies, from tokenizer and chat template."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from vflow_nodes.chat import template
from vflow_nodes.chat.template import BrokenTemplate
from vflow_nodes.lib.decode import dialects
from vflow_nodes.lib.decode.errors import DecodeError
from vflow_nodes.lib.decode.markup import Markup

_SAID, _ASKED = "Good morning.", "And the evening?"
_SAMPLE = (
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": _SAID},
    {"role": "user", "content": _ASKED},
)
_HEADER = re.compile(r"\s*\n\s*([#<\[*]*\s*[A-Za-z][\w ]{1,30}[:>\]*]+)")
"""Matches a line that begins the user's turn: `### User:`, `<user>`."""


def ends_of(tokenizer: Any, declared: Iterable[int | None]) -> set[int]:
    """Return the tokens that end a reply: those that the tokenizer and the model declare, all that are known
    to end a turn in some family of models, and the one that ends the assistant's turn in the template."""
    added = _added(tokenizer)
    found = {token for token in declared if token is not None}
    harmony = any(text in added for text in dialects.HARMONY)
    found |= {i for text, i in added.items() if text in dialects.ENDS and not (harmony and text == "<|end|>")}
    between = _between_turns(tokenizer).lstrip()
    closer = max((text for text in added if text and between.startswith(text)), key=len, default="")
    own = {text for text, role in dialects.ROLES if role == "assistant"}
    if closer and not harmony and closer not in {*dialects.HEADERS, *own}:
        found.add(added[closer])
    return found


def markup_of(tokenizer: Any) -> Markup:
    """Tell how a model marks its thoughts, and by which text the user's turn begins."""
    source = str(tokenizer.chat_template or "")
    added = _added(tokenizer)
    tags = [tag for tag in dialects.CLOSERS if not tag.startswith("<unused")]  # every Gemma has those, unused
    thinks = any(tag in added or tag in source for tag in tags)
    between = _between_turns(tokenizer)
    special = any(text and text in between for text in added)
    header = None if special else _HEADER.match(between)
    stops = (f"\n{header[1]}",) if header else ()
    return Markup(thinks=thinks, stops=stops, plain=not tokenizer.chat_template)


def _added(tokenizer: Any) -> dict[str, int]:
    """Return the special and added tokens: ordinary text never becomes one of these."""
    added = {token.content: i for i, token in tokenizer.added_tokens_decoder.items()}
    named = zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)
    return {**added, **dict(named)}


def _between_turns(tokenizer: Any) -> str:
    """Return the text that the template puts between the assistant's words and the user's; '' for none."""
    if not tokenizer.chat_template:
        return ""
    try:
        text = template.render(tokenizer, "Be kind.", _SAMPLE)
    except (BrokenTemplate, DecodeError):  # `load` reports it
        return ""
    after = text.rpartition(_SAID)[2]
    return after.partition(_ASKED)[0] if _ASKED in after else ""
