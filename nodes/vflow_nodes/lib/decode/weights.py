"""A decoder's weights as the engine reads them, taken out of a model of transformers without keeping a copy.

It covers Llama's architecture and its near relatives: pre-norm blocks of grouped-query attention with rotary
positions, and a gated SiLU network. Query, key and value projections are one matrix, and so are gate and up.
The parameters of transformers become views of those, so the original model still runs and nothing is held
twice.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import torch
from torch import nn

from vflow_nodes.lib.decode.errors import Unsupported

KINDS = ("llama", "mistral", "qwen2", "qwen3")
"""`model_type`s of transformers whose forward pass is that of this library."""


@dataclass(frozen=True, slots=True)
class Int8:
    """A matrix in 8 bits: `weight (N, K) int8` times `scale (N,) float32`, one scale per row.

    Rounded to nearest and symmetric. So an entry is off by at most half of its row's scale, which is the
    row's largest entry / 127.
    """

    weight: torch.Tensor
    scale: torch.Tensor


Matrix: TypeAlias = torch.Tensor | Int8


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a decoder. `heads * head_dim` may differ from `hidden`; `window` is in tokens."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocabulary: int
    eps: float
    window: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One block: `qkv ((heads + 2 kv_heads) head_dim, hidden)`, `out (hidden, heads head_dim)`,
    `gate_up (2 ffn, hidden)`, `down (hidden, ffn)`. Only Qwen3 has `q_norm` and `k_norm (head_dim,)`."""

    attention_norm: torch.Tensor
    qkv: Matrix
    qkv_bias: torch.Tensor | None
    out: Matrix
    out_bias: torch.Tensor | None
    q_norm: torch.Tensor | None
    k_norm: torch.Tensor | None
    mlp_norm: torch.Tensor
    gate_up: Matrix
    down: Matrix


MATRICES = ("qkv", "out", "gate_up", "down")
"""The fields of a `Layer` that are matrices."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A decoder. `inverse_frequency (head_dim / 2,) float32` and `rope_scale` give its rotary positions."""

    shape: Shape
    embedding: torch.Tensor
    layers: tuple[Layer, ...]
    norm: torch.Tensor
    head: Matrix
    inverse_frequency: torch.Tensor
    rope_scale: float

    @property
    def dtype(self) -> torch.dtype:
        return self.embedding.dtype

    @property
    def device(self) -> torch.device:
        return self.embedding.device

    @property
    def matrices(self) -> list[Matrix]:
        """Every matrix that a step multiplies by, in order."""
        return [*(getattr(layer, name) for layer in self.layers for name in MATRICES), self.head]

    def step_bytes(self, context: int = 0) -> int:
        """Return the bytes that one token of one row reads: every matrix once, and `context` keys and values
        (which benchmarks count)."""
        read = sum(_bytes(matrix) for matrix in self.matrices)
        shape = self.shape
        cached: int = 2 * context * shape.layers * shape.kv_heads * shape.head_dim * self.dtype.itemsize
        return read + cached


def _bytes(matrix: Matrix) -> int:
    parts = (matrix.weight, matrix.scale) if isinstance(matrix, Int8) else (matrix,)
    return sum(part.numel() * part.element_size() for part in parts)


def adapt(model: Any) -> Weights:
    """Return the weights of a causal language model of transformers, or of the one inside a Voxtral.

    The model's projections become views of the fused matrices. Raises: Unsupported.
    """
    config = model.config.get_text_config()
    if config.model_type not in KINDS:
        raise Unsupported(f"the engine runs {', '.join(KINDS)} decoders, not {config.model_type!r}")
    if getattr(config, "hidden_act", "silu") != "silu":
        raise Unsupported(f"the engine runs SiLU networks, not {config.hidden_act!r}")
    if getattr(config, "mlp_bias", False):
        raise Unsupported("the engine runs gated networks without a bias")
    decoder = _decoder(model)
    rotary = decoder.rotary_emb
    if "dynamic" in rotary.rope_type or rotary.rope_type == "longrope":
        raise Unsupported(f"the engine runs fixed rotary positions, not {rotary.rope_type!r}")
    with torch.no_grad():
        layers = tuple(_layer(layer) for layer in decoder.layers)
    first = decoder.layers[0].self_attn
    shape = Shape(
        hidden=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        head_dim=first.head_dim,
        ffn=config.intermediate_size,
        vocabulary=model.lm_head.weight.shape[0],
        eps=config.rms_norm_eps,
        window=_window(config),
    )
    return Weights(
        shape=shape,
        embedding=decoder.embed_tokens.weight.data,
        layers=layers,
        norm=decoder.norm.weight.data,
        head=model.lm_head.weight.data,
        inverse_frequency=rotary.inv_freq.float(),
        rope_scale=float(rotary.attention_scaling),
    )


