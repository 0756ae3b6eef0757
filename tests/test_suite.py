"""The suite itself: what was skipped, or hangs, fails the run by its name, in one process and by workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SKIPS = """
import pytest

@pytest.mark.skip(reason="no microphone")
def test_deaf(): ...

@pytest.mark.skip(reason="needs a CUDA device")
def test_slow(): ...
"""
HANGS = """
import threading

def test_waits_for_ever():
    threading.Thread(target=threading.Event().wait, name="other", daemon=True).start()
    threading.Event().wait()

def test_next(): ...
"""


def suite(folder: Path, tests: str, *words: str, ci: str = "true") -> subprocess.CompletedProcess[str]:
    """Run a suite of one file with the configuration and the conftest of this one."""
    (folder / "conftest.py").write_bytes((ROOT / "tests" / "conftest.py").read_bytes())
    (folder / "test_it.py").write_text(tests)
    config = ["-c", str(ROOT / "pyproject.toml"), f"--rootdir={folder}", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *config, "--dist=loadgroup", *words, "test_it.py"]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env = inherited | {"CI": ci}
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_skipped_test_fails_the_run_in_ci_unless_it_needs_cuda(tmp_path: Path, workers: str) -> None:
    folder = tmp_path / "CUDA"  # the reason counts, not where the test lies
    folder.mkdir()
    done = suite(folder, SKIPS, "-n", workers)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    told = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED IN CI")]
    assert len(told) == 1
    assert told[0].startswith("SKIPPED IN CI: test_it.py::test_deaf")


@pytest.mark.parametrize(("ci", "words"), [("true", ("-k", "slow")), ("", ())], ids=["CUDA alone", "no CI"])
def test_skipped_tests_fail_no_run_where_all_need_cuda_or_outside_ci(
    tmp_path: Path, ci: str, words: tuple[str, ...]
) -> None:
    done = suite(tmp_path, SKIPS, "-n", "0", *words, ci=ci)
    assert done.returncode == 0
    assert "SKIPPED IN CI" not in done.stdout


def test_a_test_that_hangs_is_named_with_the_stacks_of_all_threads_and_the_next_runs(tmp_path: Path) -> None:
    done = suite(tmp_path, HANGS, "-n", "1", "--timeout=1")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "FAILED test_it.py::test_waits_for_ever" in done.stdout
    assert "Stack of other" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
