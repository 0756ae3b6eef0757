"""The bytes of each token, so that text leaves the engine token by token and never half a character."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from vflow_nodes.lib.decode.markup import Markup
from vflow_nodes.lib.decode.token_bytes import Decoder, declared


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """`pieces[id]` are a token's bytes, b'' for special ones. `ends` are the tokens that end a reply.
    `markup` is the knowledge about the model's replies."""

    pieces: Sequence[bytes]
    ends: frozenset[int]
    markup: Markup = field(default_factory=Markup)

    def marks(self, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return how each of `size` tokens counts words, three tensors `(size,)`: how many words open inside
        it, after a space of its own (int64); whether one opens at its start if the text before ends in a
        space (bool); and whether it ends in a space (bool).

        Only a word with a letter or a digit counts, so the count never exceeds the number of words that are
        spoken. In scripts without spaces it is far below: see `words.WordCount`.
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
        return opens, joins.bool(), gaps.bool()

    def tail(self, keys: Sequence[int], tokens: int = 64) -> str:
        """Return the text of a prompt's last tokens, with the texts of special ones; '' for other content."""
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
    """The text of tokens that come one by one. A character leaves once its last byte is there."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._pieces = vocabulary.pieces
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")

    def push(self, token: int) -> str:
        """Return the text that `token` adds; '' for a token that only pads a model's matrix."""
        return self._decoder.decode(self._pieces[token] if token < len(self._pieces) else b"")


def vocabulary_of(tokenizer: Any, ends: Collection[int], markup: Markup | None = None) -> Vocabulary:
    """Return the vocabulary of a tokenizer of transformers.

    A token's bytes come from the decoder that the tokenizer declares. If there is none, or it does more than
    change tokens one by one, ask the tokenizer for each token's text after another token.
    """
    tokens = _tokens(tokenizer)
    added = tokenizer.added_tokens_decoder
    if callable(added):  # mistral-common's has none to tell
        added = {}
    # all_special_ids has only those with a role, such as bos
    special = {*tokenizer.all_special_ids, *ends, *(i for i, token in added.items() if token.special)}
    made = declared(tokenizer)
    pieces = [b"" if i in special else _piece(tokenizer, made, i, token) for i, token in enumerate(tokens)]
    for i in added.keys() - special:
        if not (pieces[i] and _is_text(pieces[i])):  # an added token's letters are plain text
            pieces[i] = added[i].content.encode()
    texts = {i: str(tokens[i]) for i in special if tokens[i] is not None}
    return Vocabulary(pieces, frozenset(ends), replace(markup or Markup(), specials=texts))


def _tokens(tokenizer: Any) -> list[str | bytes | None]:
    """Return every token as the tokenizer writes it, or its bytes if it tells them."""
    ids = range(len(tokenizer))
    wrapped = getattr(tokenizer, "tokenizer", None)  # mistral-common's, which transformers wraps
    tekken: Any = getattr(getattr(wrapped, "instruct_tokenizer", None), "tokenizer", None)
    if hasattr(tekken, "id_to_byte_piece"):
        return [tekken.id_to_byte_piece(i) for i in ids]
    tokens: list[str | bytes | None] = tokenizer.convert_ids_to_tokens(list(ids))
    return tokens


def _piece(tokenizer: Any, made: Decoder | None, number: int, token: str | bytes | None) -> bytes:
    if token is None or isinstance(token, bytes):  # tiktoken's are bytes
        return token or b""
    return made(token) if made is not None else _after_another(tokenizer, number)


def _is_text(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


def _after_another(tokenizer: Any, token: int) -> bytes:
    """Return what a token adds after another one: as a first token, it may lose its space."""
    alone: str = tokenizer.decode([token])
    pair: str = tokenizer.decode([token, token])
    return (pair.removeprefix(alone) if pair.startswith(alone) else alone).encode()
