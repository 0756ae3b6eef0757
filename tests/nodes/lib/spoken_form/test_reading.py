"""A reading looks at the words that are held, and waits for more."""

from __future__ import annotations

import pytest

from tests.nodes.lib.spoken_form.look import look
from vflow_nodes.lib.spoken_form.reading import FARTHEST, Stage, Wait


def test_look_waits_for_a_word_that_may_come() -> None:
    with pytest.raises(Wait):
        look("5", stage=Stage.MORE).at(1)


@pytest.mark.parametrize("stage", [Stage.RELEASE, Stage.FINISH])
def test_look_finds_none_where_no_word_comes(stage: Stage) -> None:
    assert look("5", stage=stage).at(1) is None


def test_look_waits_for_no_word_after_a_mark() -> None:
    assert look("5.", stage=Stage.MORE).after(0) is None


def test_look_gives_up_after_so_many_words() -> None:
    assert look("a " * FARTHEST, stage=Stage.MORE).at(FARTHEST) is None


def test_only_a_release_without_a_mark_is_a_cut() -> None:
    assert look("5", stage=Stage.RELEASE).cut()
    assert not look("5.", stage=Stage.RELEASE).cut()
    assert not look("5", stage=Stage.FINISH).cut()
    assert not look("5 km", stage=Stage.RELEASE).cut()
