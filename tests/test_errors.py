"""Errors and findings: what they print, what catches them, and the mends that name the distribution."""

from __future__ import annotations

import importlib.metadata
import re
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vflow
from vflow import install_command
from vflow.errors import (
    DISTRIBUTION,
    DeclarationError,
    Diagnostic,
    Drained,
    Flushed,
    GraphError,
    LinkFull,
    NodeError,
    Place,
    PropertyError,
    Signal,
    Stopped,
    Unavailable,
    VflowError,
    describe,
    nearest,
    pass_on_ctrl_c,
    repr_of,
)
from vflow.graph.registry import GROUP

ROOT = Path(__file__).parent.parent
SOURCES = [file for folder in ("vflow", "nodes") for file in sorted((ROOT / folder).rglob("*.py"))]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place("g.yaml"), "g.yaml"),
        (Place("g.yaml", 3), "g.yaml:3"),
        (Place("g.yaml", 3, 7), "g.yaml:3:7"),
    ],
)
def test_a_place_prints_as_editors_read_it_without_what_is_unknown(place: Place, text: str) -> None:
    assert str(place) == text


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (Diagnostic("no use"), "error: no use"),
        (Diagnostic("no use", Place("g", 1, 2), "add one"), "g:1:2: error: no use; add one"),
        (Diagnostic("no use", Place("g"), severity="warning"), "g: warning: no use"),
    ],
)
def test_a_finding_prints_place_severity_message_and_mend(finding: Diagnostic, text: str) -> None:
    assert str(finding) == text


def test_a_graph_error_has_every_finding_and_prints_a_line_for_each() -> None:
    error = GraphError(Diagnostic(message) for message in ("one", "two"))
    assert [finding.message for finding in error.diagnostics] == ["one", "two"]
    assert str(error) == "error: one\nerror: two"


def test_a_property_error_prints_its_mend_where_it_has_one() -> None:
    assert str(PropertyError("rate is 3", "at least 8000")) == "rate is 3; at least 8000"
    assert str(PropertyError("rate is 3")) == "rate is 3"


def test_a_node_error_names_its_node_and_the_place_where_it_is_known() -> None:
    assert str(NodeError("tts", "no voice")) == "tts: no voice"
    assert str(NodeError("tts", "no voice", Place("g.yaml", 3, 5))) == "g.yaml:3:5: error: tts: no voice"


def test_a_node_error_has_the_traceback_of_what_the_node_raised() -> None:
    error = NodeError("tts", "no voice")
    assert error.traceback == ""
    error.__cause__ = KeyError("voice")
    assert error.traceback == "KeyError: 'voice'"


def test_a_declaration_error_has_every_finding_in_one_line() -> None:
    found = [
        Diagnostic("A: no ports", Place("a.py", 3), "declare them"), Diagnostic("A: b", Place("a.py", 4))
    ]  # fmt: skip
    error = DeclarationError(found)
    assert str(error) == "a.py:3: A: no ports; declare them; a.py:4: A: b"
    assert error.diagnostics == tuple(found)


@pytest.mark.parametrize(
    "error", [GraphError, PropertyError, Unavailable, DeclarationError, LinkFull, NodeError]
)
def test_every_error_is_caught_as_a_vflow_error(error: type[Exception]) -> None:
    assert issubclass(error, VflowError)


@pytest.mark.parametrize("signal", [Flushed, Stopped, Drained])
def test_a_signal_passes_a_nodes_except_exception(signal: type[Signal]) -> None:
    def process() -> None:
        try:
            raise signal
        except Exception:  # as nodes write it around a library
            pytest.fail("it was swallowed")

    with pytest.raises(signal):
        process()
    assert not issubclass(signal, VflowError)


@given(st.text(max_size=500) | st.binary(max_size=500) | st.lists(st.integers(), max_size=200))
def test_a_printed_value_is_whole_where_it_is_short_and_bounded_where_it_is_long(value: object) -> None:
    text, shown = repr(value), repr_of(value)
    assert len(shown) <= 90
    assert shown == (text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)")


def test_a_misspelt_name_has_the_nearest_and_a_strange_one_none() -> None:
    assert nearest("frequenzy", ["frame", "frequency"]) == "did you mean 'frequency'?"
    assert nearest("xyzzy", ["frame", "frequency"]) == ""
    assert nearest("frame", []) == ""


def extras_named(pattern: str, files: list[Path]) -> set[str]:
    found = {extras for file in files for extras in re.findall(pattern, file.read_text(encoding="utf-8"))}
    return {extra for extras in found for extra in extras.split(",")}


def test_an_install_command_names_the_distribution_that_brings_vflow() -> None:
    assert install_command("audio") == "pip install 'vflow-voice[audio]'"
    assert install_command("gpu", "my-voice-nodes") == "pip install 'my-voice-nodes[gpu]'"
    assert importlib.metadata.version(DISTRIBUTION) == vflow.__version__
    (node,) = importlib.metadata.entry_points(group=GROUP, name="tts.hibari")
    assert node.dist is not None
    assert node.dist.name == DISTRIBUTION


def test_every_mend_and_page_names_extras_that_there_are() -> None:
    there = set(importlib.metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or ())
    by_code = extras_named(r"""install_command\(["'](\w+)["']\)""", SOURCES)
    by_pages = extras_named(r"pip install (?:-e )?'(?:vflow-voice|\.)\[([\w,]+)\]'", PAGES)
    assert {"aec", "audio", "otel", "pyaudio", "remote", "serve", "speech"} == by_code == there - {"dev"}
    assert by_code <= by_pages <= there


def test_nothing_tells_anybody_to_install_the_other_distribution() -> None:
    told = re.compile(r"pip install[^\n]*[ '\"]vflow(?![\w-])")
    assert [str(file) for file in [*SOURCES, *PAGES] if told.search(file.read_text(encoding="utf-8"))] == []


def test_ctrl_c_is_passed_on_in_the_main_thread_alone() -> None:
    raised: list[BaseException] = []

    def elsewhere() -> None:
        try:
            pass_on_ctrl_c(KeyboardInterrupt())
        except KeyboardInterrupt as error:
            raised.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert raised == []
    pass_on_ctrl_c(SystemExit())
    with pytest.raises(KeyboardInterrupt):
        pass_on_ctrl_c(KeyboardInterrupt())


def test_an_error_whose_text_ends_the_process_is_described() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise SystemExit

    assert describe(Mute()) == "Mute (whose text cannot be had)"


def test_an_error_without_a_text_is_described_by_its_kind() -> None:
    assert describe(AssertionError()) == "AssertionError"
    assert describe(ValueError("x")) == "ValueError: x"
    assert describe(Unavailable("no card")) == "no card"
