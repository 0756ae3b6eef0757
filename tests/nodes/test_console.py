"""console: text on standard output, a line a packet."""

from __future__ import annotations

import io

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


def test_a_printed_text_is_one_line_without_terminal_commands(capsys: pytest.CaptureFixture[str]):
    with Harness(Console(prefix="> ")) as harness:
        harness.push(TextPacket(text="a\nyou: \x1b]0;b\x07", turn=1))
    assert capsys.readouterr().out == "> a\\nyou: \\x1b]0;b\\x07\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_characters_that_the_stream_lacks_are_replaced(encoding: str, monkeypatch: pytest.MonkeyPatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stdout", stream)
    with Harness(Console()) as harness:
        harness.push(TextPacket(text="\u65e5 a", turn=1))
    assert stream.buffer.getvalue() == b"? a\n"


def test_a_reader_that_has_gone_is_warned_of_once(monkeypatch: pytest.MonkeyPatch):
    class Unread(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Unread())
    with Harness(Console()) as harness:
        for _ in range(3):
            harness.push(TextPacket(text="a", turn=1))
        assert [m.text for m in harness.messages if m.kind == "warning"] == [
            "standard output has gone: nothing more is printed"
        ]
