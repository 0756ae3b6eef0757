"""Speech in pieces: no sample is lost, silence at the edges is, and each word goes out once and in order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow import MS, AudioPacket, SpokenUnit
from vflow_nodes.lib.remote.pcm import LETTER_NS, Pace, SpeechStream, parts_of

RATE = 24_000


def units(text: str) -> list[SpokenUnit]:
    return [SpokenUnit(word, word) for word in text.split()]


def tone(ms: int) -> bytes:
    return (np.full(RATE * ms // 1000, 0.5) * 32767).astype("<i2").tobytes()


def quiet(ms: int) -> bytes:
    return bytes(2 * (RATE * ms // 1000))


def spoken(data: bytes, text: str, size: int = 4096, pace: Pace | None = None) -> list[AudioPacket]:
    stream = SpeechStream(parts_of(units(text), 3), 7, RATE, pace or Pace(), 5 * MS)
    packets = [p for at in range(0, len(data), size) for p in stream.push(data[at : at + size])]
    return [*packets, *stream.finish()]


def test_silence_is_cut_at_the_edges_but_not_inside_and_a_pause_follows() -> None:
    packets = spoken(quiet(400) + tone(300) + quiet(200) + tone(300) + quiet(500), "Hello there.")
    assert sum(p.duration_ns for p in packets) == (20 + 300 + 200 + 300 + 20 + 280) * MS
    assert max(p.duration_ns for p in packets) <= 100 * MS
    assert all(p.turn == 7 and p.rate == RATE for p in packets)


@given(st.integers(1, 5000), st.integers(0, 3000))
def test_sound_does_not_depend_on_how_its_bytes_are_cut(size: int, ms: int) -> None:
    data = quiet(30) + tone(ms) + quiet(30)
    whole, cut = ([p.data for p in spoken(data, "Hello there.", n)] for n in (10**6, size))
    assert np.array_equal(np.concatenate(whole), np.concatenate(cut))


@pytest.mark.parametrize("ms", [40, 300, 1000, 8000])
def test_each_word_goes_out_once_in_order_and_inside_its_packet(ms: int) -> None:
    packets = spoken(tone(ms), "Hello there, how are you today?")
    spans = [span for packet in packets for span in packet.spans]
    words = [*enumerate(["Hello", "there,", "how", "are", "you", "today?"], 3)]
    assert [(span.index, span.word) for span in spans] == words
    assert all(0 <= s.start <= s.stop <= p.frames and s.turn == 7 for p in packets for s in p.spans)


def test_words_lie_in_proportion_to_their_letters_at_the_pace_of_the_voice() -> None:
    pace = Pace()
    for _ in range(8):
        packets = spoken(tone(2000), "one extraordinarily two", pace=pace)
    at = {s.word: p.pts_ns // MS + 1000 * s.middle // RATE for p in packets for s in p.spans}
    assert 100 < at["one"] < 200
    assert 950 < at["extraordinarily"] < 1100
    assert 1800 < at["two"] < 1950


def test_the_pace_follows_the_voice_within_bounds() -> None:
    pace = Pace()
    for _ in range(20):
        pace.learn(10, 10 * 100 * MS)
    assert pace.letter_ns == pytest.approx(100 * MS, rel=0.01)
    for _ in range(20):
        pace.learn(10, 10 * 10_000 * MS)
    assert pace.letter_ns <= 4 * LETTER_NS


def test_a_chunk_in_which_nothing_is_said_is_a_short_silence_that_carries_its_words() -> None:
    (packet,) = spoken(b"", "— !")
    assert packet.duration_ns == 10 * MS
    assert [span.word for span in packet.spans] == ["—", "!"]


def test_a_unit_of_several_words_is_heard_as_one() -> None:
    parts = parts_of([SpokenUnit("$1.5 million", "one point five million dollars")], 0)
    assert [(part.words, part.index) for part in parts] == [(("$1.5", "million"), 0)]
