"""The bytes of each token, so that text leaves the engine token by token and never a part of a character."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from vflow_nodes.lib.decode.markup import Markup

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Scripts that put no space between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""


def _alphabet() -> dict[str, int]:
    """Printable characters stand for themselves, those from U+0100 on for the other bytes.

    Source: `bytes_to_unicode` of https://github.com/openai/gpt-2/blob/master/src/encoder.py
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in visible]
    return {chr(b): b for b in visible} | {chr(0x100 + n): b for n, b in enumerate(others)}


BYTE_OF = _alphabet()
"""The byte of each of the 256 characters by which GPT-2's byte-level vocabularies write bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """`pieces[id]` are a token's bytes, b'' of special ones; `ends` are the tokens that end a reply; `markup`
    is what is known of the model's replies."""

    pieces: Sequence[bytes]
    ends: frozenset[int]
    markup: Markup = field(default_factory=Markup)

    def marks(self, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """How each of `size` tokens counts words, `(size,)` each: how many open inside it behind a space of
        its own (int64), whether one opens at its start if the text before it ends in a space (bool), and
        whether it ends in a space (bool).

        Only what has a letter or a digit opens a word, so that the count is never above that of the words
        which are spoken. In scripts without spaces each token is a word.
        """
        opens, joins, gaps = torch.zeros(size, dtype=torch.int64), torch.zeros(size), torch.zeros(size)
        for token, piece in enumerate(self.pieces[:size]):
            text = piece.decode(errors="ignore")
            if not text:
                continue
            first, *others = re.split(r"\s+", text)
            opens[token] = sum(_is_word(word) for word in others)
            joins[token] = _is_word(first)
            gaps[token] = text[-1].isspace()
            if _UNSPACED.search(text):
                opens[token], joins[token] = 1, 0
        return opens, joins.bool(), gaps.bool()

    def tail(self, keys: Sequence[int], tokens: int = 64) -> str:
        """The text of a prompt's last tokens, with the special ones' texts; '' for what is no token."""
        found = b""
        for key in keys[-tokens:]:
            special = self.markup.specials.get(key)
            if special is not None:
                found += special.encode()
            else:
                found = found + self.pieces[key] if 0 <= key < len(self.pieces) else b""
        return found.decode(errors="ignore")


def _is_word(text: str) -> bool:
    return any(character.isalnum() for character in text)


class TextStream:
    """The text of tokens that come one by one: a character leaves when its last byte is there."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._pieces = vocabulary.pieces
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")

    def push(self, token: int) -> str:
        """The text that `token` adds: none, if it is one of those that pad a model's matrix."""
        return self._decoder.decode(self._pieces[token] if token < len(self._pieces) else b"")


def vocabulary_of(tokenizer: Any, ends: Collection[int], markup: Markup | None = None) -> Vocabulary:
    """The vocabulary of a tokenizer of transformers.

    Byte-level BPE (GPT-2's alphabet of visible characters) and SentencePiece (a block for a space, bytes as
    `<0x0A>`) are read from their tokens; any other is asked for each token's text behind another token.
    """
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    added = tokenizer.added_tokens_decoder
    # all_special_ids has those alone that have a role, such as bos
    special = {*tokenizer.all_special_ids, *ends, *(i for i, token in added.items() if token.special)}
    joined = "".join(token for token in tokens if token is not None)
    if "\u0120" in joined:
        pieces = [_from_alphabet(token) for token in tokens]
    elif "\u2581" in joined:
        pieces = [_from_blocks(token) for token in tokens]
    else:
        pieces = [_behind_another(tokenizer, i) for i in range(len(tokens))]
    for i, token in added.items():
        pieces[i] = token.content.encode()
    texts = {i: str(tokens[i]) for i in special if tokens[i] is not None}
    return Vocabulary(
        [b"" if i in special else piece for i, piece in enumerate(pieces)],
        frozenset(ends),
        replace(markup or Markup(), specials=texts),
    )


def _from_alphabet(token: str | None) -> bytes:
    if token is None or any(character not in BYTE_OF for character in token):
        return b"" if token is None else token.encode()
    return bytes(BYTE_OF[character] for character in token)


def _from_blocks(token: str | None) -> bytes:
    if token is None:
        return b""
    if found := _BYTE.fullmatch(token):
        return bytes([int(found[1], 16)])
    return token.replace("\u2581", " ").encode()


def _behind_another(tokenizer: Any, token: int) -> bytes:
    """A first token may lose its space; what a token adds behind another is what it is."""
    alone: str = tokenizer.decode([token])
    pair: str = tokenizer.decode([token, token])
    return (pair.removeprefix(alone) if pair.startswith(alone) else alone).encode()
