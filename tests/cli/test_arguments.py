"""The options of the verbs: help for each at the cost of argparse alone, and the refusal of any other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vflow.cli.arguments import TURNS, VERBS, parser_for
from vflow.cli.main import main


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(verb in out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_own_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([verb, "--help"])
    assert f"vflow {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_imports_neither_numpy_nor_a_node(verb: str) -> None:
    script = (
        "import sys\nfrom vflow.cli.main import main\n"
        f"try: main({[verb, '--help'] if verb else ['--help']!r})\nexcept SystemExit: pass\n"
        "print([m for m in sys.modules if m.partition('.')[0] in ('numpy', 'torch', 'vflow_nodes', 'yaml')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "usage"),
    [(["check", "g.yaml", "--nope"], "usage: vflow check"), (["--nope"], "usage: vflow [-h]")],
)
def test_unknown_option_is_refused_with_the_verb_s_usage(
    words: list[str], usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    err = capsys.readouterr().err
    assert err.startswith(usage)
    assert err.endswith("error: unrecognized arguments: --nope\n")


def test_only_the_verb_that_is_named_has_its_options() -> None:
    words = ["bench", "g.yaml", "--set", "a.b=1", "--set", "a.c=2"]
    args = parser_for(words).parse_args(words)
    assert (args.set, args.turns, args.input) == (["a.b=1", "a.c=2"], TURNS, [])
    with pytest.raises(SystemExit, match="2"):
        parser_for(["run", "g.yaml"]).parse_args(words)


@pytest.mark.parametrize("option", ["--output", "--report"])
def test_a_file_that_is_named_twice_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", "g.yaml", option, "a", option, "b"])
    assert f"argument {option}: it is given twice, and takes one file" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["bench", "run"])
def test_bench_and_run_take_several_inputs(verb: str) -> None:
    args = parser_for([verb]).parse_args([verb, "g.yaml", "--input", "a", "--input", "b"])
    assert args.input == ["a", "b"]
