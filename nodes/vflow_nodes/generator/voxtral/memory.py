"""The history in a prompt: the conversation as heard, the last turns as audio, older ones as text."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vflow import Conversation, join_words
from vflow_nodes.generator.voxtral.prompt import Audio, Prompt, Prompts, Speech, Turn, length
from vflow_nodes.lib.decode.prompt import Embeds


@dataclass(slots=True)
class Exchange:
    """One turn as the model had it: the speech and what it stands for, and the reply's tokens and text."""

    speech: Speech
    embeds: dict[int, Embeds]
    ids: tuple[int, ...] = ()
    text: str = ""


class Memory:
    """The prompts of a conversation, at most `room` positions long. The node's thread.

    The conversation decides: a reply that was cut is repeated as it was heard. Its tokens are used where it
    was heard whole, so that what is cached of it stays valid. The last `spoken` turns are kept as audio;
    where that does not fit, their texts are, and then the oldest turns are left out.
    """

    def __init__(
        self, prompts: Prompts, conversation: Conversation, persona: str, room: int, spoken: int
    ) -> None:
        self._prompts, self._conversation, self._persona = prompts, conversation, persona
        self._room, self._spoken = room, spoken
        self._exchanges: dict[int, Exchange] = {}
        self._left_out = 0  # turns at the start of the history that are in no prompt any more
        self.shortened = False
        """Whether the newest opening has only the end of a typed text."""

    def keep(self, turn: int, exchange: Exchange) -> None:
        """Remember a turn's audio, and its reply as it was made."""
        self._exchanges[turn] = exchange
        for old in sorted(self._exchanges)[: -max(1, self._spoken)]:
            del self._exchanges[old]

    def forget(self, turn: int) -> None:
        """A turn was none."""
        self._exchanges.pop(turn, None)

    def opening(self, but: int = 0) -> Prompt:
        """The prompt before the next utterance's audio; `but` is a turn that is not to be in it."""
        turns, unanswered = self._turns(but)
        self.shortened = False
        while True:
            prompt = self._prompts.opening(self._persona, turns[self._left_out :], unanswered)
            if length(prompt) <= self._room or not (self._left_out < len(turns) or unanswered):
                return prompt
            if self._left_out < len(turns):
                self._shrink(turns)
            elif len(unanswered) == 1 and isinstance(unanswered[0], str):
                self.shortened = True
                return self._end_of(unanswered[0])
            else:
                unanswered = unanswered[1:]

    def _end_of(self, text: str) -> Prompt:
        """The prompt of a text's last words, as many as fit."""
        words = text.split(" ")

        def made(left_out: int) -> Prompt:
            return self._prompts.opening(self._persona, [], (" ".join(words[left_out:]),))

        cuts = range(len(words) - 1)
        return made(bisect.bisect_left(cuts, True, key=lambda cut: length(made(cut)) <= self._room))

    def _shrink(self, turns: list[Turn]) -> None:
        """Leave out a quarter of the turns, one at least: a prompt that begins differently is computed anew,
        so it does not happen each time."""
        self._left_out = min(len(turns), self._left_out + max(1, (len(turns) - self._left_out) // 4))

    def _turns(self, but: int) -> tuple[list[Turn], tuple[Speech | str, ...]]:
        """The turns that were answered, and what was said since."""
        entries = [entry for entry in self._conversation.entries() if entry.turn != but]
        latest = {entry.turn for entry in entries if entry.role == "user"}
        audible = set(sorted(latest)[-self._spoken :]) if self._spoken else set()
        turns: list[Turn] = []
        said: list[Speech | str] = []
        replied = ""  # the last turn's reply as text
        for entry in entries:
            exchange = self._exchanges.get(entry.turn)
            if entry.role == "user":
                heard = exchange is not None and entry.turn in audible and exchange.speech
                said.append(exchange.speech if exchange is not None and heard else entry.text)
            elif said or not turns:  # without a question where the agent spoke first
                whole = exchange is not None and exchange.text == entry.text and exchange.ids
                turns.append(
                    Turn(tuple(said), exchange.ids if exchange is not None and whole else entry.text)
                )
                said, replied = [], entry.text
            else:  # it spoke on, without a question
                replied = join_words([replied, entry.text])
                turns[-1] = Turn(turns[-1].said, replied)
        self._left_out = min(self._left_out, len(turns))  # the application may delete
        return turns, tuple(said)

    def parts(self, prompt: Prompt, more: Iterable[Embeds] = ()) -> list[int | Embeds]:
        """A prompt as the engine takes it. `more` are embeddings that no turn holds yet."""
        known = {embeds.number: embeds for embeds in more}
        for exchange in self._exchanges.values():
            known |= exchange.embeds
        return [known[part.identity] if isinstance(part, Audio) else part for part in prompt]


def most_windows(room: int, opening: Sequence[int | Audio], window: int) -> int:
    """How many windows of speech fit behind an opening: one at least is tried."""
    return max(1, (room - length(opening)) // window)
