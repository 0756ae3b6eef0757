"""`chat`: answers each transcript with words, as a causal language model makes them, token by token."""

from __future__ import annotations

import bisect
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from vflow import In, Text, TextPacket, Unavailable, install_command, models, prop
from vflow_nodes.lib.decode.errors import DecodeError, TooLong
from vflow_nodes.lib.engine_generator import Emission, EngineGenerator

if TYPE_CHECKING:
    from vflow_nodes.chat.loading import LanguageModel
    from vflow_nodes.lib.decode.build import Options
    from vflow_nodes.lib.decode.engine import Engine

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
        self._left_out = 0  # messages at the start of the history that are in no prompt any more
        return self._language.engine

    def warm_up(self) -> None:
        """Compute the persona, which every prompt begins with, and each step that a reply may take."""
        self.replies.warm_up(self.slots, self.context)
        self.replies.rehearse(self._render([{"role": "user", "content": "Hello."}]))

    def room(self) -> int:
        return super().room() + (THOUGHTS if self.think == "hide" else 0)

    def close(self) -> None:
        super().close()
        self.__dict__.pop("_language", None)

    def process(self, packet: TextPacket) -> Iterator[Emission]:
        turn, text = packet.turn or self.ctx.new_turn(), packet.text.strip()
        if not text:
            yield self.words, self.ended(turn, 0, "eos")
            return
        self.ctx.conversation.append("user", text, turn)
        if self.ctx.cancelled(turn):
            return
        try:
            self.revive()
            prompt = self._prompt()
        except (DecodeError, Unavailable):  # whoever speaks the reply is to learn that none comes
            yield self.words, self.ended(turn, 0, "error")
            raise
        yield from self.reply(prompt, turn, one_line=self._language.plain)

    def _prompt(self) -> list[int]:
        """The tokens of the history that fit; where they did not, half of the room is freed at once, since
        a prompt that begins differently is computed anew. Raises: DecodeError."""
        language, messages = self._language, self.ctx.conversation.messages()
        room = min(self.context, max(language.window - self.max_tokens, language.window // 2))
        self._left_out = min(self._left_out, len(messages) - 1)  # the application may delete
        ids = self._tokens(messages[self._left_out :])
        cuts = range(self._left_out + 2, len(messages), 2)  # the user's and the assistant's
        if cuts and (ids is None or len(ids) > room):

            def fits(cut: int) -> bool:
                found = self._tokens(messages[cut:])
                return found is not None and len(found) <= room // 2

            # bisected: a history that was there before may have thousands of messages
            self._left_out = cuts[min(bisect.bisect_left(cuts, True, key=fits), len(cuts) - 1)]
            ids = None
        return ids if ids is not None else self._render(messages[self._left_out :])

    def _render(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """The prompt of a conversation. Raises: DecodeError."""
        return self._language.prompt(self.persona, messages, think=self.think == "hide")

    def _tokens(self, messages: Sequence[Mapping[str, str]]) -> list[int] | None:
        """The tokens of a conversation; None where it is longer than any context."""
        try:
            return self._render(messages)
        except TooLong:
            return None
