"""The plain wait: whatever is said, no verdict."""

from __future__ import annotations

import numpy as np

from vflow import AudioPacket, Eos, Harness, Pause, SpeechEnd, SpeechStart, TextPacket
from vflow_nodes.end_of_turn.silence import SilenceEndOfTurn


def test_no_verdict_is_given_and_only_the_end_of_the_stream_passes() -> None:
    with Harness(SilenceEndOfTurn()) as harness:
        harness.event(SpeechStart(turn=1))
        harness.push(AudioPacket(data=np.zeros(512, np.float32), rate=16_000, turn=1))
        harness.event(Pause(turn=1))
        harness.push(TextPacket(text="Yes.", turn=1), "transcript")
        harness.event(SpeechEnd(turn=1))
        assert harness.pull() == []
        assert [type(item) for item in harness.eos()] == [Eos]


def test_silence_is_available_on_any_machine() -> None:
    assert SilenceEndOfTurn.unavailable() == ""
