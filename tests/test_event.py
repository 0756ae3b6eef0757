"""Events: each has a name of its own, and what the user did is told apart from what a node made."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from vflow import Eos, Event, Gap, Pause, Resume, SpeechEnd, SpeechStart, SpeechVoid, TurnEnd, event
from vflow.event import NAMES, SAID

EVERY = [c for c in vars(event).values() if isinstance(c, type) and issubclass(c, Event) and c is not Event]


def test_every_event_is_named_after_its_class() -> None:
    assert set(NAMES) == set(EVERY)
    for cls in EVERY:
        assert cls().name == re.sub(r"(?<=.)([A-Z])", r"_\1", cls.__name__).lower()


def test_events_of_the_user_s_acts_are_never_speculative() -> None:
    assert set(SAID) == {SpeechStart, Pause, Resume, SpeechEnd, SpeechVoid}
    assert not {TurnEnd, Gap, Eos} & set(SAID)


@pytest.mark.parametrize("cls", EVERY)
def test_an_event_takes_values_by_name_and_none_can_be_set_later(cls: type[Event]) -> None:
    made: Any = cls(pts_ns=5, turn=2, meta={"stop_reason": "eos"})
    assert (made.pts_ns, made.turn, made.meta) == (5, 2, {"stop_reason": "eos"})
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.turn = 3
    with pytest.raises(TypeError):
        cls(5)  # type: ignore[call-arg, misc]  # what this test is about


def test_events_of_different_kinds_are_not_equal() -> None:
    assert Pause(turn=1) == Pause(turn=1)
    assert Pause(turn=1) != Resume(turn=1)
