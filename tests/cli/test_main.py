"""The command itself: its verbs, its exit codes, and what it costs to ask for help."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import Vflow
from vflow import __version__
from vflow.cli.main import VERBS, main


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


def test_without_a_verb_help_is_printed_and_the_usage_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "verbs:" in capsys.readouterr().out


def test_an_unknown_verb_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["chekc"])
    assert "chekc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "usage"),
    [(["check", "g.yaml", "--nope"], "usage: vflow check"), (["--nope"], "usage: vflow [-h]")],
)
def test_what_a_verb_does_not_know_is_refused_with_its_usage(
    words: list[str], usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    err = capsys.readouterr().err
    assert err.startswith(usage)
    assert err.endswith("error: unrecognized arguments: --nope\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "say", "transcribe"], "pipelines/transcribe.yaml: ok"),
        (["graph", "say"], "text     text_source"),
        (["doctor", "echo"], "pipelines/echo.yaml can"),
        (["bench", "say"], "pipelines/say.yaml: error: cannot be benched"),
        (["run", "say", "--set", "text.nope=1"], "error: text: no property 'nope'"),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else "",
)
def test_file_may_be_the_name_of_a_shipped_pipeline(vflow: Vflow, words: list[str], said: str) -> None:
    ran = vflow(*words)
    assert said in ran.out + ran.err


@pytest.mark.parametrize("verb", ["run", "check", "graph", "doctor", "bench"])
def test_a_name_that_nothing_has_is_refused_once_with_the_nearest(vflow: Vflow, verb: str) -> None:
    ran = vflow(verb, "voice_agnt")
    said = ran.out + ran.err
    assert ran.code == 2
    assert said.count("voice_agnt: error: no such file, and no pipeline of this name comes with vflow") == 1
    assert "mend: did you mean 'voice_agent'?" in said


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"vflow {__version__}\n"


def test_an_interruption_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Verb:
        @staticmethod
        def arguments(parser: object) -> None: ...

        @staticmethod
        def main(args: object) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", lambda name: Verb)
    assert main(["models"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m vflow.cli.main inspect | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stdout.startswith("roles:")
    assert done.stderr == ""
