"""Against transformers' modules, and against attention written out in float64."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaMLP, LlamaRMSNorm, LlamaRotaryEmbedding
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb as hf_rotate

from tests.nodes.lib.decode.models import SIZES, examples
from vflow_nodes.lib.decode.ops_torch import attend, attend_chunk, gated, linear, rms_norm, rope_write, rotate
from vflow_nodes.lib.decode.weights import to_int8

TYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
TOLERANCE = {torch.float32: {"atol": 1e-5, "rtol": 1e-5}, torch.bfloat16: {"atol": 2e-2, "rtol": 2e-2}}


def normal(*size: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)).to(dtype)


def written_out(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float) -> torch.Tensor:
    """Compute attention of a query `(heads, D)` over `k` and `v (kv_heads, n, D)`: `(heads D,)` float64."""
    group = len(q) // len(k)
    k, v = (cache.double().repeat_interleave(group, dim=0) for cache in (k, v))
    shares = ((q.double()[:, None] * k).sum(-1) * scale).softmax(-1)
    return (shares[..., None] * v).sum(1).flatten()


@TYPES
def test_norm_is_that_of_transformers(dtype: torch.dtype) -> None:
    norm = LlamaRMSNorm(64, eps=1e-5).to(dtype)
    norm.weight.data = normal(64, seed=1, dtype=dtype)
    x = normal(5, 64, dtype=dtype) * 7
    torch.testing.assert_close(rms_norm(x, norm.weight.data, 1e-5), norm(x).detach(), **TOLERANCE[dtype])


@TYPES
def test_gate_is_that_of_transformers(dtype: torch.dtype) -> None:
    mlp = LlamaMLP(LlamaConfig(**SIZES)).to(dtype).requires_grad_(False)
    mlp.down_proj = torch.nn.Identity()
    norm = normal(64, seed=2, dtype=dtype)
    x = normal(3, 64, dtype=dtype)
    both = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight])
    expected = mlp(rms_norm(x, norm, 1e-6))
    torch.testing.assert_close(gated(x, both, norm=norm, eps=1e-6), expected, **TOLERANCE[dtype])


@TYPES
def test_rotation_is_that_of_transformers(dtype: torch.dtype) -> None:
    positions = torch.tensor([0, 1, 7, 900])
    cos, sin = LlamaRotaryEmbedding(LlamaConfig(**SIZES))(normal(1), positions[None])
    x = normal(4, 3, 24, dtype=dtype)
    expected, _ = hf_rotate(x[None], x[None], cos.to(dtype), sin.to(dtype), unsqueeze_dim=2)
    half = 12
    torch.testing.assert_close(rotate(x, cos[0, :, :half], sin[0, :, :half]), expected[0], **TOLERANCE[dtype])


def test_linear_adds_norm_bias_and_residual() -> None:
    x, w, bias, norm, residual = (
        normal(3, 8),
        normal(5, 8),
        normal(5),
        normal(8, seed=4),
        normal(3, 5, seed=5),
    )
    torch.testing.assert_close(linear(x, w), x @ w.T)
    torch.testing.assert_close(linear(x, w, bias=bias, residual=residual), x @ w.T + bias + residual)
    torch.testing.assert_close(linear(x, w, norm=norm, eps=1e-5), rms_norm(x, norm, 1e-5) @ w.T)


@pytest.mark.parametrize("rows", [1, 3, 40])
@TYPES
def test_linear_in_8_bits_multiplies_by_the_rounded_matrix(dtype: torch.dtype, rows: int) -> None:
    x, w, bias = (
        normal(rows, 64, dtype=dtype),
        normal(96, 64, seed=1, dtype=dtype),
        normal(96, seed=2, dtype=dtype),
    )
    narrow = to_int8(w)
    dense = narrow.weight.double() * narrow.scale.double()[:, None]
    expected = (x.double() @ dense.T + bias.double()).to(dtype)
    tolerance = {"atol": 0.15, "rtol": 2e-2} if dtype == torch.bfloat16 else {"atol": 1e-4, "rtol": 1e-4}
    torch.testing.assert_close(linear(x, narrow, bias=bias), expected, **tolerance)


@pytest.mark.parametrize("norms", [False, True], ids=["plain", "normed heads"])
def test_keys_and_values_are_stored_at_each_rows_position_only(norms: bool) -> None:
    heads, kv_heads, size, slots, length = 4, 2, 6, 5, 9
    rows, position = torch.tensor([3, 0]), torch.tensor([2, 8])
    qkv = normal(2, (heads + 2 * kv_heads) * size)
    angle = torch.outer(torch.arange(length).float(), torch.tensor([1.0, 0.1, 0.01]))
    k_cache, v_cache = (torch.full((slots, kv_heads, length, size), 77.0) for _ in range(2))
    q_norm, k_norm = (normal(size, seed=8), normal(size, seed=9)) if norms else (None, None)
    q = rope_write(
        qkv, angle.cos(), angle.sin(), position, rows, k_cache, v_cache, heads, kv_heads,
        q_norm=q_norm, k_norm=k_norm, eps=1e-6,
    )  # fmt: skip
    parts = qkv.view(2, -1, size)
    queries, keys, values = parts[:, :heads], parts[:, heads : heads + kv_heads], parts[:, heads + kv_heads :]
    if q_norm is not None and k_norm is not None:
        queries, keys = rms_norm(queries, q_norm, 1e-6), rms_norm(keys, k_norm, 1e-6)
    cos, sin = angle.cos()[position], angle.sin()[position]
    torch.testing.assert_close(q, rotate(queries, cos, sin))
    torch.testing.assert_close(k_cache[rows, :, position], rotate(keys, cos, sin))
    torch.testing.assert_close(v_cache[rows, :, position], values)
    for cache in (k_cache, v_cache):
        cache[rows, :, position] = 77.0
        assert (cache == 77.0).all()


@examples(40)
@given(st.data())
def test_each_row_attends_to_its_own_slot_up_to_its_own_position(data: st.DataObject) -> None:
    kv_heads, group, slots, length, size = 2, data.draw(st.integers(1, 4)), 4, 12, 8
    rows = data.draw(st.lists(st.integers(0, slots - 1), min_size=1, max_size=4, unique=True))
    position = data.draw(st.lists(st.integers(0, length - 1), min_size=len(rows), max_size=len(rows)))
    q = normal(len(rows), kv_heads * group, size, seed=1)
    k, v = normal(slots, kv_heads, length, size, seed=2), normal(slots, kv_heads, length, size, seed=3)
    seen = attend(q, k, v, torch.tensor(rows), torch.tensor(position), max(position) + 1, 0.3)
    for i, (row, at) in enumerate(zip(rows, position, strict=True)):
        expected = written_out(q[i], k[row, :, : at + 1], v[row, :, : at + 1], 0.3)
        torch.testing.assert_close(seen[i].double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("start", "n"), [(0, 1), (0, 5), (4, 1), (4, 3), (1, 8)])
def test_a_part_of_a_prompt_attends_to_all_before_it_and_to_itself_so_far(start: int, n: int) -> None:
    q = normal(n, 6, 8, seed=1)
    k, v = normal(3, 2, 12, 8, seed=2), normal(3, 2, 12, 8, seed=3)
    rows, position = torch.full((n,), 2), torch.arange(start, start + n)
    seen = attend_chunk(q, k, v, rows, position, start + n, 0.3)
    for i in range(n):
        upto = start + i + 1
        expected = written_out(q[i], k[2, :, :upto], v[2, :, :upto], 0.3)
        torch.testing.assert_close(seen[i].double(), expected, atol=1e-5, rtol=1e-5)
