"""Prepare a synthesizer's speech for playing chunk by chunk: trim it, join it, and place its words.

Every TTS node needs this and no synthesizer does it: remove the silence that synthesizers put around chunks,
add pauses by the punctuation, and find where each word is.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vflow import MS, SECOND, AudioPacket, Samples, Span, SpokenUnit, TextPacket
from vflow_nodes.lib.text import MARKS, final_mark, mark_after, speakable
from vflow_nodes.lib.word_breaks import words_of

EDGE_NS = 20 * MS
"""Silence left before and after a chunk."""
BLOCK_NS = 100 * MS
"""The longest packet that a TTS node emits: a flush takes effect between two packets."""
UNSPOKEN_NS = 10 * MS
"""Silence in the place of a chunk that has nothing to speak."""

LONGEST_GAP_NS = 80 * MS
"""Silence left inside a chunk where its text has no mark: as long as a stop consonant, not a hole."""

_FRAME_NS = 5 * MS
_FADE_NS = 5 * MS
_FLOOR_DB = -45.0
"""Level relative to the chunk's loudest frame: below it nothing is heard; the softest f, s, th lie above."""

_GAP_DB = -35.0
"""As _FLOOR_DB, for inner gaps: only their middle is cut, so that soft sounds at both ends stay."""

_PAUSES_NS = {
    **dict.fromkeys(".!?…", 280 * MS),
    **dict.fromkeys(":;", 200 * MS),
    **dict.fromkeys("—–", 160 * MS),  # noqa: RUF001
    ",": 140 * MS,
}
LONGEST_WORD = 40
"""Most letters of a word that a voice gets at once. Anything longer is no word, and its phonemes would take
seconds to work out."""

_INNER_PAUSES = {**dict.fromkeys(".!?…:", 7.0), **dict.fromkeys(";—–", 5.0), ",": 3.5}  # noqa: RUF001
"""How long a synthesizer pauses at a mark inside a sentence, in phonemes."""


class Synthesizer(Protocol):
    """The model of a TTS node. One thread at a time calls it."""

    @property
    def rate(self) -> int:
        """The rate of the samples, in Hz."""

    @property
    def longest(self) -> int:
        """Most phonemes, with stress marks, of one call of `samples`: a flush waits for the call's end."""

    @property
    def alphabet(self) -> str:
        """The letters that it reads, by their Unicode name, such as "LATIN"."""

    def phonemes(self, text: str) -> list[str]:
        """Return the phonemes of a text, a string a sentence, with a space between words; [] for none."""

    def samples(self, phonemes: str, speed: float) -> Samples:
        """Return the speech of one sentence, `(frames,) float32`, with any silence around it."""


@dataclass(frozen=True, slots=True)
class Part:
    """Words to place: how they are said, how long that and the pause after it take (in any unit, the same for
    all parts), and the written `words` that are heard with it, the first being number `index` of the reply.
    """

    spoken: str
    weight: float
    pause: float = 0.0
    words: tuple[str, ...] = ()
    index: int = 0


class Unsaid:
    """Warns once that a voice has no sounds for a text. Called in the node's thread."""

    def __init__(self, voice: str, warn: Callable[[str], None]) -> None:
        self._voice, self._warn, self._told = voice, warn, False

    def __call__(self, text: str) -> None:
        if not self._told:
            self._told = True
            shown = text if len(text) <= 40 else f"{text[:40]}…"
            self._warn(
                f"{self._voice} cannot say {shown!r}: it has no sounds for these letters; choose a voice of "
                "that language, or have the persona answer in the voice's own. It counts as not heard"
            )


def pause_after(mark: str) -> int:
    """Return the silence after a chunk, in ns, by its last mark; 0 within a clause."""
    return _PAUSES_NS.get(mark, 0)


