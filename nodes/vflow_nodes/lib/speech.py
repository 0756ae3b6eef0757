"""Speech from a synthesizer, made fit to be played chunk by chunk: trimmed, joined, with its words in place.

What every TTS node needs and no synthesizer gives: chunks without the silence that synthesizers put around
them, pauses that follow the punctuation, and where each word lies.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vflow import MS, SECOND, AudioPacket, Samples, Span, TextPacket
from vflow_nodes.lib.text import MARKS, mark_after, speakable

EDGE_NS = 20 * MS
"""Silence left before and after a chunk."""
BLOCK_NS = 100 * MS
"""The longest packet a TTS node emits: a flush takes effect between two of them."""
UNSPOKEN_NS = 10 * MS
"""Silence that stands for a chunk in which nothing can be spoken."""

LONGEST_GAP_NS = 80 * MS
"""Silence left inside a chunk where its text has no mark: a stop consonant's length, not a hole's."""

_FRAME_NS = 5 * MS
_FADE_NS = 5 * MS
_FLOOR_DB = -45.0
"""Relative to the chunk's loudest frame: below it nothing is heard, above it lie the softest f, s and th."""

_GAP_DB = -35.0
"""As _FLOOR_DB, for inner gaps: only their middle is cut, so soft sounds at both ends stay."""

_PAUSES_NS = {
    **dict.fromkeys(".!?…", 280 * MS),
    **dict.fromkeys(":;", 200 * MS),
    **dict.fromkeys("—–", 160 * MS),  # noqa: RUF001
    ",": 140 * MS,
}
_INNER_PAUSES = {**dict.fromkeys(".!?…:", 7.0), **dict.fromkeys(";—–", 5.0), ",": 3.5}  # noqa: RUF001
"""In phonemes: how long a synthesizer pauses at a mark inside a sentence."""


class Synthesizer(Protocol):
    """A model behind a TTS node. Called by one thread at a time."""

    @property
    def rate(self) -> int:
        """Of the samples, in Hz."""

    def phonemes(self, text: str) -> list[str]:
        """The phonemes of a text, a string a sentence, words apart by a space; [] where there are none."""

    def samples(self, phonemes: str, speed: float) -> Samples:
        """The speech of one sentence: `(frames,) float32`, with whatever silence around it."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word to place: its text, and how long it and the pause behind it take, in any common unit."""

    text: str
    weight: float
    pause: float = 0.0


def pause_after(text: str) -> int:
    """Nanoseconds of silence that belong behind a chunk, by its last mark; 0 within a clause."""
    return _PAUSES_NS.get(mark_after(text), 0)


