"""Choose the part of a conversation that a prompt has room for, with a summary of the rest."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence

from vflow_nodes.lib.decode.errors import TooLong

Message = dict[str, str]
Render = Callable[[str, Sequence[Message]], list[int]]
"""Returns the tokens of a prompt made of a summary and messages. Raises: DecodeError."""


class ChatMemory:
    """Chooses the messages of each prompt. When they outgrow the room, it frees half of the room at once,
    because a prompt with another beginning must be computed anew. One thread."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._left_out = 0  # how many messages at the start are in no prompt any more
        self._told: list[Message] = []  # the messages that the summary covers
        self.summary = ""
        self.shortened = False
        """Whether the last message of the newest prompt lost its beginning."""

    def prompt(self, messages: list[Message], room: int, most: int) -> list[int]:
        """Return the tokens of the newest messages, at most `room`. A last message longer than `most` tokens
        loses its beginning. Raises: DecodeError."""
        self._follow(messages)
        ids = self._tokens(messages[self._left_out :])
        if ids is None or len(ids) > room:
            self._left_out = self._cut(messages, room, keep=1)
            ids = self._tokens(messages[self._left_out :])
        self.shortened = ids is None or len(ids) > most
        return self._end_of(messages[-1], most) if ids is None or self.shortened else ids

    def untold(self, messages: list[Message], room: int) -> tuple[list[Message], list[Message]]:
        """Return the messages to tell in the next summary, and all that it covers, from the first on. To tell
        are those that have left, or will soon, since the prompt fills three quarters of the room."""
        self._follow(messages)
        ids = self._tokens(messages[self._left_out :])
        end = self._left_out
        if ids is None or len(ids) > room * 3 // 4:
            end = self._cut(messages, room, keep=2)
        return messages[len(self._told) : end], messages[:end]

    def take(self, summary: str, covered: Sequence[Message]) -> None:
        """Use a summary in the place of the messages that it covers."""
        self.summary, self._told = summary, list(covered)
        self._left_out = max(self._left_out, len(covered))

    @property
    def forgot(self) -> bool:
        """Whether messages have left that no summary covers."""
        return self._left_out > len(self._told)

    def _follow(self, messages: list[Message]) -> None:
        """Drop the summary if the application deleted or changed messages that it covers."""
        if messages[: len(self._told)] != self._told:
            self.summary, self._told, self._left_out = "", [], 0
        self._left_out = max(0, min(self._left_out, len(messages) - 1))

    def _cut(self, messages: list[Message], room: int, keep: int) -> int:
        """Return how many messages to leave out so that the others fill at most half of the room. The last
        `keep` stay."""
        cuts = range(self._left_out + 2, len(messages) - keep + 1, 2)  # by pairs of messages

        def fits(cut: int) -> bool:
            found = self._tokens(messages[cut:])
            return found is not None and len(found) <= room // 2

        if not cuts:
            return self._left_out
        # bisect: a history loaded from elsewhere may have thousands of messages
        return cuts[min(bisect.bisect_left(cuts, True, key=fits), len(cuts) - 1)]

    def _end_of(self, message: Message, most: int) -> list[int]:
        """Return the tokens of a message's last words, as many as fit. Raises: DecodeError."""
        words = message["content"].split(" ")

        def ids_of(left_out: int) -> list[int]:
            return self._render(self.summary, [{**message, "content": " ".join(words[left_out:])}])

        def fits(left_out: int) -> bool:
            try:
                return len(ids_of(left_out)) <= most
            except TooLong:
                return False

        return ids_of(bisect.bisect_left(range(len(words) - 1), True, key=fits))

    def _tokens(self, messages: Sequence[Message]) -> list[int] | None:
        """Return the tokens of a conversation; None if it is longer than any context."""
        try:
            return self._render(self.summary, messages)
        except TooLong:
            return None
