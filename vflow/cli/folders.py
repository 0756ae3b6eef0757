"""Folders that a verb writes to."""

from __future__ import annotations

import os
import tempfile

from vflow.errors import Diagnostic, GraphError, Place


def refuse_unwritable(option: str, folder: str) -> None:
    """Raises: GraphError if there is no such folder, or nothing can be written to it."""
    if not os.path.isdir(folder):  # `Path.is_dir` raises for a name that is too long
        raise GraphError([Diagnostic(f"{option}: no such folder", Place(folder), "make it first")])
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        message = f"{option}: nothing can be written there ({error.strerror})"
        raise GraphError([Diagnostic(message, Place(folder), "name another folder")]) from error
