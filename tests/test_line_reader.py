"""Lines of standard input: each once, in order, bounded, and the reading ends when it is told to."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.stand_ins import PATIENCE_S
from vflow import LineReader, Unavailable
from vflow.line_reader import MOST_LETTERS


class Typist:
    """The other end of standard input."""

    def __init__(self) -> None:
        self.ear, self.mouth = os.pipe()
        self.told = threading.Semaphore(0)
        self.warnings: list[str] = []

    def type(self, data: bytes) -> None:
        os.write(self.mouth, data)

    def leave(self) -> None:
        mouth, self.mouth = self.mouth, -1
        if mouth >= 0:
            os.close(mouth)

    def reader(self) -> LineReader:
        return LineReader(self.told.release, self.warnings.append)

    def next(self, reader: LineReader) -> str | None:
        """The next line; None after the last."""
        while True:
            over = reader.over
            if (line := reader.take()) is not None or over:
                return line
            assert self.told.acquire(timeout=PATIENCE_S)

    def all(self, reader: LineReader) -> list[str]:
        return list(iter(lambda: self.next(reader) or "", ""))


@pytest.fixture
def typist(monkeypatch: pytest.MonkeyPatch) -> Iterator[Typist]:
    made = Typist()
    with os.fdopen(made.ear) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        yield made
        made.leave()


def test_each_line_comes_once_in_order_whatever_the_pieces_in_which_it_was_typed(typist: Typist) -> None:
    reader = typist.reader()
    assert not reader.at_terminal
    typist.type(b" Whe")
    typist.type(b"re? \r\n\n  \nWhen?\nWh\xc3")
    assert [typist.next(reader), typist.next(reader)] == ["Where?", "When?"]
    typist.type(b"\xa4?")
    typist.leave()
    assert typist.all(reader) == ["Whä?"], "the last line needs no end"
    assert reader.over
    assert typist.warnings == []


def test_invalid_utf_8_is_reported_and_replaced(typist: Typist) -> None:
    reader = typist.reader()
    typist.type(b"caf\xe9 noir\n")
    typist.leave()
    assert typist.all(reader) == ["caf\ufffd noir"]
    assert typist.warnings == ["a line is not UTF-8; what cannot be read of it became '\ufffd'"]


def test_a_line_without_an_end_is_cut_and_told(typist: Typist) -> None:
    reader = typist.reader()
    writing = threading.Thread(target=lambda: (typist.type(b"x" * (3 * MOST_LETTERS)), typist.leave()))
    writing.start()
    (line,) = typist.all(reader)
    writing.join()
    assert len(line) == MOST_LETTERS
    assert typist.warnings == ["a line has more than 100,000 letters; what is beyond is left out"]


def test_no_more_is_read_than_may_wait(typist: Typist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vflow.line_reader.MOST_WAITING", 2)
    monkeypatch.setattr("vflow.line_reader._BLOCK", 2)
    typist.type(b"1\n2\n3\n4\n5\n6\n")
    typist.leave()
    reader, most, found = typist.reader(), 0, list[str]()
    while (line := typist.next(reader)) is not None:
        most = max(most, len(reader._lines))
        found.append(line)
    assert found == ["1", "2", "3", "4", "5", "6"]
    assert most <= 2


def test_closing_ends_the_reading_while_nobody_types(typist: Typist) -> None:
    reader = LineReader(typist.told.release, typist.warnings.append, "waits")
    reader.close()
    reader.close()
    assert typist.told.acquire(timeout=PATIENCE_S)
    assert reader.over
    typist.type(b"nobody reads this\n")
    assert reader.take() is None


def test_closing_ends_a_reading_that_has_no_room(typist: Typist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vflow.line_reader.MOST_WAITING", 1)
    reader = typist.reader()
    typist.type(b"one\n")
    assert typist.told.acquire(timeout=PATIENCE_S)
    reader.close()
    assert typist.told.acquire(timeout=PATIENCE_S)
    assert reader.take() == "one"


@pytest.mark.parametrize("stdin", [None, "closed"])
def test_standard_input_that_is_closed_says_so(stdin: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = None
    if stdin == "closed":
        stream = open(os.devnull)  # noqa: SIM115  # closed is what is tried
        stream.close()
    monkeypatch.setattr(sys, "stdin", stream)
    with pytest.raises(Unavailable, match="standard input is closed"):
        LineReader(lambda: None, lambda text: None)
