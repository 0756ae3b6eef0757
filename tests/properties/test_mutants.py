"""No graph file and no argument makes a traceback: mutants of the shipped pipelines, and hostile words."""

from __future__ import annotations

import contextlib
import io
import random
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vflow.cli.main import main
from vflow.errors import GraphError
from vflow.graph import shipped
from vflow.graph.graph import Graph
from vflow.graph.loader import load

TEXTS = [file.read_text(encoding="utf-8") for file in sorted(shipped.folder().glob("*.yaml"))]
NINES = "9" * 400
SCALARS = [
    NINES, "-" + NINES, f"{NINES}s", f"{NINES}.{NINES}ms", "9" * 5000, f"1e{NINES}", "0x" + "f" * 90, ".inf",
    "0", "-1", "1", "true", "null", "~", "2026-11-27", "2026-11-27T10:00:00Z", "0o17", "1:30", "=", "<<",
    '"a\\0b"', '"a\\0b.yaml"', "n" * 300, "n" * 300 + ".yaml", '"\\x1b]0;owned\\x07"', '"\\u202e"',
    "[]", "{}", "[1, [2, {a: b}]]", "{a: {b: [c]}}", "&a [*a]", "*nobody", "!x y", "!!binary aGk=", "''",
    "${VFLOW_UNSET}", "${VFLOW_UNSET:-}", "${VFLOW_UNSET:-9s}", "/dev/null", "..", ".yaml", "é\u0301\u200b",
    '"\\ud800"', ".nan",
]  # fmt: skip
"""Values that have broken readers."""


def mutant(text: str, seed: int) -> str:
    """Return a pipeline's text with one to four changes of lines, characters and values."""
    draw = random.Random(seed)
    lines = text.split("\n")
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(lines))
        line = lines[at]
        what = draw.randrange(7)
        if what == 0:
            del lines[at]
        elif what == 1:
            lines.insert(at, draw.choice(lines))
        elif what == 2 and line:
            cut = draw.randrange(len(line))
            lines[at] = line[:cut] + draw.choice("\t:-{}[]\"'#&*!|>%@`,\x00\x1b\ufeff\u2028é ") + line[cut:]
        elif what == 3 and ":" in line:
            lines[at] = f"{line.partition(':')[0]}: {draw.choice(SCALARS)}"
        elif what == 4 and ":" in line:
            head = line[: len(line) - len(line.lstrip())]
            lines[at] = f"{head}{draw.choice(SCALARS)}:{line.partition(':')[2]}"
        elif what == 5 and "->" in line:
            lines[at] = line.replace("->", draw.choice(["->->", "- >", f"-> {draw.choice(SCALARS)} ->"]), 1)
        else:
            lines[at] = line + draw.choice([" " + draw.choice(SCALARS), "}", "]", ",", ", a: 1}"])
        lines = lines or [""]
    return "\n".join(lines)


def is_told(file: Path) -> bool:
    """Load a file; return whether it is a graph, or refused with findings."""
    try:
        return isinstance(load(file, require_available=False), Graph)
    except GraphError as error:
        return bool(error.diagnostics)


@given(st.sampled_from(TEXTS), st.integers(0, 10**9))
def test_a_mutant_is_a_graph_or_a_graph_error(
    tmp_path_factory: pytest.TempPathFactory, text: str, seed: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "mutant.yaml"
    file.write_text(mutant(text, seed), encoding="utf-8")
    assert is_told(file)


@given(st.binary(max_size=60) | st.sampled_from(TEXTS).map(lambda text: text.encode("utf-16")))
@example(b"")
@example(b"# nothing\n")
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe")
@example(b"{" * 5000)
def test_any_bytes_are_a_graph_or_a_graph_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(data)
    assert is_told(file)


WORDS = [
    "", "n" * 300, "n" * 300 + ".yaml", "n/" * 3000, "a\0b", "a\0b.yaml", "\udcff.yaml", "\x1b[2J",
    "\u202e.yaml", "echo", "say", ".", "..", "/dev/null", "/", "~", "-", "--", "--set", "a.b=c", NINES,
    "\ud800", "--fr\x1bob",
]  # fmt: skip


class Stream(io.TextIOWrapper):
    """A stream like a process's standard output or error."""

    def __init__(self, errors: str) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors=errors)

    def text(self) -> str:
        self.flush()
        self.seek(0)
        return self.read()


@given(
    st.sampled_from(["check", "graph", "inspect"]),
    st.lists(st.sampled_from(WORDS) | st.text(max_size=8), min_size=1, max_size=3),
)
def test_any_arguments_end_with_an_exit_code(
    tmp_path_factory: pytest.TempPathFactory, verb: str, words: list[str]
) -> None:
    out, err = Stream("strict"), Stream("backslashreplace")
    with contextlib.chdir(tmp_path_factory.getbasetemp()), redirect_stderr(err), redirect_stdout(out):
        try:
            code: object = main([verb, *words])
        except SystemExit as ended:  # argparse
            code = ended.code
    assert code in (0, 2)
    assert not {"\x1b", "\u202e", "\0"} & set(out.text() + err.text())


@pytest.mark.parametrize("option", ["--input", "--output"])
@pytest.mark.parametrize("name", ["n" * 300, "a\0b", "\ud800"])
def test_stand_in_with_an_invalid_name_is_refused(option: str, name: str) -> None:
    with redirect_stderr(Stream("strict")), redirect_stdout(Stream("strict")):
        assert main(["doctor", "echo", option, name]) == 2
