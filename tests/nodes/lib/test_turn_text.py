"""The words of a turn: which cues they give, and what these say together."""

from __future__ import annotations

import math

import pytest

from vflow_nodes.lib.turn_text import (
    AUDIO,
    AUDIO_AND_TEXT,
    BRIEF,
    LIMIT,
    MARKS,
    TEXT,
    cues,
    finished,
    log_odds,
)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("Well,", "comma"),
        ("the first -", "comma"),
        ("我想要，", "comma"),
        ("So I was...", "trails_off"),
        ("So I was…", "trails_off"),
        ("Is it?", "asks"),
        ('He said: "Is it?" ', "asks"),
        ("本当ですか？", "asks"),
        ("It is.", "states"),
        ("Great!", "states"),
        ("好。", "states"),
        ("my last name is", ""),
        ("", ""),
    ],
)
def test_the_last_mark_is_of_one_kind(text: str, mark: str) -> None:
    found = cues(text, 1.0)
    assert {name for name in MARKS if found[name]} == ({mark} if mark else set())


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("I went there and", "en", True),
        ("I went there and.", "en", True),
        ("It's for my...", "en-US", True),
        ("I think I\u2019m", "en", True),
        ("Um,", "en", True),
        ("I like the band.", "en", False),
        ("I think so.", "en", False),
        ("", "en", False),
        ("Es war in", "de", False),
        ("ich und", "de", False),
        ("I went there and", "", False),
    ],
)
def test_a_word_that_nobody_ends_with_is_known_in_its_language(text: str, language: str, found: bool) -> None:
    assert cues(text, 1.0, language)["open_word"] == found


def test_words_count_by_their_logarithm_and_by_the_second() -> None:
    found = cues("My sister's well-known.", 2.6)
    assert found["words"] == pytest.approx(math.log(4))
    assert found["rate"] == pytest.approx(1.5)
    assert cues("Yes.", 0.0)["rate"] == pytest.approx(2)


@pytest.mark.parametrize("language", ["ja", "de-AT", ""])
def test_in_an_unmeasured_language_only_the_punctuation_counts(language: str) -> None:
    found = cues("東京の天気はどうですか？", 2.0, language)
    assert found == {**cues("？", 9.0, language), "asks": 1.0, "brief": 1.0}
    assert found.keys() == cues("Is it?", 2.0, "en").keys()


@pytest.mark.parametrize(
    ("text", "seconds", "brief"),
    [
        ("Mountain view.", 1.4, 1),
        ("Yes.", 1.0, 1),
        ("Hello world!", 1.2, 1),
        ("Mountain view.", 2.4, 0),
        ("Book a room,", 1.3, 0),
        ("My name is", 1.3, 0),
        ("I was...", 1.3, 0),
        ("Okay, thank you.", 1.3, 0),
        ("", 1.0, 0),
    ],
)
def test_a_short_whole_utterance_that_is_no_opening_is_brief(text: str, seconds: float, brief: int) -> None:
    assert cues(text, seconds)["brief"] == brief


def test_a_brief_utterance_has_finished_as_likely_as_said_at_least() -> None:
    assert finished({"bias": -5.0}, {"brief": 1.0}) == BRIEF
    assert finished({"bias": -5.0}, {"brief": 0.0}) < 0.01
    assert finished({"bias": 5.0}, {"brief": 1.0}) > 0.99


def test_log_odds_are_cut_where_a_model_is_too_sure() -> None:
    assert log_odds(0.5) == pytest.approx(0)
    assert log_odds(0.8) == pytest.approx(math.log(4))
    assert log_odds(0.0) == -LIMIT
    assert log_odds(1.0) == LIMIT


def test_a_probability_is_the_logistic_of_the_weighted_sum() -> None:
    weights = {"bias": -1.0, "a": 2.0}
    assert finished(weights, {"a": 0.5, "unknown": 9.0}) == pytest.approx(0.5)
    assert finished(weights, {"a": 1.0}) == pytest.approx(1 / (1 + math.exp(-1)))
    assert finished(weights, {"a": 1e6}) == 1
    assert finished(weights, {"a": -1e6}) == pytest.approx(0)


@pytest.mark.parametrize("weights", [AUDIO, TEXT, AUDIO_AND_TEXT])
def test_every_weight_has_its_value(weights: dict[str, float]) -> None:
    assert weights.keys() - {"bias"} <= {*cues("", 0.0), "sound"}


def test_a_sentence_that_trails_off_is_rated_below_a_complete_one() -> None:
    ratings = [finished(TEXT, cues(text, 3.0)) for text in ("I would like,", "I would like it.")]
    assert ratings == sorted(ratings)
    assert ratings[0] < ratings[1]
