"""`chat`: answer each transcript with the words of a causal language model, token by token."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from vflow import In, Text, TextPacket, install_command, models, prop
from vflow_nodes.chat.memory import ChatMemory
from vflow_nodes.lib.engine_generator import REPLY
from vflow_nodes.lib.generator import Emission
from vflow_nodes.lib.summarizing import Message, SummarizingGenerator
from vflow_nodes.lib.summary import NOTE_TAKER, asked, instructed

if TYPE_CHECKING:
    from vflow_nodes.chat.loading import LanguageModel
    from vflow_nodes.lib.decode.build import Options
    from vflow_nodes.lib.decode.engine import Engine

THOUGHTS = 2048
"""Tokens of a slot that are kept for thoughts, if the model may think."""
PERSONA = "You are a helpful voice assistant. Answer in one or two short spoken sentences."


class Chat(SummarizingGenerator):
    """Answer transcripts with a causal language model of Hugging Face's.

    One transcript is one utterance of the user. Each answer, or after an interruption the part that was
    heard, becomes the history that the next answer builds on.
    """

    example = "chat: {use: chat, model: smollm2, persona: You are a pirate. Answer in one sentence.}"

    model: str = prop(
        "smollm2",
        file="reads",
        doc="a name from `vflow models list`, a model's directory, or owner/name on the hub",
    )
    persona: str = prop(PERSONA, doc="who speaks, and how: the system prompt", hot=True)
    answers: bool = prop(
        True,
        doc="whether what the user says is answered; else it is remembered until a reply is asked",
        hot=True,
    )
    think: Literal["off", "hide"] = prop(
        "off",
        doc="off asks the template for a reply without thoughts; hide lets the model think in silence, and"
        " keeps room for that. No thought is ever said",
        hot=True,
    )
    temperature: float = prop(0.0, ge=0, le=5, doc="0 takes the likeliest token, 1 draws freely", hot=True)

    text = In(Text("final"), doc="what the user said")

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
        """Compute the persona, which begins every prompt, and run each step that a reply may take."""
        self.replies.warm_up(self.slots, self.context)
        self.replies.rehearse(self._render("", [{"role": "user", "content": "Hello."}]))

    def room(self) -> int:
        return super().room() + (THOUGHTS if self.think == "hide" else 0)

    def close(self) -> None:
        super().close()
        self.__dict__.pop("_language", None)

    def process_text(self, packet: TextPacket) -> Iterator[Emission]:
        turn = packet.turn or self.ctx.new_turn()
        self.drop_summary()
        self.asked_in = str(packet.meta.get("language") or "")
        if not self.enter(packet, turn):
            yield self.words, self.ended(turn, 0, "eos")
            return
        if self.ctx.cancelled(turn):
            return
        prompt = yield from self.ready(turn, self._prompt)
        yield from self.reply(prompt, turn, one_line=self._language.plain)
        self.plan_summary()

    def _prompt(self) -> list[int]:
        """Return the tokens of the history that fits, with a summary of the rest. Raises: DecodeError."""
        engine = self._language.engine
        most = engine.context - self._for_reply()
        ids = self._memory.prompt(self.history(), min(self.context, most), most)
        if self._memory.shortened:
            self.tell_too_long("the user said", most)
        if self._memory.forgot:
            self.tell_forgotten()
        return ids

    def prompt_room(self) -> int:
        """Return how many tokens a prompt may have: the engine's context less a reply."""
        return min(self.context, self._language.engine.context - self._for_reply())

    def _for_reply(self) -> int:
        """Return how many tokens are kept for a reply."""
        return min(self.max_tokens, REPLY, self._language.engine.context // 2)

    def _render(self, summary: str, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """The tokens of a prompt. Raises: DecodeError."""
        system = instructed(self.instructions or self.persona, summary)
        return self._language.prompt(system, messages, think=self.think == "hide")

    def untold(self) -> tuple[Sequence[Message], Sequence[Message]]:
        return self._memory.untold(self.ctx.conversation.messages(), self.prompt_room())

    def ask_for_summary(self, messages: Sequence[Message]) -> list[int]:
        return self._language.prompt(NOTE_TAKER, asked(self._memory.summary, messages))

    def remember(self, summary: str, covered: Sequence[Any]) -> None:
        self._memory.take(summary, covered)
        self.replies.prefill(self._prompt())
