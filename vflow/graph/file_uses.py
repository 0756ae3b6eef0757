"""Find which files a graph reads and writes, and which of them are one file under two names."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vflow.errors import Diagnostic, Place

Identity = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class FileUse:
    """A file or folder that a graph `reads` or `writes`; `by` names the reader or writer in messages."""

    file: str
    mode: Literal["reads", "writes"]
    by: str
    place: Place | None = None


def clashes(uses: Iterable[FileUse]) -> Iterator[Diagnostic]:
    """Yield an error for each file that is written, and also read or written by something else."""
    uses = list(uses)
    read = [use for use in uses if use.mode == "reads"]
    written: dict[Identity, FileUse] = {}
    for use in uses:
        identity = _identity(use.file) if use.mode == "writes" else None
        if identity is None:
            continue
        reader = next((other for other in read if _is_in(use.file, identity, other.file)), None)
        if reader is not None:
            message = f"{use.by} would overwrite what the run reads: {reader.by} reads the same file"
            yield Diagnostic(message, use.place, "name another file")
        elif identity in written:
            message = (
                f"{use.by} would overwrite what the run writes: {written[identity].by} writes the same file"
            )
            yield Diagnostic(message, use.place, "name another file")
        else:
            written[identity] = use


def missing(uses: Iterable[FileUse]) -> Iterator[Diagnostic]:
    """Yield a warning for each file or folder that is read by its path and does not exist. A name without a
    folder may be a model's, and OWNER/NAME may be a model on the hub: both are let pass."""
    for use in uses:
        path = os.path.expanduser(use.file)
        is_path = path.startswith((os.sep, f".{os.sep}", f"..{os.sep}", "~")) or path.count(os.sep) > 1
        if use.mode == "reads" and is_path and not os.path.exists(path):
            message = f"{use.by}: {use.file} is not here"
            yield Diagnostic(message, use.place, "check the path", "warning")


def _identity(file: str) -> Identity | None:
    """Return a key that is equal for two names of one file, whether it exists yet or not. Return None for
    what cannot be overwritten: a device, a folder, or an impossible path."""
    try:
        path = os.path.realpath(file)
        try:
            found = os.stat(path)
        except FileNotFoundError:
            folder = os.stat(os.path.dirname(path))
            return folder.st_dev, folder.st_ino, os.path.basename(path)
    except (OSError, ValueError):
        return None  # it cannot be written at all: the node that opens it reports why
    writable = stat.S_ISREG(found.st_mode) or stat.S_ISFIFO(found.st_mode)
    return (found.st_dev, found.st_ino) if writable else None


def _is_in(file: str, identity: Identity, read: str) -> bool:
    """Return whether a file is the one that is read, or lies in the folder that is read."""
    read = os.path.expanduser(read)  # nodes that read a model's folder expand `~` too
    if identity == _identity(read):
        return True
    try:
        if not (os.path.isdir(read) and os.path.isfile(file)) or _is_recording_or_report(file):
            return False
        return Path(os.path.realpath(read)) in Path(os.path.realpath(file)).parents
    except (OSError, ValueError):
        return False


def _is_recording_or_report(file: str) -> bool:
    """Return whether a run may have written this file into a model's folder: models hold no such files."""
    with open(file, "rb") as stream:
        return file.endswith(".wav") or stream.read(16).startswith(b'{\n "pipeline"')
