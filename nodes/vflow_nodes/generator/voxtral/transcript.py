"""The user's words, written down beside the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vflow import join_words
from vflow_nodes.lib.decode.errors import DecodeError

if TYPE_CHECKING:
    from vflow_nodes.lib.decode.reply import Reply
    from vflow_nodes.lib.decode.session import DecodeSession

TOKENS = 24, 8
"""Of a transcript, at most: this many, and this many for each second. Fast speech has 6 a second; a model
that runs on about noise is stopped."""


def exactly(seconds: float) -> dict[str, Any]:
    """Return how to draw the transcript of so many seconds: the likeliest token, and repeats as they come."""
    return {
        "temperature": 0,
        "repetition_penalty": 1,
        "no_repeat_ngram": 0,
        "min_words": 0,
        "min_tokens": 0,
        "max_tokens": min(1024, TOKENS[0] + int(TOKENS[1] * seconds)),
    }


class Transcript:
    """Collects a transcript while other work goes on; without a `reply` it is whole, and empty. One thread.

    A transcript that fails is as far as it came: the answer does not depend on it. Its `session` is closed
    with it, so that its slot is the first to be given away.
    """

    def __init__(
        self, session: DecodeSession | None = None, reply: Reply | None = None, told: bool = False
    ) -> None:
        self._session, self._reply = session, reply
        self._words = reply.words() if reply is not None else None
        self._heard: list[str] = []
        self._cut = False
        self.told = told
        """Whether it was given out."""

    @property
    def text(self) -> str:
        """The transcript; '' where it was cut before it was whole: half a sentence may say the opposite."""
        return "" if self._cut else join_words(self._heard)

    def poll(self, wait: bool = False) -> bool:
        """Take what is there; whether the transcript is whole. With `wait` up to 20 ms, for a token more."""
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
        """No more is wanted."""
        self._cut = self._cut or self._words is not None
        self._words = None
        if self._reply is not None:
            self._reply.cancel()
        self._leave()

    def _leave(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()
