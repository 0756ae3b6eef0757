"""The content of a slot: token ids, and embeddings from elsewhere, such as an encoder."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

_NUMBERS = itertools.count(1)
_SPAN = 1 << 32


@dataclass(slots=True, eq=False)
class Embeds:
    """`length` positions of a prompt whose embeddings `make` computes: `(length, hidden)`, on the model's
    device and in its type. It is called once, in the engine's thread, when they are first needed.

    The same object in two prompts is the same content, and is not computed twice.
    """

    length: int
    make: Callable[[], Any]
    number: int = field(default_factory=lambda: next(_NUMBERS))
    _rows: Any = None

    def rows(self) -> Any:
        """Return the embeddings. The engine's thread."""
        if self._rows is None:
            made = self.make()
            if len(made) != self.length:
                raise ValueError(f"{len(made)} embeddings were made where {self.length} were announced")
            self._rows = made
        return self._rows


class Prompt:
    """Token ids and embeddings, in order. `keys` has an integer for each position: a token's id, or a
    negative number for each row of an `Embeds`. Two prompts share what their keys share."""

    def __init__(self, parts: Sequence[int | Embeds]) -> None:
        self.keys: list[int] = []
        self._embeds: dict[int, Embeds] = {}
        for part in parts:
            if isinstance(part, Embeds):
                self._embeds[part.number] = part
                self.keys.extend(-(part.number * _SPAN + row) for row in range(part.length))
            else:
                self.keys.append(part)

    def __len__(self) -> int:
        return len(self.keys)

    def runs(self, start: int, stop: int) -> list[list[int] | tuple[Embeds, int, int]]:
        """Return the positions from `start` to `stop` as runs: ids, or rows of an `Embeds` (from, to)."""
        found: list[list[int] | tuple[Embeds, int, int]] = []
        for (number, _), group in itertools.groupby(enumerate(self.keys[start:stop]), _run):
            keys = [key for _, key in group]
            if number:
                first = -keys[0] % _SPAN
                found.append((self._embeds[number], first, first + len(keys)))
            else:
                found.append(keys)
        return found


def _run(place: tuple[int, int]) -> tuple[int, int]:
    """Return a pair that is equal for all positions of a run and differs from the next run's: the number of
    the `Embeds` (0 for tokens), and where its row 0 would be, since the keys of its rows count down."""
    at, key = place
    return (-key // _SPAN, at + key) if key < 0 else (0, 0)


def shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many keys two sequences share at their start."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(i for i in range(shorter) if one[i] != other[i])