def trim(samples: Samples, rate: int, before_ns: int = EDGE_NS, after_ns: int = EDGE_NS) -> Samples:
    """A copy of speech `(frames,) float32` with at most so much silence around it; of silence, no frames.

    Silence is what lies 45 dB below the loudest 5 ms frame. The cut edges are faded, so that they do not
    click.
    """
    size = rate * _FRAME_NS // SECOND
    loud = _loud_frames(samples, size, _FLOOR_DB)
    if not len(loud):
        return np.zeros(0, np.float32)
    start = max(0, int(loud[0]) * size - rate * before_ns // SECOND)
    stop = min(len(samples), (int(loud[-1]) + 1) * size + rate * after_ns // SECOND)
    return _faded(samples[start:stop], rate)


def close_gaps(samples: Samples, rate: int, marks: int) -> Samples:
    """Speech `(frames,) float32` with its inner silences cut to LONGEST_GAP_NS, but for the `marks` longest.

    Synthesizers breathe inside long sentences, for 0.3 s where no mark stands: live, that is a hole.
    """
    size, longest = rate * _FRAME_NS // SECOND, rate * LONGEST_GAP_NS // SECOND
    loud = _loud_frames(samples, size, _GAP_DB)
    gaps = [
        ((int(a) + 1) * size, int(b) * size)
        for a, b in itertools.pairwise(loud)
        if (b - a - 1) * size > longest
    ]
    kept = sorted(gaps, key=lambda gap: gap[0] - gap[1])[:marks]
    pieces, at = [], 0
    for start, stop in gaps:
        if (start, stop) not in kept:
            pieces.append(_faded(samples[at : start + longest // 2], rate))
            at = stop - longest // 2
    return np.concatenate([*pieces, samples[at:]]) if pieces else samples


def _loud_frames(samples: Samples, size: int, floor_db: float) -> NDArray[np.intp]:
    """Indices of the frames of `size` samples that are not silence."""
    count = len(samples) // size
    power = np.square(samples[: count * size], dtype=np.float64).reshape(count, size).mean(axis=1)
    if not count or not power.max():
        return np.zeros(0, np.intp)
    return np.flatnonzero(power > power.max() * 10 ** (floor_db / 10))


def _faded(samples: Samples, rate: int) -> Samples:
    """A copy whose edges do not click."""
    kept = np.array(samples, np.float32)
    fade = min(rate * _FADE_NS // SECOND, len(kept) // 2)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    kept[:fade] *= ramp
    kept[len(kept) - fade :] *= ramp[::-1]
    return kept


def estimate_spans(words: Sequence[Word], frames: int, turn: int = 0, index: int = 0) -> tuple[Span, ...]:
    """Where each word lies in `frames` frames, in proportion to the weights; indices count from `index`.

    A word without weight gets an empty span where its neighbours meet, so it is heard with them. The
    pause behind the last word lies outside the frames.
    """
    total = sum(w.weight + w.pause for w in words) - (words[-1].pause if words else 0)
    per_unit = frames / total if total else 0.0
    spans, at = [], 0.0
    for n, word in enumerate(words):
        start = min(round(at * per_unit), frames - 1)
        stop = min(round((at + word.weight) * per_unit), frames) if word.weight else start
        spans.append(Span(turn, index + n, word.text, start, stop))
        at += word.weight + word.pause
    return tuple(spans)


def place(text: str, phonemes: Callable[[str], list[str]]) -> list[Word]:
    """The words of a chunk with the lengths of their phonemes.

    The stress marks and the space behind a word count as phonemes do: in the durations that these models
    predict, each of them takes as long as a phoneme (25 ms in the mean, a comma and its pause 6 times that).
    """
    words = []
    for word in text.split():
        spoken = "".join(phonemes(speakable(word))) if any(map(str.isalnum, word)) else ""
        letters = sum(c.isalpha() or c in "ˈˌ" for c in spoken)
        gap = 1.0 if letters else 0.0
        words.append(Word(word, letters, gap + _INNER_PAUSES.get(mark_after(word), 0.0)))
    return words


def speak(
    chunk: TextPacket, voice: Synthesizer, speed: float, now_ns: Callable[[], int]
) -> Iterator[AudioPacket | None]:
    """Speak a chunk: packets of at most 100 ms with its turn and spans, its pause behind it.

    Yields None between blocks of work. A chunk in which nothing can be spoken becomes 10 ms of silence
    that carries its words, so that they count as heard.
    """
    rate = voice.rate
    pieces: list[Samples] = []
    # behind words that go on, the decay of the last sound and the next one's edge are silence enough
    after_ns = EDGE_NS if mark_after(chunk.text) else 0
    for sentence in voice.phonemes(speakable(chunk.text)):
        if any(map(str.isalpha, sentence)):
            if pieces:
                pieces.append(silence(round(pause_after(".") / speed), rate))
            speech = trim(voice.samples(sentence, speed), rate, after_ns=after_ns)
            pieces.append(close_gaps(speech, rate, marks=sum(map(sentence[:-1].count, MARKS))))
            yield None
    spoken = sum(map(len, pieces))
    pieces.append(silence(round(pause_after(chunk.text) / speed) if spoken else UNSPOKEN_NS, rate))
    words = place(chunk.text, voice.phonemes)
    spans = estimate_spans(words, spoken or len(pieces[-1]), chunk.turn, chunk.index)
    whole = AudioPacket(data=np.concatenate(pieces), rate=rate, spans=spans, pts_ns=now_ns(), turn=chunk.turn)
    for block in whole.blocks(rate * BLOCK_NS // SECOND):
        yield block
        yield None


def silence(duration_ns: int, rate: int) -> Samples:
    """So much silence: `(frames,) float32`."""
    return np.zeros(rate * duration_ns // SECOND, np.float32)
