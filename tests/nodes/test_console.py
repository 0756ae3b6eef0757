"""console: text on standard output, a line a packet."""

from __future__ import annotations

import numpy as np
import pytest

from vflow import AudioPacket, Harness, Packet, SpeechStart, TextPacket
from vflow_nodes.console import Console


def printed(capsys: pytest.CaptureFixture[str], node: Console) -> str:
    with Harness(node) as harness:
        harness.push(TextPacket(text="Hello,", turn=1))
        harness.push(AudioPacket(data=np.zeros(160, np.float32), rate=16000))
        harness.push(Packet())
        harness.event(SpeechStart(turn=3))
        harness.push(TextPacket(text="wörld", turn=1))
        harness.eos()
    return capsys.readouterr().out


def test_text_is_printed_and_nothing_else(capsys: pytest.CaptureFixture[str]):
    assert printed(capsys, Console()) == "Hello,\nwörld\n"


def test_prefix_and_events_are_printed_where_asked_for(capsys: pytest.CaptureFixture[str]):
    lines = ["> Hello,", "> [speech_start turn=3]", "> wörld", "> [eos]"]
    assert printed(capsys, Console(prefix="> ", events=True)).splitlines() == lines


def test_printing_is_an_effect():
    assert Console.effect
