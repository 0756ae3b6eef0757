"""Group the words of a reply into chunks: short ones while the speaker waits, clauses while it plays."""

from __future__ import annotations

from collections.abc import Iterator

from vflow import (
    MS,
    Duration,
    Eos,
    Event,
    Flush,
    In,
    Node,
    Out,
    QueueOptions,
    Text,
    TextPacket,
    TurnEnd,
    join_words,
    prop,
)
from vflow_nodes.lib.text import SENTENCE_ENDS, final_mark, mark_after

LONGEST = 25
"""Most words in a chunk."""
WORD_NS, LETTER_NS = 90 * MS, 30 * MS
"""The least time that a word lasts, plus that of each letter: three quarters of a common pace. Never more
than the truth: if a chunk were thought too long, the next one would come late and leave a hole."""

_WEAK_WORDS = (
    "a an the of to in on at by for from with into and or but nor as if than that my your his her its our"
    " their is are was were be"
)
_WEAK = frozenset(_WEAK_WORDS.split())


class WordBuffer(Node):
    """Group words into chunks that are spoken at once.

    The first chunk of a reply leaves at `first` words or at a punctuation mark. While more than `margin` of
    audio is still to be played, a later chunk grows until a sentence ends, or a clause of at least `then`
    words. With less left, `then` words leave, but the chunk does not end on a word like "the" while there is
    time for another. With a third of the margin left, all waiting words leave. A word waits at most
    `max_wait`, unless the audio before it lasts longer. At the end of the reply the rest leaves.
    """

    example = "words: {use: word_buffer, first: 2, then: 4}"

    first: int = prop(2, ge=1, le=LONGEST, doc="words in a reply's first chunk")
    then: int = prop(4, ge=1, le=LONGEST, doc="least words in a later chunk, until the speaker runs dry")
    max_wait: Duration = prop(
        "500ms", ge="0ms", doc="how long a word waits while little is left to be played"
    )
    margin: Duration = prop(
        "400ms",
        ge="0ms",
        doc="audio that should be left to play when a chunk is handed on: several times what the TTS"
        " needs for one",
    )

    text = In(Text("word"), queue=QueueOptions(packets=256))
    out = Out(Text("chunk", features=None))

    _handed_audio_ns: int
    """The least time that the last chunk sent lasts."""
    _plays_until_ns: int
    """The earliest time at which all chunks sent have been played."""

    def open(self) -> None:
        self._turn = 0
        self._forget()

    def process(self, word: TextPacket) -> Iterator[TextPacket]:
        if word.turn != self._turn:
            yield from self._rest()
            self._turn, self._begun = word.turn, False
        if word.text.strip() or word.units:
            self._words.append(word)
            self._came_ns.append(self.ctx.now_ns())
            yield from self._look()

    def on_timer(self) -> Iterator[TextPacket]:
        if self._words:  # else a flush took them
            yield from self._look()

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if isinstance(event, TurnEnd | Eos):
            yield from self._rest()
            self._begun = False

    def on_flush(self, flush: Flush) -> None:
        if flush.concerns(self._turn):
            self._forget()

    def _forget(self) -> None:
        self._words: list[TextPacket] = []
        self._came_ns: list[int] = []  # when each of them came
        self._begun = False  # whether a chunk of `_turn` has gone out
        self._handed_ns: int | None = None  # when the last chunk went out

    def _look(self) -> Iterator[TextPacket]:
        """Hand on the words that are due, and set the timer for the rest."""
        now = self.ctx.now_ns()
        if count := self._due(now, self._left_ns(now)):
            yield self._take(count, now)
            now = self.ctx.now_ns()
        self.ctx.wake_at(self._next_look_ns(now, self._left_ns(now)) if self._words else None)

    def _rest(self) -> Iterator[TextPacket]:
        if self._words:
            self.ctx.wake_at(None)
            yield self._take(len(self._words), self.ctx.now_ns())

    def _due(self, now: int, left: int) -> int:
        """Return how many of the waiting words to hand on now."""
        count = len(self._words)
        words = self._written(count)
        last = self._words[-1]
        mark = _mark_after(last)
        if mark in SENTENCE_ENDS:
            return count
        waited = now - self._came_ns[0] >= self.max_wait
        if not self._begun:
            return count if words >= self.first or waited or mark else 0
        short = left < self.margin
        if mark and (short or words >= self.then):
            return count
        if short and (waited or (words >= self.then and not _is_weak(last.text))):
            return count
        return self._strong(count) if left < self.margin // 3 or words >= LONGEST else 0

    def _written(self, count: int) -> int:
        """Return how many words the first `count` packets hold: words said as one share a packet."""
        return sum(_size(word) for word in self._words[:count])

    def _strong(self, count: int) -> int:
        """Return `count`, or less so as not to end on a weak word, if `then` words remain without it."""
        end = count
        while self._written(end) > self.then and _is_weak(self._words[end - 1].text):
            end -= 1
        return end

    def _next_look_ns(self, now: int, left: int) -> int:
        """Return when the waiting words may become due if no other word comes."""
        waited_at = self._came_ns[0] + self.max_wait
        if not self._begun:
            return waited_at
        short_at = now + left - self.margin + MS
        at = min(max(waited_at, short_at), now + left - self.margin // 3 + MS)
        if self._written(len(self._words)) >= self.then and short_at > now:
            at = short_at
        return at

    def _left_ns(self, now: int) -> int:
        """Return how much audio is left to play: the lead, and chunks handed on that are not yet in it."""
        lead = self.ctx.lead_ns()
        if self._handed_ns is None or now - self._handed_ns >= self.margin:
            return lead
        if not lead:  # the TTS still works on the chunk: nothing of it has been played
            return max(self._handed_audio_ns, self._plays_until_ns - now)
        return max(lead, self._plays_until_ns - now)

    def _take(self, count: int, now: int) -> TextPacket:
        """Take the next `count` words as a chunk."""
        words = self._words[:count]
        said = [word.spoken for word in words]
        letters = sum(sum(map(str.isalnum, text)) for text in said)
        lasts = sum(len(text.split()) for text in said) * WORD_NS + letters * LETTER_NS
        self._plays_until_ns = now + self._left_ns(now) + lasts
        self._handed_ns, self._handed_audio_ns, self._begun = now, lasts, True
        del self._words[:count], self._came_ns[:count]
        text = join_words(word.text.rstrip() for word in words if word.text)
        return words[0].replace(text=text, units=tuple(unit for word in words for unit in word.units))


def _size(word: TextPacket) -> int:
    return sum(len(unit.written.split()) for unit in word.units) if word.units else 1


def _mark_after(word: TextPacket) -> str:
    """Return the mark that ends a word as it is said: the spoken form of an abbreviation has none."""
    return final_mark(word.spoken) if word.units else mark_after(word.text)


def _is_weak(word: str) -> bool:
    """Tell whether a chunk that ends with this word sounds cut off."""
    return word.lower() in _WEAK
