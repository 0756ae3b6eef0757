"""The history of one conversation: what the user said, and what the user heard in reply."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from vflow.errors import VflowError, nearest
from vflow.scripts import join_words


@dataclass(frozen=True, slots=True)
class Utterance:
    """One entry: `role` is `user` or `assistant`."""

    role: str
    text: str
    turn: int


ANSWERS = ("phone", "number", "email", "name", "yes_no")
"""Kinds of answer that `Conversation.expect` knows."""
KEPT = 10_000
"""Entries: more than any model takes."""
_SETTLED = 64
"""Replies whose end is known for good that are remembered; the newest."""
_REMOVED = 16
"""Replies of which nothing was heard that are remembered: a report that comes late may bring one back."""


class Conversation:
    """The session's history: its last KEPT entries. One writer, the generator; any thread may read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards all below
        self._entries: dict[int, Utterance] = {}  # by a count that goes up: in order
        self._of_turn: dict[int, list[int]] = {}  # the counts of each turn's entries
        self._removed: dict[int, tuple[int, Utterance]] = {}  # by turn, with its count
        self._count = 0
        self._settled: dict[int, str] = {}  # by turn, what of its reply was heard for good
        self._expected = ""
        self.dropped = 0
        """Entries at the start that there was no room for."""

    def expect(self, kind: str) -> None:
        """Say which kind of answer the user's next turn is: one of ANSWERS, or '' for any. A `turn` waits for
        the rest of a number or an address then, and ends a yes or no sooner. Any thread.

        Raises: VflowError for another kind.
        """
        if kind and kind not in ANSWERS:
            mend = nearest(kind, ANSWERS) or f"known: {', '.join(ANSWERS)}"
            raise VflowError(f"no kind of answer {kind!r}; {mend}")
        with self._lock:
            self._expected = kind

    def take_expected(self) -> str:
        """The kind of the turn that begins now; the next one may be any. For the node that mints turns."""
        with self._lock:
            kind, self._expected = self._expected, ""
        return kind

    def append(self, role: str, text: str, turn: int) -> None:
        """Add an entry at the end; of more than KEPT the first is dropped."""
        with self._lock:
            if role == "assistant" and turn in self._settled:
                text = self._settled[turn]
                if not text:
                    return
            self._entries[self._count] = Utterance(role, text, turn)
            self._of_turn.setdefault(turn, []).append(self._count)
            self._count += 1
            while len(self._entries) > KEPT:
                self._remove(next(iter(self._entries)))
                self.dropped += 1

    def truncate(self, turn: int, heard: str) -> None:
        """Cut the reply of `turn` to what was heard; a reply of which nothing was heard is removed. Where
        more of it was heard than had been known, it is put right, and comes back to its place."""
        with self._lock:
            heard = self._settled.get(turn, heard)
            if heard and turn in self._removed:
                at, entry = self._removed.pop(turn)
                self._of_turn.setdefault(turn, []).append(at)
                self._entries = dict(sorted({**self._entries, at: entry}.items()))
            for at in list(self._of_turn.get(turn, ())):
                entry = self._entries[at]
                if entry.role == "assistant":
                    self._entries[at] = entry = replace(entry, text=heard)
                if not entry.text:
                    self._remove(at)
                    self._removed[turn] = at, entry
            while len(self._removed) > _REMOVED:
                del self._removed[next(iter(self._removed))]

    def settle(self, turn: int, heard: str) -> None:
        """Say for good what was heard of the reply of `turn`, whether it is here already or still to come: it
        is cut to that, and no later `truncate` changes it. Any thread."""
        with self._lock:
            self._settled[turn] = heard
            while len(self._settled) > _SETTLED:
                del self._settled[next(iter(self._settled))]
        self.truncate(turn, heard)

    def delete(self, turn: int, role: str = "") -> None:
        """Remove every entry of `turn`, or those of one role."""
        with self._lock:
            if role != "user":
                self._removed.pop(turn, None)
            for at in list(self._of_turn.get(turn, ())):
                if role in ("", self._entries[at].role):
                    self._remove(at)

    def _remove(self, at: int) -> None:
        turn = self._entries.pop(at).turn
        self._of_turn[turn].remove(at)
        if not self._of_turn[turn]:
            del self._of_turn[turn]

    def entries(self) -> tuple[Utterance, ...]:
        """All entries in order, as they stand."""
        with self._lock:
            return tuple(self._entries.values())

    def messages(self) -> list[dict[str, str]]:
        """The history as chat templates take it: utterances that got no reply are joined with the next."""
        joined: list[dict[str, str]] = []
        for entry in self.entries():
            if joined and joined[-1]["role"] == entry.role:
                joined[-1]["content"] = join_words([joined[-1]["content"], entry.text])
            else:
                joined.append({"role": entry.role, "content": entry.text})
        return joined
