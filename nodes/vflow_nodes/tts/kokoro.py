"""Text to speech with Kokoro-82M through onnxruntime, its phonemes from hibari's G2P.

Source: https://huggingface.co/hexgrad/Kokoro-82M (Apache-2.0); the ONNX export and its inputs as in
https://github.com/thewh1teagle/kokoro-onnx (MIT). Measured with the int8 export on one core: real-time
factor 0.5, or 0.75 to 0.9 of the speech left after trimming, so 2 words take 0.8 s and 8 words 1.6 s. A
second thread on shared cores made it slower. `tts.hibari` takes 10 and 20 ms for the same words. Kokoro ranks
above hibari all the same: its official weights are here only if somebody put them here. A role takes them
from the folder `kokoro` alone, so that pulling voices of another language does not change who speaks.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vflow import (
    Audio,
    AudioPacket,
    In,
    Node,
    Out,
    QueueOptions,
    Samples,
    Text,
    TextPacket,
    Unavailable,
    install_command,
    models,
    prop,
)
from vflow_nodes.lib import hibari_g2p
from vflow_nodes.lib.speech import Unsaid, speak

PREFERRED = "af_heart"
LONGEST = 509
"""Most phonemes that the model takes at once; a voice has one style for each number of phonemes."""
_STYLE = 256
"""How many numbers a style has."""
_OFFICIAL = "kokoro"
_PULLED = ("kokoro-en", "kokoro-ja")
"""Models of the catalogue for this node."""
_ACCENTS = {
    "a": "en-US",
    "b": "en-GB",
    "e": "en-US with a Spanish accent",
    "f": "en-US with a French accent",
    "h": "en-US with an Indian accent",
    "i": "en-US with an Italian accent",
    "j": "en-US with a Japanese accent",
    "p": "en-US with a Portuguese accent",
    "z": "en-US with a Chinese accent",
}
"""The language that a voice was made for, by the first letter of its name."""
_MEND = "put kokoro-v1.0.onnx and voices-v1.0.bin of kokoro-onnx there"


class KokoroTts(Node):
    """Speak chunks of English text with Kokoro-82M.

    It trims chunks and adds pauses and spans as `tts.hibari` does. Voices whose name begins with `b` speak
    British English; all others speak American English, with the accent of the language they were made for.
    On a CPU, give the word buffer a longer `margin` (1.5s).
    """

    heavy = True
    rank = 60
    example = "tts: {use: tts.kokoro, voice: af_heart}"

    voice: str | None = prop(None, doc=f"voice; by default {PREFERRED}, or the first there is")
    speed: float = prop(1.0, ge=0.5, le=2.0, doc="pace of speech, 1 is the voice's own", hot=True)
    model: str = prop(
        _OFFICIAL, file="reads", doc="a folder of the model cache that holds Kokoro, or the ONNX file itself"
    )
    voices: str | None = prop(
        None, file="reads", doc="npz file of the voices; by default the one beside the model"
    )

    text = In(Text("chunk", {"spoken"}), queue=QueueOptions(packets=2))
    audio = Out(Audio(rate=24000, channels=1))

    @classmethod
    def unavailable(cls) -> str:
        missing = [m for m in ("hibari", "onnxruntime") if importlib.util.find_spec(m) is None]
        if missing:
            return f"{' and '.join(missing)} not installed: {install_command('speech')}"
        try:
            _voices(_model(_OFFICIAL))
        except Unavailable as error:
            return str(error)
        return ""

    def list_voices(self) -> Iterator[str]:
        """Yield the voices of the model; without one, those of each model that can be pulled. Raises:
        Unavailable."""
        if self.voices or self.model != _OFFICIAL:
            place = _given(self.voices) if self.voices else _voices(_model(self.model))
            yield from map(_about, _names(place))
            return
        for model in (_OFFICIAL, *_PULLED):
            try:
                names = _names(_voices(_model(model)))
            except Unavailable:
                if model != _OFFICIAL:
                    yield f"more with model: {model}, which is not here: vflow models pull {model}"
                continue
            yield from (_about(name) + f"; model: {model}" * (model != _OFFICIAL) for name in names)

    def open(self) -> None:
        model = _model(self.model)
        voices = _given(self.voices) if self.voices else _voices(model)
        threads = self.ctx.threads("onnxruntime")
        self.ctx.progress("loading Kokoro")
        session = self.ctx.shared(f"kokoro:{model}", lambda: load_session(model, threads))
        name, styles = load_voice(voices, self.voice)
        british = name.startswith("b")
        g2p = self.ctx.shared(f"hibari-g2p:{british}", lambda: load_g2p(british))
        self._voice = Voice(session, styles, g2p)
        self._unsaid = Unsaid(f"the voice {name}", self.ctx.warn)

    def warm_up(self) -> None:
        for sentence in self._voice.phonemes("Hi."):
            self._voice.samples(sentence, self.speed)

    def process(self, chunk: TextPacket) -> Iterator[AudioPacket | None]:
        yield from speak(chunk, self._voice, self.speed, self.ctx.now_ns, self._unsaid)


class Voice:
    """One voice. `styles` is `(510, 1, 256) float32`: one style for each number of phonemes.

    Any thread may call: onnxruntime's `run` is thread-safe and the G2P only reads its tables.
    """

    rate = 24000
    alphabet = "LATIN"
    longest = 120
    """About 7 s of speech."""

    def __init__(self, session: Any, styles: Samples, g2p: Any) -> None:
        self._session, self._styles, self._g2p = session, styles, g2p
        self._tokens_input = session.get_inputs()[0].name  # `tokens`, in newer exports `input_ids`
        self._vocabulary = load_vocabulary()

    def phonemes(self, text: str) -> list[str]:
        said = hibari_g2p.phonemes(self._g2p, text)
        return [p[at : at + LONGEST] for p in said for at in range(0, len(p), LONGEST)]

    def samples(self, phonemes: str, speed: float) -> Samples:
        tokens = [self._vocabulary[p] for p in phonemes if p in self._vocabulary]
        style = self._styles[min(max(len(tokens), 1), len(self._styles)) - 1]
        inputs = {
            self._tokens_input: np.array([[0, *tokens, 0]], np.int64),
            "style": style.reshape(1, 256).astype(np.float32),
            "speed": np.array([speed], np.float32),
        }
        return np.asarray(self._session.run(None, inputs)[0], np.float32).ravel()


def load_session(model: Path, threads: int) -> Any:
    """Load the model for the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def load_voice(place: Path, name: str | None) -> tuple[str, Samples]:
    """Return a voice's name and styles, from a file of voices (npz) or a folder with a file for each.

    Raises: Unavailable if the file or the voice is not there.
    """
    names = _names(place)
    chosen = name or (PREFERRED if PREFERRED in names else names[0])
    if chosen not in names:
        raise Unavailable(f"{place} has no voice {chosen!r}; it has {', '.join(names)}")
    if place.is_dir():
        return chosen, np.fromfile(place / f"{chosen}.bin", np.float32).reshape(-1, 1, _STYLE)
    with np.load(place) as voices:
        return chosen, voices[chosen]


