"""The history of one conversation: what the user said, and what the user heard in reply."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Utterance:
    """One entry: `role` is `user` or `assistant`."""

    role: str
    text: str
    turn: int


class Conversation:
    """The session's history. One writer, the generator; any thread may read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Utterance] = []  # guarded by _lock

    def append(self, role: str, text: str, turn: int) -> None:
        """Add an entry at the end."""
        with self._lock:
            self._entries.append(Utterance(role, text, turn))

    def truncate(self, turn: int, heard: str) -> None:
        """Cut the reply of `turn` to what was heard; a reply of which nothing was heard is removed."""
        with self._lock:
            kept = (
                replace(e, text=heard) if (e.role, e.turn) == ("assistant", turn) else e
                for e in self._entries
            )
            self._entries = [e for e in kept if e.text]

    def delete(self, turn: int) -> None:
        """Remove every entry of `turn`."""
        with self._lock:
            self._entries = [e for e in self._entries if e.turn != turn]

    def entries(self) -> tuple[Utterance, ...]:
        """All entries in order, as they stand."""
        with self._lock:
            return tuple(self._entries)

    def messages(self) -> list[dict[str, str]]:
        """The history as chat templates take it: utterances that got no reply are joined with the next."""
        joined: list[dict[str, str]] = []
        for entry in self.entries():
            if joined and joined[-1]["role"] == entry.role:
                joined[-1]["content"] += " " + entry.text
            else:
                joined.append({"role": entry.role, "content": entry.text})
        return joined
