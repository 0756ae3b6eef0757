"""Write down the user's words beside the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vflow import join_words
from vflow_nodes.lib.decode.errors import DecodeError

if TYPE_CHECKING:
    from vflow_nodes.lib.decode.reply import Reply
    from vflow_nodes.lib.decode.session import DecodeSession

TOKENS = 24, 8
"""Most tokens of a transcript: the first number, plus the second for each second of speech. Fast speech has 6
a second; this stops a model that writes on about noise."""


def exactly(seconds: float) -> dict[str, Any]:
    """Return how to draw the transcript of that many seconds: the likeliest tokens, with any repeats."""
    return {
        "temperature": 0,
        "repetition_penalty": 1,
        "no_repeat_ngram": 0,
        "min_words": 0,
        "min_tokens": 0,
        "max_tokens": min(1024, TOKENS[0] + int(TOKENS[1] * seconds)),
    }


class Transcript:
    """Collects a transcript while other work goes on. Without a `reply` it is complete and empty. One thread.

    A transcript that fails ends where it failed: the answer does not depend on it. Its `session` is closed
    with it, so that its slot is the first to be reused.
    """

    def __init__(
        self, session: DecodeSession | None = None, reply: Reply | None = None, told: bool = False
    ) -> None:
        self._session, self._reply = session, reply
        self._words = reply.words() if reply is not None else None
        self._heard: list[str] = []
        self._cut = False
        self.told = told
        """Whether it was sent."""

    @property
    def text(self) -> str:
        """The transcript; '' if it was cut before it was complete: half a sentence may mean the opposite."""
        return "" if self._cut else join_words(self._heard)

    def poll(self, wait: bool = False) -> bool:
        """Take the tokens that are there. Return whether the transcript is complete. With `wait`, wait up to
        20 ms for a token."""
        reply, words = self._reply, self._words
        while reply is not None and words is not None and (wait or reply.ready):
            try:
                word = next(words)
            except (StopIteration, DecodeError):
                self._words = words = None
                self._leave()
                break
            if word is not None:
                self._heard.append(word.text)
            elif wait:
                break
        return self._words is None

    def cancel(self) -> None:
        """Stop it: no more is wanted."""
        self._cut = self._cut or self._words is not None
        self._words = None
        if self._reply is not None:
            self._reply.cancel()
        self._leave()

    def _leave(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