def _about(voice: str) -> str:
    """Return a voice's name with its language and gender, which the name's letters tell."""
    accent, gender = _ACCENTS.get(voice[:1], "en-US"), {"f": ", female", "m": ", male"}.get(voice[1:2], "")
    return f"{voice}: {accent}{gender}" if voice[2:3] == "_" else voice


def _names(place: Path) -> list[str]:
    """Return the names of the voices in a file or a folder. Raises: Unavailable."""
    if place.is_dir():
        return sorted(file.stem for file in _styles(place))
    try:
        with np.load(place) as voices:
            return list(voices.files)
    except (ValueError, AttributeError) as error:
        raise Unavailable(f"{place} is not a file of voices (npz): {error}") from error


def _styles(folder: Path) -> list[Path]:
    """Return the files in a folder that each hold the bare styles of one voice."""
    size = (LONGEST + 1) * _STYLE * 4
    return [file for file in folder.glob("*.bin") if file.stat().st_size == size]


def _voices(model: Path) -> Path:
    """Return the file of voices beside a model, or the model's folder if each voice has a file. Raises:
    Unavailable."""
    if _styles(model.parent):
        return model.parent
    return _beside(model, ".npz", ".bin")


def load_g2p(british: bool) -> Any:
    from hibari.g2p import G2P

    return G2P(british=british)


def load_vocabulary() -> dict[str, int]:
    """Return the token of each phoneme. hibari's table is Kokoro's own (misaki's alphabet)."""
    from hibari.tts import ASSETS

    loaded: dict[str, int] = json.loads((Path(ASSETS) / "vocab.json").read_text(encoding="utf-8"))
    return loaded


def _given(name: str) -> Path:
    file = Path(name).expanduser()
    if not file.is_file():
        raise Unavailable(f"there is no file {file}")
    return file


def _model(name: str) -> Path:
    """Return the ONNX file that the property `model` means."""
    if name.endswith(".onnx"):
        return _given(name)
    return _beside(models.cache_dir() / "models" / name / "kokoro.onnx", ".onnx")


def _beside(file: Path, *suffixes: str) -> Path:
    """Return the file with one of these suffixes in the same folder. Raises: Unavailable if none has."""
    found = sorted(other for other in file.parent.glob("*") if other.suffix in suffixes)
    if found:
        return found[0]
    name = file.parent.name
    known = any(model.name == name for model in models.known())
    mend = f"vflow models pull {name}" if known else _MEND
    raise Unavailable(f"no {' or '.join(suffixes)} file of Kokoro in {file.parent}: {mend}")
