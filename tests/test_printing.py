"""Text from outside is printed as text; a stream that cannot show it, or has gone, ends nothing."""

from __future__ import annotations

import io
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vflow.printing import continued, emit, emit_json, escaped, indented, print_line, write


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07\x1b[2J", r"\x1b]0;owned\x07\x1b[2J"),
        ("a\nyou:   b\r\tc", r"a\nyou:   b\r\tc"),
        ("\x7f\x9b31m\x85", r"\x7f\x9b31m\x85"),
        ("\u202eabc\u2066\u2069", r"\u202eabc\u2066\u2069"),
        ("pay\u200dpal\u200b\ufeff\u2028", r"pay\u200dpal\u200b\ufeff\u2028"),
        ("\udcff\ud800", r"\udcff\ud800"),
        ("grüß 日本 5 €", "grüß 日本 5 €"),
        (
            "\u0645\u06cc\u200c\u062e \U0001f469\u200d\U0001f469",
            "\u0645\u06cc\u200c\u062e \U0001f469\u200d\U0001f469",
        ),
    ],
)
def test_characters_that_a_terminal_obeys_or_hides_are_escaped(text: str, shown: str) -> None:
    assert escaped(text) == shown


@given(st.text())
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    assert not {unicodedata.category(c) for c in escaped(text)} & {"Cc", "Cs", "Zl", "Zp"}


def test_later_lines_are_indented_deeper_than_the_line_that_they_continue() -> None:
    assert continued("  in audio: a\nerror: b\x1b\tc") == "  in audio: a\n      error: b\\x1b\\tc"
    assert continued("") == ""


def test_later_lines_of_a_foreign_text_are_indented() -> None:
    assert indented("a\nyou: b\x1b") == "a\n  you: b\\x1b"


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-8", "Crème €\u65e5\\x1b"), ("cp1252", "Crème €?\\x1b"), ("ascii", "Cr?me ??\\x1b")],
)
def test_characters_that_the_encoding_lacks_are_replaced(encoding: str, shown: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert write("Crème €\u65e5\x1b", stream, end="")
    assert stream.buffer.getvalue().decode(encoding) == shown


def test_print_line_prints_one_line_whatever_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_line("a\nb")
    assert capsys.readouterr().out == "a\\nb\n"


def test_a_closed_stream_is_no_error() -> None:
    stream = io.StringIO()
    stream.close()
    assert not write("a", stream)


def test_no_stream_at_all_is_no_error() -> None:
    assert write("a", None)


def test_a_pipe_that_nobody_reads_is_told_of_by_emit_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unread(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Unread())
    assert not print_line("a")
    with pytest.raises(BrokenPipeError):
        emit("a")


def test_json_is_whole_and_has_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json({"a": "\x7f\x1b\x9b\u202e"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": "\x7f\x1b\x9b\u202e"}
    assert out.rstrip("\n").isprintable()


def test_only_this_module_prints() -> None:
    package = Path(__file__).parents[1]
    files = [*(package / "vflow").rglob("*.py"), *(package / "nodes").rglob("*.py")]
    assert [f.name for f in files if "print(" in f.read_text().replace("_print(", "")] == ["printing.py"]
