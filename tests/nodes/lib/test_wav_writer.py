"""The wav file: readable at any moment, and what was there stays until the first sample."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vflow import Unavailable
from vflow_nodes.lib.wav_writer import WavWriter

RATE = 16_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "out.wav"


def half(frames: int) -> np.ndarray:
    return np.full(frames, 0.5, np.float32)


def test_samples_are_rounded_and_clipped_as_libsndfile_does(file: Path, tmp_path: Path) -> None:
    samples = np.random.default_rng(1).uniform(-1.2, 1.2, 100_000).astype(np.float32)
    writer = WavWriter(str(file), RATE)
    writer.write(samples)
    writer.close()
    soundfile.write(tmp_path / "other.wav", samples, RATE, subtype="PCM_16")
    assert file.read_bytes() == (tmp_path / "other.wav").read_bytes()


def test_the_file_is_whole_after_each_write_without_a_close(file: Path) -> None:
    writer = WavWriter(str(file), RATE)
    assert soundfile.info(file).frames == 0
    for count in range(1, 4):
        writer.write(half(100))
        assert soundfile.info(file).frames == 100 * count
    writer.close()


def test_an_existing_file_stays_until_the_first_sample(file: Path) -> None:
    file.write_bytes(b"the recording of before")
    writer = WavWriter(str(file), RATE)
    assert file.read_bytes() == b"the recording of before"
    writer.write(half(3))
    assert file.stat().st_size == 44 + 6
    writer.close()


def test_an_existing_file_stays_if_no_sample_is_written(file: Path) -> None:
    file.write_bytes(b"the recording of before")
    WavWriter(str(file), RATE).close(keep_empty=False)
    assert file.read_bytes() == b"the recording of before"


def test_permissions_and_links_are_kept(file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"x")
    file.chmod(0o640)
    (tmp_path / "soft.wav").symlink_to("out.wav")
    os.link(file, tmp_path / "hard.wav")
    writer = WavWriter(str(tmp_path / "soft.wav"), RATE)
    writer.write(half(10))
    writer.close()
    assert file.stat().st_mode & 0o777 == 0o640
    assert soundfile.info(tmp_path / "hard.wav").frames == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hard.wav", "out.wav", "soft.wav"]


def test_a_disk_that_is_full_is_said_and_what_it_took_is_readable(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = WavWriter(str(file), RATE)
    writer.write(half(10))
    write, room = os.write, 21  # ten samples and a half

    def fill(fd: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = write(fd, data[:room])
        room -= taken
        return taken

    monkeypatch.setattr(os, "write", fill)
    with pytest.raises(Unavailable, match=r"No space left on device; is the disk full\?"):
        writer.write(half(100))
    monkeypatch.undo()
    assert soundfile.info(file).frames == 20
    writer.write(half(5))
    writer.close()
    assert np.all(soundfile.read(file)[0] == 0.5)
    assert soundfile.info(file).frames == 25


def test_a_disk_that_takes_no_header_leaves_no_empty_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(Unavailable, match="No space left on device"):
        WavWriter(str(file), RATE)
    assert not file.exists()


def test_a_pipe_gets_a_header_without_a_length_and_the_samples(file: Path) -> None:
    os.mkfifo(file)
    reader = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    writer = WavWriter(str(file), RATE)
    writer.write(half(100))
    writer.close()
    read = os.read(reader, 1000)
    os.close(reader)
    assert read[40:44] == b"\xff" * 4
    assert len(read) == 44 + 200


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone/out.wav", "there is no such folder"),
        ("x" * 300 + ".wav", "File name too long"),
        ("a\0b.wav", "null byte"),
        ("folder", "Is a directory"),
        ("pipe", "nobody reads"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unavailable, match=said):
        WavWriter(str(tmp_path / name), RATE)


def test_the_null_device_takes_everything() -> None:
    writer = WavWriter(os.devnull, RATE)
    writer.write(half(100))
    writer.close(keep_empty=False)
    assert os.path.exists(os.devnull)


def test_a_second_writer_of_a_file_is_refused_until_the_first_is_closed(file: Path, tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    (tmp_path / "soft.wav").symlink_to("out.wav")
    first = WavWriter(str(file), RATE)
    with pytest.raises(Unavailable, match="is being written by another run"):
        WavWriter(str(tmp_path / "soft.wav"), RATE)
    first.write(half(10))
    first.close()
    second = WavWriter(str(file), RATE)
    second.write(half(20))
    second.close()
    assert soundfile.info(file).frames == 20


def test_a_process_forked_meanwhile_does_not_keep_the_file(file: Path) -> None:
    pytest.importorskip("fcntl")
    writer = WavWriter(str(file), RATE)
    copy = os.dup(writer._fd)  # a forked process has one like it
    writer.close()
    try:
        WavWriter(str(file), RATE).close()
    finally:
        os.close(copy)
