"""The states of a conversation and when each began, packed: a session of days has a hundred thousand."""

from __future__ import annotations

from array import array
from collections.abc import Iterator


class States:
    """Pairs of a time in ns and a state's name, in 9 bytes each; the newest `most` of them."""

    def __init__(self, most: int, first: tuple[int, str] = (0, "idle")) -> None:
        self.most = most
        self._at_ns, self._codes = array("q"), bytearray()
        self._names: list[str] = []
        self.append(*first)

    def append(self, at_ns: int, state: str) -> bool:
        """Add one; return whether the oldest was dropped for it."""
        if state not in self._names:
            self._names.append(state)
        self._at_ns.append(at_ns)
        self._codes.append(self._names.index(state))
        full = len(self._codes) > self.most
        if full:
            del self._at_ns[0], self._codes[0]
        return full

    @property
    def newest(self) -> str:
        return self._names[self._codes[-1]]

    def __len__(self) -> int:
        return len(self._codes)

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return iter([(at, self._names[code]) for at, code in zip(self._at_ns, self._codes, strict=True)])
