"""The socket of a run: for its user alone, and gone with it."""

from __future__ import annotations

import json
import os
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stand_ins import PATIENCE_S
from vflow.live import run_socket
from vflow.live.run_socket import RunSocket, folder, is_private, published
from vflow.session.session import Session


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a folder like that of a login. Its path is short, since a socket's address must be."""
    with tempfile.TemporaryDirectory(prefix="vf-") as place:
        monkeypatch.setenv("XDG_RUNTIME_DIR", place)
        yield Path(place)


def own() -> Path:
    return folder() / f"{os.getpid()}.sock"


def told(session: Session, until: str) -> list[dict[str, Any]]:
    """Return the messages to a reader up to the first of a kind."""
    with socket.socket(socket.AF_UNIX) as reader:
        reader.settimeout(PATIENCE_S)
        reader.connect(str(own()))
        reader.sendall(b"\n")
        found: list[dict[str, Any]] = []
        for line in reader.makefile("rb"):
            found.append(json.loads(line))
            if found[-1]["type"] == until:
                return found
    raise AssertionError(f"no {until}; {found}")


def test_it_is_its_users_alone_and_nothing_of_it_stays(session: Session, home: Path) -> None:
    with published(session.pipeline, session.log):
        assert stat.S_IMODE(own().stat().st_mode) == 0o600
        assert is_private(folder())
        assert own().parent.parent == home
    assert list(home.iterdir()) == []


def test_a_reader_is_told_the_run_and_its_figures(session: Session) -> None:
    with published(session.pipeline, session.log):
        messages = told(session, "figures")
    kinds = [each["type"] for each in messages]
    assert kinds == ["ready", "state", "figures"]
    assert messages[0]["pid"] == os.getpid()
    assert "drawing" not in messages[0]["graph"]
    assert set(messages[-1]["links"]) == set(session.pipeline.levels())


def test_the_end_of_the_run_is_told(session: Session) -> None:
    with published(session.pipeline, session.log):
        ending = threading.Timer(0, session.pipeline.stop)
        ending.start()
        assert told(session, "bye")[-1]["reason"] == "the run has ended"
        ending.join()


def test_connection_without_a_request_starts_no_feed(session: Session) -> None:
    server = RunSocket(session.pipeline, session.log)
    server.open()
    try:
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as reader:
                reader.connect(str(own()))
        assert server._made is None
    finally:
        server.close()
        server.close()


def test_a_socket_of_a_process_that_was_killed_is_replaced(session: Session) -> None:
    folder().mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(own()))
    with published(session.pipeline, session.log):
        assert told(session, "figures")


def test_a_folder_that_others_enter_is_not_used_and_the_run_goes_on(session: Session, home: Path) -> None:
    folder().mkdir(mode=0o700)
    folder().chmod(0o755)
    with published(session.pipeline, session.log):
        assert list(folder().iterdir()) == []
    folder().rmdir()
    folder().symlink_to(tempfile.gettempdir())
    with published(session.pipeline, session.log):
        assert not own().exists()


def test_without_a_folder_of_a_login_it_is_one_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    assert folder() == Path(tempfile.gettempdir(), f"vflow-{os.getuid()}")


def test_an_address_that_is_too_long_is_no_reason_to_fail(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(run_socket, "folder", lambda: deep / "vflow")
    with published(session.pipeline, session.log):
        pass
