"""`chat`: answers each transcript with words, as a causal language model makes them, token by token."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from vflow import Event, Flush, In, Node, Out, Text, TextPacket, TurnEnd, models, prop
from vflow_nodes.chat.words import TextStream, Words

if TYPE_CHECKING:
    from vflow_nodes.chat.decoder import Decoder
    from vflow_nodes.chat.loading import LanguageModel

PERSONA = "You are a helpful voice assistant. Answer in one or two short spoken sentences."
CHUNK = 128
"""Tokens of a prompt that are computed between two looks of the runtime."""


@dataclass(slots=True)
class Reply:
    """A reply that is being made."""

    turn: int
    words: list[str] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    stop_reason: Literal["eos", "limit", "error"] = "error"


class Chat(Node):
    """Answer transcripts with a causal language model of Hugging Face's.

    One transcript is one utterance of the user. What was answered, and after an interruption what was
    heard of it, becomes the history that the next answer builds on.
    """

    heavy = True
    generates = True
    example = "chat: {use: chat, model: smollm2, persona: You are a pirate. Answer in one sentence.}"

    model: str = prop(
        "smollm2", doc="a model that `vflow models list` names, a model's directory, or owner/name on the hub"
    )
    device: Literal["auto", "cpu", "cuda"] = prop("auto", doc="where the model runs")
    persona: str = prop(PERSONA, doc="who speaks, and how: the system prompt")
    max_tokens: int = prop(250, ge=1, doc="tokens of a reply, at most", hot=True)
    temperature: float = prop(0.0, ge=0, le=5, doc="0 takes the likeliest token, 1 draws freely", hot=True)
    top_p: float = prop(0.95, ge=0, le=1, doc="draw from the likeliest tokens of this share", hot=True)
    repetition_penalty: float = prop(
        1.1, ge=1, le=2, doc="makes what the reply has said less likely; 1 does not", hot=True
    )
    seed: int | None = prop(None, ge=0, doc="makes what is drawn repeatable, turn by turn")
    context: int = prop(2048, ge=128, doc="tokens of persona and history; beyond it, the oldest are left out")

    text = In(Text("final"), doc="what the user said")
    words = Out(Text("word"), doc="the reply", bus=True)

    @classmethod
    def unavailable(cls) -> str:
        missing = [m for m in ("torch", "transformers", "jinja2") if importlib.util.find_spec(m) is None]
        return f"{' and '.join(missing)} not installed: pip install 'vflow[speech]'" if missing else ""

    def open(self) -> None:
        """Load the model, shared by all that use it. Raises: Unavailable."""
        import torch

        from vflow_nodes.chat import decoder, loading

        torch.set_num_threads(self.ctx.threads("torch"))
        if any(model.name == self.model and model.demo for model in models.known()):
            self.ctx.warn(
                f"{self.model} is a demo model, fluent and often wrong; "
                "set 'model' to a Hugging Face chat model"
            )
        device = loading.pick_device(self.device)
        self._language: LanguageModel = self.ctx.shared(
            f"chat:{self.model}:{device}", lambda: loading.load(self.model, device, self.ctx.progress)
        )
        self._decoder: Decoder = decoder.Decoder(self._language.model)
        self._choose, self._penalise = decoder.choose, decoder.penalise
        self._random = torch.Generator()
        self._settled = 0  # the last turn that an interruption has dealt with
        self._left_out = 0  # messages at the start of the history that are in no prompt any more

    def warm_up(self) -> None:
        """Compute the persona, which every prompt begins with, and one token."""
        prompt = self._language.prompt(self.persona, [{"role": "user", "content": "Hello."}])
        for part in (self._decoder.rewind(prompt), prompt[-1:]):
            self._decoder.feed(part)

    def close(self) -> None:
        for name in ("_language", "_decoder"):
            self.__dict__.pop(name, None)

    def process(self, packet: TextPacket) -> Iterator[TextPacket | Event | None]:
        turn = packet.turn or self.ctx.new_turn()
        reply, text = Reply(turn), packet.text.strip()
        if text:
            self.ctx.conversation.append("user", text, turn)
            if self.ctx.cancelled(turn):
                return
            yield from self._say(reply)
        else:
            reply.stop_reason = "eos"
        yield self._end(reply)

    def _say(self, reply: Reply) -> Iterator[TextPacket | Event | None]:
        """The packets of a reply; whatever ends it, what was said of it is in the history then."""
        try:
            for word in self._answer(reply):
                if word is None:
                    yield None
                    continue
                reply.words.append(word)
                index, meta = len(reply.words) - 1, {"tokens": len(reply.tokens)}
                yield TextPacket(text=word, index=index, turn=reply.turn, pts_ns=self.ctx.now_ns(), meta=meta)
        except RuntimeError:  # torch's errors: whoever speaks the reply is to learn that no more comes
            reply.stop_reason = "error"
            yield self._end(reply)
            raise
        finally:
            if reply.words:
                self.ctx.conversation.append("assistant", " ".join(reply.words), reply.turn)

    def _end(self, reply: Reply) -> TurnEnd:
        meta = {"tokens": len(reply.tokens), "stop_reason": reply.stop_reason}
        return TurnEnd(turn=reply.turn, pts_ns=self.ctx.now_ns(), meta=meta)

    def _answer(self, reply: Reply) -> Iterator[str | None]:
        """The words of a reply as they become whole, and None behind each step.

        A word that `max_tokens` cuts off is left out: it may be half a word.
        """
        language, decoder = self._language, self._decoder
        stream, words, begun = TextStream(language.text), Words(), False
        if self.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(self.seed + reply.turn)
        new = decoder.rewind(self._prompt())
        for at in range(0, len(new), CHUNK):
            logits = decoder.feed(new[at : at + CHUNK])
            yield None
        while len(reply.tokens) < self.max_tokens and decoder.length < language.window:
            if reply.tokens:
                logits = decoder.feed(reply.tokens[-1:])
            logits = self._penalise(logits, reply.tokens, self.repetition_penalty)
            token = self._choose(logits, self.temperature, self.top_p, self._random)
            piece = "" if token in language.ends else stream.push(token)
            line, newline, _ = piece.partition("\n")
            begun = begun or bool(line.strip())
            if token in language.ends or (language.plain and begun and newline):
                reply.stop_reason = "eos"
                yield from [*words.push(line), *words.finish()]
                return
            reply.tokens.append(token)
            yield from words.push(piece)
            yield None
        reply.stop_reason = "limit"

    def _prompt(self) -> list[int]:
        """The tokens of the history that fit; where they did not, half of the room is freed at once, since
        a prompt that begins differently is computed anew."""
        language, messages = self._language, self.ctx.conversation.messages()
        room = min(self.context, max(language.window - self.max_tokens, language.window // 2))
        self._left_out = min(self._left_out, len(messages) - 1)  # the application may delete
        ids = language.prompt(self.persona, messages[self._left_out :])
        if len(ids) > room:
            while len(ids) > room // 2 and self._left_out + 2 < len(messages):
                self._left_out += 2  # the user's and the assistant's
                ids = language.prompt(self.persona, messages[self._left_out :])
        return ids

    def on_cancel(self, flush: Flush) -> None:
        """Cut the history to what was heard.

        A sink names the replies that it was playing, and the last that it played to its end. Of those behind
        them nothing was heard; without a sink nobody can tell, and they are kept.
        """
        conversation = self.ctx.conversation
        for turn in {record.turn for record in flush.played if not record.ended}:
            conversation.truncate(turn, flush.heard(turn))
        settled = max([self._settled, *(record.turn for record in flush.played)])
        for entry in conversation.entries() if flush.sinks else ():
            if entry.role == "assistant" and settled < entry.turn <= flush.turn:
                conversation.truncate(entry.turn, "")
        self._settled = max(self._settled, flush.turn)

    def on_flush(self, flush: Flush) -> None:
        """The user spoke on: what was asked and answered in advance has not been."""
        if flush.retracts:
            self.ctx.conversation.delete(flush.turn)
