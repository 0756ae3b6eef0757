"""A conversation in a file: a line an utterance and a reply, as soon as it is whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from vflow import MS, Harness, NodeError, TextPacket, TurnEnd, Unavailable
from vflow_nodes.text_sink import TextSink


def talk(harness: Harness, *words: str, turn: int = 1) -> None:
    for index, word in enumerate(words):
        harness.push(TextPacket(text=word, index=index, turn=turn), "reply")


def sink(file: Path, **values: Any) -> Harness:
    return Harness(TextSink(file=str(file), **values))


def test_a_reply_is_a_line_when_it_ends_and_an_utterance_when_it_comes(tmp_path: Path) -> None:
    file = tmp_path / "talk.txt"
    with sink(file) as harness:
        harness.push(TextPacket(text="Where\nis it?", turn=1), "user")
        talk(harness, "In", "Rome.")
        assert file.read_text() == "user: Where is it?\n"
        harness.event(TurnEnd(turn=1))
        assert file.read_text() == "user: Where is it?\nagent: In Rome.\n"


def test_each_line_of_json_has_who_said_what_in_which_turn_and_when(tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    with sink(file, format="jsonl") as harness:
        harness.push(TextPacket(text='"Où?"\n', turn=1), "user")
        harness.time_ns = 1500 * MS
        talk(harness, "東京", "です。")
        harness.event(TurnEnd(turn=1))
    assert [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] == [
        {"at_ms": 0, "turn": 1, "who": "user", "text": '"Où?"\n'},
        {"at_ms": 1500, "turn": 1, "who": "agent", "text": "東京です。"},
    ]


def test_a_reply_that_is_cut_is_written_as_far_as_it_was_made(tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    with sink(file, format="jsonl") as harness:
        talk(harness, "In", "the", turn=1)
        harness.flush(1)
        harness.event(TurnEnd(turn=1))
        talk(harness, "Yes.", turn=2)
        harness.flush(1)
        harness.eos()
    first, second = [json.loads(line) for line in file.read_text().splitlines()]
    assert (first["text"], first["interrupted"]) == ("In the", True)
    assert (second["text"], "interrupted" in second) == ("Yes.", False)


def test_the_next_reply_ends_one_whose_end_never_came(tmp_path: Path) -> None:
    with sink(tmp_path / "talk.txt") as harness:
        talk(harness, "One", turn=1)
        talk(harness, "Two", turn=2)
        harness.eos()
    assert (tmp_path / "talk.txt").read_text() == "agent: One\nagent: Two\n"


def test_an_utterance_in_which_nothing_was_understood_and_an_empty_reply_are_no_lines(tmp_path: Path) -> None:
    with sink(tmp_path / "talk.txt") as harness:
        harness.push(TextPacket(text="", turn=1), "user")
        harness.event(TurnEnd(turn=1))
    assert (tmp_path / "talk.txt").read_text() == ""


@pytest.mark.parametrize(("append", "left"), [(True, "old\nagent: New\n"), (False, "agent: New\n")])
def test_a_file_that_is_there_is_overwritten_or_gone_on_with(tmp_path: Path, append: bool, left: str) -> None:
    (tmp_path / "talk.txt").write_text("old\n")
    with sink(tmp_path / "talk.txt", append=append) as harness:
        talk(harness, "New")
        harness.event(TurnEnd(turn=1))
    assert (tmp_path / "talk.txt").read_text() == left


def test_a_sink_that_is_opened_anew_within_a_run_goes_on(tmp_path: Path) -> None:
    with sink(tmp_path / "talk.txt") as harness:
        talk(harness, "One")
        harness.event(TurnEnd(turn=1))
        harness.node.close()
        harness.node.open()
        talk(harness, "Two", turn=2)
        harness.event(TurnEnd(turn=2))
    assert (tmp_path / "talk.txt").read_text() == "agent: One\nagent: Two\n"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vflow_nodes.text_sink._OPEN_WITHIN_S", 0.1)
    with pytest.raises(Unavailable, match="cannot be written: Is a directory"), sink(tmp_path):
        pass
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unavailable, match="a pipe from which nobody reads"), sink(tmp_path / "pipe"):
        pass


def test_a_pipe_is_written_once_somebody_reads_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    readers: list[int] = []
    monkeypatch.setattr(
        "vflow_nodes.text_sink.time.sleep",
        lambda _: readers.append(os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)),
    )
    with sink(tmp_path / "pipe") as harness:
        harness.push(TextPacket(text="Where?", turn=1), "user")
        assert os.read(readers[0], 100) == b"user: Where?\n"
    os.close(readers[0])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_a_file_that_takes_no_more_is_named_with_its_mend() -> None:
    refused = "'/dev/full' cannot be written: No space left on device; make room there, or name another file"
    with sink(Path("/dev/full")) as harness, pytest.raises(NodeError, match=refused):
        harness.push(TextPacket(text="Where?", turn=1), "user")


def test_a_reader_that_has_gone_is_named(tmp_path: Path) -> None:
    ear, mouth = os.pipe()
    with sink(Path(f"/dev/fd/{mouth}")) as harness:
        os.close(ear)
        os.close(mouth)
        with pytest.raises(
            NodeError, match="cannot be written: Broken pipe; make room there, or name another"
        ):
            harness.push(TextPacket(text="Where?", turn=1), "user")
