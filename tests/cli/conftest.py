"""Run verbs as the command line does, in a folder of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from vflow.cli.main import main


@dataclass(frozen=True, slots=True)
class Ran:
    """The outcome of a call of `vflow`: exit code and both streams."""

    code: int
    out: str
    err: str


Vflow = Callable[..., Ran]


@pytest.fixture
def vflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Vflow:
    """`vflow("check", "g.yaml", files={"g.yaml": text})`: write the files, then run."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, files: dict[str, str] | None = None) -> Ran:
        for name, text in (files or {}).items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        code = main(list(words))
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def refused(vflow: Vflow) -> Callable[[str], str]:
    """Return a function that checks a graph with errors, and returns the printed errors."""

    def run(text: str) -> str:
        ran = vflow("check", "g.yaml", files={"g.yaml": text})
        assert ran.code == 2
        assert "Traceback" not in ran.err
        assert ran.out == ""
        return ran.err

    return run
