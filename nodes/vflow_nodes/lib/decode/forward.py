"""A decoder's forward pass over a static cache: part of one slot's prompt, or one token of many slots."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from vflow_nodes.lib.decode import ops_torch
from vflow_nodes.lib.decode.weights import Weights

SPARE = 512
"""Positions of a slot after its context, into which the padding of a prompt's part may be written."""


class Model(Protocol):
    """Computes logits. Slots are 0 to `slots` - 1; one more, number `slots`, is written to and never read."""

    slots: int
    context: int
    longest: int
    """Most tokens that the model sees at once, however large `context` is."""
    vocabulary: int
    device: torch.device
    rewinds: bool
    """Whether a slot can forget its last positions and go on; otherwise it begins anew."""

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of `ids (n,)` int64, `(n, hidden)`."""

    def prefill(self, slot: int, start: int, x: torch.Tensor) -> torch.Tensor:
        """Append embeddings `x (n, hidden)` to a slot that holds `start` positions. Return the logits after
        the last one, `(1, vocabulary)`."""

    def decode(
        self, rows: torch.Tensor, position: torch.Tensor, ids: torch.Tensor, context: int
    ) -> torch.Tensor:
        """Append one token to each slot of `rows`, at `position`; all are `(b,)` int64. Return logits
        `(b, vocabulary)`. `context` is above the largest position."""


class LlamaModel:
    """A decoder on static keys and values: `slots` of `context` positions, and one more to write rubbish to.

    One thread at a time. The cache is allocated once, at construction, and `decode` never waits for the
    device.
    """

    rewinds = True

    def __init__(self, weights: Weights, slots: int, context: int, ops: Any = ops_torch) -> None:
        shape = weights.shape
        self.weights, self.slots, self.context = weights, slots, min(context, shape.window)
        self.longest = shape.window
        self.vocabulary, self.device = shape.vocabulary, weights.device
        self.ops = ops
        length = self.context + SPARE
        size = (shape.layers, slots + 1, shape.kv_heads, length, shape.head_dim)
        # zeros, not empty: masked values are multiplied by 0, and NaN times 0 would stay NaN
        self.keys = torch.zeros(size, dtype=weights.dtype, device=weights.device)
        self.values = torch.zeros_like(self.keys)
        angle = torch.outer(
            torch.arange(length, device=weights.device).float(), weights.inverse_frequency.to(weights.device)
        )
        self.cos, self.sin = angle.cos() * weights.rope_scale, angle.sin() * weights.rope_scale
        self.scale = shape.head_dim**-0.5

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return self.weights.embedding[ids]

    def prefill(self, slot: int, start: int, x: torch.Tensor) -> torch.Tensor:
        n = len(x)
        position = torch.arange(start, start + n, device=self.device)
        rows = torch.full_like(position, slot)
        return self.part(rows, position, x, position[-1:] - start, start + n)

    def part(
        self,
        rows: torch.Tensor,
        position: torch.Tensor,
        x: torch.Tensor,
        last: torch.Tensor,
        context: int,
    ) -> torch.Tensor:
        """Do what `prefill` does, with its numbers on the device. `rows (n,)` is the slot n times, `position
        (n,)` counts up, and the logits are those after row `last (1,)`; later rows of `x (n, hidden)` are
        padding."""
        w, shape, ops = self.weights, self.weights.shape, self.ops
        for y, k, v in zip(w.layers, self.keys, self.values, strict=True):
            qkv = ops.linear(x, y.qkv, bias=y.qkv_bias, norm=y.attention_norm, eps=shape.eps)
            q = ops.rope_write(
                qkv, self.cos, self.sin, position, rows, k, v, shape.heads, shape.kv_heads,
                q_norm=y.q_norm, k_norm=y.k_norm, eps=shape.eps,
            )  # fmt: skip
            seen = ops.attend_chunk(q, k, v, rows, position, context, self.scale)
            x = ops.linear(seen, y.out, bias=y.out_bias, residual=x)
            x = ops.linear(ops.gated(x, y.gate_up, norm=y.mlp_norm, eps=shape.eps), y.down, residual=x)
        return ops.linear(x.index_select(0, last), w.head, norm=w.norm, eps=shape.eps)

    def decode(
        self, rows: torch.Tensor, position: torch.Tensor, ids: torch.Tensor, context: int
    ) -> torch.Tensor:
        w, shape, ops = self.weights, self.weights.shape, self.ops
        x = w.embedding[ids]  # (b, hidden)
        for y, k, v in zip(w.layers, self.keys, self.values, strict=True):
            qkv = ops.linear(x, y.qkv, bias=y.qkv_bias, norm=y.attention_norm, eps=shape.eps)
            seen = ops.rope_attend(
                qkv, self.cos, self.sin, position, rows, k, v, shape.heads, shape.kv_heads,
                context, self.scale, q_norm=y.q_norm, k_norm=y.k_norm, eps=shape.eps,
            )  # fmt: skip
            x = ops.linear(seen, y.out, bias=y.out_bias, residual=x)
            x = ops.linear(ops.gated(x, y.gate_up, norm=y.mlp_norm, eps=shape.eps), y.down, residual=x)
        return ops.linear(x, w.head, norm=w.norm, eps=shape.eps)
