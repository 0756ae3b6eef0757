"""text_source: the words of a text as one reply."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vflow import Harness, TextPacket, TurnEnd, Unavailable
from vflow_nodes import text_source
from vflow_nodes.text_source import TextSource


def test_the_words_are_one_reply_followed_by_its_end():
    with Harness(TextSource(text="How  can I\nhelp you?")) as harness:
        *words, end = harness.produce()
    assert [(w.text, w.index, w.turn) for w in words] == [
        ("How", 0, 1),
        ("can", 1, 1),
        ("I", 2, 1),
        ("help", 3, 1),
        ("you?", 4, 1),
    ]
    assert all(isinstance(w, TextPacket) for w in words)
    assert isinstance(end, TurnEnd)
    assert (end.turn, dict(end.meta)) == (1, {"tokens": 5, "stop_reason": "eos"})


def test_a_file_is_read_as_utf8(tmp_path: Path):
    (tmp_path / "a.txt").write_text("Grüß Gott\n", encoding="utf-8")
    with Harness(TextSource(file=str(tmp_path / "a.txt"))) as harness:
        assert [w.text for w in harness.produce() if isinstance(w, TextPacket)] == ["Grüß", "Gott"]


def test_an_interruption_silences_the_rest():
    with Harness(TextSource(text="a b c")) as harness:
        said = []
        for item in harness.produce():
            said.append(item)
            harness.cancel(1)
    assert [w.text for w in said] == ["a"]


def test_a_text_that_cannot_be_said_is_refused_with_a_reason(tmp_path: Path):
    (tmp_path / "blank.txt").write_text(" \n")
    (tmp_path / "latin.txt").write_bytes(b"Gr\xfc\xdf")
    for props, reason in (
        ({}, "was given no words"),
        ({"text": "  "}, "was given no words"),
        ({"text": "a", "file": "b"}, "leave one of them out"),
        ({"file": str(tmp_path / "gone.txt")}, "no such file"),
        ({"file": str(tmp_path)}, "cannot be read"),
        ({"file": str(tmp_path / "blank.txt")}, "holds no words"),
        ({"file": str(tmp_path / "latin.txt")}, "not UTF-8"),
    ):
        with pytest.raises(Unavailable, match=reason):
            TextSource(**props).open()


def test_a_pipe_without_a_writer_and_an_endless_device_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(text_source, "_READ_WITHIN_S", 0.05)
    monkeypatch.setattr(text_source, "_MOST_LETTERS", 1000)
    os.mkfifo(tmp_path / "pipe")
    for file, said in ((str(tmp_path / "pipe"), "is a pipe"), ("/dev/zero", "more than 1,000 letters")):
        with pytest.raises(Unavailable, match=said):
            TextSource(file=file).open()
    (tmp_path / "pipe").write_bytes(b"")  # lets the reader go that was left behind


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_no_file_has_is_refused(name: str):
    with pytest.raises(Unavailable, match="cannot be read"):
        TextSource(file=name).open()


def test_a_pipe_of_the_shell_is_said():
    reader, writer = os.pipe()
    os.write(writer, b"a b")
    os.close(writer)
    try:
        with Harness(TextSource(file=f"/dev/fd/{reader}")) as harness:
            assert [w.text for w in harness.produce() if isinstance(w, TextPacket)] == ["a", "b"]
    finally:
        os.close(reader)