def _window(config: Any) -> int:
    """Return how many tokens every layer sees: a sliding window limits it, since the cache keeps them all."""
    window: int = config.max_position_embeddings
    sliding = getattr(config, "sliding_window", None)
    if sliding and getattr(config, "use_sliding_window", True):
        window = min(window, sliding)
    return window


def _decoder(model: Any) -> Any:
    """Return the decoder, which versions of transformers keep in different places: for a Voxtral, 5 in
    model.language_model, 4 in language_model.model."""
    inner = model.model if hasattr(model, "model") else model.language_model.model
    return getattr(inner, "language_model", inner)


def _layer(layer: Any) -> Layer:
    attention, mlp = layer.self_attn, layer.mlp
    projections = [attention.q_proj, attention.k_proj, attention.v_proj]
    q_norm, k_norm = getattr(attention, "q_norm", None), getattr(attention, "k_norm", None)
    bias = None
    if attention.q_proj.bias is not None:
        bias = torch.cat([projection.bias.data for projection in projections])
    return Layer(
        attention_norm=layer.input_layernorm.weight.data,
        qkv=_fuse(projections),
        qkv_bias=bias,
        out=attention.o_proj.weight.data,
        out_bias=None if attention.o_proj.bias is None else attention.o_proj.bias.data,
        q_norm=None if q_norm is None else q_norm.weight.data,
        k_norm=None if k_norm is None else k_norm.weight.data,
        mlp_norm=layer.post_attention_layernorm.weight.data,
        gate_up=_fuse([mlp.gate_proj, mlp.up_proj]),
        down=mlp.down_proj.weight.data,
    )


def _fuse(projections: list[nn.Linear]) -> torch.Tensor:
    """Return one matrix of several with the same input. Their parameters become, or are, views of it."""
    weights = [projection.weight.data for projection in projections]
    first, rows = weights[0], sum(len(weight) for weight in weights)
    ends = [weight.data_ptr() + weight.numel() * weight.element_size() for weight in weights]
    one = all(weight.data_ptr() == end for weight, end in zip(weights[1:], ends, strict=False))
    if one and first.untyped_storage().nbytes() == rows * first.shape[1] * first.element_size():
        return first.as_strided((rows, first.shape[1]), first.stride())
    fused = torch.cat([projection.weight.data for projection in projections])
    at = 0
    for projection in projections:
        rows = projection.weight.shape[0]
        projection.weight = nn.Parameter(fused[at : at + rows], requires_grad=False)
        at += rows
    return fused


def quantise(weights: Weights, device: torch.device | None = None) -> Weights:
    """Return the same decoder with its matrices in 8 bits; embedding and norms stay. Not in place.

    The result is on `device`, which may differ from the present one. Matrices go there one by one, so that
    the wide ones are never there together.
    """
    to = device or weights.device

    def narrow(matrix: Matrix) -> Matrix:
        return matrix if isinstance(matrix, Int8) else to_int8(matrix.to(to))

    def moved(tensor: torch.Tensor | None) -> Any:
        return None if tensor is None else tensor.to(to)

    layers = tuple(
        Layer(
            **{
                field.name: (narrow if field.name in MATRICES else moved)(getattr(layer, field.name))
                for field in fields(Layer)
            }
        )
        for layer in weights.layers
    )
    return replace(
        weights,
        embedding=moved(weights.embedding),
        layers=layers,
        norm=moved(weights.norm),
        head=narrow(weights.head),
        inverse_frequency=moved(weights.inverse_frequency),
    )


def to_int8(matrix: torch.Tensor) -> Int8:
    """Round `(N, K)` to 8 bits, symmetric about zero, with one scale per row."""
    scale = matrix.abs().amax(dim=1).float().clamp_min(1e-12) / 127
    # in float32, whatever the matrix is in: otherwise the quotient would be rounded twice
    weight = (matrix / scale[:, None]).round_().clamp_(-127, 127).to(torch.int8)
    return Int8(weight, scale)
