"""`vflow top`: a run in another process, and a sentence where there is none."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Vflow
from tests.stand_ins import PATIENCE_S

GRAPH = "nodes: {mic: {use: test_tone, duration: 1h, pace: clock}, end: {use: 'null'}}\nlinks: [mic -> end]\n"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="vf-") as place:
        monkeypatch.setenv("XDG_RUNTIME_DIR", place)
        yield Path(place)


@pytest.fixture
def run(tmp_path: Path, home: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a run in another process; yield it once it plays."""
    graph = tmp_path / "tone.yaml"
    graph.write_text(GRAPH)
    words = [sys.executable, "-m", "vflow.cli.main", "run", str(graph)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert any("playing" in line for line in process.stderr)
    yield process
    process.kill()
    process.communicate()


def test_where_nothing_can_be_redrawn_one_look_is_printed(vflow: Vflow, run: subprocess.Popen[str]) -> None:
    ran = vflow("top")
    assert ran.code == 0
    assert f"process {run.pid} · " in ran.out
    assert "tone.yaml" in ran.out
    assert "mic.audio -> end." in ran.out
    assert "\033" not in ran.out
    assert vflow("top", str(run.pid)).code == 0


def test_the_run_ends_as_without_it_and_leaves_nothing(run: subprocess.Popen[str], home: Path) -> None:
    (folder,) = home.iterdir()
    assert [path.name for path in folder.iterdir()] == [f"{run.pid}.sock"]
    run.send_signal(signal.SIGINT)
    assert run.wait(PATIENCE_S) == 130
    assert list(home.iterdir()) == []


def test_top_without_a_run_or_with_another_process_fails_in_one_line(vflow: Vflow) -> None:
    ran = vflow("top")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == ("error: no 'vflow run' of yours is running; start one, then call 'vflow top' again\n")
    assert "is not a 'vflow run'" in vflow("top", str(os.getppid())).err


@pytest.mark.parametrize("pid", ["tone.yaml", "12.5", "9" * 30, "²"])
def test_invalid_process_number_fails_in_one_line(vflow: Vflow, pid: str) -> None:
    ran = vflow("top", pid)
    assert ran.code == 2
    assert "is not a process number" in ran.err


def read_until(terminal: int, seen: Callable[[bytes], bool]) -> bytes:
    """Return the output of a terminal until a text was seen, or its program has left."""
    said = b""
    while not seen(said):
        try:
            said += os.read(terminal, 65_536)
        except OSError:
            break
    assert seen(said), said
    return said


def test_on_a_terminal_it_is_redrawn_until_the_run_ends(run: subprocess.Popen[str]) -> None:
    shown, terminal = pty.openpty()
    command = [sys.executable, "-m", "vflow.cli.main", "top"]
    with subprocess.Popen(command, stdout=terminal, stderr=subprocess.PIPE) as top:
        os.close(terminal)
        said = read_until(shown, lambda said: said.count(b"\033[H") >= 2)
        run.send_signal(signal.SIGINT)
        said += read_until(shown, lambda said: b"the run has ended" in said.rpartition(b"\033[?1049l")[2])
        assert top.wait(PATIENCE_S) == 0
    os.close(shown)
    assert said.startswith(b"\033[?1049h")
    last = said.rpartition(b"\033[?1049l")[2]
    assert b"mic.audio -> end." in last
    assert b"x1b" not in last
