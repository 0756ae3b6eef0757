"""Write a wav file that is readable at any moment, however the process ends: 16 bit, one channel.

Libsndfile writes the length into the header only when it closes the file, so a killed process leaves a file
that seems empty. Here the length is updated after every write of samples.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vflow import Unavailable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_UNKNOWN = 0xFFFFFFFF
"""The length in the header of a stream that cannot be rewound; readers play it to its end."""


_MENDS = {
    errno.ENOSPC: "is the disk full?",
    errno.EDQUOT: "is the disk's quota used up?",
    errno.EFBIG: "is there a limit on the size of files?",
    errno.ENXIO: "it is a pipe that nobody reads: start its reader first",
    errno.EPIPE: "it is a pipe, and its reader has gone",
}


class WavWriter:
    """Writes a wav file. One thread at a time.

    An existing file stays as it is until the first sample is written: a run that plays nothing must not
    destroy the last run's recording. It is then overwritten in place, so that its permissions, links and
    owner stay. A device or a pipe gets the header at once. A second writer of one file, in any process, is
    refused: two would mix their samples.
    """

    def __init__(self, file: str, rate: int, go_on: bool = False) -> None:
        """With `go_on`, write after the file's samples, which an earlier writer of this rate wrote. Raises:
        Unavailable if the file cannot be written."""
        self.file = file
        self._rate = rate
        self._bytes = 0  # of samples
        self.new = not _exists(file)
        """Whether there was no such file before."""
        self._fd = _open(file)
        self._sized = stat.S_ISREG(os.fstat(self._fd).st_mode)
        self._begun = go_on and self._sized and not self.new
        if self._begun:
            self._bytes = max(0, os.lseek(self._fd, 0, os.SEEK_END) - _HEADER.size) // 2 * 2
            os.lseek(self._fd, _HEADER.size + self._bytes, os.SEEK_SET)
        elif self.new or not self._sized:
            try:
                self._begin()
            except Unavailable:
                self.close(keep_empty=False)
                raise

    @property
    def frames(self) -> int:
        """Samples in the file."""
        return self._bytes // 2

    def write(self, samples: NDArray[np.float32]) -> None:
        """Append samples, full scale at 1.0; louder ones are clipped. Raises: Unavailable if no more can be
        written; the header counts what was written before."""
        if not len(samples):
            return
        if not self._begun:
            self._begin()
        pcm = np.clip(np.floor(samples * np.float32(32768)), -32768, 32767).astype("<i2").tobytes()
        before = self._bytes
        try:
            self._put(pcm)
        finally:
            if self._sized and self._bytes != before:
                self._write_header(self._bytes)

    def close(self, keep_empty: bool = True) -> None:
        """Close the file; may be called twice. Without `keep_empty`, remove a new file without samples."""
        if self._fd < 0:
            return
        mine = os.fstat(self._fd)
        if self._sized and fcntl is not None:
            with contextlib.suppress(OSError):  # else a forked process with the file open keeps it
                fcntl.flock(self._fd, fcntl.LOCK_UN)
        os.close(self._fd)
        self._fd = -1
        if self.new and self._sized and not self._bytes and not keep_empty:
            with contextlib.suppress(OSError):  # gone already
                if os.path.samestat(mine, os.stat(self.file)):
                    os.unlink(self.file)

    def _begin(self) -> None:
        self._begun = True
        with self._told():
            if self._sized:
                os.ftruncate(self._fd, 0)
                os.lseek(self._fd, 0, os.SEEK_SET)
            _write_all(self._fd, self._header(0 if self._sized else _UNKNOWN))

    def _put(self, pcm: bytes) -> None:
        with self._told():
            try:
                _write_all(self._fd, pcm)
            finally:
                if self._sized:
                    end = os.lseek(self._fd, 0, os.SEEK_CUR)
                    self._bytes = max(0, end - _HEADER.size) // 2 * 2  # a full disk may take half a sample
                    os.lseek(self._fd, _HEADER.size + self._bytes, os.SEEK_SET)
                else:
                    self._bytes += len(pcm)

    def _write_header(self, size: int) -> None:
        with self._told():
            os.pwrite(self._fd, self._header(size), 0)

    def _header(self, size: int) -> bytes:
        riff = min(size + _HEADER.size - 8, _UNKNOWN)
        size = min(size, _UNKNOWN)  # the header's limit, 37 hours at 16 kHz
        form = b"RIFF", riff, b"WAVE", b"fmt ", 16, 1, 1, self._rate, 2 * self._rate, 2, 16
        return _HEADER.pack(*form, b"data", size)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Unavailable(_cannot(self.file, error)) from error


def _exists(file: str) -> bool:
    try:
        return os.path.exists(file)
    except ValueError:  # not a valid path: opening it will say so
        return False


def _open(file: str) -> int:
    """Return a descriptor for writing, without changing an existing file. Raises: Unavailable."""
    folder = Path(file).parent
    try:
        if not folder.is_dir():
            # leave out the folder's name: secrets from ${...} are not recognized in a part of a path
            raise Unavailable(f"{file} cannot be written: there is no such folder; make it, or name another")
        # do not wait for the reader of a pipe: there may never be one
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o666)
    except (OSError, ValueError) as error:
        raise Unavailable(_cannot(file, error)) from error
    os.set_blocking(fd, True)
    if stat.S_ISREG(os.fstat(fd).st_mode) and not _locked(fd):
        os.close(fd)
        raise Unavailable(f"{file} is being written by another run; end that, or name another file")
    return fd


def _locked(fd: int) -> bool:
    """Lock a file until it is closed. Return False if another writer has it; True if the system has no such
    locks."""
    if fcntl is not None:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            pass
    return True


def _write_all(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def _cannot(file: str, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in _MENDS:
        return f"{file} cannot be written: {error.strerror}; {_MENDS[error.errno]}"
    return f"{file} cannot be written: {getattr(error, 'strerror', None) or error}; name another file"
