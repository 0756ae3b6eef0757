"""Pull a model of the hub into the cache that the hub's libraries share: the files that run it, verified.

Files come by `hf_hub_download`, one after the other in the caller's thread. `snapshot_download` is not used:
its threads finish their files after a Ctrl-C, and it points the branch at a snapshot that is still empty.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vflow.errors import Unavailable
from vflow.models import hub_cache, hub_library, hub_selection
from vflow.models.progress import Progress, TransferProgress, size_text


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository. `blob` is the name of its content in the cache."""

    name: str
    size: int
    blob: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is here and whole. `fetched` is how many bytes were written; 0 if it was here already."""

    folder: Path
    fetched: int


def pull(name: str, progress: Progress, revision: str = "main", patterns: Sequence[str] = ()) -> Pulled:
    """Fetch the missing or damaged files of a hub model; blocks for minutes.

    With `patterns`, fetch the files that they match, from any repository; else those that transformers loads.
    Raises: Unavailable: no huggingface_hub, no network, no such model or file, no access, no weights, no
    room, or other bytes than expected.
    """
    if not hub_cache.is_hub_name(name) or not hub_cache.is_revision(revision):
        raise Unavailable(f"{name} at {revision!r} is no model of a hub; one reads OWNER/NAME")
    hub = hub_library.connect(name, revision)
    progress(f"asking {hub.host} for {name}", None)
    with hub.translated():
        api = hub.api()
        info = api.model_info(name, revision=revision, files_metadata=True)
        if not hub_cache.is_commit(commit := str(info.sha)):
            raise ValueError("it states no commit")
        listed = {file.name: file for file in map(_remote, info.siblings)}
        licences = [tag[8:] for tag in info.tags or () if str(tag).startswith("license:")]
        licence = hub_library.printable(", ".join(licences)) or "not stated"
    sizes = {file.name: file.size for file in listed.values() if hub_selection.is_plain(file.name)}
    chosen = hub_selection.matching(name, sizes, patterns) if patterns else hub_selection.needed(name, sizes)
    # the config first: without it, the rest of an interrupted pull would pass for files asked for by name
    files = sorted((listed[file] for file in chosen), key=lambda f: (f.name != "config.json", f.size, f.name))
    count, size = len(files), size_text(sum(file.size for file in files))
    progress(f"{name}: {count} {'file' if count == 1 else 'files'}, {size}, licence {licence}", None)
    repository = hub_cache.repository(name)
    shot = repository / "snapshots" / commit
    with hub.translated():
        fetched = _fill(hub, api, shot, files, progress)
        if not patterns and not hub_cache.is_whole(shot):
            raise Unavailable(f"{name} names shards in its index that it does not hold; ask its owner")
        if not hub_cache.is_commit(revision):
            reference = repository / "refs" / revision
            reference.parent.mkdir(parents=True, exist_ok=True)
            reference.write_text(commit, encoding="ascii")
    return Pulled(shot, fetched)


def _remote(sibling: Any) -> RemoteFile:
    size, blob = sibling.size, sibling.blob_id
    if sibling.lfs is not None:
        size, blob = sibling.lfs.size, sibling.lfs.sha256
    if not isinstance(size, int) or size < 0:
        raise ValueError("it states no sizes")
    return RemoteFile(str(sibling.rfilename), size, str(blob))


def _fill(
    hub: hub_library.HubLibrary, api: Any, shot: Path, files: Sequence[RemoteFile], progress: Progress
) -> int:
    """Fetch files until a snapshot holds all, each with its checksum. Return the bytes that were written."""
    blobs, at = shot.parent.parent / "blobs", {"revision": shot.name, "cache_dir": hub_cache.cache_dir()}
    wanted, fetched = {file.name for file in files}, 0
    blobs.mkdir(parents=True, exist_ok=True)
    _sweep(blobs)
    while True:
        missing = [file for file in files if not (shot / file.name).exists()]
        more = sum(file.size for file in missing if not (blobs / file.blob).exists())
        _check_room(hub.name, more, blobs)
        meter = TransferProgress(progress, more, 0)
        bar = _bar(hub, meter)
        for file in missing:
            api.hf_hub_download(hub.name, file.name, **at, tqdm_class=bar)
        fetched += meter.done
        progress(f"checking {hub.name}", None)
        found = api.verify_repo_checksums(hub.name, **at)
        if odd := wanted.intersection([*found.missing_paths, *found.extra_paths]):
            raise ValueError(f"its listings differ in {min(odd)}")
        damaged = sorted(wanted.intersection(mismatch["path"] for mismatch in found.mismatches))
        if not damaged:
            return fetched
        for path in damaged:
            _remove(shot / path)
        names = ", ".join(damaged)
        if any(file.name in damaged for file in missing):
            mend = "pull again, and if it comes again, ask the hub"
            raise Unavailable(f"removed of {hub.name}, since it came with a wrong checksum: {names}; {mend}")
        progress(f"damaged here, and fetched again: {names}", None)


def _check_room(name: str, more: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < more:
        found = f"{size_text(more)} are needed in {folder}, {size_text(free)} are free"
        raise Unavailable(f"no room for {name}: {found}; make room or set HF_HOME to another directory")


def _sweep(blobs: Path) -> None:
    """Remove the rests of killed pulls: the library starts such a file anew. A file being written stays."""
    from filelock import FileLock, Timeout  # comes with huggingface_hub

    locks = hub_cache.cache_dir() / ".locks" / blobs.parent.name
    locks.mkdir(parents=True, exist_ok=True)
    for part in blobs.glob("*.incomplete"):
        with contextlib.suppress(Timeout), FileLock(locks / f"{part.name.partition('.')[0]}.lock", timeout=0):
            part.unlink(missing_ok=True)


def _remove(file: Path) -> None:
    """Remove a file of a snapshot, and the content that it links to."""
    content = file.resolve()
    if content.is_relative_to(hub_cache.cache_dir().resolve()):  # else it is a user's own link: leave it
        content.unlink()
    file.unlink(missing_ok=True)


def _bar(hub: hub_library.HubLibrary, meter: TransferProgress) -> type:
    """Return a tqdm class that draws nothing and reports written bytes to `meter`."""

    class Bar(hub.module.utils.tqdm):  # type: ignore[name-defined, misc]
        monitor_interval = 0  # else each such class starts a thread

        def __init__(self, **options: object) -> None:
            super().__init__(disable=True)

        def update(self, n: float | None = 1) -> None:
            meter.add(int(n or 0))

        def ignore(self, *args: object, **options: object) -> None:
            """Ignore bytes on the wire, which hf_xet reports besides: it may need fewer than were written."""

        update_transfer = set_transfer_postfix_str = ignore

    return Bar
