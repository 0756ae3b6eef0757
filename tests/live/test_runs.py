"""The runs that can be looked at: found, told apart, and a sentence where there is none."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stand_ins import PATIENCE_S
from vflow.errors import VflowError
from vflow.live.run_socket import folder, published
from vflow.live.runs import connect, file_of, running
from vflow.session.session import Session


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="vf-") as place:
        monkeypatch.setenv("XDG_RUNTIME_DIR", place)
        yield Path(place)


@contextlib.contextmanager
def silent(pid: int) -> Iterator[socket.socket]:
    """Open a socket as if another process listened there, and never answered."""
    folder().mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder() / f"{pid}.sock"))
        other.listen()
        yield other


@contextlib.contextmanager
def curt(pid: int) -> Iterator[None]:
    """Open a socket as if another process closed every connection at once."""

    def hang_up() -> None:
        with contextlib.suppress(OSError):
            while True:
                other.accept()[0].close()

    with silent(pid) as other:
        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            yield
        finally:
            other.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE_S)


def test_the_only_run_needs_no_number(session: Session) -> None:
    with published(session.pipeline, session.log):
        assert running() == [os.getpid()]
        with contextlib.closing(connect(None)) as run:
            assert next(run.messages())["file"] == session.graph.file
            assert run.pid == os.getpid()


def test_none_is_a_sentence() -> None:
    assert running() == []
    with pytest.raises(VflowError, match="no 'vflow run' of yours is running"):
        connect(None)


def test_of_several_the_user_is_asked_for_one(session: Session) -> None:
    with published(session.pipeline, session.log), curt(os.getppid()):
        with pytest.raises(VflowError, match="name one: vflow top") as caught:
            connect(None)
        assert f"{os.getpid()} ({session.graph.file})" in str(caught.value)
        assert f"{os.getppid()} (?)" in str(caught.value)
        with contextlib.closing(connect(os.getpid())) as run:
            assert next(run.messages())["type"] == "ready"


def test_a_number_that_is_no_run_says_why(session: Session) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(PATIENCE_S)
    with pytest.raises(VflowError, match=f"there is no process {gone.pid}; no run of yours is running"):
        connect(gone.pid)
    with published(session.pipeline, session.log):
        with pytest.raises(VflowError, match=f"is not a 'vflow run'; runs of yours: {os.getpid()}"):
            connect(os.getppid())
        with pytest.raises(VflowError, match="there is no process"):
            connect(99_999_999)


def test_socket_of_a_killed_run_is_removed() -> None:
    folder().mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder() / "12345.sock"))
    (folder() / "notes.sock").touch()
    assert running() == []
    assert [path.name for path in folder().iterdir()] == ["notes.sock"]


def test_one_that_says_nothing_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vflow.live.runs.ANSWER_S", 0.1)
    with silent(os.getppid()), contextlib.closing(connect(None)) as run:
        assert file_of(run.pid) == "?"
        with pytest.raises(VflowError, match=r"has sent nothing for 0\.1 s"):
            next(run.messages())
