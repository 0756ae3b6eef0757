"""The history of one conversation: what the user said, and how much of each reply the user heard."""

from __future__ import annotations

import threading
from collections import deque
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
"""Kinds of answer that `Conversation.expect` takes."""
KEPT = 10_000
"""Most entries that are kept: more than any model reads."""
_SETTLED = 64
"""How many of the newest replies are remembered whose heard text is known for good."""
_PROTECTED = 64
"""How many of the newest protected stretches of words are remembered."""
_REMOVED = 16
"""How many unheard replies are remembered: a late report may say that one was heard after all."""


class Conversation:
    """The history of a session: its last KEPT entries. The generator writes; any thread may read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards all below
        self._entries: dict[int, Utterance] = {}  # by a rising number, so in order
        self._of_turn: dict[int, tuple[int, ...]] = {}  # the numbers of each turn's entries
        self._removed: dict[int, tuple[int, Utterance]] = {}  # by turn, with the entry's number
        self._count = 0
        self._settled: dict[int, str] = {}  # by turn, what of its reply was heard for good
        self._expected = ""
        self._protected: deque[tuple[int, int, int | None]] = deque(maxlen=_PROTECTED)
        self.dropped = 0
        """How many entries at the start were dropped for lack of room."""

    def expect(self, kind: str) -> None:
        """Say what kind of answer the user's next turn will be: one of ANSWERS, or '' for any. A `turn` then
        waits for the rest of a number or an address, and ends a yes or no sooner. Any thread may call.

        Raises: VflowError for another kind.
        """
        if kind and kind not in ANSWERS:
            mend = nearest(kind, ANSWERS) or f"known: {', '.join(ANSWERS)}"
            raise VflowError(f"no kind of answer {kind!r}; {mend}")
        with self._lock:
            self._expected = kind

    def take_expected(self) -> str:
        """Return the kind for the turn that begins now, and forget it. For the node that mints turns."""
        with self._lock:
            kind, self._expected = self._expected, ""
        return kind

    def protect(self, turn: int, first: int = 0, stop: int | None = None) -> None:
        """Have nobody interrupt the words `first` to `stop` of the reply of `turn`, counted from 0; without
        `stop`, up to the end of the reply. What the user says meanwhile is kept for afterwards. Protect words
        before they sound: an interruption before them drops them as it drops all others. Any thread."""
        with self._lock:
            self._protected.append((turn, first, stop))

    def protects(self, turn: int, words: int) -> bool:
        """Return whether the reply of `turn` is protected when `words` of it have been heard. A word counts
        as heard from its middle on, so the last protected one is whole only in the middle of the next."""
        with self._lock:
            return any(
                turn == of and first <= words and (stop is None or words <= stop)
                for of, first, stop in self._protected
            )

    def append(self, role: str, text: str, turn: int) -> None:
        """Add an entry at the end. Beyond KEPT entries, drop the first."""
        with self._lock:
            if role == "assistant" and turn in self._settled:
                text = self._settled[turn]
                if not text:
                    return
            self._entries[self._count] = Utterance(role, text, turn)
            self._of_turn[turn] = (*self._of_turn.get(turn, ()), self._count)
            self._count += 1
            while len(self._entries) > KEPT:
                self._remove(next(iter(self._entries)))
                self.dropped += 1

    def truncate(self, turn: int, heard: str) -> None:
        """Cut the reply of `turn` to the text that was heard, and remove it if nothing was heard. If a later
        report says that more was heard, correct the text, and put a removed reply back in its place."""
        with self._lock:
            heard = self._settled.get(turn, heard)
            if heard and turn in self._removed:
                at, entry = self._removed.pop(turn)
                self._of_turn[turn] = (*self._of_turn.get(turn, ()), at)
                self._entries = dict(sorted({**self._entries, at: entry}.items()))
            for at in self._of_turn.get(turn, ()):
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
            for at in self._of_turn.get(turn, ()):
                if role in ("", self._entries[at].role):
                    self._remove(at)

    def _remove(self, at: int) -> None:
        turn = self._entries.pop(at).turn
        left = tuple(each for each in self._of_turn[turn] if each != at)
        if left:
            self._of_turn[turn] = left
        else:
            del self._of_turn[turn]

    def entries(self) -> tuple[Utterance, ...]:
        """Return all entries in order."""
        with self._lock:
            return tuple(self._entries.values())

    def messages(self) -> list[dict[str, str]]:
        """Return the history for chat templates. An utterance without a reply is joined with the next."""
        joined: list[dict[str, str]] = []
        for entry in self.entries():
            if joined and joined[-1]["role"] == entry.role:
                joined[-1]["content"] = join_words([joined[-1]["content"], entry.text])
            else:
                joined.append({"role": entry.role, "content": entry.text})
        return joined
