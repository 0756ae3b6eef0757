"""`vflow models list | pull NAME`: list the models that are known or here, or fetch one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from vflow import models
from vflow.cli.main import FAILED, OK, USAGE
from vflow.cli.status_line import StatusLine
from vflow.errors import Unavailable
from vflow.models import hub_cache, hub_download
from vflow.models.progress import size_text
from vflow.printing import emit, indented, write


def main(args: argparse.Namespace) -> int:
    """Return 0; 1 if a model cannot be fetched; 2 for an unknown name."""
    if args.action == "list":
        return listing()
    if models.is_hub_name(args.name):
        return pull_hub(args.name, "main" if args.revision is None else args.revision, args.patterns or ())
    for option, given in (("--revision", args.revision), ("--file", args.patterns)):
        if given is not None:
            write(f"vflow models pull: error: {option} is for names of the hub: OWNER/NAME", sys.stderr)
            return USAGE
    return pull(args.name)


def listing() -> int:
    """Print every model that vflow knows, and the hub models that are here."""
    copies = hub_cache.here()
    names = [model.name for model in models.known()] + [copy.name for copy in copies]
    width = max(map(len, names), default=0)
    for model in models.known():
        state = "present" if models.is_present(model.name) else "not here"
        emit(f"{model.name:<{width}}  {size_text(model.size):>8}  {state:<8}  {model.about}")
        emit(f"{'':<{width}}  licence: {model.licence}")
        emit(f"{'':<{width}}  place: {models.path(model.name)}")
    for copy in copies:
        about = "from the hub" + (", single files" if copy.state == "files" else "")
        emit(f"{copy.name:<{width}}  {size_text(copy.size):>8}  {copy.state:<8}  {about}")
        emit(f"{'':<{width}}  place: {copy.folder}")
    emit("fetch one with 'vflow models pull NAME', any of the hub with 'vflow models pull OWNER/NAME';")
    emit("VFLOW_CACHE moves the cache of the former, HF_HOME that of the hub")
    return OK


def pull(name: str) -> int:
    """Fetch the missing or damaged files of a model. After Ctrl-C nothing is half done; pull again."""
    try:
        model = models.find(name)
    except Unavailable as error:
        write(f"vflow models pull: error: {indented(str(error))}", sys.stderr)
        return USAGE
    before = _stamps(model)
    bar = StatusLine(sys.stderr)
    try:
        write(f"{name}: {size_text(model.size)}, licence {model.licence}", sys.stderr)
        path = models.pull(name, bar.show)
    except Unavailable as error:
        bar.end()
        write(f"vflow models pull: error: {indented(str(error))}", sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        bar.end()
        here = models.is_present(name)
        state = "here as it was: nothing was changed" if here else "not here: nothing was kept of it"
        write(f"{name} is {state}", sys.stderr)
        raise
    bar.end()
    unchanged = _stamps(model) == before
    emit(f"{name} is {'here, and whole: nothing was fetched' if unchanged else 'fetched'}: {path}")
    return OK


def pull_hub(name: str, revision: str, patterns: Sequence[str]) -> int:
    """Fetch the missing or damaged files of a hub model. Ctrl-C keeps the files that are whole."""
    if not hub_cache.is_revision(revision):
        write(f"vflow models pull: error: {revision!r} is no branch, tag or commit", sys.stderr)
        return USAGE
    bar = StatusLine(sys.stderr)
    try:
        pulled = hub_download.pull(name, bar.show, revision, patterns)
    except Unavailable as error:
        bar.end()
        here = f"\n{name} is here, and was not changed" if models.hub_present(name, revision) else ""
        write(f"vflow models pull: error: {indented(str(error))}{here}", sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        bar.end()
        kept = f"the files of {name} that came whole are kept"
        write(f"{kept}: pull it again, and it goes on with the next one", sys.stderr)
        raise
    bar.end()
    state = "fetched" if pulled.fetched else "here, and whole: nothing was fetched"
    emit(f"{name} is {state}: {pulled.folder}")
    return OK


def _stamps(model: models.Model) -> list[int | None]:
    """Return when each file of a model was written: a pull writes all of them, or none."""
    files = [models.path(model.name) / file.name for file in model.files]
    return [file.stat().st_mtime_ns if file.is_file() else None for file in files]
