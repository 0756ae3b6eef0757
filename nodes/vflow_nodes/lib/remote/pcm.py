"""Turn speech that comes in pieces into packets: make samples, cut silence at the edges, place the words.

While a chunk comes, its length is not known yet. So the words are placed by an estimate that follows how fast
the voice has spoken so far. No I/O, one thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from vflow import MS, SECOND, AudioPacket, Samples, Span, SpokenUnit
from vflow_nodes.lib.speech import BLOCK_NS, EDGE_NS, UNSPOKEN_NS, Part, estimate_spans, pause_after, silence
from vflow_nodes.lib.text import final_mark

LETTER_NS = 65 * MS
"""How long a letter lasts, until the voice's own pace is known."""
AUDIBLE = 3e-3
"""Amplitude (-50 dB) below which an edge is silence."""
_MARK = 4.0
"""How long a mark inside a chunk lasts, in letters."""
_TRUST = 0.5
"""Weight of the newest chunk in the estimate of the pace."""


class Pace:
    """The time that a voice takes for a letter, in ns; learned from chunk to chunk."""

    def __init__(self) -> None:
        self.letter_ns = float(LETTER_NS)

    def learn(self, weight: float, duration_ns: int) -> None:
        if weight >= 3:
            newest = min(max(duration_ns / weight, LETTER_NS / 4), LETTER_NS * 4)
            self.letter_ns += _TRUST * (newest - self.letter_ns)


def parts_of(units: Sequence[SpokenUnit], index: int) -> list[Part]:
    """Return the units of a chunk with their lengths in letters."""
    parts = []
    for unit in units:
        words = tuple(unit.written.split())
        letters = sum(map(str.isalnum, unit.spoken))
        pause = (1.0 if letters else 0.0) + (_MARK if final_mark(unit.spoken) else 0.0)
        parts.append(Part(unit.spoken, float(letters), pause, words, index))
        index += len(words)
    return parts


class SpeechStream:
    """One chunk: `push` its bytes (16 bit, one channel), then `finish`. Silence before its first sound and
    after its last is cut, a pause by its punctuation follows, and each word is in the packet with its middle.
    `begun`: whether it has made a sound."""

    def __init__(self, parts: Sequence[Part], turn: int, rate: int, pace: Pace, at_ns: int) -> None:
        self._parts, self._turn, self._rate, self._pace, self._at_ns = parts, turn, rate, pace, at_ns
        self._weight = sum(p.weight + p.pause for p in parts) - (parts[-1].pause if parts else 0.0)
        self._waiting = list(estimate_spans(parts, max(1, self._frames(self._weight * pace.letter_ns)), turn))
        self._odd = b""  # half a sample
        self._rest = np.zeros(0, np.float32)  # not emitted: less than a block, or perhaps the end's silence
        self.begun = False
        self._spoken = 0  # frames that were emitted

    def push(self, data: bytes) -> Iterator[AudioPacket]:
        """Take more bytes, and yield the packets that they complete."""
        data = self._odd + data
        whole = len(data) // 2 * 2
        self._odd = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2").astype(np.float32) / 32768
        self._rest = np.concatenate([self._rest, samples])
        edge, block = self._frames(EDGE_NS), self._frames(BLOCK_NS)
        loud = np.flatnonzero(np.abs(self._rest) > AUDIBLE)
        if not self.begun:
            first = int(loud[0]) if len(loud) else len(self._rest)
            self._rest = self._rest[max(0, first - edge) :]
            self.begun = len(loud) > 0
            loud = loud - max(0, first - edge)
        # keep the edge after the last sound; later silence may be the end
        sounding = min(int(loud[-1]) + 1 + edge, len(self._rest)) if len(loud) else 0
        while sounding > block:  # keep one block, for the last words
            yield self._packet(self._rest[:block])
            self._rest, sounding = self._rest[block:], sounding - block

    def finish(self) -> Iterator[AudioPacket]:
        """Yield the last packets, with the pause."""
        block = self._frames(BLOCK_NS)
        loud = np.flatnonzero(np.abs(self._rest) > AUDIBLE)
        stop = min(int(loud[-1]) + 1 + self._frames(EDGE_NS), len(self._rest)) if len(loud) else 0
        rest = self._rest[:stop]
        for at in range(0, len(rest), block):
            yield self._packet(rest[at : at + block], last=at + block >= len(rest))
        if self._spoken:
            self._pace.learn(self._weight, self._spoken * SECOND // self._rate)
        said = [part.spoken for part in self._parts if part.spoken]
        after_ns = pause_after(final_mark(said[-1]) if said else "") if self._spoken else UNSPOKEN_NS
        after = silence(after_ns or (UNSPOKEN_NS if self._waiting else 0), self._rate)
        for at in range(0, len(after), block):
            yield self._packet(after[at : at + block], last=True)

    def _packet(self, samples: Samples, last: bool = False) -> AudioPacket:
        start, stop = self._spoken, self._spoken + len(samples)
        spans = []
        while self._waiting and (last or self._waiting[0].middle < stop):
            word = self._waiting.pop(0)
            begin = min(max(word.start - start, 0), len(samples))
            end = min(max(word.stop - start, begin), len(samples))
            spans.append(Span(self._turn, word.index, word.word, begin, end))
        self._spoken = stop
        at_ns = self._at_ns + start * SECOND // self._rate
        return AudioPacket(data=samples, rate=self._rate, spans=tuple(spans), pts_ns=at_ns, turn=self._turn)

    def _frames(self, duration_ns: float) -> int:
        return int(duration_ns * self._rate // SECOND)
