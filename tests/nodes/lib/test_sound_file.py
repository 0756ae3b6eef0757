"""Sound files as people have them: unfinished, pipes, formats that cannot be wound."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vflow import Unavailable
from vflow_nodes.lib.sound_file import open_sound

RATE = 16_000


def tone(frames: int = 5000) -> np.ndarray:
    return (0.3 * np.sin(np.arange(frames) / 9)).astype(np.float32)


def unfinished(file: Path, size: int, riff: int, extra: bytes = b"") -> None:
    """Write a wav whose recorder was killed: its header still has the first lengths."""
    pcm = (tone() * 32768).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    head = b"RIFF" + struct.pack("<I", riff) + b"WAVE" + extra + b"fmt " + struct.pack("<I", 16) + form
    file.write_bytes(head + b"data" + struct.pack("<I", size) + pcm)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
@pytest.mark.parametrize("riff", [0, 36, 0xFFFFFFFF])
@pytest.mark.parametrize("extra", [b"", b"LIST\x04\x00\x00\x00INFO", b"JUNK\x03\x00\x00\x00abc\x00"])
def test_a_length_that_was_never_written_is_that_of_the_file(
    tmp_path: Path, size: int, riff: int, extra: bytes
) -> None:
    unfinished(tmp_path / "a.wav", size, riff, extra)
    with open_sound(str(tmp_path / "a.wav")) as sound:
        assert sound.frames == 5000
        assert np.abs(sound.read(dtype="float32") - tone()).max() < 2**-14
        sound.seek(100)
        assert np.abs(sound.read(10, dtype="float32") - tone()[100:110]).max() < 2**-14


def test_a_file_without_samples_but_with_chunks_after_them_is_empty(tmp_path: Path) -> None:
    unfinished(tmp_path / "a.wav", 0, 0)
    whole = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(whole[:44] + b"LIST\x04\x00\x00\x00INFO")
    with open_sound(str(tmp_path / "a.wav")) as sound:
        assert sound.frames == 0


def test_a_format_that_cannot_be_wound_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(3200), 8000, subtype="GSM610")
    with open_sound(str(tmp_path / "a.wav")) as sound:
        assert len(sound.read(3200)) == 3200


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pipe", "is a pipe"),
        ("/dev/zero", "is a device"),
        ("folder", "is a folder"),
        ("empty", "it is empty"),
        ("gone", "no such file"),
        ("x" * 300, "File name too long"),
        ("a\0b", "null byte"),
    ],
)
def test_a_file_that_is_no_sound_is_refused_by_its_kind(tmp_path: Path, name: str, said: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(Unavailable, match=said):
        open_sound(str(tmp_path / name))
