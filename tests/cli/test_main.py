"""The command itself: its exit codes, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Vflow
from vflow import __version__
from vflow.cli.arguments import VERBS
from vflow.cli.main import main


def test_without_a_verb_help_is_printed_and_the_usage_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "verbs:" in capsys.readouterr().out


def test_an_unknown_verb_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["chekc"])
    assert "chekc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "say", "transcribe"], "pipelines/transcribe.yaml: ok"),
        (["graph", "say"], "text          text_source"),
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
        def main(args: object) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", lambda name: Verb)
    assert main(["models", "list"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {"inspect", "models"}))
def test_ctrl_c_while_a_verb_imports_ends_with_130_and_no_traceback(verb: str, tmp_path: Path) -> None:
    waiting = "import signal, sys\nprint('importing', file=sys.stderr, flush=True)\nsignal.pause()\n"
    (tmp_path / "numpy.py").write_text(waiting)
    process = subprocess.Popen(
        [sys.executable, "-m", "vflow.cli.main", verb, "g.yaml"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, err) == (130, "interrupted\n")


@pytest.mark.parametrize(
    "hang",
    [
        "import threading; threading.Thread(target=signal.pause).start()",
        "from concurrent.futures import ThreadPoolExecutor; ThreadPoolExecutor().submit(signal.pause)",
        "import atexit; atexit.register(signal.pause)",
    ],
)
def test_a_thread_or_an_exit_handler_that_hangs_does_not_keep_the_process(hang: str) -> None:
    script = f"import signal\n{hang}\nfrom vflow.cli.main import entry\nentry()"
    done = subprocess.run(
        [sys.executable, "-c", script, "--version"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"vflow {__version__}\n", "")


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m vflow.cli.main inspect | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stdout.startswith("roles:")
    assert done.stderr == ""


def vflow_into(command: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell, in which `$VFLOW` is the command."""
    words = {**os.environ, "VFLOW": f"{sys.executable} -m vflow.cli.main"}
    line = ["bash", "-c", f"set -o pipefail; {command}"]
    return subprocess.run(line, env=words, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("$VFLOW inspect | true", 0),
        ("$VFLOW inspect >&-", 0),
        ("$VFLOW check nothing 2>&-", 2),
        ("$VFLOW check nothing 2> >(true)", 2),
        ("$VFLOW check nothing 2>/dev/full", 2),
        ("$VFLOW inspect >/dev/full", 1),
        ("PYTHONIOENCODING=ascii $VFLOW graph say", 0),
        ("$VFLOW check $'\\xff\\x1b[2J.yaml'", 2),
        ("$VFLOW check --$'\\x1b[2J'", 2),
        ("VFLOW_CACHE=$(printf 'n%.0s' {1..300}) $VFLOW models list", 0),
        ("HF_HOME=$(printf 'n%.0s' {1..300}) $VFLOW models list", 1),
    ],
)
def test_whatever_the_streams_and_the_words_there_is_an_exit_code_and_no_traceback(
    command: str, code: int
) -> None:
    done = vflow_into(command)
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert done.returncode == code


ENDS = """
import os, signal, sys
sys.argv[0] = {name!r}
import vflow.cli
{then}
os.kill(os.getpid(), signal.SIGINT)
"""


def ended(name: str, then: str = "") -> tuple[int, str]:
    script = ENDS.format(name=name, then=then)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def test_ctrl_c_while_the_command_is_imported_ends_it_by_one_line() -> None:
    assert ended("/usr/bin/vflow") == (130, "interrupted\n")
    assert ended("/usr/bin/vflow", "import dataclasses, enum, vflow.cli.main") == (130, "interrupted\n")
    assert ended("/usr/lib/vflow/__main__.py") == (130, "interrupted\n")


def test_importing_the_command_line_changes_nothing_for_any_other_program() -> None:
    for program in ("/home/me/agent.py", "/home/me/agent/__main__.py"):
        code, err = ended(program)
        assert (code, "KeyboardInterrupt" in err) == (-signal.SIGINT, True)
    ignored = "signal.signal(signal.SIGINT, signal.SIG_IGN)\nvflow.cli.catch_early()"
    assert ended("/home/me/agent.py", f"sys.argv[0] = 'vflow'\n{ignored}") == (0, "")


def test_a_verb_hears_ctrl_c_as_a_keyboard_interrupt() -> None:
    kill = "os.kill(os.getpid(), signal.SIGINT)"
    then = f"vflow.cli.raise_again()\ntry: {kill}\nexcept KeyboardInterrupt: sys.exit(7)"
    assert ended("vflow", then) == (7, "")
