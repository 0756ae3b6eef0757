"""Turn a token, as a tokenizer writes it, into its bytes, by the decoder that the tokenizer declares.

Source: tokenizers, tokenizers/src/decoders, and the JSON in which that library stores a tokenizer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Decoder = Callable[[str], bytes]
"""Returns a token's bytes. It sees no other token."""

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def _alphabet() -> dict[str, int]:
    """Return the byte for each character: printable ones are themselves, those from U+0100 on the other
    bytes.

    Source: `bytes_to_unicode` of https://github.com/openai/gpt-2/blob/master/src/encoder.py
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in visible]
    return {chr(b): b for b in visible} | {chr(0x100 + n): b for n, b in enumerate(others)}


BYTE_OF = _alphabet()
"""The byte of each of the 256 characters with which GPT-2's byte-level vocabularies write bytes."""


def declared(tokenizer: Any) -> Decoder | None:
    """Return the decoder that a tokenizer of transformers declares; None if it declares none that works token
    by token."""
    if (inner := getattr(tokenizer, "backend_tokenizer", None)) is not None:
        return of_json(json.loads(inner.to_str()))
    if hasattr(tokenizer, "byte_decoder"):  # GPT-2's relatives in Python
        return byte_level
    if hasattr(tokenizer, "sp_model"):
        return _chain([_replacing("\u2581", " ")], byte_fallback=True)
    return None


def of_json(kept: dict[str, Any]) -> Decoder | None:
    """Return the decoder of a tokenizer from its tokenizer.json."""
    decoder = kept.get("decoder")
    if decoder is None:  # then the way in which the tokenizer writes spaces tells it
        kinds = {part["type"] for part in _parts(kept.get("pre_tokenizer"), "pretokenizers")}
        return byte_level if "ByteLevel" in kinds else None
    steps: list[Callable[[str], str]] = []
    byte_fallback = fused = False
    for part in _parts(decoder, "decoders"):
        match part:
            case {"type": "ByteLevel"} if not steps:
                return byte_level
            case {"type": "ByteFallback"}:
                byte_fallback = True
            case {"type": "Replace", "pattern": {"String": old}, "content": new}:
                steps.append(_replacing(old, new))
            case {"type": "Metaspace", "replacement": block}:
                steps.append(_replacing(block, " "))
            case {"type": "Fuse"}:
                fused = True
            case {"type": "Strip"} if fused:  # it strips only the ends of the whole text
                pass
            case _:
                return None
    return _chain(steps, byte_fallback)


def _parts(step: dict[str, Any] | None, of: str) -> list[dict[str, Any]]:
    """Return the steps of a sequence, inner ones included; a single step as a list."""
    if step is None:
        return []
    if step["type"] != "Sequence":
        return [step]
    return [inner for each in step[of] for inner in _parts(each, of)]


def byte_level(token: str) -> bytes:
    """Return the bytes that the characters mean; a token with any other character is its own text."""
    if any(character not in BYTE_OF for character in token):
        return token.encode()
    return bytes(BYTE_OF[character] for character in token)


def _replacing(old: str, new: str) -> Callable[[str], str]:
    return lambda token: token.replace(old, new)


def _chain(steps: list[Callable[[str], str]], byte_fallback: bool) -> Decoder:
    def bytes_of(token: str) -> bytes:
        for step in steps:
            token = step(token)
        if byte_fallback and (found := _BYTE.fullmatch(token)):
            return bytes([int(found[1], 16)])
        return token.encode()

    return bytes_of
