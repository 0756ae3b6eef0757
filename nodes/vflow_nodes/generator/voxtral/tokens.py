"""Turn text into Voxtral's tokens and back, by the repository's own `tekken.json`.

Tekken is byte-level BPE: a pattern cuts the text into pieces, and in each piece the two neighbours that form
the token of lowest rank are joined, until no two form one. Special tokens mark turns and audio; no text is
ever encoded to them.
Source: mistral-common, tokens/tokenizers/tekken.py, and tiktoken, src/lib.rs.
"""

from __future__ import annotations

import base64
import heapq
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import regex
from tokenizers import Tokenizer

from vflow_nodes.lib.decode.token_bytes import BYTE_OF

TEKKEN = "tekken.json"
TOKENIZER = "tokenizer.json"


class Tokens(Protocol):
    """A vocabulary. Any thread may use it."""

    size: int

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; never a special one."""

    def piece(self, token: int) -> bytes:
        """Return the bytes of a token, perhaps a part of a character; none for a special one."""

    def special(self, name: str) -> int:
        """Return the id of a special token such as `[INST]`. Raises: ValueError if there is none."""


def load(directory: Path) -> Tokens:
    """Load the vocabulary of a model's directory, from `tekken.json` or else `tokenizer.json`. Takes 0.5 s.

    Raises: ValueError with what is wrong with the file, or that there is none.
    """
    for name, make in ((TEKKEN, Tekken), (TOKENIZER, TokenizerFile)):
        path = directory / name
        if path.is_file():
            try:
                return make(path)
            except (KeyError, TypeError, ValueError, regex.error) as error:
                raise ValueError(
                    f"{path} is no whole {name} ({type(error).__name__}: {error}); fetch it again"
                ) from error
    raise ValueError(
        f"{directory} holds no {TEKKEN} and no {TOKENIZER}: it is no Voxtral model, or was not fetched whole"
    )


class Tekken:
    """The vocabulary of a `tekken.json`."""

    def __init__(self, path: Path) -> None:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        config = data["config"]
        self.size: int = config["default_vocab_size"]
        self._specials: int = config["default_num_special_tokens"]
        count = self.size - self._specials
        entries: list[dict[str, Any]] = data["vocab"]
        if len(entries) < count:
            raise ValueError(f"it has {len(entries)} tokens, and says {count}")
        self._pieces = [base64.b64decode(entry["token_bytes"]) for entry in entries[:count]]
        self._ranks = {piece: rank for rank, piece in enumerate(self._pieces)}
        if len(self._ranks) < count or not all(bytes([byte]) in self._ranks for byte in range(256)):
            raise ValueError("its tokens are not distinct, or do not hold every byte")
        self._names: dict[str, int] = {t["token_str"]: t["rank"] for t in data["special_tokens"]}
        self._pattern = regex.compile(config["pattern"])

    def encode(self, text: str) -> list[int]:
        """See Tokens. Half a surrogate pair becomes U+FFFD."""
        ids: list[int] = []
        for match in self._pattern.finditer(_whole(text)):
            piece = match.group().encode()
            rank = self._ranks.get(piece)
            ranks = merge(piece, self._ranks) if rank is None else (rank,)
            ids.extend(rank + self._specials for rank in ranks)
        return ids

    def piece(self, token: int) -> bytes:
        """See Tokens."""
        return self._pieces[token - self._specials] if token >= self._specials else b""

    def special(self, name: str) -> int:
        """See Tokens."""
        try:
            return self._names[name]
        except KeyError:
            raise ValueError(_lacks(name, TEKKEN)) from None


class TokenizerFile:
    """The vocabulary of a `tokenizer.json` whose model is byte-level BPE."""

    def __init__(self, path: Path) -> None:
        content = path.read_text(encoding="utf-8")
        data: dict[str, Any] = json.loads(content)
        try:
            self._tokenizer = Tokenizer.from_str(content)
        except Exception as error:  # tokenizers raises nothing narrower
            raise ValueError(str(error)) from error
        self._tokenizer.encode_special_tokens = True  # a text "[/INST]" must end no turn
        added = {token["content"]: token for token in data["added_tokens"]}
        self._special: dict[str, int] = {n: token["id"] for n, token in added.items() if token["special"]}
        self.size: int = self._tokenizer.get_vocab_size()
        self._pieces: dict[int, bytes] = {}
        for written, token in self._tokenizer.get_vocab().items():
            plain = b"" if written in self._special else written.encode()
            self._pieces[token] = plain if written in added else bytes(BYTE_OF[char] for char in written)

    def encode(self, text: str) -> list[int]:
        """See Tokens. Half a surrogate pair becomes U+FFFD."""
        ids: list[int] = self._tokenizer.encode(_whole(text), add_special_tokens=False).ids
        return ids

    def piece(self, token: int) -> bytes:
        """See Tokens."""
        return self._pieces.get(token, b"")

    def special(self, name: str) -> int:
        """See Tokens."""
        try:
            return self._special[name]
        except KeyError:
            raise ValueError(_lacks(name, TOKENIZER)) from None


def merge(piece: bytes, ranks: Mapping[bytes, int]) -> list[int]:
    """Return the ranks of a piece's tokens: join the pair of lowest rank first, the leftmost among equals."""
    count = len(piece)
    stop = list(range(1, count + 1))  # where the token that starts at an index stops; 0 once it was joined
    before = list(range(-1, count))  # where the token before it starts
    heap: list[tuple[int, int, int, int]] = []

    def offer(start: int) -> None:
        middle = stop[start]
        if middle < count:
            rank = ranks.get(piece[start : stop[middle]])
            if rank is not None:
                heapq.heappush(heap, (rank, start, middle, stop[middle]))

    for start in range(count):
        offer(start)
    while heap:
        _, start, middle, end = heapq.heappop(heap)
        if stop[start] != middle or stop[middle] != end:
            continue  # outdated: one of the two was joined with another
        stop[start], stop[middle] = end, 0
        before[end] = start
        offer(start)
        if start:
            offer(before[start])
    merged = []
    start = 0
    while start < count:
        merged.append(ranks[piece[start : stop[start]]])
        start = stop[start]
    return merged


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _lacks(name: str, file: str) -> str:
    return f"{file} has no special token {name}: it is not that of a Voxtral model which takes audio and text"
