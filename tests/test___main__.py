"""`python -m vflow` is the command."""

from __future__ import annotations

import subprocess
import sys

import vflow


def test_module_runs_as_the_command_does() -> None:
    words = [sys.executable, "-m", "vflow", "--version"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"vflow {vflow.__version__}\n"


def test_module_that_is_imported_runs_nothing() -> None:
    words = [sys.executable, "-c", "import vflow.__main__"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == ""
