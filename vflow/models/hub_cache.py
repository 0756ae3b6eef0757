"""Find models of the Hugging Face hub on this machine: their names, their folders, and whether they are
whole.

Reads the cache that the hub's own libraries share (`~/.cache/huggingface/hub`), and imports none of them.
`models--OWNER--NAME/` holds `blobs/` (files by the hash of their content), `snapshots/COMMIT/` (a revision's
names, as links to blobs) and `refs/REVISION` (the commit that a branch or tag was at).
Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vflow.errors import Unavailable

INDEX_OF = {
    "model.safetensors": "model.safetensors.index.json",
    "pytorch_model.bin": "pytorch_model.bin.index.json",
}
"""The names that transformers looks for, in its order. Each may be one file, or an index and its shards."""

FOREIGN = (".gguf", ".onnx", ".pth", ".pt", ".ckpt", ".h5", ".msgpack", ".tflite", ".nemo")
"""Endings of weights that transformers does not load from a hub repository."""

State = Literal["present", "files", "in part"]
"""`present`: transformers can load it. `files`: single files that somebody asked for by name. `in part`: a
model some of whose weights are missing."""

_NAME = re.compile(r"\b[\w.-]{1,96}\b/\b[\w.-]{1,96}\b", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REVISION = re.compile(r"\w[\w./-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Copy:
    """The files of a repository that are here, in its `main` or else its newest snapshot. `size` in bytes,
    with what an interrupted pull left."""

    name: str
    folder: Path
    size: int
    state: State


def is_hub_name(text: str) -> bool:
    """Return whether a text has the form of a hub name, OWNER/NAME. Looks at no disk and no network."""
    return bool(_NAME.fullmatch(text)) and "--" not in text and ".." not in text


def is_commit(text: str) -> bool:
    """Return whether a revision is a commit (40 hexadecimal digits), not the name of a branch or tag."""
    return bool(_COMMIT.fullmatch(text))


def is_revision(text: str) -> bool:
    """Return whether a text may name a branch, tag or commit."""
    return bool(_REVISION.fullmatch(text)) and ".." not in text


def home() -> Path:
    """Return where the hub's libraries keep their files: $HF_HOME, else under the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return _expanded(os.environ.get("HF_HOME") or os.path.join(cache, "huggingface"))


def cache_dir() -> Path:
    """Return the hub's cache: $HF_HUB_CACHE, else `hub` in `home()`."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if own := os.environ.get(variable):
            return _expanded(own)
    return home() / "hub"


def _expanded(path: str) -> Path:
    return Path(os.path.expandvars(os.path.expanduser(path)))


def repository(name: str) -> Path:
    """Return a repository's folder in the cache, whether it exists or not."""
    return cache_dir() / f"models--{name.replace('/', '--')}"


def hub_snapshot(name: str, revision: str = "main") -> Path | None:
    """Return the folder of a revision's files, which may be incomplete; None if the cache has none."""
    commit = revision
    if not is_commit(revision):
        if not is_revision(revision):
            return None
        try:
            commit = (repository(name) / "refs" / revision).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
    folder = repository(name) / "snapshots" / commit
    return folder if is_commit(commit) and folder.is_dir() else None


def hub_present(name: str, revision: str = "main") -> bool:
    """Return whether a revision is here with config and all weights. Reads at most an index of shards."""
    folder = hub_snapshot(name, revision)
    return folder is not None and is_whole(folder)


def require_hub(name: str, revision: str = "main") -> Path:
    """Return the snapshot folder of a hub model that must be here: `from_pretrained` loads it offline.

    Raises: Unavailable if it is not here, or only in part, with the command that fetches it.
    """
    if not is_hub_name(name):
        raise Unavailable(f"{name!r} is no name of a hub's model; one reads OWNER/NAME")
    folder = hub_snapshot(name, revision)
    again = f"vflow models pull {name}" + (f" --revision {revision}" if revision != "main" else "")
    if folder is None:
        raise Unavailable(f"model {name} is not here: {again}")
    match state_of(folder):
        case "files":
            found = f"single files of {name} are here, and not all that transformers loads"
            raise Unavailable(f"{found}; if it is a model for transformers: {again}")
        case "in part":
            raise Unavailable(f"model {name} is here in part, not whole: {again}")
    return folder


def here() -> list[Copy]:
    """Return every hub model of which the cache holds a snapshot, by name."""
    copies = []
    for folder in sorted(cache_dir().glob("models--*--*")):
        owner, _, name = folder.name.removeprefix("models--").partition("--")
        shots = [shot for shot in folder.glob("snapshots/*") if is_commit(shot.name)]
        if not shots:
            continue
        newest = hub_snapshot(f"{owner}/{name}") or max(shots, key=_changed_ns)
        left = (file for file in _files(folder / "blobs") if file.suffix == ".incomplete")
        size = sum(map(_size, (*_files(newest), *left)))
        copies.append(Copy(f"{owner}/{name}", newest, size, state_of(newest)))
    return copies


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and below it; none if it has just gone."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def _changed_ns(file: Path) -> int:
    """Return when a file was changed; 0 if it is gone: others may empty the cache while it is read."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _size(file: Path) -> int:
    """Return the bytes of a file; 0 if it is gone, or a folder."""
    try:
        found = file.stat()
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def state_of(folder: Path) -> State:
    """Return whether a snapshot's folder holds a model, a part of one, or single files.

    Without a config, or with weights in a foreign format, it holds files that somebody asked for by name:
    `pull` fetches a model's config first, and such weights only if they are named.
    """
    if is_whole(folder):
        return "present"
    files = {file.relative_to(folder).as_posix() for file in _files(folder) if file.is_file()}
    named = "config.json" not in files or any(file.endswith(FOREIGN) for file in files)
    return "files" if files and named else "in part"


def is_whole(folder: Path) -> bool:
    """Return whether a folder holds a config and every file of the weights that transformers would load.

    It is enough that a file exists: every library that writes to the cache adds a file only once it is whole.
    """
    files = {file.name for file in _files(folder) if file.parent == folder and file.is_file()}
    if "config.json" not in files:
        return False
    for single, index in INDEX_OF.items():
        if single in files:
            return True
        if index in files:
            return shards(folder / index) <= files
    return any(file.endswith(".safetensors") for file in files)


def shards(index: Path) -> set[str]:
    """Return the files that an index names; {""} if the index cannot be read, since no file has that name."""
    try:
        files = json.loads(index.read_bytes())["weight_map"].values()
        return {str(file) for file in files}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {""}
