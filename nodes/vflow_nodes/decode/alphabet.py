"""GPT-2's alphabet: the visible character that byte-level vocabularies write for each byte."""

from __future__ import annotations


def _alphabet() -> dict[str, int]:
    """Printable characters stand for themselves, those from U+0100 on for the other bytes.

    Source: `bytes_to_unicode` of https://github.com/openai/gpt-2/blob/master/src/encoder.py
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in visible]
    return {chr(b): b for b in visible} | {chr(0x100 + n): b for n, b in enumerate(others)}


BYTE_OF = _alphabet()
"""The byte of each of the 256 characters."""
