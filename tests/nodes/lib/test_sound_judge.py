"""The common part of candidates that judge by sound; their verdicts are tested with each of them."""

from __future__ import annotations

import numpy as np
import pytest

from vflow import SECOND, AudioPacket, Event, Harness, Pause, Resume, SpeechStart
from vflow_nodes.end_of_turn.smart_turn import SmartTurnEndOfTurn
from vflow_nodes.lib.smart_turn import RATE
from vflow_nodes.lib.turn_text import log_odds


@pytest.fixture
def harness() -> Harness:
    return Harness(SmartTurnEndOfTurn())


def heard(harness: Harness, event: Event) -> float | None:
    """Return the verdict at an event after 1 s of sound, if there is one."""
    sound = np.sin(np.arange(RATE) * 0.1).astype(np.float32)
    harness.event(SpeechStart(turn=1))
    harness.push(AudioPacket(data=sound, rate=RATE, turn=1), "audio")
    node = harness.node
    assert isinstance(node, SmartTurnEndOfTurn)
    found = node.look(event)
    if found is not None:
        assert found == log_odds(node._model.finished(sound))
    return found


def test_a_pause_is_judged_by_its_utterance(harness: Harness) -> None:
    with harness:
        assert heard(harness, Pause(turn=1, pts_ns=SECOND)) is not None


def test_other_events_and_old_pauses_are_not_judged(harness: Harness) -> None:
    with harness:
        assert heard(harness, Resume(turn=1, pts_ns=SECOND)) is None
        harness.time_ns = 2 * SECOND
        assert heard(harness, Pause(turn=1, pts_ns=SECOND)) is None
