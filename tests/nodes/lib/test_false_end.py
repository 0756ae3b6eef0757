"""The grace after the end of a turn, in windows of 32 ms."""

from __future__ import annotations

import pytest

from vflow import MS
from vflow_nodes.lib.false_end import FalseEnd

WINDOW = 32 * MS


class Ear:
    """Feeds windows to a FalseEnd as `turn` does, after an end at 0."""

    def __init__(self, grace_ms: int = 700) -> None:
        self.policy = FalseEnd(grace_ms * MS, 96 * MS)
        assert self.policy.decided(0, turn=7) is (grace_ms > 0)
        self.sure: list[int] = []
        """The windows in which the end is sure."""
        self.at = self.voiced = 0
        self.held: list[tuple[int, bool]] = []
        """When the reply was held, or let go, by the number of the window."""

    def quiet(self, count: int) -> Ear:
        for _ in range(count):
            self.at += 1
            if self.voiced:
                self.policy.passed()
            self.voiced = 0
            self._go_on()
        return self

    def voice(self, count: int) -> Ear:
        for _ in range(count):
            if not self.voiced:
                self.policy.onset(self.at * WINDOW)
            self.at += 1
            self.voiced += WINDOW
            if self.policy.begin_hold(self.at * WINDOW, self.voiced):
                self.held.append((self.at, True))
            self._go_on()
        return self

    def _go_on(self) -> None:
        if self.policy.end_hold(self.at * WINDOW):
            self.held.append((self.at, False))
        if self.policy.sure(self.at * WINDOW):
            self.sure.append(self.at)


def test_three_windows_of_voice_hold_the_reply_which_goes_on_after_300_ms_of_quiet() -> None:
    assert Ear().quiet(2).voice(3).quiet(20).held == [(5, True), (15, False)]


def test_two_windows_of_voice_hold_nothing() -> None:
    assert Ear().quiet(2).voice(2).quiet(20).held == []


def test_voice_that_comes_again_holds_on() -> None:
    assert Ear().voice(3).quiet(5).voice(3).quiet(20).held == [(3, True), (21, False)]


def test_a_hold_lasts_a_second_at_the_longest_and_is_the_last_of_its_grace() -> None:
    ear = Ear()
    for _ in range(20):
        ear.voice(3).quiet(2)
    assert ear.held == [(3, True), (35, False)]


@pytest.mark.parametrize(("quiet", "doubted"), [(0, True), (21, True), (22, False)])
def test_voice_that_begins_within_the_grace_doubts_the_end(quiet: int, doubted: bool) -> None:
    ear = Ear().quiet(quiet).voice(5)
    assert ear.policy.doubted is doubted
    assert bool(ear.held) is doubted


def test_voice_that_comes_again_while_the_reply_is_held_doubts_the_end_after_the_grace_too() -> None:
    ear = Ear().quiet(19).voice(3).quiet(3).voice(1)
    assert ear.at * WINDOW > 700 * MS
    assert ear.policy.doubted


def test_utterance_ends_hold_and_grace() -> None:
    ear = Ear().voice(4)
    ear.policy.over()
    assert not ear.policy.doubted
    assert ear.quiet(40).voice(5).held == [(3, True)]


def test_without_a_grace_nothing_is_held_and_no_end_is_doubted() -> None:
    ear = Ear(grace_ms=0).voice(5).quiet(40)
    assert (ear.held, ear.sure, ear.policy.turn) == ([], [], 0)


@pytest.mark.parametrize(("voice", "sure"), [(0, 22), (2, 22), (3, 30)], ids=["quiet", "a click", "a hold"])
def test_an_end_is_sure_after_the_grace_and_no_sooner_than_a_hold_is_over(voice: int, sure: int) -> None:
    ear = Ear().quiet(17)
    assert ear.policy.turn == 7
    assert ear.voice(voice).quiet(30).sure[0] == sure


def test_an_end_is_not_sure_while_the_voice_goes_on_that_began_within_the_grace() -> None:
    assert Ear().quiet(21).voice(20).sure == []
