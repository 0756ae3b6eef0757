"""The base of the generators with a remote model: send a request, turn its reply into packets, count costs.

Source: https://platform.openai.com/docs/api-reference/chat. Servers support parts of it: a parameter that a
server refuses by name is left out from then on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from vflow import Event, Packet, TextPacket, join_words, prop
from vflow_nodes.lib import withheld
from vflow_nodes.lib.generator import Emission, Generator
from vflow_nodes.lib.remote.endpoint import OPENAI
from vflow_nodes.lib.remote.faults import RemoteError
from vflow_nodes.lib.remote.node import RemoteNode

if TYPE_CHECKING:
    from vflow_nodes.lib.remote.reply import RemoteReply

PERSONA = "You are a helpful voice assistant. Answer in one or two short spoken sentences."
OLD_LIMIT, LIMIT = "max_tokens", "max_completion_tokens"
"""The limit's two names: every server knows the old one, but OpenAI's newer models refuse it."""
_OPTIONAL = ("stream_options", "seed", "temperature")
_BYTES = 3
"""Assumed bytes per token of history: fewer than in most texts, so that the estimate is safe."""
_DISTRUST = 3
"""After this many replies without a lone closing tag, a model is trusted again to open its thoughts."""
MORE_ROOM = (
    "the reply is a thought that did not end within 'max_tokens', and nothing was said; set it higher, or "
    "'body: {reasoning_effort: low}', or 'model' to one that does not think"
)

Messages = list[dict[str, Any]]
"""Messages in the endpoint's form."""
Items = Sequence[tuple[str, Packet] | Event]
"""Packets, each with its port, and events."""


