"""Turn the words of a reply into the form in which they are said."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Literal

from vflow import (
    Caps,
    Duration,
    Eos,
    Event,
    Flush,
    In,
    Node,
    Out,
    QueueOptions,
    SpokenUnit,
    Text,
    TextPacket,
    TurnEnd,
    join_words,
    prop,
)
from vflow_nodes.lib.spoken_form import SpokenForm, Unit
from vflow_nodes.lib.word_breaks import words_of


class Spoken(Node):
    """Work out how a reply's words are said: "$1.5 million" is "one point five million dollars".

    Words that are said as one leave as one packet. Its `units` have both forms; its text, and so the
    transcript and the history, stay as written. A word waits only if the next one may belong to it, and at
    most `max_wait`; then it takes a form that is right whatever follows. A packet's `meta["language"]` wins
    over the property. Text in a language without a table passes as it is written.
    """

    example = "spoken: {use: spoken, long_words: spell}"

    language: str = prop("en", doc="of text that names none itself; there is a table for `en`")
    max_wait: Duration = prop("600ms", ge="0ms", doc="how long a word waits for the next one", hot=True)
    long_words: Literal["name", "spell", "shorten"] = prop(
        "name",
        doc="how to say a key, a hash or an address that no listener could follow: name it (as 'a long"
        " code'), spell it, or say its two ends",
        hot=True,
    )
    takes: Literal["word", "chunk"] = prop("word", doc="what comes in; each chunk is worked out alone")

    text = In(Text("word"), queue=QueueOptions(packets=256))
    out = Out(Text("word", {"spoken"}))

    _form: SpokenForm | _AsWritten

    def port_caps(self, port: str) -> Caps:
        return Text(self.takes, {"spoken"} if port == "out" else ())

    def open(self) -> None:
        self._turn, self._language = 0, ""
        self._forget()

    def process(self, packet: TextPacket) -> Iterator[TextPacket]:
        if self.takes == "chunk":
            yield packet.replace(units=self._units(packet))
            return
        if packet.turn != self._turn or self._language != self._language_of(packet):
            yield from self._rest()
            self._turn, self._language = packet.turn, self._language_of(packet)
            self._form = self._new_form(packet)
        words = packet.text.split()
        for number, word in enumerate(words):
            text = word if len(words) > 1 else packet.text.rstrip()  # it may begin with a space of its own
            self._held.append(packet.replace(text=text, index=packet.index + number))
            self._came_ns.append(self.ctx.now_ns())
            yield from self._made(self._form.push(word))
        self._set_timer()

    def _units(self, chunk: TextPacket) -> tuple[SpokenUnit, ...]:
        form = self._new_form(chunk)
        units = [unit for word in words_of(chunk.text) for unit in form.push(word)]
        return tuple(SpokenUnit(unit.written, unit.spoken) for unit in [*units, *form.finish()])

    def on_timer(self) -> Iterator[TextPacket]:
        if self._held and self.ctx.now_ns() - self._came_ns[0] >= self.max_wait:
            yield from self._made(self._form.release())
        self._set_timer()

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if isinstance(event, TurnEnd | Eos):
            yield from self._rest()

    def on_flush(self, flush: Flush) -> None:
        if flush.concerns(self._turn):
            self._forget()
            self.ctx.wake_at(None)

    def _forget(self) -> None:
        self._form = _AsWritten()
        self._language = ""  # so the next word makes a new form
        self._held: deque[TextPacket] = deque()  # words that the form holds back
        self._came_ns: deque[int] = deque()  # when each of them came
        self._after = TextPacket(text="")  # an empty word after the last one that left

    def _rest(self) -> Iterator[TextPacket]:
        """Send the rest: the reply, or its part in one language, is over."""
        yield from self._made(self._form.finish())
        self._forget()
        self.ctx.wake_at(None)

    def _made(self, units: Iterable[Unit]) -> Iterator[TextPacket]:
        """Yield the packets of finished units. A unit without words adds something to the words before it."""
        for unit in units:
            words = [self._held.popleft() for _ in unit.written.split()]
            for _ in words:
                self._came_ns.popleft()
            first, last = (words[0], words[-1]) if words else (self._after, self._after)
            self._after = last.replace(text="", index=last.index + 1)
            spoken = SpokenUnit(unit.written, unit.spoken)
            text = join_words(word.text for word in words)
            yield first.replace(text=text, meta=last.meta, units=(spoken,))

    def _set_timer(self) -> None:
        self.ctx.wake_at(self._came_ns[0] + self.max_wait if self._held else None)

    def _language_of(self, packet: TextPacket) -> str:
        return str(packet.meta.get("language") or self.language).partition("-")[0].lower()

    def _new_form(self, packet: TextPacket) -> SpokenForm | _AsWritten:
        try:
            return SpokenForm(self._language_of(packet), self.long_words)
        except ValueError:
            return _AsWritten()


class _AsWritten:
    """The spoken form for a language without a table: each word as written, at once."""

    def push(self, word: str) -> list[Unit]:
        return [Unit(word, word)]

    def release(self) -> list[Unit]:
        return []

    def finish(self) -> list[Unit]:
        return []
