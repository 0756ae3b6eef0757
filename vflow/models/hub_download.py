"""Pulls a model of the hub into the cache that the hub's libraries share: what is needed to run it, verified.

The files are stored as huggingface_hub would, so that `from_pretrained(OWNER/NAME)` finds them without a
network. A pull may be killed at any time: what came is kept as `blobs/HASH.incomplete`, and the next goes on.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vflow.errors import Unavailable
from vflow.models import hub_cache, hub_http
from vflow.models.progress import Progress, TransferProgress, size_text

_TEXTS = re.compile(
    r"(additional_chat_templates/)?[\w-][\w.-]*\.(json|txt|model|spm|bpe|vocab|tiktoken|jinja|md)"
    r"|(LICEN[SC]E|NOTICE|COPYING|USE_POLICY)[\w.-]*"
)
"""Configs, tokenizers, templates, licences. Code is not among them: vflow runs none of a repository's."""
_OTHER_WEIGHTS = re.compile(r"[\w-][\w.-]*\.safetensors")
_FOREIGN = re.compile(r".*\.(gguf|onnx|bin|pth|pt|ckpt|h5|msgpack|tflite|nemo)")
_SHARD = r"-\d{5}-of-\d{5}"
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository. `etag` names its blob: SHA-256 of a large one, git's SHA-1 of a small one."""

    name: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is here and whole. `fetched`: bytes that came over the network; 0 where it was here."""

    folder: Path
    fetched: int


def pull(name: str, progress: Progress, revision: str = "main") -> Pulled:
    """Fetch what is missing or damaged of a hub's model; blocks for minutes.

    Raises: Unavailable: no network, no such model, no access, no weights, no room, or not the bytes expected.
    """
    if not hub_cache.is_hub_name(name) or not hub_cache.is_revision(revision):
        raise Unavailable(f"{name} at {revision!r} is no model of a hub; one reads OWNER/NAME")
    source = hub_http.from_environment()
    progress(f"asking {source.host} for {name}", None)
    listing = source.listing(name, revision)
    files = needed(name, listing.siblings)
    if not hub_cache.is_commit(listing.sha):
        raise Unavailable(f"{source.host} does not answer as a hub does: no commit; check HF_ENDPOINT")
    licences = [tag.partition(":")[2] for tag in listing.tags if tag.startswith("license:")]
    size = size_text(sum(file.size for file in files))
    progress(f"{name}: {len(files)} files, {size}, licence {', '.join(licences) or 'not stated'}", None)
    try:
        with _alone(name):
            return _fill(source, name, revision, listing.sha, files, progress)
    except OSError as error:
        mend = "make room or set HF_HOME to another directory, then pull again: what came is kept"
        raise Unavailable(
            f"could not store {name} in {hub_cache.repository(name)}: {error}; {mend}"
        ) from error


def needed(name: str, siblings: Sequence[hub_http.Sibling]) -> list[RemoteFile]:
    """What of a repository is needed to run it, the smallest first.

    One format of weights: safetensors before PyTorch's, one file before shards, the names that transformers
    looks for before others (`consolidated.safetensors` holds the same weights again).
    Raises: Unavailable for a repository that transformers could not load.
    """
    by_name = {sibling.rfilename: sibling for sibling in siblings}
    if "config.json" not in by_name:
        raise Unavailable(f"{name} holds no config.json; take the model's repository for transformers")
    weights = _weights(by_name)
    if not weights:
        found = Counter(Path(file).suffix for file in by_name if _FOREIGN.fullmatch(file))
        what = ", ".join(f"{count} {suffix}" for suffix, count in found.items()) or "none at all"
        mend = "take a repository with safetensors"
        raise Unavailable(f"{name} holds no weights that transformers loads ({what}); {mend}")
    texts = [file for file in by_name if _TEXTS.fullmatch(file) and not file.endswith(".index.json")]
    files = [_remote(by_name[file]) for file in [*texts, *weights]]
    return sorted(files, key=lambda file: (file.size, file.name))


def _weights(files: Collection[str]) -> list[str]:
    """The files of one format of weights, with the index of its shards."""
    for single, index in hub_cache.INDEX_OF.items():
        if single in files:
            return [single]
        if index in files:
            stem, _, suffix = single.rpartition(".")
            shard = re.compile(rf"{re.escape(stem)}{_SHARD}\.{suffix}")
            return [index, *(file for file in files if shard.fullmatch(file))]
    return [file for file in files if _OTHER_WEIGHTS.fullmatch(file)]


def _remote(sibling: hub_http.Sibling) -> RemoteFile:
    size, etag = sibling.size, sibling.blobId or ""
    if sibling.lfs is not None:
        size, etag = sibling.lfs.size, sibling.lfs.sha256
    if size is None or size < 0 or not _HASH.fullmatch(etag):
        raise Unavailable(f"the hub states no size and hash of {sibling.rfilename}; check HF_ENDPOINT")
    return RemoteFile(sibling.rfilename, size, etag)


def _fill(
    source: hub_http.Hub, name: str, revision: str, commit: str, files: list[RemoteFile], progress: Progress
) -> Pulled:
    """Bring a snapshot to hold all `files`, and the revision to point at it."""
    folder = hub_cache.repository(name)
    blobs, shot = folder / "blobs", folder / "snapshots" / commit
    for made in (blobs, shot):
        made.mkdir(parents=True, exist_ok=True)
    missing = [file for file in files if not _here(file, blobs, shot, progress)]
    partial = {file.name: blobs / f"{file.etag}.incomplete" for file in missing}
    begun = sum(max(0, min(_size(partial[file.name]), file.size)) for file in missing)
    meter = TransferProgress(progress, sum(file.size for file in missing), begun)
    _check_room(name, meter.total - begun, blobs)
    for file in missing:
        source.fetch(name, commit, file.name, file.size, partial[file.name], meter.add)
        if file.size >= _SHOWN:
            progress(f"checking {file.name}", None)
        if digest(partial[file.name], file) != file.etag:
            partial[file.name].unlink()
            found = f"{file.name} of {name} is not the file that {source.host} announced (wrong checksum)"
            raise Unavailable(f"{found}; it was removed: pull again, and if it comes again, ask the hub")
        os.replace(partial[file.name], blobs / file.etag)
        _link(blobs / file.etag, shot / file.name)
    if not hub_cache.is_whole(shot):
        raise Unavailable(f"{name} names shards in its index that it does not hold; ask its owner")
    if not hub_cache.is_commit(revision):
        reference = folder / "refs" / revision
        reference.parent.mkdir(parents=True, exist_ok=True)
        reference.write_text(commit, encoding="ascii")
    return Pulled(shot, meter.done - begun)


_SHOWN = 100_000_000
"""Bytes from which reading a file takes long enough to be told."""


def _here(file: RemoteFile, blobs: Path, shot: Path, progress: Progress) -> bool:
    """Whether a snapshot has a file, with the content announced; reads it. What is damaged is removed."""
    blob, pointer = blobs / file.etag, shot / file.name
    for place in (pointer, blob):
        if _size(place) == file.size:
            if file.size >= _SHOWN:
                progress(f"checking {file.name}", None)
            if digest(place, file) == file.etag:
                if place == blob:
                    _link(blob, pointer)
                return True
        place.unlink(missing_ok=True)
    return False


def digest(path: Path, file: RemoteFile) -> str:
    """The hash of a file's content, of the kind that its etag is."""
    if len(file.etag) == 64:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    hashed = hashlib.sha1(b"blob %d\0" % _size(path), usedforsecurity=False)
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest()


def _link(blob: Path, pointer: Path) -> None:
    """Let a snapshot's name point at a blob: a relative link, else a hard one."""
    pointer.parent.mkdir(parents=True, exist_ok=True)
    pointer.unlink(missing_ok=True)
    try:
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    except OSError:
        os.link(blob, pointer)


def _check_room(name: str, more: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < more:
        found = f"{size_text(more)} are needed in {folder}, {size_text(free)} are free"
        raise Unavailable(f"no room for {name}: {found}; make room or set HF_HOME to another directory")


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """Holds a repository against other pulls; the system frees it when this process ends, however it does."""
    folder = hub_cache.cache_dir() / ".locks" / hub_cache.repository(name).name
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "vflow-pull.lock", "ab") as lock:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # a file system without locks says something else: the checksum stands behind this one
            if error.errno in (errno.EAGAIN, errno.EACCES):
                raise Unavailable(f"another pull of {name} is at work; wait for it") from None
        yield
