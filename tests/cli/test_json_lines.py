"""Lines of JSON: what each event becomes, and that nothing else reaches standard output."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from tests.cli.test_live_view import answered, hearing, loading
from vflow import Message
from vflow.cli.json_lines import JsonLines, alone_on_stdout

PRINTS = """
import os, sys
from vflow import In, Node, TextPacket, Text
import vflow.graph.loader

class Prints(Node):
    'Prints in every way there is.'
    text = In(Text())

    def process(self, packet):
        print("printed")
        os.system("echo of a child")
        os.write(1, b"of C code")

load = vflow.graph.loader.load
vflow.graph.loader.load = lambda *args, **kwargs: load(*args, **kwargs, nodes={"prints": Prints})
from vflow.cli.main import entry
entry()
"""


def lines(*messages: Message) -> list[dict[str, object]]:
    log, stream = hearing(), StringIO()
    view = JsonLines(log.graph, log, stream)
    for message in messages:
        log.listen(message)
        view.tell(message)
    view.end(0)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_turn_is_told_word_by_word_and_then_whole() -> None:
    told = lines(*answered(1, "I", "see."))
    assert [line["event"] for line in told] == [
        "speech_start", "speech_end", "transcript", "word", "word", "turn_end", "turn", "end",
    ]  # fmt: skip
    assert [line.get("text") for line in told[2:5]] == ["Why?", "I", "see."]
    whole = told[-2]
    assert (whole["turn"], whole["user"], whole["reply"]) == (1, "Why?", "I see.")
    assert told[-1] == {"event": "end", "code": 0}


def test_a_warning_and_progress_are_told() -> None:
    told = lines(Message("warning", "it", 2_000_000, "late\x7f\x1b"), loading("it", "weights", 0.5))
    assert told[0] == {"event": "warning", "node": "it", "text": "late\x7f\x1b", "at_ms": 2.0}
    assert told[1] == {"event": "progress", "node": "it", "text": "weights", "fraction": 0.5, "at_ms": 0.0}


def test_a_failure_is_told() -> None:
    stream = StringIO()
    log = hearing()
    JsonLines(log.graph, log, stream).failed("it", "no model")
    assert json.loads(stream.getvalue()) == {"event": "error", "node": "it", "text": "no model"}


def test_warnings_about_the_graph_are_told() -> None:
    log, stream = hearing(), StringIO()
    JsonLines(replace(log.graph, warnings=["no mic"]), log, stream).warn_of_graph()
    assert json.loads(stream.getvalue()) == {"event": "warning", "node": "", "text": "no mic"}


def test_output_of_libraries_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with alone_on_stdout() as stream:
        print("other")
        print("mine", file=stream)
    print("after")
    assert capsys.readouterr() == ("mine\nafter\n", "other\n")


def test_nothing_but_json_reaches_the_standard_output_of_a_process(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(PRINTS)
    (tmp_path / "g.yaml").write_text(
        "nodes: {text: {use: text_source, text: one two}, out: {use: prints}, shown: {use: console}}\n"
        "links: [text -> out, text -> shown]\n"
    )
    words = [sys.executable, str(tmp_path / "run.py"), "run", str(tmp_path / "g.yaml"), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[-1] == {"event": "end", "code": 0, "dropped_ms": 0}
    assert [line["text"] for line in told if line["event"] == "word"] == ["one", "two"]
    assert all(text in done.stderr for text in ("printed", "of a child", "of C code"))
