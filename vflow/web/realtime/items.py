"""The items of a conversation, as a Realtime client knows them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from vflow.scripts import join_words

MOST_ITEMS = 5_000
"""Remembered; the oldest are forgotten, by this list alone."""
MOST_WORDS = 5_000
"""Of a reply, with their places."""


def new_id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(10)}"


@dataclass(slots=True, eq=False)
class Item:
    """A message. `turn` is that of its entry in the history, below 0 for one that a client has added.

    Of a reply `spans` has its words with the middle of each, and `sent_s` how much of its sound was sent; in
    seconds of the reply.
    """

    role: str
    content: str
    turn: int
    text: str | None = None
    status: str = "completed"
    id: str = field(default_factory=lambda: new_id("item"))
    spans: list[tuple[float, str]] = field(default_factory=list)
    sent_s: float = 0.0
    before: str | None = None
    """The id of the item before it, when it was added."""
    open: bool = False
    """Whether its response goes on."""

    def as_dict(self, whole: bool = True) -> dict[str, Any]:
        """As clients are sent it; without `whole` nothing of its content."""
        named = "transcript" if self.content.endswith("audio") else "text"
        part = {"type": self.content, named: self.text}
        return {
            "id": self.id,
            "object": "realtime.item",
            "type": "message",
            "status": self.status,
            "role": self.role,
            "content": [part] if whole else [],
        }

    def heard(self, until_s: float) -> str:
        """The words of which more than half sounds before a moment of the reply."""
        return join_words(word for middle_s, word in self.spans if middle_s < until_s)


class Items:
    """All of one conversation, in order."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Item) -> str | None:
        """Add an item at the end; returns the id of the one before it."""
        before = next(reversed(self._items), None)
        self._items[item.id] = item
        while len(self._items) > MOST_ITEMS:
            del self._items[next(iter(self._items))]
        return before

    def get(self, item_id: str) -> Item | None:
        return self._items.get(item_id)

    def remove(self, item: Item) -> None:
        self._items.pop(item.id, None)

    def last(self) -> str | None:
        """The id of the newest."""
        return next(reversed(self._items), None)