class RemoteChat(RemoteNode, Generator):
    """A node that answers with words from the chat completions of an endpoint.

    A subclass decides when, and calls `answer` or `reply`.
    """

    needs = ("httpx2", "regex")

    model: str = prop("gpt-4o-mini", doc="the model's name there")
    persona: str = prop(PERSONA, doc="who speaks, and how: the system prompt", hot=True)
    max_tokens: int = prop(
        250, ge=1, le=100_000, doc="tokens of a reply, at most, thoughts among them", hot=True
    )
    temperature: float | None = prop(
        None, ge=0, le=5, doc="0 takes the likeliest token; the server's own by default", hot=True
    )
    seed: int | None = prop(None, ge=0, doc="makes the draw repeatable, if the server can")
    context: int = prop(8192, ge=128, doc="about how many tokens of history to send, the newest ones")
    speculate: bool = prop(
        False, doc="ask at a pause that may end the turn: sooner, but if the user goes on, paid for twice"
    )
    apology: str = prop("", doc="said if no word of a reply comes, such as: I cannot answer right now.")
    body: dict[str, object] = prop({}, doc="more fields of the request, such as {reasoning_effort: low}")

    def open(self) -> None:
        super().open()
        from vflow_nodes.lib.remote import reply  # it loads regex

        self._begin_reply = reply.RemoteReply
        self._warned = frozenset()
        self.spent: Counter[str] = Counter()
        self._refused: set[str] = set()
        self._limit = LIMIT if self.base_url == OPENAI else OLD_LIMIT
        self._distrust = 0

    def usage(self) -> dict[str, Any]:
        return dict(self.spent)

    async def answer(self, packet: TextPacket) -> AsyncGenerator[Emission, None]:
        """Answer a text of the user, and enter both into the history."""
        turn = packet.turn or self.ctx.new_turn()
        if not self.enter(packet, turn):
            yield self.words, self.ended(turn, 0, "eos")
            return
        if self.ctx.cancelled(turn):
            return
        language = {"language": asked_in} if (asked_in := packet.meta.get("language")) else {}
        instead = [("text", packet.replace(turn=turn))]
        async with aclosing(self.reply(turn, self.messages(), language, instead)) as reply:
            async for emission in reply:
                yield emission

    async def reply(
        self, turn: int, messages: Messages, more: Mapping[str, Any], instead: Items = ()
    ) -> AsyncGenerator[Emission, None]:
        """Yield the reply to messages: words, with `more` in their meta, and the turn's end. Whatever ends
        it, the request is closed and `answered` is called. If it fails before its first word, the fallback,
        if there is one, gets `instead`."""
        if self.spare is not None and self.spare.on_duty:
            async with aclosing(self.stand_in(turn, instead)) as emissions:
                async for emission in emissions:
                    yield emission
            return
        reply = self._begin_reply(self.max_tokens, held=self._distrust > 0)
        said: list[str] = []
        error: RemoteError | None = None
        try:
            try:
                async with aclosing(self._words(reply, turn, messages)) as words:
                    async for word in words:
                        said.append(word.text)
                        meta = {"tokens": word.tokens, **more}
                        now = self.ctx.now_ns()
                        out = TextPacket(text=word.text, index=word.index, turn=turn, pts_ns=now, meta=meta)
                        yield self.words, out
            except RemoteError as failed:
                error = failed
            if error is None or said or self.spare is None:
                async with aclosing(self.finished(turn)) as rest:
                    async for emission in rest:
                        yield emission
        finally:
            self._count(reply)
            self.answered(turn, join_words(said), [])
        if error is not None and not said and self.spare is not None:
            self.spare.relieve(error, f"turn {turn}")
            async with aclosing(self.stand_in(turn, instead)) as emissions:
                async for emission in emissions:
                    yield emission
            return
        if error is not None and not said:  # an apology is no answer: it does not enter the history
            for index, text in enumerate(self.apology.split()):
                yield self.words, TextPacket(text=text, index=index, turn=turn, pts_ns=self.ctx.now_ns())
        if error is not None:
            self.fail(turn, f"turn {turn} is not answered{' to its end' if said else ''}: {error}")
        else:
            self._tell_of(reply, len(said))
        reason = reply.stop_reason or "eos"
        more = {**withheld.counts(reply), **reply.prompt_counts}
        yield self.words, self.ended(turn, reply.tokens, "error" if error else reason, more)

    async def stand_in(self, turn: int, instead: Items) -> AsyncGenerator[Emission, None]:
        """Yield the fallback's answer. It enters both sides into the history itself."""
        assert self.spare is not None
        self.ctx.conversation.delete(turn)
        async with aclosing(self.spare.take(*instead)) as emissions:
            async for emission in emissions:
                yield emission

    async def finished(self, turn: int) -> AsyncGenerator[Emission, None]:
        """Emit more after a reply's last word; not called if the reply was stopped earlier."""
        nothing: tuple[Emission, ...] = ()
        for emission in nothing:
            yield emission

    async def _words(self, reply: RemoteReply, turn: int, messages: Messages) -> AsyncGenerator[Any, None]:
        """Yield the words of a reply. Raises: RemoteError."""
        lost: RemoteError | None = None
        try:
            async with aclosing(self._events(turn, messages)) as events:
                async for event in events:
                    for word in reply.take(event):
                        yield word
                    if reply.over:
                        break
        except RemoteError as error:
            lost = error
        if lost is None and reply.stop_reason is None and not reply.over:
            place = self.client.endpoint.place
            lost = RemoteError(f"{place} ended its answer in the middle of it; look into its log")
        for word in reply.finish():
            yield word
        if lost is not None:
            raise lost

    async def _events(self, turn: int, messages: Messages) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the events of a request, without the parameters that the server refuses. Raises:
        RemoteError."""
        while True:
            body = self._request(turn, messages)
            try:
                async with aclosing(self.client.events("chat/completions", body)) as events:
                    async for event in events:
                        yield event
                return
            except RemoteError as error:
                if not self._adapt(error.about, body):
                    raise

    def _request(self, turn: int, messages: Messages) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": messages,
            "stream": True,
            self._limit: self.max_tokens,
            "stream_options": {"include_usage": True},
        }
        if self.temperature is not None:
            body["temperature"] = self.temperature
        if self.seed is not None:
            body["seed"] = self.seed + turn
        return {name: value for name, value in body.items() if name not in self._refused} | self.body

    def _adapt(self, about: str, body: dict[str, Any]) -> bool:
        """Leave out a parameter that the server refuses by name. Return whether to try again."""
        if self._limit in about and "limit" not in self._refused:
            self._limit = LIMIT if self._limit == OLD_LIMIT else OLD_LIMIT
            self._refused.add("limit")
            return True
        for name in _OPTIONAL:
            if name in about and name in body and name not in self.body:
                self._refused.add(name)
                return True
        return False

    def messages(self, heard: bool = False) -> Messages:
        """Return the persona and the newest messages that fit in the room; text that was `heard` follows."""
        messages = self.ctx.conversation.messages() if heard else self.history()
        room, first = self.context * _BYTES, max(0, len(messages) - 1)
        room -= sum(len(message["content"].encode("utf-8", "replace")) for message in messages[first:])
        while (
            first > 0 and (room := room - len(messages[first - 1]["content"].encode("utf-8", "replace"))) >= 0
        ):
            first -= 1
        if first > 0:
            self._tell(
                "outgrown",
                "the conversation has outgrown 'context', and its oldest turns are not sent; set it higher, "
                "up to what the model takes",
            )
            first += messages[first]["role"] == "assistant" and first < len(messages) - 1
        persona = self.instructions or self.persona
        system = [{"role": "system", "content": persona}] if persona else []
        return [*system, *messages[first:]]

    def _tell_of(self, reply: RemoteReply, words: int) -> None:
        """Warn of a model's bad habits that a reply shows, and learn from them."""
        self._distrust = _DISTRUST if reply.parser.lone else max(0, self._distrust - 1)
        if reply.filtered:
            self._tell("filtered", f"{self.client.endpoint.place} cut the reply for what it says")
        kind, text = withheld.problem(reply, words)
        if reply.stop_reason == "limit" and not words and reply.thought:
            kind, text = "endless", MORE_ROOM
        self._tell(kind, text)

    def _count(self, reply: RemoteReply) -> None:
        usage = reply.usage
        self.spent["completion_tokens"] += reply.tokens
        self.spent["thought_tokens"] += reply.thought
        prompt, details = usage.get("prompt_tokens"), usage.get("prompt_tokens_details")
        self.spent["prompt_tokens"] += prompt if isinstance(prompt, int) else 0
        cached = details.get("cached_tokens") if isinstance(details, dict) else 0
        self.spent["cached_tokens"] += cached if isinstance(cached, int) else 0
