"""The lines of `vflow top`, from the messages of a feed."""

from __future__ import annotations

from typing import Any

import pytest

from vflow.cli.top_view import View, cells, fitting, took, width

READY = {"type": "ready", "file": "agent.yaml", "pid": 7}
FIGURES = {
    "type": "figures",
    "links": {
        "mic.audio -> denoise.audio": {
            "fill": 1.0,
            "age_ms": 812.0,
            "per_s": 50.0,
            "dropped": 12,
            "stale": 0,
        },
        "denoise.out -> vad.audio": {"fill": 0.0, "age_ms": 0.0, "per_s": 22.0, "dropped": 0, "stale": 0},
    },
    "threads": [
        {"nodes": ["denoise"], "busy": 0.99, "p50_ms": 45.0, "p99_ms": 83.2, "per_s": 22.0},
        {"nodes": ["vad", "out"], "busy": 0.01, "p50_ms": 0.1, "p99_ms": 6.8, "per_s": 22.0},
    ],
}
ENDED = {
    "type": "turn_ended",
    "turn": 3,
    "stages": [
        {"name": "endpoint", "start_ms": 0, "end_ms": 512, "cut": False},
        {"name": "speaking", "start_ms": 512, "end_ms": 2_600, "cut": True},
    ],
}


def view(*messages: dict[str, Any], **options: Any) -> View:
    made = View(7, **options)
    for message in messages:
        made.take(message)
    return made


def test_threads_and_links_have_their_figures_and_trouble_its_mark() -> None:
    lines = view(READY, {"type": "state", "state": "listening"}, FIGURES).lines(120, None)
    assert lines[0] == "vflow top · process 7 · listening · agent.yaml"
    (denoise,) = [line for line in lines if line.startswith("denoise  ")]
    assert denoise.split() == ["denoise", "99%", "##########", "45.00", "83.20", "22.0", "!"]
    (mic,) = [line for line in lines if line.startswith("mic.audio")]
    assert mic.split()[3:] == ["100%", "##########", "812.0", "50.0", "12", "!"]
    (out,) = [line for line in lines if line.startswith("  out")]
    assert out.split() == ["out", "in", "its", "thread"]
    assert sum(line.endswith("!") for line in lines) == 2


def test_nodes_that_are_timed_have_figures_of_their_own() -> None:
    alone = {"out": {"busy": 0.5, "p50_ms": 2.0, "p99_ms": 3.0, "per_s": 22.0}}
    lines = view(READY, {**FIGURES, "nodes": alone}).lines(120, None)
    (out,) = [line for line in lines if line.startswith("out ")]
    assert out.split() == ["out", "50%", "#####.....", "2.00", "3.00", "22.0"]


def test_view_shows_the_words_and_the_stages_of_the_last_turn() -> None:
    said = (
        {"type": "user", "turn": 3, "text": "What is it?"},
        {"type": "word", "turn": 3, "index": 0, "text": "It"},
        {"type": "word", "turn": 3, "index": 1, "text": "is."},
        ENDED,
        {"type": "warning", "node": "tts", "text": "it stalls, and is at\n  File"},
    )
    assert view(FIGURES, *said).lines(120, None)[-4:] == [
        "turn 3: your end noticed 512 ms, speaking 2.1 s (cut)",
        "you:   What is it?",
        "agent: It is.",
        "warning: tts: it stalls, and is at",
    ]


def test_nothing_of_a_run_commands_the_terminal() -> None:
    hostile = {"type": "user", "turn": 1, "text": "\033[2J\x07gone"}
    text = "\n".join(view({**READY, "file": "a\033[31m"}, hostile).lines(120, None))
    assert "\033" not in text
    assert "\x07" not in text


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 10), (20, 3), (200, 60)])
def test_it_fits_the_window(columns: int, rows: int) -> None:
    many = {f"node{at}.out -> 日本語{at}.in": next(iter(FIGURES["links"].values())) for at in range(100)}  # type: ignore[attr-defined]
    lines = view(READY, {**FIGURES, "links": many}, ENDED).lines(columns, rows)
    assert len(lines) <= rows
    assert max(map(width, lines)) <= columns


def test_colours_are_for_a_terminal_that_wants_them() -> None:
    lines = view(READY, FIGURES, colours=True).lines(120, None)
    assert [line for line in lines if "\033[31m" in line and "denoise" in line]
    assert "\033" not in "".join(view(READY, FIGURES).lines(120, None))


def test_unknown_messages_are_ignored() -> None:
    odd = ({"type": "held"}, {"type": "figures"}, {"type": "user"}, {}, {"type": "word", "turn": "x"})
    assert view(READY, *odd).lines(80, None)[0].startswith("vflow top")
    assert "the run has ended" in view(READY, {"type": "bye"}).lines(80, None)[0]


def test_texts_are_as_wide_as_their_cells() -> None:
    assert (width("日本"), width("é"), width("e\u0301")) == (4, 1, 1)
    assert cells("abc", 5) == "abc  "
    assert width(cells("日本語.out -> speaker.audio", 12)) == 12
    assert fitting("abcdef", 5) == "ab..."
    assert took({"start_ms": 0, "end_ms": 1_500}) == "1.5 s"
