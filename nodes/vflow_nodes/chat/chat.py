"""`chat`: answers each transcript with words, as a causal language model makes them, token by token."""

from __future__ import annotations

import bisect
import contextlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from vflow import MS, Flush, In, Text, TextPacket, install_command, models, prop
from vflow_nodes.chat.memory import ChatMemory
from vflow_nodes.chat.summary import NOTE_TAKER, TOKENS, Summary, asked, instructed
from vflow_nodes.lib.decode.errors import DecodeError
from vflow_nodes.lib.engine_generator import REPLY, EngineGenerator
from vflow_nodes.lib.generator import Emission

if TYPE_CHECKING:
    from vflow_nodes.chat.loading import LanguageModel
    from vflow_nodes.lib.decode.build import Options
    from vflow_nodes.lib.decode.engine import Engine

LOOK_NS = 50 * MS
"""How often a summary that is being written is looked after."""
THOUGHTS = 2048
"""Tokens of a slot for a thought, where the model is let to think."""
PERSONA = "You are a helpful voice assistant. Answer in one or two short spoken sentences."


class Chat(EngineGenerator):
    """Answer transcripts with a causal language model of Hugging Face's.

    One transcript is one utterance of the user. Each answer, and after an interruption what was heard of it,
    becomes the history that the next answer builds on.
    """

    example = "chat: {use: chat, model: smollm2, persona: You are a pirate. Answer in one sentence.}"

    model: str = prop(
        "smollm2",
        file="reads",
        doc="a model that `vflow models list` names, a model's directory, or owner/name on the hub",
    )
    persona: str = prop(PERSONA, doc="who speaks, and how: the system prompt")
    think: Literal["off", "hide"] = prop(
        "off",
        doc="off asks the template for a reply without thoughts; hide lets the model think, unheard, and "
        "keeps room for it. No thought is ever said",
        hot=True,
    )
    summary: Literal["model", "none"] = prop(
        "model",
        doc="model keeps a summary of the turns that the context has no room for, which the model writes "
        "between turns; none forgets them",
    )
    temperature: float = prop(0.0, ge=0, le=5, doc="0 takes the likeliest token, 1 draws freely", hot=True)

    text = In(Text("final"), doc="what the user said")

    _writing: Summary | None = None
    """The summary that is being written."""

    @classmethod
    def unavailable(cls) -> str:
        missing = [m for m in ("torch", "transformers", "jinja2") if importlib.util.find_spec(m) is None]
        return f"{' and '.join(missing)} not installed: {install_command('speech')}" if missing else ""

    def load(self, device: str, options: Options) -> Engine:
        from vflow_nodes.chat import loading

        if any(model.name == self.model and model.demo for model in models.known()):
            self.ctx.warn(
                f"{self.model} is a demo model, fluent and often wrong; "
                "set 'model' to a Hugging Face chat model"
            )
        self._language: LanguageModel = self.ctx.shared(
            f"chat:{self.model}:{device}:{self.dtype}:{options}",
            lambda: loading.load(self.model, device, self.dtype, options, self.ctx.progress),
        )
        self._memory = ChatMemory(self._render)
        return self._language.engine

    def warm_up(self) -> None:
        """Compute the persona, which every prompt begins with, and each step that a reply may take."""
        self.replies.warm_up(self.slots, self.context)
        self.replies.rehearse(self._render("", [{"role": "user", "content": "Hello."}]))

    def room(self) -> int:
        return super().room() + (THOUGHTS if self.think == "hide" else 0)

    def close(self) -> None:
        self._drop_summary()
        super().close()
        self.__dict__.pop("_language", None)

    def process_text(self, packet: TextPacket) -> Iterator[Emission]:
        turn, text = packet.turn or self.ctx.new_turn(), packet.text.strip()
        self._drop_summary()
        self.asked_in = str(packet.meta.get("language") or "")
        if not text:
            yield self.words, self.ended(turn, 0, "eos")
            return
        self.ctx.conversation.append("user", text, turn)
        if self.ctx.cancelled(turn):
            return
        prompt = yield from self.ready(turn, self._prompt)
        yield from self.reply(prompt, turn, one_line=self._language.plain)
        self._plan_summary()

    def _prompt(self) -> list[int]:
        """The tokens of the history that fits, and a summary of what does not. Raises: DecodeError."""
        engine = self._language.engine
        most = engine.context - self._for_reply()
        ids = self._memory.prompt(self.ctx.conversation.messages(), min(self.context, most), most)
        if self._memory.shortened:
            self._tell(
                "too long",
                f"what the user said is longer than the {most:,} tokens that a prompt may have, and only its "
                f"end is answered; {engine.device.more_context}",
            )
        if self._memory.forgot and (self.summary == "none" or self.slots == 1):
            slots = " and 'slots: 2'" if self.slots == 1 else ""
            self._tell(
                "outgrown",
                "the conversation has outgrown the context, and its oldest turns are left out; "
                f"set 'summary: model'{slots}, or {engine.device.more_context}",
            )
        return ids

    def _room(self) -> int:
        """Tokens of a prompt, at most: what the engine holds, less a reply."""
        return min(self.context, self._language.engine.context - self._for_reply())

    def _for_reply(self) -> int:
        """Tokens that are kept for a reply."""
        return min(self.max_tokens, REPLY, self._language.engine.context // 2)

    def _render(self, summary: str, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """The tokens of a prompt. Raises: DecodeError."""
        return self._language.prompt(instructed(self.persona, summary), messages, think=self.think == "hide")

    def on_timer(self) -> Iterator[Emission]:
        """Between turns: begin the summary that is due when the reply has been played, and take it."""
        if self._writing is None and self.ctx.lead_ns():
            self.ctx.wake_at(self.ctx.now_ns() + self.ctx.lead_ns())
        elif self._writing is None:
            self._begin_summary()
        elif (text := self._writing.poll()) is not None:
            self._end_summary(text)
        else:
            self.ctx.wake_at(self.ctx.now_ns() + LOOK_NS)
        yield from ()

    def _begin_summary(self) -> None:
        untold, end = self._memory.untold(self.ctx.conversation.messages(), self._room())
        if not untold:
            return
        language, room = self._language, self._room()

        def ids_of(left_out: int) -> list[int]:
            return language.prompt(NOTE_TAKER, asked(self._memory.summary, untold[left_out:]))

        try:
            cuts = range(len(untold) - 1)
            ids = ids_of(bisect.bisect_left(cuts, True, key=lambda cut: len(ids_of(cut)) <= room))
            most = min(TOKENS, room // 4)
            sampling = self.replies.sampling(temperature=0, min_words=0, min_tokens=0, max_tokens=most)
            self._writing = Summary(*self.replies.aside(ids, sampling), end)
        except DecodeError:  # what it is about is too long, or the engine has ended: the next turn tells
            return
        self.ctx.wake_at(self.ctx.now_ns() + LOOK_NS)

    def _end_summary(self, text: str) -> None:
        """Let the summary stand for what it tells of, and compute the prompt that begins with it."""
        writing, self._writing = self._writing, None
        if writing is None or not text:
            return
        messages = self.ctx.conversation.messages()
        self._memory.take(text, messages, writing.end)
        with contextlib.suppress(DecodeError):  # else the next turn tells of it
            self.replies.prefill(self._prompt())

    def _drop_summary(self) -> None:
        """Drop the summary that is being made: a turn begins, or the history has changed."""
        if self._writing is not None:
            self._writing.close()
            self._writing = None

    def _plan_summary(self) -> None:
        if self.summary == "model" and self.slots > 1:
            self.ctx.wake_at(self.ctx.now_ns() + LOOK_NS)

    def on_cancel(self, flush: Flush) -> None:
        super().on_cancel(flush)
        self._drop_summary()
        self._plan_summary()

    def on_flush(self, flush: Flush) -> None:
        super().on_flush(flush)
        if flush.retracts:
            self._drop_summary()
