"""A graph may come out of a pipe; one that nobody writes to is said to be one."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from vflow import GraphError, load
from vflow.graph import file_bytes
from vflow.graph.file_bytes import read_bytes


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_pipe_is_read_to_its_end_whoever_opens_first(pipe: Path) -> None:
    writer = threading.Thread(target=pipe.write_bytes, args=(b"x" * 100_000,))
    writer.start()
    assert read_bytes(pipe, 10**6) == b"x" * 100_000
    writer.join(10)


def test_a_pipe_that_nobody_writes_to_is_named(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_bytes, "PIPE_WITHIN_S", 0.05)
    with pytest.raises(GraphError, match="it is a pipe to which nobody has written"):
        load(pipe)


def test_a_pipe_whose_writer_stops_is_named(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_bytes, "PIPE_WITHIN_S", 0.05)
    ends = os.open(pipe, os.O_RDWR)
    os.write(ends, b"vflow: 1\n")
    with pytest.raises(TimeoutError):
        read_bytes(pipe, 10**6)
    os.close(ends)


def test_an_endless_device_is_read_to_the_limit() -> None:
    assert read_bytes(Path("/dev/zero"), 1000) == bytes(1000)


def test_a_folder_and_an_empty_file_are_refused_as_graphs(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_bytes(b"")
    with pytest.raises(GraphError, match="Is a directory"):
        load(tmp_path)
    with pytest.raises(GraphError, match="the file is empty"):
        load(tmp_path / "empty.yaml")
