"""The base of the generators: send replies as packets, and keep the history as it was heard."""

from __future__ import annotations

import collections.abc
from collections.abc import Iterator, Mapping

from vflow import Flush, In, Node, Out, Text, TextPacket, TurnEnd, join_words
from vflow_nodes.lib.word_breaks import units

Emission = tuple[Out, TextPacket | TurnEnd] | None
"""An output port of a generator, which may have several, and the packet that is sent there."""
HELLO, GO_ON = "Hello.", "Go on."
"""In the place of the user's word where the agent is to speak and the user has said nothing: most templates
of chats want one. No history has it."""
Emissions = collections.abc.Generator[Emission, None, None]


class Generator(Node):
    """A node that answers with words. Each answer enters the history; after an interruption only the part
    that was heard."""

    heavy = True
    generates = True

    say = In(Text("reply"), doc="text to say as it is, as a reply of its own", optional=True)
    words = Out(Text("word"), doc="the reply", bus=True)

    answers: bool = True
    """Whether the user is answered at once; if not, the words are remembered until a reply is asked for."""
    instructions: str | None = None
    """Instructions in the persona's place for the present reply; None for the persona."""
    _settled = 0
    """The last turn whose history an interruption has corrected."""
    _warned: frozenset[str] = frozenset()
    """The kinds of problems warned of since the node was opened."""

    def process_say(self, packet: TextPacket) -> Iterator[Emission]:
        """Say a text that answers no question, and enter it into the history as a reply."""
        turn = packet.turn or self.ctx.new_turn()
        if self.ctx.cancelled(turn):
            return
        said: list[str] = []
        try:
            for text in (word for part in packet.text.split() for word in units(part)):
                now = self.ctx.now_ns()
                word = TextPacket(text=text, index=len(said), turn=turn, pts_ns=now, meta=packet.meta)
                said.append(text)
                yield self.words, word
                yield None
        finally:
            if said:
                self.ctx.conversation.append("assistant", join_words(said), turn)
        yield self.words, self.ended(turn, 0, "eos")

    def enter(self, packet: TextPacket, turn: int) -> bool:
        """Add the user's words to the history; return whether to answer them.

        A packet whose meta has `prompted` holds no words: the history is to be answered as it is, with the
        `instructions` of the meta in place of the persona.
        """
        self.instructions, text = packet.meta.get("instructions"), packet.text.strip()
        if packet.meta.get("prompted"):
            return True
        if text:
            self.ctx.conversation.append("user", text, turn)
        return bool(text) and self.answers

    def history(self) -> list[dict[str, str]]:
        """Return the history for a prompt. It ends with a message of the user; if there is none, one is added
        that asks the agent to go on, or to begin."""
        messages = self.ctx.conversation.messages()
        if not messages or messages[-1]["role"] == "assistant":
            messages.append({"role": "user", "content": GO_ON if messages else HELLO})
        return messages

    def _tell(self, kind: str, text: str) -> None:
        """Warn of a problem, once for each kind: a model's habit comes again in each turn."""
        if kind and kind not in self._warned:
            self._warned |= {kind}
            self.ctx.warn(text)

    def answered(self, turn: int, text: str, tokens: list[int]) -> None:
        """Enter a reply, complete or stopped, into the history. `text` is the part said, '' for none;
        `tokens` are those of a reply that was said to its end and was speech only."""
        if text:
            self.ctx.conversation.append("assistant", text, turn)

    def ended(self, turn: int, tokens: int, reason: str, more: Mapping[str, int] | None = None) -> TurnEnd:
        """Return the event that ends a turn's reply; `more` counts what was withheld, and the prompt."""
        meta = {"tokens": tokens, "stop_reason": reason, **(more or {})}
        return TurnEnd(turn=turn, pts_ns=self.ctx.now_ns(), meta=meta)

    def on_cancel(self, flush: Flush) -> None:
        """Cut the history to the words that were heard.

        A sink names the replies that it was playing, and the last one that it played to its end. Nothing of
        later replies was heard. Without a sink this is unknown, and they are kept. A reply that is taken back
        may have been played to its end.
        """
        if flush.retracts:
            return
        conversation = self.ctx.conversation
        cut = {played.turn for played in flush.played if not played.ended or flush.unheard(played.turn)}
        for turn in cut:
            conversation.truncate(turn, flush.heard(turn))
        settled = max([self._settled, *(record.turn for record in flush.played)])
        for entry in conversation.entries() if flush.sinks else ():
            if entry.role == "assistant" and settled < entry.turn <= flush.turn:
                conversation.truncate(entry.turn, "")
        self._settled = max(self._settled, flush.turn)

    def on_flush(self, flush: Flush) -> None:
        """Delete a question and a reply made in advance from the history, if the user spoke on."""
        if flush.retracts:
            self.ctx.conversation.delete(flush.turn)
