"""Tell which of a reply's tokens are speech, what they count for, and how the next ones are drawn."""

from __future__ import annotations

from dataclasses import replace

from vflow_nodes.lib.decode.sampling import LONGEST, Sampling, Tuning
from vflow_nodes.lib.decode.vocabulary import TextStream, Vocabulary
from vflow_nodes.lib.decode.words import WordCount

THOUGHTS = 2048
"""Most withheld tokens of a reply; fewer if its slot has no room for them."""
STRETCH = LONGEST // 2
"""After this many withheld tokens their history begins anew: it has room for LONGEST."""


class SpokenTokens:
    """Takes a reply's tokens as they are drawn. The engine's thread.

    Only speech counts: for `limit`, for the minima, and for the rules against repetition. `prompt` is the end
    of the prompt; `room` is how many tokens the reply's slot holds.
    """

    def __init__(
        self, vocabulary: Vocabulary, sampling: Sampling, limit: int, room: int = 0, prompt: str = ""
    ) -> None:
        self.parser = vocabulary.markup.parser(prompt)
        self.withheld = 0
        """How many tokens are not said: those of thoughts, calls, headers and marks."""
        self.thought = 0
        """How many of them are tokens of thoughts."""
        self.words: int | None = None
        """How many words the speech has so far; None while the device counts them itself."""
        self._count = WordCount()
        self._vocabulary, self._stream = vocabulary, TextStream(vocabulary)
        self._sampling, self._limit, self._room = sampling, limit, max(room, limit)
        self._said: list[int] = []
        self._undecided: list[int] = []
        self._aside = self.parser.withheld  # whether tokens are drawn by the rules for withheld ones
        self._tuned = 0  # how many tokens were withheld when that was set

    @property
    def sampling(self) -> Sampling:
        """How the next token is drawn. Withheld text may end at any time, and may repeat itself, as JSON
        must. A reply that calls a tool need not say more."""
        changes = {"no_repeat_ngram": 0} if self._aside else {}
        if self.parser.inside == "call" and self._aside:
            changes["repetition_penalty"] = 1
        if self._aside or self.parser.calls:
            changes |= {"min_words": 0, "min_tokens": 0}
        return replace(self._sampling, **changes)

    @property
    def allowed(self) -> int:
        """How many tokens the reply may have by now, withheld ones included."""
        return min(self._room, self._limit + min(self.withheld, THOUGHTS))

    @property
    def half(self) -> int:
        """The token from which words leave by the sentence: half of the speech for which there is room."""
        return self.withheld + min(self._limit, self._room - self.withheld) // 2

    def take(self, token: int) -> str:
        """Take a token that was drawn, and return the speech that it decides."""
        parser = self.parser
        held, inside, marks = parser.held, parser.inside, parser.marks
        special = self._vocabulary.markup.specials.get(token)
        text = self._stream.push(token) if special is None else special
        said = parser.push(text, special is not None) if text else ""
        if parser.marks > marks:
            self._vocabulary.markup.learn(parser, whole=False)
        if said and self._sampling.min_words:
            self.words = self._count.push(said)
        self._undecided.append(token)
        if parser.pending and not parser.withheld:
            return said
        if not said.strip() and (parser.withheld or held or inside != "speech" or parser.marks > marks):
            self.withheld += len(self._undecided)
            if held or "thought" in (inside, parser.inside):
                self.thought += len(self._undecided)
        else:
            self._said += self._undecided
        self._undecided = []
        return said

    def finish(self, whole: bool) -> str:
        """End the reply, and return the speech that was held back. Not `whole`: it was cut."""
        said = self.parser.finish(whole)
        self._vocabulary.markup.learn(self.parser, whole)
        if self.parser.calls or not said.strip():
            self.withheld += len(self._undecided) if self.parser.marks else 0
        return said

    def tuning(self) -> Tuning | None:
        """Return how to draw from here on, and what counts for that; None if nothing changes."""
        aside = self.parser.withheld
        if aside == self._aside and not (aside and self.withheld - self._tuned >= STRETCH):
            return None
        self._aside, self._tuned = aside, self.withheld
        if aside:
            # another seed, since the same one would draw the same token at the same place
            sampling = self.sampling
            return Tuning(replace(sampling, seed=sampling.seed + self.withheld))
        text = b"".join(self._vocabulary.pieces[token] for token in self._said)
        words = sum(any(map(str.isalnum, word)) for word in text.decode(errors="ignore").split())
        return Tuning(self.sampling, tuple(self._said[-LONGEST:]), words)
