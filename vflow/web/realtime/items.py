"""Keep the items of a conversation, as a Realtime client knows them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from vflow.scripts import join_words

MOST_ITEMS = 5_000
"""Most items kept; the oldest are dropped, from this list but not from the history."""
MOST_WORDS = 5_000
"""Most words of a reply that are kept with their places."""


def new_id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(10)}"


@dataclass(slots=True, eq=False)
class Item:
    """A message. `turn` is the turn of its history entry, below 0 if a client has added it.

    For a reply, `spans` holds each word with the time of its middle, and `sent_s` is how much audio was sent;
    both in seconds of the reply.
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
    """Whether it can still change: its response goes on, or its turn has not ended."""

    def as_dict(self, whole: bool = True) -> dict[str, Any]:
        """Return the item as clients are sent it; without its content unless `whole`."""
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
        """Return the words of which more than half sounded before a moment of the reply."""
        return join_words(word for middle_s, word in self.spans if middle_s < until_s)


class Items:
    """The items of one conversation, in order."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Item) -> str | None:
        """Add an item at the end; return the id of the one before it, if any."""
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
        """Return the id of the newest item, if any."""
        return next(reversed(self._items), None)
