"""Without a look an utterance over a reply interrupts it, as without this node."""

from __future__ import annotations

from vflow import Harness, SpeechStart, TextPacket
from vflow_nodes.backchannel.none import NoBackchannel


def test_every_utterance_over_a_reply_is_surely_no_backchannel() -> None:
    with Harness(NoBackchannel()) as harness:
        (look,) = harness.event(SpeechStart(turn=3, meta={"over_reply_ns": 5}))
        assert isinstance(look, TextPacket)
        assert (look.turn, dict(look.meta)) == (3, {"backchannel": False, "sure": True})


def test_another_utterance_is_not_judged() -> None:
    with Harness(NoBackchannel()) as harness:
        assert harness.event(SpeechStart(turn=3)) == []
