"""The decoder whose kernels are timed: sizes, random weights, and its kernels as calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from vflow_nodes.lib.decode import ops_triton
from vflow_nodes.lib.decode.weights import Int8, Matrix

EPS = 1e-5
FILLED = 0.625
"""Share of a context bucket that the rows have filled: 640 of 1,024."""
KINDS = {"qkv": "linear", "out": "linear", "gate_up": "gated", "down": "linear", "head": "linear"}
NORMED = ("qkv", "gate_up", "head")

Call = Callable[[], Any]


@dataclass(frozen=True)
class Sizes:
    hidden: int
    heads: int
    kv_heads: int
    size: int
    ffn: int
    vocabulary: int
    layers: int
    slots: int
    cached: int  # how many layers have a cache of their own; the others share these
    contexts: tuple[int, ...]
    words: int  # to read for the ceiling

    def matrix(self, name: str) -> tuple[int, int]:
        return {
            "qkv": ((self.heads + 2 * self.kv_heads) * self.size, self.hidden),
            "out": (self.hidden, self.heads * self.size),
            "gate_up": (2 * self.ffn, self.hidden),
            "down": (self.hidden, self.ffn),
            "head": (self.vocabulary, self.hidden),
        }[name]


REAL = Sizes(3072, 32, 8, 128, 8192, 131072, 30, 32, 8, (1024, 2048, 4096, 8192), 1 << 30)
TINY = Sizes(64, 4, 2, 32, 48, 90, 2, 32, 2, (128,), 1 << 16)


class Decoder:
    """Random weights and caches of one decoder, and its kernels as calls; on `meta` only their shapes."""

    def __init__(self, sizes: Sizes, device: str, bits: int = 16) -> None:
        self.sizes, self.device, self.bits = sizes, device, bits
        self.norm = self.random(sizes.hidden)
        self.layers = [{n: self.weights(n) for n in KINDS if n != "head"} for _ in range(sizes.layers)]
        self.head = self.weights("head")
        shape = (sizes.cached, sizes.slots, sizes.kv_heads, sizes.contexts[-1], sizes.size)
        self.keys, self.values = self.random(*shape), self.random(*shape)
        angle = torch.rand(sizes.contexts[-1], sizes.size // 2, device=device)
        self.cos, self.sin = angle.cos(), angle.sin()

    def random(self, *shape: int) -> torch.Tensor:
        x = torch.empty(shape, dtype=torch.bfloat16, device=self.device)
        return x if self.device == "meta" else x.normal_()

    def weights(self, name: str) -> Matrix:
        n, k = self.sizes.matrix(name)
        if self.bits == 16:
            return self.random(n, k).mul_(k**-0.5)
        weight = torch.randint(-127, 128, (n, k), dtype=torch.int8, device=self.device)
        return Int8(weight, torch.full((n,), 1 / 73 / k**0.5, device=self.device))

    def product(self, name: str, rows: int, ops: Any = ops_triton) -> list[Call]:
        """Return calls of one kernel, each on the weights of another layer."""
        k = self.sizes.matrix(name)[1]
        x, y = self.random(rows, k), self.random(rows, self.sizes.hidden)
        every = [self.head] if name == "head" else [layer[name] for layer in self.layers]
        if ops is F:
            return [partial(F.linear, x, w) for w in every]
        if name == "gate_up":
            return [partial(ops.gated, x, w, norm=self.norm, eps=EPS) for w in every]
        if name in NORMED:
            return [partial(ops.linear, x, w, norm=self.norm, eps=EPS) for w in every]
        return [partial(ops.linear, x, w, residual=y) for w in every]

    def at(self, rows: int, context: int, first: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        slots = (first + torch.arange(rows, device=self.device)) % self.sizes.slots
        return slots, torch.full_like(slots, int(context * FILLED) - 1)

    def attention(self, name: str, rows: int, context: int) -> list[Call]:
        """Return calls of rope_write, rope_attend or torch's attention, each on other slots and layers."""
        s, scale = self.sizes, self.sizes.size**-0.5
        q, qkv = self.random(rows, s.heads, s.size), self.random(rows, s.matrix("qkv")[0])
        calls: list[Call] = []
        for i in range(max(s.slots, s.cached)):
            k, v = self.keys[i % s.cached], self.values[i % s.cached]
            slots, position = self.at(rows, context, i * rows)
            where = (self.cos, self.sin, position, slots, k, v, s.heads, s.kv_heads)
            if name == "rope_write":
                calls.append(partial(ops_triton.rope_write, qkv, *where))
            elif name == "rope_attend":
                calls.append(partial(ops_triton.rope_attend, qkv, *where, context, scale))
            else:
                first = i * rows % s.slots
                first, seen = first if first + rows <= s.slots else 0, int(context * FILLED)
                k, v = k[first : first + rows, :, :seen], v[first : first + rows, :, :seen]
                sdpa = partial(F.scaled_dot_product_attention, scale=scale, enable_gqa=True)
                calls.append(partial(sdpa, q[:, :, None], k, v))
        return calls

    def chunk(self, n: int, start: int) -> list[Call]:
        """Return calls of the attention of n positions of a prompt at `start`, each in another slot."""
        s = self.sizes
        q, position = self.random(n, s.heads, s.size), start + torch.arange(n, device=self.device)
        calls: list[Call] = []
        for i in range(s.slots):
            slot = torch.full_like(position, i)
            k, v = self.keys[i % s.cached], self.values[i % s.cached]
            where = (q, k, v, slot, position, start + n, s.size**-0.5)
            calls.append(partial(ops_triton.attend_chunk, *where))
        return calls

    def step(self, rows: int, context: int, ops: Any = ops_triton) -> Call:
        """Return the call of a decode step."""
        s, scale = self.sizes, self.sizes.size**-0.5
        given, (slots, position) = self.random(rows, s.hidden), self.at(rows, context)

        def run() -> torch.Tensor:
            x = given
            for i, w in enumerate(self.layers):
                k, v = self.keys[i % s.cached], self.values[i % s.cached]
                qkv = ops.linear(x, w["qkv"], norm=self.norm, eps=EPS)
                where = (self.cos, self.sin, position, slots, k, v, s.heads, s.kv_heads)
                seen = ops.rope_attend(qkv, *where, context, scale)
                x = ops.linear(seen, w["out"], residual=x)
                x = ops.linear(ops.gated(x, w["gate_up"], norm=self.norm, eps=EPS), w["down"], residual=x)
            return ops.linear(x, self.head, norm=self.norm, eps=EPS)

        return run

    def matrix_bytes(self, name: str) -> int:
        n, k = self.sizes.matrix(name)
        return n * k * self.bits // 8

    def cache_bytes(self, rows: int, context: int) -> int:
        return 4 * rows * int(context * FILLED) * self.sizes.kv_heads * self.sizes.size

    def step_bytes(self, rows: int, context: int) -> int:
        layer = sum(self.matrix_bytes(n) for n in KINDS if n != "head") + self.cache_bytes(rows, context)
        return self.sizes.layers * layer + self.matrix_bytes("head")
