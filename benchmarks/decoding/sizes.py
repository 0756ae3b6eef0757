"""Make random weights on the device: for a language model of Llama's kind, and a Voxtral's audio encoder."""

from __future__ import annotations

import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from transformers import AutoModel, LlamaConfig, LlamaForCausalLM, VoxtralConfig

from vflow_nodes.lib.decode.vocabulary import Vocabulary

END = 2
PREFIX, EMBEDDINGS = 29, 375
"""Tokens of a spoken turn: the persona with its marks, and 30 s of audio. One more ends it."""


@dataclass(frozen=True, slots=True)
class Size:
    """The shape of a language model, and of the audio tower before it: `audio` is (width, layers, heads)."""

    name: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocabulary: int
    theta: float
    audio: tuple[int, int, int]

    def text_config(self) -> LlamaConfig:
        return LlamaConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.hidden,
            intermediate_size=self.ffn,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            num_key_value_heads=self.kv_heads,
            head_dim=self.head_dim,
            max_position_embeddings=131072,
            rms_norm_eps=1e-5,
            rope_theta=self.theta,
            tie_word_embeddings=False,
            initializer_range=self.hidden**-0.5,
            bos_token_id=1,
            eos_token_id=END,
            pad_token_id=0,
        )

    def config(self) -> VoxtralConfig:
        width, layers, heads = self.audio
        audio = {
            "model_type": "voxtral_encoder",
            "hidden_size": width,
            "intermediate_size": 4 * width,  # four frames are stacked
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
        }
        text = {**self.text_config().to_dict(), "model_type": "llama"}
        return VoxtralConfig(
            text_config=text, audio_config=audio, audio_token_id=24, projector_hidden_act="gelu"
        )

    def prefill_flops(self, tokens: int, start: int = 0) -> float:
        """FLOP to compute `tokens` positions after `start` others, with the logits of the last one."""
        heads = self.heads * self.head_dim
        matrices = self.hidden * (2 * heads + 2 * self.kv_heads * self.head_dim + 3 * self.ffn)
        seen = sum(range(start + 1, start + tokens + 1))
        each_layer = 2 * tokens * matrices + 4 * seen * heads
        return float(self.layers * each_layer + 2 * self.hidden * self.vocabulary)

    def encode_flops(self) -> float:
        """FLOP for a window of 30 s: two convolutions, the tower, and the projector."""
        width, layers, _ = self.audio
        convolutions = 2 * 3 * (3000 * 128 * width + 1500 * width * width)
        tower = layers * (2 * 1500 * 12 * width * width + 4 * 1500 * 1500 * width)
        projector = 2 * EMBEDDINGS * (4 * width * self.hidden + self.hidden * self.hidden)
        return float(convolutions + tower + projector)


SIZES = {
    "tiny": Size("tiny", 64, 2, 4, 2, 32, 128, 4096, 1e4, (32, 2, 2)),
    "127m": Size("127m", 768, 12, 12, 4, 64, 2080, 32768, 1e4, (128, 4, 4)),
    # Source: config.json of mistralai/Voxtral-Mini-3B-2507
    "3b": Size("3b", 3072, 30, 32, 8, 128, 8192, 131072, 1e8, (1280, 32, 20)),
}


@contextmanager
def made_on(device: torch.device, dtype: torch.dtype, seed: int) -> Iterator[None]:
    """Draw modules made inside the context on their device and in their type: 4.7 B take seconds."""
    before = torch.get_default_dtype()
    torch.manual_seed(seed)
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(before)


def language_model(size: Size, device: torch.device, dtype: torch.dtype, seed: int) -> Any:
    """Make a LlamaForCausalLM. Head and embeddings are drawn wide: greedy replies then have no near-ties."""
    with made_on(device, dtype, seed), torch.no_grad():
        model = LlamaForCausalLM(size.text_config())
        model.lm_head.weight.normal_(std=4 * size.hidden**-0.5)
        model.get_input_embeddings().weight.normal_(std=1.0)
    if model.dtype != dtype:
        model.to(dtype)
    return model.eval().requires_grad_(False)


def ears(size: Size, device: torch.device, dtype: torch.dtype, seed: int) -> Any:
    """Make audio tower and projector of a Voxtral of this size, in the form that `AudioEncoder` takes."""
    from transformers.models.voxtral.modeling_voxtral import VoxtralMultiModalProjector

    config = size.config()
    with made_on(device, dtype, seed), torch.no_grad():
        tower = AutoModel.from_config(config.audio_config, dtype=dtype)
        projector = VoxtralMultiModalProjector(config)
        for weight in projector.parameters():
            weight.normal_(std=weight.shape[-1] ** -0.5)
    for module in (tower, projector):
        module.eval().requires_grad_(False)
    return SimpleNamespace(audio_tower=tower, multi_modal_projector=projector, config=config)


def vocabulary(size: Size) -> Vocabulary:
    """Make random words of letters: three tokens of four begin a word, the others continue one."""
    pieces = [(b" " if token % 4 else b"") + _letters(token) for token in range(size.vocabulary)]
    pieces[END] = b""
    return Vocabulary(pieces, frozenset({END}))


def _letters(number: int) -> bytes:
    letters = ""
    while number or not letters:
        number, digit = divmod(number, 26)
        letters = string.ascii_lowercase[digit] + letters
    return letters.encode()


def random_ids(size: Size, length: int, seed: int) -> list[int]:
    """Return the tokens of a random prompt, without special ones."""
    drawn = torch.randint(30, size.vocabulary, (length,), generator=torch.Generator().manual_seed(seed))
    ids: list[int] = drawn.tolist()
    return ids
