"""One answer while it is made: tokens come in from the engine's thread, words go out in the caller's."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from vflow_nodes.lib.decode.errors import DecodeError
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.spoken_tokens import SpokenTokens
from vflow_nodes.lib.decode.tool_calls import ToolCall
from vflow_nodes.lib.decode.vocabulary import Vocabulary
from vflow_nodes.lib.decode.words import Holdback, Word, Words

StopReason = Literal["eos", "limit", "flush", "error"]


@dataclass(frozen=True, slots=True)
class _Token:
    """A token. `id` is below 0 for speech that was held back to the end; `half`: see `SpokenTokens.half`."""

    id: int
    time_ns: int
    text: str
    half: int


class Reply:
    """One answer. `tokens` are those taken so far, at most `limit`, without the one that ended the reply;
    `stop_reason` is None while it goes on. One thread takes words; any thread may cancel."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        sampling: Sampling,
        limit: int,
        *,
        one_line: bool,
        on_taken: Callable[[Reply], None],
        room: int = 0,
        prompt: str = "",
    ) -> None:
        self.sampling, self.limit = sampling, limit
        self.spoken = SpokenTokens(vocabulary, sampling, limit, room, prompt)
        """For the engine's thread; once the reply is over, for any."""
        self.tokens: list[int] = []
        self.stop_reason: StopReason | None = None
        self.error: DecodeError | None = None
        self._one_line, self._on_taken = one_line, on_taken
        self._came = threading.Condition()
        self._fresh: deque[_Token] = deque()  # guarded by _came
        self._end: StopReason | None = None  # guarded by _came: why no more tokens come
        self._over = False  # guarded by _came: nobody wants more
        self._cancelled = False  # set once
        self._finished = False  # for the engine's thread

    @property
    def untaken(self) -> int:
        """How many tokens wait to be taken; any thread may ask."""
        return len(self._fresh)

    @property
    def calls(self) -> list[ToolCall]:
        """The tool calls that the model wrote; none of them was said. Complete when the reply is over."""
        return self.spoken.parser.calls

    @property
    def plain(self) -> bool:
        """Whether a finished reply is nothing but speech, so that its tokens may be repeated to the model."""
        return not self.spoken.withheld and not self.spoken.parser.marks

    @property
    def ready(self) -> bool:
        """Whether taking from it would not wait; any thread may ask."""
        return bool(self._fresh) or self._end is not None

    @property
    def over(self) -> bool:
        """Whether nobody wants more tokens; any thread may ask."""
        return self._over

    def put(self, token: int) -> None:
        """Add a token. The engine's thread."""
        self._append(token, self.spoken.take(token))

    def _append(self, token: int, text: str) -> None:
        fresh = _Token(token, time.monotonic_ns(), text, self.spoken.half)
        with self._came:
            if not self._over:
                self._fresh.append(fresh)
                self._came.notify_all()

    def end(self, reason: StopReason, error: DecodeError | None = None) -> None:
        """Note that no more tokens come. The engine's thread."""
        if not self._finished:
            self._finished = True
            if rest := self.spoken.finish(reason == "eos"):
                self._append(-1, rest)
        with self._came:
            if self._end is None:
                self._end, self.error = reason, error
                if reason == "flush":
                    self._fresh.clear()
                self._came.notify_all()

    def cancel(self) -> None:
        """Stop: after this call no word comes. Any thread; returns at once."""
        self._cancelled = True
        self._abandon("flush")

    def _abandon(self, reason: StopReason) -> None:
        with self._came:
            if self._over:
                return
            self._over = True
            self._fresh.clear()
            self._end = reason  # replaces an earlier end, whose remaining tokens nobody takes
            self._came.notify_all()
        self._on_taken(self)

    def words(self, patience_s: float = 0.02) -> Iterator[Word | None]:
        """Yield words as they become whole. Yield None after each token, and whenever none came for
        `patience_s`, so that the caller may check other things. Sets `stop_reason`. Raises: `error`, if there
        is one."""
        splitter, hold = Words(), Holdback(self.limit)
        count, begun = 0, False

        def made(texts: list[str], time_ns: int) -> list[Word]:
            nonlocal count
            found = [Word(t, count + n, len(self.tokens), time_ns) for n, t in enumerate(texts)]
            count += len(found)
            return found

        while self.stop_reason is None:
            token = self._take(patience_s)
            if isinstance(token, _Token):
                if token.id >= 0:
                    self.tokens.append(token.id)
                piece, hold.half = token.text, token.half
                if self._one_line and not begun:
                    piece = piece.lstrip()  # a token may hold an empty line's end and more
                line, newline, _ = piece.partition("\n")
                begun = begun or bool(line.strip())
                if self._one_line and begun and newline:
                    self._abandon("eos")
                    piece, self.stop_reason = line, "eos"
                yield from self._sent(hold.push(made(splitter.push(piece), token.time_ns)))
            elif token is not None:
                self.stop_reason = token
            if self.stop_reason is None and not (isinstance(token, _Token) and token.id < 0):
                yield None
        yield from self._rest(hold, made, splitter)

    def _rest(
        self, hold: Holdback, made: Callable[[list[str], int], list[Word]], splitter: Words
    ) -> Iterator[Word]:
        """Yield the words left at the end of a reply. A word that the limit cut off may be half a word."""
        if self.stop_reason == "eos":
            last = hold.push(made(splitter.finish(), time.monotonic_ns()))
            yield from self._sent([*last, *hold.finish()])
        elif self.stop_reason == "limit":
            yield from self._sent(hold.push(made(splitter.cut(), time.monotonic_ns())))
            yield from self._sent(hold.cut())
        elif self.stop_reason == "error" and self.error is not None:
            raise self.error

    def _sent(self, words: list[Word]) -> Iterator[Word]:
        for word in words:
            if self._cancelled:
                self.stop_reason = "flush"
                return
            yield word

    def _take(self, patience_s: float) -> _Token | StopReason | None:
        """Return the next token; or why no more come; or None if there is none yet."""
        with self._came:
            if not self._fresh and self._end is None:
                self._came.wait(patience_s)
            token = self._fresh.popleft() if self._fresh else None
            end = self._end
        if token is None:
            return end
        self._on_taken(self)
        return token
