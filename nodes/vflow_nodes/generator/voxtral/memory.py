"""Make the history in a prompt: the conversation as heard, the last turns as audio, older ones as text."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vflow import Conversation, join_words
from vflow_nodes.generator.voxtral.prompt import Audio, Prompt, Prompts, Speech, Turn, length
from vflow_nodes.lib.decode.prompt import Embeds
from vflow_nodes.lib.summary import NOTE_TAKER, asked, instructed


@dataclass(slots=True)
class Exchange:
    """One turn as the model had it: the speech with its embeddings, and the reply's tokens and text."""

    speech: Speech
    embeds: dict[int, Embeds]
    ids: tuple[int, ...] = ()
    text: str = ""


class Memory:
    """Makes the prompts of a conversation, at most `room` positions long. The node's thread.

    The conversation decides: an interrupted reply appears as the text that was heard. A reply that was heard
    whole appears as its own tokens, so that its cache stays valid. The last `spoken` turns are kept as audio;
    if that does not fit, as text; and then the oldest turns are left out. A summary may take their place,
    after the persona.
    """

    def __init__(
        self, prompts: Prompts, conversation: Conversation, persona: str, room: int, spoken: int
    ) -> None:
        self._prompts, self._conversation, self._persona = prompts, conversation, persona
        self._room, self._spoken = room, spoken
        self._exchanges: dict[int, Exchange] = {}
        self._left_out = 0  # how many turns at the start are in no prompt any more
        self._told: tuple[Any, ...] = ()  # the entries at the start that the summary covers
        self._ends: list[int] = []  # for each turn, how many entries come before its end
        self.summary = ""
        self.shortened = False
        """Whether a typed text in the newest opening lost its beginning."""

    def keep(self, turn: int, exchange: Exchange) -> None:
        """Remember a turn's audio, and its reply as it was made."""
        self._exchanges[turn] = exchange
        for old in sorted(self._exchanges)[: -max(1, self._spoken)]:
            del self._exchanges[old]

    def forget(self, turn: int) -> None:
        """Forget a turn that was none."""
        self._exchanges.pop(turn, None)

    @property
    def forgot(self) -> bool:
        """Whether turns have left that no summary covers."""
        return self._left_out > 0 and self._ends[self._left_out - 1] > len(self._told)

    def untold(self) -> tuple[list[dict[str, str]], tuple[Any, ...]]:
        """Return the messages to tell in the next summary, and all entries that it covers, from the first on.
        To tell are those that have left, or will soon, since the opening fills three quarters of the room."""
        turns, unanswered = self._turns(0)
        cut = self._left_out

        def taken(left_out: int) -> int:
            return length(self._opening(turns[left_out:], unanswered))

        if taken(cut) > self._room * 3 // 4:  # the last turn stays
            cuts = range(cut + 1, len(turns))
            free = bisect.bisect_left(cuts, True, key=lambda left_out: taken(left_out) <= self._room // 2)
            cut = cuts[min(free, len(cuts) - 1)] if cuts else cut
        covered = self._conversation.entries()[: self._ends[cut - 1] if cut else 0]
        return [{"role": e.role, "content": e.text} for e in covered[len(self._told) :]], covered

    def request(self, messages: Sequence[Mapping[str, str]]) -> Prompt:
        """Return the prompt that asks for a summary of the last summary and these messages."""
        (request,) = asked(self.summary, messages)
        return self._prompts.conversation(NOTE_TAKER, [Turn((request["content"],))])

    def take(self, summary: str, covered: Sequence[Any]) -> None:
        """Use a summary in the place of the entries that it covers."""
        self.summary, self._told = summary, tuple(covered)
        self._turns(0)
        self._left_out = max(self._left_out, bisect.bisect_right(self._ends, len(self._told)))

    def opening(self, but: int = 0) -> Prompt:
        """Return the prompt before the next utterance's audio, without the turn `but`."""
        turns, unanswered = self._turns(but)
        self.shortened = False
        while True:
            prompt = self._opening(turns[self._left_out :], unanswered)
            if length(prompt) <= self._room or not (self._left_out < len(turns) or unanswered):
                return prompt
            if self._left_out < len(turns):
                self._shrink(turns)
            elif len(unanswered) == 1 and isinstance(unanswered[0], str):
                self.shortened = True
                return self._end_of(unanswered[0])
            else:
                unanswered = unanswered[1:]

    def _opening(self, turns: Sequence[Turn], unanswered: Sequence[Speech | str]) -> Prompt:
        return self._prompts.opening(instructed(self._persona, self.summary), turns, unanswered)

    def _end_of(self, text: str) -> Prompt:
        """Return the prompt of a text's last words, as many as fit."""
        words = text.split(" ")

        def made(left_out: int) -> Prompt:
            return self._opening([], (" ".join(words[left_out:]),))

        cuts = range(len(words) - 1)
        return made(bisect.bisect_left(cuts, True, key=lambda cut: length(made(cut)) <= self._room))

    def _shrink(self, turns: list[Turn]) -> None:
        """Leave out a quarter of the turns, at least one: a prompt with another beginning is computed anew,
        so this must be rare."""
        self._left_out = min(len(turns), self._left_out + max(1, (len(turns) - self._left_out) // 4))

    def _turns(self, but: int) -> tuple[list[Turn], tuple[Speech | str, ...]]:
        """Return the turns that were answered, and what the user said since."""
        every = self._conversation.entries()
        if every[: len(self._told)] != self._told:  # the application changed what it covers
            self.summary, self._told, self._left_out = "", (), 0
        entries = [entry for entry in every if entry.turn != but]
        latest = {entry.turn for entry in entries if entry.role == "user"}
        audible = set(sorted(latest)[-self._spoken :]) if self._spoken else set()
        turns: list[Turn] = []
        said: list[Speech | str] = []
        replied = ""  # the last turn's reply as text
        self._ends = []
        for count, entry in enumerate(entries, 1):
            exchange = self._exchanges.get(entry.turn)
            if entry.role == "user":
                heard = exchange is not None and entry.turn in audible and exchange.speech
                said.append(exchange.speech if exchange is not None and heard else entry.text)
            elif said or not turns:  # no question if the agent spoke first
                whole = exchange is not None and exchange.text == entry.text and exchange.ids
                turns.append(
                    Turn(tuple(said), exchange.ids if exchange is not None and whole else entry.text)
                )
                self._ends.append(count)
                said, replied = [], entry.text
            else:  # it spoke on, without a question
                replied = join_words([replied, entry.text])
                turns[-1] = Turn(turns[-1].said, replied)
                self._ends[-1] = count
        self._left_out = min(self._left_out, len(turns))  # the application may delete
        return turns, tuple(said)

    def parts(self, prompt: Prompt, more: Iterable[Embeds] = ()) -> list[int | Embeds]:
        """Return a prompt in the engine's form. `more`: embeddings that no turn has yet."""
        known = {embeds.number: embeds for embeds in more}
        for exchange in self._exchanges.values():
            known |= exchange.embeds
        return [known[part.identity] if isinstance(part, Audio) else part for part in prompt]


def most_windows(room: int, opening: Sequence[int | Audio], window: int) -> int:
    """Return how many windows of speech fit after an opening; at least one, to try."""
    return max(1, (room - length(opening)) // window)
