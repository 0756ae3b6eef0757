"""Write a verb's file, such as a report: checked before the run, and written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Any

from vflow.report.waterfall import waterfall

PICTURE = ".svg"
"""The ending of a report that is drawn."""


def why_not_writable(file: str) -> str:
    """Return why nothing can be written to the file; '' if something can. An existing file is not changed; no
    device or pipe is opened."""
    try:
        path = Path(_resolved(file))
        if not path.parent.is_dir():
            return f"the folder {path.parent} does not exist"
        try:
            mode = os.stat(path).st_mode
        except FileNotFoundError:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            os.unlink(path)
            return ""
        if stat.S_ISDIR(mode):
            return "is a folder"
        if stat.S_ISREG(mode):
            os.close(os.open(path, os.O_WRONLY))
        elif not os.access(path, os.W_OK):
            return "cannot be written (Permission denied)"
        return ""
    except (OSError, ValueError) as error:
        return f"cannot be written ({getattr(error, 'strerror', None) or error})"


def write_report(file: str, report: dict[str, Any]) -> None:
    """Write a report as JSON; its turns on a time line where the file's name ends in .svg. Raises: as
    `write_whole` does."""
    if file.lower().endswith(PICTURE):
        write_whole(file, waterfall(report["pipeline"], report["turns"]))
    else:
        write_whole(file, json.dumps(report, indent=1) + "\n")


def write_whole(file: str, text: str | bytes) -> None:
    """Write UTF-8, or bytes, beside the file, then move it into place with the old file's permissions. A
    device or a pipe is written directly.

    Raises: OSError, and leaves the old file as it was; ValueError if `file` is no path.
    """
    data = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    path = _resolved(file)
    if os.path.exists(path) and not os.path.isfile(path):
        # a pipe that nobody reads is an error at once (ENXIO): its reader may never come
        fd = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
        os.set_blocking(fd, True)
        with os.fdopen(fd, "wb") as stream:
            stream.write(data)
        return
    beside = os.path.join(os.path.dirname(path), f".vflow-report-{os.getpid()}.tmp")
    # Windows has no O_NOFOLLOW, and translates ends of lines without O_BINARY
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        fd = os.open(beside, flags, 0o666)
    except PermissionError:  # the folder takes no new file, but this one may be written
        Path(path).write_bytes(data)
        return
    try:
        with os.fdopen(fd, "wb") as stream:
            stream.write(data)
        with contextlib.suppress(FileNotFoundError):  # a new file keeps its default permissions
            os.chmod(beside, stat.S_IMODE(os.stat(path).st_mode))
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _resolved(file: str) -> str:
    """Return the target of symbolic links. `/dev/stdout` leads to a pipe without a path, and stays."""
    path = os.path.realpath(file)
    return file if os.path.exists(file) and not os.path.exists(path) else path
