"""Open a sound file for reading, even one whose recorder was killed before it wrote the length."""

from __future__ import annotations

import io
import os
import stat
import struct
from pathlib import Path
from typing import Any

import soundfile

from vflow import Unavailable

_MOST_HEADER = 1 << 20
"""Most bytes before the samples: more than any recorder writes."""


def open_sound(file: str) -> soundfile.SoundFile:
    """Open the file at its first sample. Raises: Unavailable if it cannot be played."""
    _refuse_special(file)
    try:
        return soundfile.SoundFile(_Mended(file) if _is_unfinished(file) else file)
    except (OSError, TypeError, soundfile.LibsndfileError) as error:
        reason = getattr(error, "error_string", None) or getattr(error, "strerror", None) or error
        raise Unavailable(
            f"{file} cannot be read as sound: {str(reason).rstrip('.')}; give a wav, flac, ogg or mp3 file"
        ) from error


def _refuse_special(file: str) -> None:
    try:
        found = os.stat(file)
    except FileNotFoundError as error:
        raise Unavailable(f"no such file: {file} (looked in {Path.cwd()}); check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unavailable(f"{file} cannot be read: {reason}; check the path") from error
    mode = found.st_mode
    if stat.S_ISDIR(mode):
        raise Unavailable(f"{file} is a folder, not a sound file; name a file in it")
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        raise Unavailable(
            f"{file} is a pipe, and a sound is read twice, for its header and its samples;"
            " write it to a file, and name that"
        )
    if not stat.S_ISREG(mode):
        raise Unavailable(f"{file} is a device, not a sound file; name a file")
    if found.st_size == 0:
        raise Unavailable(f"{file} cannot be read as sound: it is empty; give a wav, flac, ogg or mp3 file")


def _is_unfinished(file: str) -> bool:
    """Tell whether a wav's header says that there are no samples, although there are."""
    with open(file, "rb") as stream:
        return _data_size_at(stream) is not None


def _data_size_at(stream: Any) -> int | None:
    """Return the place in a wav's header for the length of the samples, if the length was never written."""
    head = stream.read(12)
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    end = os.fstat(stream.fileno()).st_size
    at = 12
    while at < min(end, _MOST_HEADER):
        stream.seek(at)
        chunk = stream.read(8)
        if len(chunk) < 8:
            return None
        name, size = struct.unpack("<4sI", chunk)
        if name == b"data":
            unwritten = size in (0, 0xFFFFFFFF) and end > at + 8
            return at + 4 if unwritten and not _are_chunks(stream, at + 8, end) else None
        at += 8 + size + size % 2
    return None


def _are_chunks(stream: Any, at: int, end: int) -> bool:
    """Tell whether the bytes up to the end are more chunks, as a file without samples may have."""
    while at + 8 <= end:
        stream.seek(at)
        name, size = struct.unpack("<4sI", stream.read(8))
        if not name.isascii() or not name.strip().isalnum():
            return False
        at += 8 + size + size % 2
    return at in (end, end + 1)


class _Mended(io.RawIOBase):
    """The bytes of a wav, with the lengths in its header corrected."""

    def __init__(self, file: str) -> None:
        self.name = file
        self._stream = open(file, "rb", buffering=0)  # noqa: SIM115 - closed with this
        at = _data_size_at(self._stream) or 0
        self._end = os.fstat(self._stream.fileno()).st_size
        self._stream.seek(0)
        head = bytearray(self._stream.read(at + 4))
        head[4:8] = struct.pack("<I", min(self._end - 8, 0xFFFFFFFF))
        head[at : at + 4] = struct.pack("<I", min(self._end - at - 4, 0xFFFFFFFF))
        self._head = bytes(head)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._at < len(self._head):
            piece = self._head[self._at : self._at + len(view)]
            view[: len(piece)] = piece
            count = len(piece)
        else:
            self._stream.seek(self._at)
            count = self._stream.readinto(view) or 0
        self._at += count
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()
