from itertools import pairwise

import numpy as np
import pytest

from vflow import MS, SECOND, SpokenUnit, TextPacket
from vflow_nodes.lib.speech import (
    UNSPOKEN_NS,
    Part,
    Unsaid,
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
    """A voice that speaks each letter as 50 ms of tone, with a third of a second of silence around it all."""

    rate = RATE
    longest = 100
    alphabet = "LATIN"

    def __init__(self):
        self.calls = []

    def phonemes(self, text):
        sentences = text.replace(". ", ".|").split("|")
        return [s for s in sentences if s]

    def samples(self, phonemes, speed):
        self.calls.append(phonemes)
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
    assert pause_after("") == 0
    assert 120 * MS <= pause_after(",") <= 160 * MS
    assert 250 * MS <= pause_after(".") <= 300 * MS


def test_every_mark_has_its_pause():
    assert all(pause_after(mark) >= 100 * MS for mark in MARKS)


def test_spans_are_proportional_and_lie_end_to_end():
    parts = [Part("a", 1, 0, ("a",), 7), Part("bbb", 3, 4, ("bbb",), 8), Part("cc", 2, 0, ("cc",), 9)]
    spans = estimate_spans(parts, 1000, turn=4)
    assert [(s.start, s.stop) for s in spans] == [(0, 100), (100, 400), (800, 1000)]
    assert [(s.turn, s.index, s.word) for s in spans] == [(4, 7, "a"), (4, 8, "bbb"), (4, 9, "cc")]


def test_words_that_are_said_as_one_share_a_place():
    spans = estimate_spans([Part("two", 1, 0, ("$2", "now"), 3), Part("b", 1, 0, ("b",), 5)], 100)
    assert [(s.index, s.word, s.start, s.stop) for s in spans] == [
        (3, "$2", 0, 50), (4, "now", 0, 50), (5, "b", 50, 100),
    ]  # fmt: skip


def test_a_word_without_weight_lies_within_the_frames():
    smile = Part("🙂", 0, 0, ("🙂",))
    assert [(s.start, s.stop) for s in estimate_spans([Part("a", 1, 0, ("a",)), smile], 100)] == [
        (0, 100), (99, 99),
    ]  # fmt: skip
    assert [(s.start, s.stop) for s in estimate_spans([smile], 100)] == [(0, 0)]


class Given(Letters):
    """A voice with sounds that a test gives it."""

    def __init__(self, **sounds):
        super().__init__()
        self.sounds = sounds

    def phonemes(self, text):
        return self.sounds[text.strip(",")]


def test_places_stress_and_punctuation():
    voice = Given(Paris=["pˈɛɹəs,"], yes=["jˈɛs"])  # noqa: RUF001
    ((paris,), (dash,), (yes,)) = (
        place(SpokenUnit(w, w), 0, voice) for w in ("Paris,", "—", "yes")
    )  # fmt: skip
    assert [(part.words, part.weight) for part in (paris, dash, yes)] == [
        (("Paris,",), 6), (("—",), 0), (("yes",), 4),
    ]  # fmt: skip
    assert paris.pause > yes.pause


def test_a_unit_of_more_phonemes_than_the_voice_takes_is_cut_at_word_ends():
    unit = SpokenUnit("KEY", " ".join(["abcde"] * 30))
    parts = place(unit, 4, Letters())
    assert " ".join(part.spoken for part in parts) == unit.spoken
    assert all(part.weight <= Letters.longest for part in parts)
    assert [part.words for part in parts] == [()] * (len(parts) - 1) + [("KEY",)]


def test_a_call_of_the_voice_is_bounded():
    voice = Letters()
    text = " ".join(["abcdefgh"] * 40 + ["x" * 1000] + ["end."])
    packets = [p for p in speak(TextPacket(text=text), voice, 1.0, lambda: 0) if p is not None]
    assert max(map(len, voice.calls)) <= 2 * Letters.longest
    assert "".join("".join(voice.calls).split()) == "".join(text.split())
    assert [s.index for p in packets for s in p.spans] == [*range(42)]


def test_only_the_end_of_a_chunk_in_several_calls_is_followed_by_its_pause():
    long = " ".join(["abcdefgh"] * 40)
    lasts = [sum(p.frames for p in spoken(text)) / RATE for text in (long, f"{long}.")]
    assert abs(lasts[1] - lasts[0] - 0.30) <= 0.001


def test_the_spoken_form_is_said_and_the_written_one_heard():
    voice = Letters()
    units = (SpokenUnit("About", "About"), SpokenUnit("$1.5 million", "one point five million dollars"))
    chunk = TextPacket(text="About $1.5 million", index=2, units=units)
    packets = [p for p in speak(chunk, voice, 1.0, lambda: 0) if p is not None]
    assert voice.calls == ["About one point five million dollars"]
    assert [(s.index, s.word) for p in packets for s in p.spans] == [
        (2, "About"), (3, "$1.5"), (4, "million"),
    ]  # fmt: skip


def test_words_that_nobody_says_are_heard_with_their_neighbours():
    units = (SpokenUnit("-", ""), SpokenUnit("Tea", "Tea"))
    spans = [s for p in spoken("- Tea", units=units) for s in p.spans]
    assert [(s.word, s.start) for s in spans] == [("-", 0), ("Tea", 0)]


@pytest.mark.parametrize(
    ("text", "told", "heard"),
    [
        ("你好。", "你好。", []),
        ("say 你好 now", "你好", ["say", "now"]),
        ("Привет friend", "Привет", ["friend"]),
        ("im Café", None, ["im", "Café"]),
    ],
)
def test_words_of_another_alphabet_are_told_once_and_not_heard(text, told, heard):
    warned = []
    unsaid = Unsaid("the voice x", warned.append)
    for _ in range(2):
        packets = [
            p for p in speak(TextPacket(text=text), Letters(), 1.0, lambda: 0, unsaid) if p is not None
        ]
        assert [s.word for p in packets for s in p.spans] == heard
    assert len(warned) == (told is not None)
    assert all(f"the voice x cannot say {told!r}" in text for text in warned)


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


def test_text_that_cannot_be_spoken_is_10_ms_of_silence_with_its_words():
    (packet,) = spoken("... 🙂", turn=1, index=9)
    assert packet.duration_ns == UNSPOKEN_NS
    assert not packet.data.any()
    assert [(s.index, s.word) for s in packet.spans] == [(9, "..."), (10, "🙂")]
