"""A flush: what it cancels, what it makes stale, what two of them are together, and what was heard."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow import Flush, Played
from vflow.flush import UNHEARD_WORDS

TURNS = range(6)

plays = st.builds(
    Played,
    turn=st.integers(1, 4),
    samples=st.integers(0, 48_000),
    rate=st.just(24_000),
    heard=st.sampled_from(["", "one", "one two"]),
    words=st.integers(0, 5),
    ended=st.booleans(),
)
names = st.frozensets(st.sampled_from("abcd"), max_size=3)
flushes = st.builds(
    Flush,
    number=st.integers(1, 9),
    turn=st.integers(0, 5),
    origins=names,
    nodes=names,
    played=st.lists(plays, max_size=3).map(tuple),
    sinks=st.integers(0, 3),
)


def test_an_interruption_cancels_its_turn_and_all_before_it() -> None:
    flush = Flush(1, turn=3)
    assert [turn for turn in TURNS if flush.cancels(turn)] == [0, 1, 2, 3]


def test_a_retraction_cancels_its_own_turn_alone() -> None:
    flush = Flush(1, turn=3, retracts=True)
    assert [turn for turn in TURNS if flush.cancels(turn)] == [3]


def test_an_interruption_makes_everything_in_its_reach_stale_and_a_retraction_one_turn() -> None:
    assert all(Flush(1, turn=3).concerns(turn) for turn in TURNS)
    assert [t for t in TURNS if Flush(1, turn=3, retracts=True).concerns(t)] == [3]


@given(flushes, flushes)
def test_joined_flushes_keep_reach_cancels_and_reports_of_both(first: Flush, second: Flush) -> None:
    joined = first.joined(second)
    assert joined is not None
    assert joined.number == second.number
    for turn in TURNS:
        assert joined.cancels(turn) == (first.cancels(turn) or second.cancels(turn))
    assert joined.nodes == first.nodes | second.nodes
    assert joined.origins == first.origins | second.origins
    assert joined.played == (*first.played, *second.played)
    assert joined.sinks == max(first.sinks, second.sinks)


@pytest.mark.parametrize(("first", "second"), [p for p in product([True, False], repeat=2) if any(p)])
def test_a_retraction_is_joined_with_nothing(first: bool, second: bool) -> None:
    assert Flush(1, 1, retracts=first).joined(Flush(2, 2, retracts=second)) is None


def test_nothing_was_heard_of_a_turn_that_no_sink_played() -> None:
    assert Flush(1, 2, played=(Played(2, 5, 24_000, heard="hello", words=1),)).heard(1) == ""


def test_sink_that_played_most_decides_what_was_heard() -> None:
    slow, fast = Played(1, 5, 24_000, heard="one", words=1), Played(1, 9, 24_000, heard="one two", words=2)
    assert Flush(1, 1, played=(slow, fast)).heard(1) == "one two"
    assert Flush(1, 1, played=(fast, slow)).heard(1) == "one two"


def test_a_sink_that_still_plays_tells_rather_than_one_that_is_done() -> None:
    done = Played(1, 9, 24_000, heard="one two three", words=3, ended=True)
    playing = Played(1, 5, 24_000, heard="one", words=1)
    assert Flush(1, 1, played=(done, playing)).heard(1) == "one"
    assert Flush(1, 1, played=(done,)).heard(1) == "one two three"


@pytest.mark.parametrize(("words", "unheard"), [(0, True), (UNHEARD_WORDS, True), (UNHEARD_WORDS + 1, False)])
def test_a_reply_that_is_taken_back_counts_as_unheard_where_little_of_it_was_heard(
    words: int, unheard: bool
) -> None:
    heard = " ".join(["word"] * words)
    played = (Played(3, 5, 24_000, heard, words),)
    flush = Flush(1, 3, played=played, sinks=1, takes_back=True)
    assert flush.unheard(3) == unheard
    assert flush.heard(3) == ("" if unheard else heard)
    assert flush.sounded(3) == heard
    assert Flush(1, 3, played=played, sinks=1).heard(3) == heard
    assert not Flush(1, 3, played=played, sinks=1).unheard(3)


def test_only_the_reply_after_a_false_end_counts_as_unheard() -> None:
    over = (Played(2, 5, 24_000, "Yes.", 1, ended=True), Played(3, 5, 24_000, "No.", 1, ended=True))
    flush = Flush(1, 3, played=over, sinks=1, takes_back=True)
    assert [flush.unheard(turn) for turn in (1, 2, 3, 4)] == [True, False, True, False]
    assert [flush.heard(turn) for turn in (2, 3)] == ["Yes.", ""]


def test_without_a_sink_no_reply_counts_as_unheard() -> None:
    assert not Flush(1, 3, takes_back=True).unheard(3)


@pytest.mark.parametrize(("first", "second"), [p for p in product([True, False], repeat=2) if any(p)])
def test_flush_that_takes_back_is_not_joined_with_another(first: bool, second: bool) -> None:
    assert Flush(1, 1, takes_back=first).joined(Flush(2, 2, takes_back=second)) is None