def trim(samples: Samples, rate: int, before_ns: int = EDGE_NS, after_ns: int = EDGE_NS) -> Samples:
    """Return a copy of speech, `(frames,) float32`, with at most this much silence around it; no frames if
    all is silence.

    Silence is 45 dB below the loudest frame of 5 ms. The cut edges are faded, so that they do not click.
    """
    size = rate * _FRAME_NS // SECOND
    loud = _loud_frames(samples, size, _FLOOR_DB)
    if not len(loud):
        return np.zeros(0, np.float32)
    start = max(0, int(loud[0]) * size - rate * before_ns // SECOND)
    stop = min(len(samples), (int(loud[-1]) + 1) * size + rate * after_ns // SECOND)
    return _faded(samples[start:stop], rate)


def close_gaps(samples: Samples, rate: int, marks: int) -> Samples:
    """Return speech, `(frames,) float32`, with inner silences cut to LONGEST_GAP_NS, except the `marks`
    longest.

    Synthesizers pause for breath inside long sentences, 0.3 s without any mark: live, that is a hole.
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
    """Return the indices of the frames of `size` samples that are not silence."""
    count = len(samples) // size
    power = np.square(samples[: count * size], dtype=np.float64).reshape(count, size).mean(axis=1)
    if not count or not power.max():
        return np.zeros(0, np.intp)
    return np.flatnonzero(power > power.max() * 10 ** (floor_db / 10))


def _faded(samples: Samples, rate: int) -> Samples:
    """Return a copy whose edges are faded, so that they do not click."""
    kept = np.array(samples, np.float32)
    fade = min(rate * _FADE_NS // SECOND, len(kept) // 2)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    kept[:fade] *= ramp
    kept[len(kept) - fade :] *= ramp[::-1]
    return kept


def estimate_spans(parts: Sequence[Part], frames: int, turn: int = 0) -> tuple[Span, ...]:
    """Return where each word is in `frames` frames, in proportion to the lengths of the parts.

    The words of one part share its place, since they are said and heard as one. A part without length gets an
    empty span where its neighbours meet, so it is heard with them. The pause after the last part is outside
    the frames.
    """
    total = sum(p.weight + p.pause for p in parts) - (parts[-1].pause if parts else 0)
    per_unit = frames / total if total else 0.0
    spans, at = [], 0.0
    for part in parts:
        start = min(round(at * per_unit), frames - 1)
        stop = min(round((at + part.weight) * per_unit), frames) if part.weight else start
        spans += [Span(turn, part.index + n, word, start, stop) for n, word in enumerate(part.words)]
        at += part.weight + part.pause
    return tuple(spans)


def place(unit: SpokenUnit, index: int, voice: Synthesizer) -> list[Part]:
    """Return a unit with the lengths of its phonemes, as several parts if it has more than the voice takes at
    once; [] if the voice has no sounds for it.

    Stress marks and the space after a word count like phonemes: in the durations that these models predict,
    each takes as long as a phoneme (25 ms in the mean; a comma and its pause 6 times that).
    """
    said = readable(unit.spoken, voice.alphabet)
    if said != unit.spoken and not any(map(str.isalnum, said)):
        return []
    parts: list[Part] = []
    for spoken in _bounded(said) or [""]:
        sounds = "".join(voice.phonemes(spoken)) if any(map(str.isalnum, spoken)) else ""
        weight = float(sum(c.isalpha() or c in "ˈˌ" for c in sounds))
        pause = (1.0 if weight else 0.0) + _INNER_PAUSES.get(final_mark(spoken), 0.0)
        if parts and (joined := parts[-1].weight + parts[-1].pause + weight) <= voice.longest:
            spoken, weight = f"{parts.pop().spoken} {spoken}", joined
        parts.append(Part(spoken, weight, pause))
    if parts[-1].weight == 0 and any(map(str.isalnum, said)):
        return []
    last = parts.pop()
    return [*parts, replace(last, words=tuple(unit.written.split()), index=index)]


def readable(text: str, alphabet: str) -> str:
    """Return the text without letters of other alphabets, which a voice would name one by one."""
    if text.isascii():
        return text
    return "".join(c for c in text if not c.isalpha() or alphabet in unicodedata.name(c, ""))


def _bounded(text: str) -> list[str]:
    """Return the words of a text, with words that are too long in pieces."""
    return [word[at : at + LONGEST_WORD] for word in text.split() for at in range(0, len(word), LONGEST_WORD)]


def speak(
    chunk: TextPacket,
    voice: Synthesizer,
    speed: float,
    now_ns: Callable[[], int],
    unsaid: Callable[[str], None] = lambda text: None,
) -> Iterator[AudioPacket | None]:
    """Speak a chunk: yield packets of at most 100 ms with its turn and spans, then the pause after it.

    It yields None between blocks of work; more phonemes than the voice takes at once become several calls. A
    chunk with nothing to say becomes 10 ms of silence with its words, so that they count as heard. Words that
    the voice has no sounds for are given to `unsaid`, and get no span.
    """
    units = chunk.units or [SpokenUnit(word, speakable(word)) for word in words_of(chunk.text)]
    mark_of = final_mark if chunk.units else mark_after
    at_ns = now_ns()
    for parts in _calls(units, chunk.index, voice, unsaid):
        text = " ".join(part.spoken for part in parts if part.spoken)
        mark = mark_of(text)
        # without a mark, the end of the last sound and the next chunk's edge are silence enough
        after_ns = EDGE_NS if mark else 0
        pieces: list[Samples] = []
        for sentence in voice.phonemes(text) if any(part.weight for part in parts) else ():
            if any(map(str.isalpha, sentence)):
                if pieces:
                    pieces.append(silence(round(_PAUSES_NS["."] / speed), voice.rate))
                speech = trim(voice.samples(sentence, speed), voice.rate, after_ns=after_ns)
                pieces.append(close_gaps(speech, voice.rate, marks=sum(map(sentence[:-1].count, MARKS))))
                yield None
        spoken = sum(map(len, pieces))
        pieces.append(silence(round(pause_after(mark) / speed) if spoken else UNSPOKEN_NS, voice.rate))
        spans = estimate_spans(parts, spoken or len(pieces[-1]), chunk.turn)
        samples = np.concatenate(pieces)
        whole = AudioPacket(data=samples, rate=voice.rate, spans=spans, pts_ns=at_ns, turn=chunk.turn)
        at_ns += whole.duration_ns
        for block in whole.blocks(voice.rate * BLOCK_NS // SECOND):
            yield block
            yield None


def _calls(
    units: Sequence[SpokenUnit], index: int, voice: Synthesizer, unsaid: Callable[[str], None]
) -> list[list[Part]]:
    """Return the parts of a chunk in groups that the voice takes at once; at least one group."""
    calls: list[list[Part]] = [[]]
    taken = 0.0
    for unit in units:
        parts = place(unit, index, voice)
        index += len(unit.written.split())
        if not parts or readable(unit.spoken, voice.alphabet) != unit.spoken:
            unsaid(unit.written.strip())
        for part in parts:
            if taken and taken + part.weight > voice.longest:
                calls.append([])
                taken = 0.0
            calls[-1].append(part)
            taken += part.weight
    return calls


def silence(duration_ns: int, rate: int) -> Samples:
    """Return silence of that length, `(frames,) float32`."""
    return np.zeros(rate * duration_ns // SECOND, np.float32)
