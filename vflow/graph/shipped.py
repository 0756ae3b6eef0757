"""Find the pipelines that come with vflow by name: in a wheel inside the package, in a checkout beside it."""

from __future__ import annotations

import os
from pathlib import Path

from vflow.errors import Diagnostic, GraphError, Place, nearest

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "pipelines", _PACKAGE.parent / "pipelines")


def folder() -> Path:
    """Return the folder of the pipelines and of `question.wav`. It may be missing from an installation."""
    return next((place for place in _PLACES if place.is_dir()), _PLACES[0])


def names() -> list[str]:
    """Return the names of all shipped pipelines, sorted."""
    return sorted(file.stem for file in folder().glob("*.yaml"))


def find(file: str) -> str:
    """Return the path of the graph that a command's FILE means: a file, else the shipped pipeline so named.

    A path (with a folder or an ending) is returned as it is; its reader reports what is wrong with it.
    Raises: GraphError for a name that neither a file nor a shipped pipeline has, and for a missing file named
    like a shipped pipeline, such as `echo.yaml`.
    """
    path, known = Path(file), names()
    is_name = path.name == file and not path.suffix
    is_folder = os.path.isdir(file)  # not `path.is_dir()`, which raises for a name that is too long
    exists = os.path.exists(file)
    if is_name and file in known and (is_folder or not exists):
        return str(folder() / f"{file}.yaml")
    if is_name and not exists:
        mend = f"{nearest(file, known) or 'check the name'} (vflow comes with {', '.join(known) or 'none'})"
        raise _refused(file, "no such file, and no pipeline of this name comes with vflow", mend)
    if path.suffix and path.stem in known and not exists:
        raise _refused(file, "no such file", f"write {path.stem!r} for the pipeline that comes with vflow")
    return file


def _refused(file: str, message: str, mend: str) -> GraphError:
    return GraphError([Diagnostic(message, Place(file), mend)])
