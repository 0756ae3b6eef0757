"""Turn a streamed chat completion into the words to say. No I/O, one thread."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from vflow_nodes.lib.decode.speech import SpeechParser
from vflow_nodes.lib.decode.tool_calls import ToolCall
from vflow_nodes.lib.decode.words import Holdback, Word, Words

StopReason = Literal["eos", "limit"]
_THOUGHTS = ("reasoning_content", "reasoning")
"""The fields in which servers put thoughts apart from the answer: vLLM and DeepSeek, OpenRouter and Groq."""
_TOKEN = 4
"""About how many characters a token has: servers may send several tokens as one event."""


class RemoteReply:
    """Takes the events of one reply. `stop_reason` is None while it goes on; `limit` is in tokens. `held`:
    whether the model may begin with a thought without an opening tag, so that words wait for a closing one.

    `lib.withheld` takes it as a `Reply`, and as that reply's `spoken`.
    """

    def __init__(self, limit: int, *, held: bool = False) -> None:
        self.parser = SpeechParser(held=held)
        self.stop_reason: StopReason | None = None
        self.filtered = False
        """Whether the server cut it because of its content."""
        self.usage: Mapping[str, Any] = {}
        self._splitter, self._hold = Words(), Holdback(limit)
        self._count = self._events = self._chars = self._aside = 0
        self._tools: dict[int, str] = {}  # the name so far, by the server's index

    @property
    def spoken(self) -> RemoteReply:
        return self

    @property
    def over(self) -> bool:
        """Whether nothing more will be said: the model has begun to write the user's turn."""
        return self.parser.ended

    @property
    def calls(self) -> list[ToolCall]:
        return [*self.parser.calls, *map(ToolCall, self._tools.values())]

    @property
    def tokens(self) -> int:
        """Tokens of the reply, with thoughts: the server's own count if it gave one."""
        counted = _number(self.usage, "completion_tokens")
        return counted or max(self._events, self._chars // _TOKEN)

    @property
    def prompt_counts(self) -> dict[str, int]:
        """Tokens of the prompt, and those of them that are sound, where the server counts them."""
        details = self.usage.get("prompt_tokens_details")
        counts = {
            "prompt_tokens": _number(self.usage, "prompt_tokens"),
            "prompt_audio_tokens": _number(details, "audio_tokens"),
        }
        return {name: count for name, count in counts.items() if count}

    @property
    def thought(self) -> int:
        """Tokens of thoughts: the server's own count, or an estimate."""
        return _number(self.usage.get("completion_tokens_details"), "reasoning_tokens") or self._aside

    @property
    def withheld(self) -> int:
        """Tokens that are not said, if there is any sign of them."""
        return self.thought or self.parser.marks

    def take(self, event: Mapping[str, Any]) -> list[Word]:
        """Return the words that an event completes; none for an event of another kind."""
        if isinstance(usage := event.get("usage"), Mapping):
            self.usage = usage
        words: list[Word] = []
        for choice in _list(event.get("choices"))[:1]:
            delta = choice.get("delta") or choice.get("message")
            if isinstance(delta, Mapping):
                words += self._delta(delta)
            if isinstance(reason := choice.get("finish_reason"), str):
                self.stop_reason = "limit" if reason == "length" else "eos"
                self.filtered = reason == "content_filter"
        return words

    def finish(self) -> list[Word]:
        """Return the words left to say, at its end or after the connection was lost."""
        cut = self.stop_reason != "eos" and not self.over
        words = self._said(self.parser.finish(whole=not cut))
        if cut:
            return [*words, *self._hold.push(self._made(self._splitter.cut())), *self._hold.cut()]
        return [*words, *self._hold.push(self._made(self._splitter.finish())), *self._hold.finish()]

    def _delta(self, delta: Mapping[str, Any]) -> list[Word]:
        thoughts = (thought for key in _THOUGHTS if isinstance(thought := delta.get(key), str) and thought)
        if thought := next(thoughts, ""):
            self._events += 1
            self._chars += len(thought)
            self._aside += max(1, len(thought) // _TOKEN)
        for at, call in enumerate(_list(delta.get("tool_calls"))):
            of = call.get("function")
            name: Any = of.get("name") if isinstance(of, Mapping) else None
            index: Any = call.get("index", at)
            index = index if isinstance(index, int) else at
            self._tools[index] = self._tools.get(index, "") + (name if isinstance(name, str) else "")
        words: list[Word] = []
        for text in _texts(delta):
            self._events += 1
            self._chars += len(text)
            inside = self.parser.inside
            words += self._said(self.parser.push(text))
            self._aside += "thought" in (inside, self.parser.inside)
        return words

    def _said(self, text: str) -> list[Word]:
        return self._hold.push(self._made(self._splitter.push(text))) if text else []

    def _made(self, texts: list[str]) -> list[Word]:
        now, first = time.monotonic_ns(), self._count
        self._count += len(texts)
        return [Word(text, first + n, self.tokens, now) for n, text in enumerate(texts)]


def _texts(delta: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts to say: the content, as a text or in parts (Mistral), or the model's refusal."""
    content = delta.get("content")
    parts = [part.get("text") for part in _list(content)] if isinstance(content, list) else [content]
    for text in (*parts, delta.get("refusal")):
        if isinstance(text, str) and text:
            yield text.encode("utf-8", "replace").decode()  # JSON may have half a character


def _list(found: Any) -> list[Mapping[str, Any]]:
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _number(found: Any, name: str) -> int:
    value = found.get(name) if isinstance(found, Mapping) else None
    return value if isinstance(value, int) else 0
