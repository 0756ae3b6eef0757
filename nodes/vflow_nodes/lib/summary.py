"""A summary of the turns that leave a prompt, written by the model itself in a session of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vflow import join_words
from vflow_nodes.lib.decode.errors import DecodeError

if TYPE_CHECKING:
    from vflow_nodes.lib.decode.reply import Reply
    from vflow_nodes.lib.decode.session import DecodeSession
    from vflow_nodes.lib.decode.words import Word

NOTE_TAKER = "You take notes of conversations."
REQUEST = (
    "Summarize this in at most four short sentences: names, facts, wishes, and what was agreed. "
    "Keep what the notes say."
)
HEADING = "What was said earlier in this conversation:"
TOKENS = 120
"""Most tokens of a summary."""


def instructed(persona: str, summary: str) -> str:
    """Return a persona followed by the summary of what was said earlier."""
    return f"{persona}\n\n{HEADING} {summary}" if summary else persona


def asked(summary: str, messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return the request for a summary of the messages since the last one, as a conversation."""
    lines = [f"{message['role'].title()}: {message['content']}" for message in messages]
    notes = [f"Notes: {summary}"] if summary else []
    return [{"role": "user", "content": "\n".join([*notes, *lines, "", REQUEST])}]


class Summary:
    """A summary while it is written. One thread.

    covered: the entries of the history that it covers, from the first on.
    """

    def __init__(self, session: DecodeSession, reply: Reply, covered: Sequence[Any]) -> None:
        self.covered = covered
        self._session, self._reply = session, reply
        self._words: Iterator[Word | None] = reply.words()
        self._said: list[str] = []

    def poll(self) -> str | None:
        """Take the words that are there, without waiting. Return the text once it is complete, '' if it
        failed, else None."""
        while self._reply.ready:
            try:
                word = next(self._words)
            except StopIteration:
                self.close()
                return join_words(self._said)
            except DecodeError:
                self.close()
                return ""
            if word is not None:
                self._said.append(word.text)
        return None

    def close(self) -> None:
        """Stop it wherever it is, and return at once."""
        self._reply.cancel()
        self._session.close()
