"""Load Voxtral: its encoder, its vocabulary and the engine of its decoder."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any

import torch
from transformers import VoxtralForConditionalGeneration

from vflow import Unavailable
from vflow_nodes.generator.voxtral import MODEL, tokens
from vflow_nodes.generator.voxtral.encoder import AudioEncoder
from vflow_nodes.generator.voxtral.prompt import Prompts
from vflow_nodes.generator.voxtral.utterance import Utterance
from vflow_nodes.lib import checkpoints
from vflow_nodes.lib.checkpoints import Dtype, Progress
from vflow_nodes.lib.decode.build import Options, build
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.markup import Markup
from vflow_nodes.lib.decode.vocabulary import Vocabulary

MARKS = ("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "[THINK]", "[/THINK]", "[INST]", "[/INST]")


@dataclass(frozen=True, slots=True)
class Voxtral:
    """A running engine with its encoder, prompts and options. The encoder belongs to the engine's thread."""

    engine: Engine
    encoder: AudioEncoder
    prompts: Prompts

    def listen(self, turn: int, most: int) -> Utterance:
        """Begin an utterance, of which at most `most` windows are heard."""
        return Utterance(turn, self.encoder.encode, most)

    def queue(self) -> dict[str, float]:
        """Return who waits for it; any thread."""
        return self.engine.queue()

    @property
    def closed(self) -> bool:
        """Whether its engine has ended: the next node that asks for the model gets a fresh one."""
        return not self.engine.open

    def close(self) -> None:
        """End the engine's thread; called when its last user leaves."""
        self.engine.close()


def load(
    name: str,
    device: str,
    dtype: Dtype,
    options: Options,
    attention: str,
    compiled: bool,
    progress: Progress,
) -> Voxtral:
    """Load a Voxtral from a directory or by a hub name, and start its engine. Blocks; any thread.

    Raises: Unavailable with what mends it.
    """
    folder = checkpoints.locate(name, progress, MODEL)
    progress(f"loading {name}")
    exact = checkpoints.dtype_for(device, dtype)
    with checkpoints.loading(name, device, f"Voxtral, such as {MODEL}"):
        _check_kind(name, (folder / "config.json").read_bytes())
        try:
            vocabulary = tokens.load(folder)
        except ValueError as error:  # its text says what mends it
            raise Unavailable(f"model {name!r} does not load: {error}") from error
        prompts = Prompts(vocabulary)
        model: Any = VoxtralForConditionalGeneration.from_pretrained(folder, dtype=exact).eval()
        if not options.int8:  # int8: each matrix moves on its own, once it is narrow
            model.to(device)
        encoder = AudioEncoder(
            model,
            device,
            exact,
            attention=attention,
            capture=options.graphs and device == "cuda",
            compile=compiled,
        )
        pieces = [vocabulary.piece(token) for token in range(vocabulary.size)]
        words = Vocabulary(pieces, frozenset([prompts.eos]), Markup(specials=_marks(vocabulary)))
        engine = build(model, words, options, torch.device(device))
    return Voxtral(engine.start("voxtral"), encoder, prompts)


def _marks(vocabulary: tokens.Tokens) -> dict[int, str]:
    """Return the special tokens of this vocabulary that begin text which is no speech."""
    found = {}
    for name in MARKS:
        with contextlib.suppress(ValueError):  # older vocabularies lack some
            found[vocabulary.special(name)] = name
    return found


def benchmark_cudnn() -> None:
    """Let cuDNN time its algorithms at the first use of each shape, in the whole process."""
    torch.backends.cudnn.benchmark = True


def _check_kind(name: str, config: bytes) -> None:
    """Check the architecture. Raises: Unavailable if the model is no Voxtral."""
    try:
        kind = json.loads(config)["model_type"]
    except (ValueError, LookupError, TypeError) as error:
        raise Unavailable(f"{name!r} has a config.json that cannot be read: fetch the model anew") from error
    if kind == "voxtral_realtime":
        raise Unavailable(f"{name!r} only transcribes; set 'model' to {MODEL}")
    if kind != "voxtral":
        raise Unavailable(
            f"{name!r} is {kind}, not voxtral; set 'model' to a Voxtral, such as {MODEL}, or "
            "'use: generator.cascade' for a model of texts"
        )
