from itertools import pairwise

import numpy as np
import pytest

from vflow import MS, SECOND, TextPacket
from vflow_nodes.lib.speech import (
    UNSPOKEN_NS,
    Word,
    close_gaps,
    estimate_spans,
    pause_after,
    place,
    speak,
    trim,
)
from vflow_nodes.lib.text import MARKS

RATE = 24_000


def tone(seconds, level=0.5):
    at = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * 220 * at)).astype(np.float32)


def silence(seconds):
    return np.zeros(round(seconds * RATE), np.float32)


class Letters:
    """Speaks each letter as 50 ms of tone, a third of a second of silence around each sentence."""

    rate = RATE

    def phonemes(self, text):
        sentences = text.replace(". ", ".|").split("|")
        return [s for s in sentences if s]

    def samples(self, phonemes, speed):
        letters = sum(map(str.isalpha, phonemes))
        return np.concatenate([silence(0.3), tone(letters * 0.05 / speed), silence(0.3)])


def spoken(text, **fields):
    return [
        p for p in speak(TextPacket(text=text, **fields), Letters(), 1.0, lambda: 7 * MS) if p is not None
    ]


def test_trim_leaves_20_ms_around_speech():
    kept = trim(np.concatenate([silence(0.3), tone(0.5), silence(0.4)]), RATE)
    assert abs(len(kept) / RATE - 0.54) <= 0.005  # frames of 5 ms


@pytest.mark.parametrize(("before_ns", "after_ns"), [(0, 0), (50 * MS, 10 * MS)])
def test_trim_leaves_what_is_asked_for(before_ns, after_ns):
    kept = trim(np.concatenate([silence(0.3), tone(0.5), silence(0.4)]), RATE, before_ns, after_ns)
    assert abs(len(kept) / RATE - 0.5 - (before_ns + after_ns) / SECOND) <= 0.005


def test_trim_adds_no_silence_where_there_is_less():
    assert len(trim(tone(0.5), RATE)) == round(0.5 * RATE)


def test_trim_keeps_a_soft_onset():
    fricative = 0.008 * np.random.default_rng(0).standard_normal(round(0.1 * RATE)).astype(np.float32)
    kept = trim(np.concatenate([silence(0.3), fricative, tone(0.3), silence(0.3)]), RATE)
    assert abs(len(kept) / RATE - 0.44) <= 0.005


def test_trim_of_silence_is_empty():
    assert len(trim(silence(0.2), RATE)) == len(trim(silence(0), RATE)) == 0


def test_trimmed_edges_fade():
    kept = trim(np.concatenate([tone(0.5)]), RATE, 0, 0)
    assert kept[0] == kept[-1] == 0
    assert np.abs(np.diff(kept)).max() <= 1.1 * np.abs(np.diff(tone(0.5))).max()


def test_pauses_follow_the_punctuation():
    assert pause_after("word") == 0
    assert 120 * MS <= pause_after("word,") <= 160 * MS
    assert 250 * MS <= pause_after("word.") <= 300 * MS


def test_every_mark_has_its_pause():
    assert all(pause_after(f"word{mark}") >= 100 * MS for mark in MARKS)
    assert pause_after("終わり。") == pause_after("end.")


def test_spans_are_proportional_and_lie_end_to_end():
    spans = estimate_spans([Word("a", 1), Word("bbb", 3, pause=4), Word("cc", 2)], 1000, turn=4, index=7)
    assert [(s.start, s.stop) for s in spans] == [(0, 100), (100, 400), (800, 1000)]
    assert [(s.turn, s.index, s.word) for s in spans] == [(4, 7, "a"), (4, 8, "bbb"), (4, 9, "cc")]


def test_a_word_without_weight_lies_within_the_frames():
    spans = estimate_spans([Word("a", 1), Word("🙂", 0)], 100)
    assert [(s.start, s.stop) for s in spans] == [(0, 100), (99, 99)]
    assert [(s.start, s.stop) for s in estimate_spans([Word("🙂", 0)], 100)] == [(0, 0)]


def test_places_stress_and_punctuation():
    spoken = {"Paris,": ["pˈɛɹəs,"], "yes": ["jˈɛs"]}  # noqa: RUF001
    placed = place("Paris, — yes", lambda text: spoken[text])
    assert [(w.text, w.weight) for w in placed] == [("Paris,", 6), ("—", 0), ("yes", 4)]
    assert placed[0].pause > placed[2].pause


def test_chunk_is_trimmed_and_followed_by_its_pause():
    lasts = {text: sum(p.frames for p in spoken(text)) / RATE for text in ("abcd", "abcd,", "abcd.")}
    assert abs(lasts["abcd"] - 0.22) <= 0.005
    assert abs(lasts["abcd,"] - lasts["abcd"] - 0.16) <= 0.001  # 20 ms of edge, 140 ms of pause
    assert abs(lasts["abcd."] - lasts["abcd"] - 0.30) <= 0.001


def test_inner_silences_without_a_mark_are_shortened():
    tone = np.sin(np.arange(RATE // 5) * 0.3).astype(np.float32)
    gap = np.zeros(RATE * 3 // 10, np.float32)
    speech = np.concatenate([tone, gap, tone, gap[: RATE // 5], tone])
    shortened = close_gaps(speech, RATE, marks=0)
    assert abs(len(shortened) / RATE - (0.6 + 0.08 + 0.08)) <= 0.011
    assert abs(len(close_gaps(speech, RATE, marks=1)) / RATE - (0.6 + 0.3 + 0.08)) <= 0.011
    assert close_gaps(speech, RATE, marks=2) is speech


def test_packets_are_short_and_continuous():
    packets = spoken("abcd efgh ijkl", turn=3)
    assert max(p.duration_ns for p in packets) <= 100 * MS
    at = 7 * MS
    for packet in packets:
        assert abs(packet.pts_ns - at) <= 1
        assert packet.turn == 3
        at += packet.duration_ns


def test_each_word_has_one_span_inside_its_packet():
    packets = spoken("ab, cdef 🙂 gh.", turn=3, index=5)
    spans = [(s.index, s.word) for p in packets for s in p.spans]
    assert spans == [(5, "ab,"), (6, "cdef"), (7, "🙂"), (8, "gh.")]
    assert all(0 <= s.middle <= p.frames for p in packets for s in p.spans)


def test_a_look_comes_before_every_packet_but_never_two_packets_at_once():
    items = list(speak(TextPacket(text="abcd efgh ijkl"), Letters(), 1.0, lambda: 0))
    assert items[0] is None
    assert all(a is None or b is None for a, b in pairwise(items))


def test_what_cannot_be_spoken_is_10_ms_of_silence_with_its_words():
    (packet,) = spoken("... 🙂", turn=1, index=9)
    assert packet.duration_ns == UNSPOKEN_NS
    assert not packet.data.any()
    assert [(s.index, s.word) for s in packet.spans] == [(9, "..."), (10, "🙂")]
