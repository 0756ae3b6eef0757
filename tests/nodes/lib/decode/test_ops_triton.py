"""Triton's kernels against plain torch: on CUDA where there is a device, else in Triton's interpreter."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.nodes.lib.decode.devices import ALONE_S, CUDA, DEVICE, interpreted, needs_cuda, run_alone
from vflow_nodes.lib.decode import ops_torch, ops_triton
from vflow_nodes.lib.decode.kernels import linear, scratch, tiling
from vflow_nodes.lib.decode.kernels.deferred import kernels
from vflow_nodes.lib.decode.kernels.tiling import Span, Tile
from vflow_nodes.lib.decode.weights import Int8, Matrix

with interpreted():
    attention, chunk, product = kernels().attention, kernels().chunk, kernels().product

BFLOAT16 = torch.bfloat16
FLOAT32 = torch.float32
# a GPU rounds to bfloat16, the interpreter cuts off
TOLERANCE = {
    FLOAT32: (2e-5, 2e-4),
    torch.float16: (2e-3, 2e-2),
    BFLOAT16: (8e-3, 4e-2) if CUDA else (32e-3, 8e-2),
}
"""Of the whole result, in units of its root mean square; of each entry, in units of that and its own size."""
EPS = 1e-5


@pytest.fixture(autouse=True)
def _the_kernels_run_where_the_tensors_are() -> Iterator[None]:
    modules = (attention, chunk, product)
    assert all(each.INTERPRETED is (not CUDA) for each in modules), "they were imported before this module"
    with interpreted():
        yield


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(7)


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the tables of tilings after a test."""
    monkeypatch.setattr(tiling, "TILES", dict(tiling.TILES))
    monkeypatch.setattr(tiling, "SPANS", dict(tiling.SPANS))


@contextmanager
def poisoned() -> Iterator[None]:
    """Fill new memory with NaN, so that places that a kernel does not write, or reads unwritten, show."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*CuBLAS")  # is not deterministic in all its modes
            yield
    finally:
        torch.use_deterministic_algorithms(False)


def assert_near(found: torch.Tensor, expected: torch.Tensor) -> None:
    whole, each = TOLERANCE[found.dtype]
    assert found.shape == expected.shape
    error, size = (found.float() - expected.float()).abs(), expected.float().square().mean().sqrt()
    assert error.square().mean().sqrt() <= whole * size
    assert (error <= each * (size + expected.float().abs())).all()


def random(*shape: int, dtype: torch.dtype) -> torch.Tensor:
    return torch.randn(*shape, device=DEVICE).to(dtype)


def matrix(n: int, k: int, dtype: torch.dtype, bits: int) -> Matrix:
    if bits == 8:
        weight = torch.randint(-127, 128, (n, k), dtype=torch.int8, device=DEVICE)
        return Int8(weight, (torch.rand(n, device=DEVICE) + 0.5) / 70 / k**0.5)
    return random(n, k, dtype=dtype) / k**0.5


def wide(value: Any) -> Any:
    """Return the same numbers in float32: the reference is more precise than the result."""
    if isinstance(value, Int8):
        return value.weight.float() * value.scale[:, None]
    return value.float() if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def check_linear(rows: int, n: int, k: int, dtype: torch.dtype, bits: int, around: bool = True) -> None:
    x, w = random(rows, k, dtype=dtype), matrix(n, k, dtype, bits)
    given: dict[str, Any] = {}
    if around:
        given = {
            "norm": random(k, dtype=dtype),
            "eps": EPS,
            "bias": random(n, dtype=dtype),
            "residual": random(rows, n, dtype=dtype),
        }
    with poisoned():
        found = ops_triton.linear(x, w, **given)
    expected = ops_torch.linear(wide(x), wide(w), **{name: wide(value) for name, value in given.items()})
    assert_near(found, expected)


@pytest.mark.parametrize("dtype", [FLOAT32, BFLOAT16])
@pytest.mark.parametrize("bits", [32, 8])
@pytest.mark.parametrize("rows", [1, 2, 3, 5, 32, 33, 70])
def test_linear_is_plain_torch_s(rows: int, bits: int, dtype: torch.dtype) -> None:
    check_linear(rows, n=70, k=256, dtype=dtype, bits=bits)
    check_linear(rows, n=33, k=96, dtype=dtype, bits=bits, around=False)


@pytest.mark.parametrize("dtype", [FLOAT32, BFLOAT16])
@pytest.mark.parametrize("bits", [32, 8])
@pytest.mark.parametrize("rows", [1, 2, 3, 5, 32, 33, 70])
def test_gated_is_plain_torch_s(rows: int, bits: int, dtype: torch.dtype) -> None:
    k, f = 160, 37
    x, w, norm = random(rows, k, dtype=dtype), matrix(2 * f, k, dtype, bits), random(k, dtype=dtype)
    with poisoned():
        found = ops_triton.gated(x, w, norm=norm, eps=EPS)
    assert_near(found, ops_torch.gated(wide(x), wide(w), norm=wide(norm), eps=EPS))


@pytest.mark.parametrize("dtype", [FLOAT32, torch.float16, BFLOAT16])
@pytest.mark.parametrize(("rows", "k"), [(1, 64), (3, 100), (40, 1536)])
def test_a_norm_is_plain_torch_s(rows: int, k: int, dtype: torch.dtype) -> None:
    x, weight = random(rows, k, dtype=dtype) * 3, random(k, dtype=dtype)
    with poisoned():
        found = ops_triton.rms_norm(x, weight, EPS)
    assert_near(found, ops_torch.rms_norm(wide(x), wide(weight), EPS))


@pytest.mark.parametrize("dtype", [FLOAT32, torch.float16, BFLOAT16])
@pytest.mark.parametrize(("rows", "f"), [(1, 32), (3, 100), (40, 1100)])
def test_a_gate_is_plain_torch_s(rows: int, f: int, dtype: torch.dtype) -> None:
    x = random(rows, 2 * f, dtype=dtype)
    with poisoned():
        found = linear.silu_mul(x)
    gate, up = wide(x).chunk(2, dim=1)
    assert_near(found, torch.nn.functional.silu(gate) * up)


@needs_cuda
@pytest.mark.parametrize("rows", [2, 512])
def test_norm_and_gate_round_as_plain_torch_does(rows: int) -> None:
    x, weight = random(rows, 4096, dtype=BFLOAT16) * 3, random(4096, dtype=BFLOAT16)
    # a sum in another order may move the factor's last bit, and with it a rounding here and there
    same = ops_triton.rms_norm(x, weight, EPS) == ops_torch.rms_norm(x, weight, EPS)
    assert same.float().mean() > 0.99
    gate, up = x.chunk(2, dim=1)
    same = linear.silu_mul(x) == torch.nn.functional.silu(gate) * up
    assert same.float().mean() > 0.99


def test_8_bits_become_the_same_floats_by_adding(cuts: None) -> None:
    every = torch.arange(-128, 128, device=DEVICE)
    w = Int8(every.to(torch.int8)[:, None].repeat(1, 8), torch.ones(256, device=DEVICE))
    tiling.TILES["linear", 256, 8, 1, 8] = Tile(4, 128, by_adding=True)
    found = ops_triton.linear(torch.full((1, 8), 3.0, device=DEVICE), w)
    assert torch.equal(found[0], every * 24.0)


@pytest.mark.parametrize("splits", [2, 3, 4])
def test_programs_that_share_a_tile_add_up_to_it_and_leave_no_ticket(splits: int, cuts: None) -> None:
    n, k = 50, 320
    for rows in (3, 20):
        tiling.TILES["linear", n, k, tiling.bucket(rows), 8] = Tile(16, 64, splits=splits)
        for _ in range(2):
            check_linear(rows, n, k, BFLOAT16, bits=8)
            assert not scratch.tickets(DEVICE, 1).any()


def test_a_gate_s_sums_are_not_split(cuts: None) -> None:
    tiling.TILES["gated", 16, 64, 16, 8] = Tile(16, 32, splits=2)
    x, w, norm = random(2, 64, dtype=FLOAT32), matrix(16, 64, FLOAT32, 8), random(64, dtype=FLOAT32)
    with pytest.raises(ValueError, match="whole sums, which Tile"):
        ops_triton.gated(x, w, norm=norm, eps=EPS)


def test_float16_does_not_overflow_where_the_normalised_row_would_not() -> None:
    x = random(3, 64, dtype=torch.float16) * 1000
    w, norm = random(40, 64, dtype=torch.float16) / 8, torch.full((64,), 300.0, device=DEVICE).half()
    expected = ops_torch.linear(wide(x), wide(w), norm=wide(norm), eps=EPS)
    assert_near(ops_triton.linear(x, w, norm=norm, eps=EPS), expected)


class Step:
    """A step of one token for some rows, with slots in any order: projections, and full caches."""

    def __init__(
        self,
        positions: list[int],
        heads: int,
        kv_heads: int,
        size: int,
        length: int,
        dtype: torch.dtype,
        norms: bool = False,
    ) -> None:
        b = len(positions)
        self.heads, self.kv_heads, self.context, self.scale = heads, kv_heads, length, size**-0.5
        self.qkv = random(b, (heads + 2 * kv_heads) * size, dtype=dtype)
        angle = torch.rand(length, size // 2, device=DEVICE) * 7
        self.cos, self.sin = angle.cos(), angle.sin()
        self.position = torch.tensor(positions, device=DEVICE)
        self.rows = torch.randperm(b + 2, device=DEVICE)[:b]
        self.keys, self.values = (
            random(b + 2, kv_heads, length, size, dtype=dtype),
            random(b + 2, kv_heads, length, size, dtype=dtype),
        )
        self.norms: dict[str, Any] = {}
        if norms:
            self.norms = {
                "q_norm": random(size, dtype=dtype),
                "k_norm": random(size, dtype=dtype),
                "eps": EPS,
            }

    def wide(self) -> Step:
        """Return the step in float32, with caches of its own."""
        other = object.__new__(Step)
        other.__dict__ = {name: wide(value) for name, value in self.__dict__.items()}
        other.norms = {name: wide(value) for name, value in self.norms.items()}
        other.keys, other.values = wide(self.keys).clone(), wide(self.values).clone()
        return other

    def placed(self) -> torch.Tensor:
        """Return a mask, true at the places of the step's keys and values, `(slots, kv_heads, length)`."""
        place = torch.zeros(self.keys.shape[:3], dtype=torch.bool, device=DEVICE)
        place[self.rows, :, self.position] = True
        return place

    def rope_write(self, ops: Any) -> torch.Tensor:
        found: torch.Tensor = ops.rope_write(
            self.qkv, self.cos, self.sin, self.position, self.rows, self.keys, self.values,
            self.heads, self.kv_heads, **self.norms,
        )  # fmt: skip
        return found

    def rope_attend(self, ops: Any) -> torch.Tensor:
        found: torch.Tensor = ops.rope_attend(
            self.qkv, self.cos, self.sin, self.position, self.rows, self.keys, self.values,
            self.heads, self.kv_heads, self.context, self.scale, **self.norms,
        )  # fmt: skip
        return found


def check_step(step: Step) -> None:
    """Compare rotation and storing, alone and with attention, with plain torch in float32."""
    reference, place = step.wide(), step.placed()
    keys, values = step.keys, step.values
    expected_q = step.wide().rope_write(ops_torch)
    expected = reference.rope_attend(ops_torch)
    for attends in (False, True):
        step.keys, step.values = keys.clone(), values.clone()
        with poisoned():
            found = step.rope_attend(ops_triton) if attends else step.rope_write(ops_triton)
        assert_near(found, expected if attends else expected_q)
        for cache, was, correct in (
            (step.keys, keys, reference.keys),
            (step.values, values, reference.values),
        ):
            assert torch.equal(cache[~place], was[~place])
            assert_near(cache[place], correct[place])


@pytest.mark.parametrize("dtype", [FLOAT32, BFLOAT16])
@pytest.mark.parametrize("positions", [[0], [200, 3], [63, 64, 0], [127, 128, 65, 255, 1]])
def test_a_step_over_split_keys_is_plain_torch_s(positions: list[int], dtype: torch.dtype) -> None:
    check_step(Step(positions, heads=4, kv_heads=2, size=64, length=256, dtype=dtype))


def test_a_step_of_32_rows_is_plain_torch_s() -> None:
    positions = [(37 * i) % 128 for i in range(32)]
    check_step(Step(positions, heads=4, kv_heads=1, size=64, length=128, dtype=BFLOAT16))


@pytest.mark.parametrize(("heads", "kv_heads"), [(3, 3), (6, 2), (7, 1), (32, 1)])
def test_any_number_of_heads_may_share_a_key_head(heads: int, kv_heads: int) -> None:
    check_step(Step([70, 12], heads, kv_heads, size=128, length=100, dtype=FLOAT32, norms=True))


def test_a_span_of_several_blocks_is_the_same(cuts: None) -> None:
    for rows, positions in ((1, [150]), (2, [31, 191])):
        tiling.SPANS[192, rows] = Span(span=128, block=32)
        check_step(Step(positions, heads=4, kv_heads=2, size=64, length=192, dtype=FLOAT32))


def test_a_row_beyond_the_context_disturbs_no_other() -> None:
    step = Step([255, 40], heads=2, kv_heads=1, size=64, length=256, dtype=FLOAT32)
    step.context = 128
    expected = step.wide().rope_attend(ops_torch)
    assert_near(step.rope_attend(ops_triton)[1:], expected[1:])


def check_chunk(
    n: int, start: int, heads: int, kv_heads: int, size: int, dtype: torch.dtype, length: int
) -> None:
    """A part of a prompt with three rows of padding behind it, in slot 1 of 3."""
    context = start + n
    q = random(n + 3, heads, size, dtype=dtype)
    keys, values = (random(3, kv_heads, length, size, dtype=dtype) for _ in range(2))
    for each in (keys, values):
        each[1, :, context:] = torch.nan
    rows = torch.ones(n + 3, dtype=torch.int64, device=DEVICE)
    position = start + torch.arange(n + 3, device=DEVICE)
    with poisoned():
        found = ops_triton.attend_chunk(q, keys, values, rows, position, context, size**-0.5)
    expected = ops_torch.attend_chunk(
        wide(q[:n]), wide(keys), wide(values), rows[:n], position[:n], context, size**-0.5
    )
    assert_near(found[:n], expected)


@pytest.mark.parametrize("dtype", [FLOAT32, BFLOAT16])
@pytest.mark.parametrize(("n", "start"), [(1, 0), (5, 0), (64, 0), (61, 3), (70, 130), (2, 63)])
def test_a_part_of_a_prompt_is_plain_torch_s(n: int, start: int, dtype: torch.dtype) -> None:
    check_chunk(n, start, heads=4, kv_heads=2, size=64, dtype=dtype, length=256)


@pytest.mark.parametrize(("heads", "kv_heads", "size"), [(3, 3, 32), (7, 1, 64), (6, 2, 128)])
def test_a_part_of_a_prompt_has_any_number_of_heads(heads: int, kv_heads: int, size: int) -> None:
    check_chunk(20, 50, heads, kv_heads, size, FLOAT32, length=96)


def test_offsets_beyond_2_to_the_31_do_not_overflow() -> None:
    heads, size, length = 1, 128, 64
    slots = 2**31 // (length * size) + 2
    step = Step([5], heads, 1, size, length, FLOAT32)
    # untouched pages of a CPU's memory cost nothing; both caches are one, so keys are values
    cache = torch.empty(slots, 1, length, size, dtype=BFLOAT16, device=DEVICE)
    cache[-1] = step.keys[0].to(BFLOAT16)
    step.qkv, step.rows = step.qkv.to(BFLOAT16), torch.tensor([slots - 1], device=DEVICE)
    step.keys = step.values = cache
    step.rope_write(ops_triton)
    assert torch.equal(cache[-1, 0, 5], step.qkv[0, 2 * size :])
    cache[-1, 0, 5] = 0
    found = step.rope_attend(ops_triton)
    step.keys = step.values = cache[-1:].clone()
    step.rows = torch.zeros_like(step.rows)
    reference = step.wide()
    reference.values = reference.keys
    assert_near(found, reference.rope_attend(ops_torch))


def test_caches_of_another_layout_are_refused() -> None:
    step = Step([5], 2, 1, 64, 64, FLOAT32)
    step.keys = step.keys.transpose(2, 3).contiguous().transpose(2, 3)
    with pytest.raises(ValueError, match="contiguous from length on"):
        step.rope_attend(ops_triton)


def test_a_head_that_is_no_power_of_two_is_refused() -> None:
    step = Step([5], 2, 1, 48, 64, FLOAT32)
    with pytest.raises(ValueError, match=r"heads of 48.*use plain torch"):
        step.rope_write(ops_triton)


def test_weights_that_are_a_transposed_view_are_refused() -> None:
    x, w = random(1, 64, dtype=FLOAT32), random(64, 32, dtype=FLOAT32)
    with pytest.raises(ValueError, match="must be contiguous"):
        ops_triton.linear(x, w.T)


@pytest.mark.parametrize("head_dim", [8, 80, 100])
def test_unsupported_heads_are_refused_before_the_kernels_run(head_dim: int) -> None:
    assert ops_triton.available(head_dim).startswith("they take heads of 16, 32, 64, ..., not of")


def test_a_missing_triton_is_reported_and_prevents_no_import(tmp_path: Path) -> None:
    done = run_alone(
        "import os, sys\n"
        "sys.modules['triton'] = None\n"
        "from vflow_nodes.lib.decode import ops_triton\n"
        "print(ops_triton.available())\n"
        "del sys.modules['triton']\n"
        "print(ops_triton.available())\n"
        "os.environ['TRITON_INTERPRET'] = '1'\n"
        "print(repr(ops_triton.available()))",
        tmp_path,
    )
    assert done.stdout.splitlines() == [
        "triton is not installed: it comes with torch for CUDA on Linux (pip install triton)",
        "torch sees no CUDA device: use a CUDA build of torch and check the driver with nvidia-smi",
        "''",
    ], done.stderr


COMPILES = """
import torch
from vflow_nodes.lib.decode import ops_triton
from benchmarks.kernel_parts.ahead import compiling
from vflow_nodes.lib.decode.weights import Int8

def empty(*shape, dtype=torch.bfloat16):
    return torch.empty(*shape, dtype=dtype, device="meta")

def attend(b, heads, kv_heads, size, context):
    cos, at = empty(context, size // 2, dtype=torch.float32), empty(b, dtype=torch.int64)
    caches = [empty(b + 1, kv_heads, context, size)] * 2
    qkv = empty(b, (heads + 2 * kv_heads) * size)
    ops_triton.rope_attend(qkv, cos, cos, at, at, *caches, heads, kv_heads, context, 0.1)

with compiling(90) as kernels:
    norm, cos, at = empty(3072), empty(1024, 64, dtype=torch.float32), empty(8, dtype=torch.int64)
    for b in (1, 8, 32, 512):
        w = Int8(empty(16384, 3072, dtype=torch.int8), empty(16384, dtype=torch.float32))
        ops_triton.gated(empty(b, 3072), w, norm=norm, eps=1e-5)
        w = Int8(empty(3072, 8192, dtype=torch.int8), empty(3072, dtype=torch.float32))
        ops_triton.linear(empty(b, 8192), w, residual=empty(b, 3072))
    ops_triton.linear(empty(1, 8192), empty(3072, 8192), residual=empty(1, 3072))
    ops_triton.gated(empty(1, 3072), empty(16384, 3072), norm=norm, eps=1e-5)
    caches = [empty(9, 8, 1024, 128)] * 2
    ops_triton.rope_write(empty(8, 6144), cos, cos, at, at, *caches, 32, 8)
    for b in (1, 2, 3, 4, 5):
        attend(b, 32, 8, 128, 1000)
    for group in (1, 3, 7, 32):
        attend(1, 2 * group, 2, 64, 300)
    for size, dtype in ((64, torch.bfloat16), (128, torch.bfloat16), (128, torch.float32)):
        q, at = empty(512, 32, size, dtype=dtype), empty(512, dtype=torch.int64)
        ops_triton.attend_chunk(q, *[empty(9, 8, 1024, size, dtype=dtype)] * 2, at, at, 1024, 0.1)
for name in sorted({kernel.name for kernel in kernels if kernel.asm["cubin"]}):
    print(name)
"""


@pytest.mark.timeout(ALONE_S + 30)
def test_the_kernels_compile_for_compute_capability_9_without_a_device(tmp_path: Path) -> None:
    done = run_alone(COMPILES, tmp_path)
    kernels = "attend_block attend_span join many_rows one_row rms_norm rotate_and_store silu_mul widen"
    assert done.stdout.split() == kernels.split(), done.stderr


@needs_cuda
@pytest.mark.parametrize("rows", [1, 2, 5, 16, 32])
@pytest.mark.parametrize("bits", [16, 8])
def test_a_3b_decoder_s_products_are_plain_torch_s(rows: int, bits: int) -> None:
    for n, k in ((6144, 3072), (3072, 4096), (3072, 8192), (131072, 3072)):
        check_linear(rows, n, k, BFLOAT16, bits, around=k == 3072)
    x, w, norm = (
        random(rows, 3072, dtype=BFLOAT16),
        matrix(16384, 3072, BFLOAT16, bits),
        random(3072, dtype=BFLOAT16),
    )
    found = ops_triton.gated(x, w, norm=norm, eps=EPS)
    assert_near(found, ops_torch.gated(wide(x), wide(w), norm=wide(norm), eps=EPS))


@needs_cuda
@pytest.mark.parametrize("rows", [1, 4, 32])
@pytest.mark.parametrize("length", [1024, 4096])
def test_a_3b_decoder_s_attention_is_plain_torch_s(rows: int, length: int) -> None:
    positions = [(length - 1 - 379 * i) % length for i in range(rows)]
    check_step(Step(positions, 32, 8, 128, length, BFLOAT16))


@needs_cuda
@pytest.mark.parametrize(("n", "start"), [(512, 0), (300, 1024), (64, 4000)])
def test_a_3b_decoder_s_part_of_a_prompt_is_plain_torch_s(n: int, start: int) -> None:
    check_chunk(n, start, 32, 8, 128, BFLOAT16, length=4608)


@needs_cuda
@pytest.mark.parametrize("rows", [1, 8, 32])
def test_a_captured_step_replays_to_the_same_values(rows: int) -> None:
    hidden, f = 2048, 4096
    step = Step([(97 * i) % 1024 for i in range(rows)], 16, 4, 128, 1024, BFLOAT16)
    qkv, down, gate_up = (
        matrix(3072, hidden, BFLOAT16, 16),
        matrix(hidden, f, BFLOAT16, 16),
        matrix(2 * f, hidden, BFLOAT16, 8),
    )
    x, norm = random(rows, hidden, dtype=BFLOAT16), random(hidden, dtype=BFLOAT16)

    def layers() -> torch.Tensor:
        y = x
        for _ in range(8):
            step.qkv = ops_triton.linear(y, qkv, norm=norm, eps=EPS)
            seen = step.rope_attend(ops_triton)
            y = ops_triton.linear(seen, qkv[:hidden], residual=y)
            y = ops_triton.linear(ops_triton.gated(y, gate_up, norm=norm, eps=EPS), down, residual=y)
        return y

    eager = layers().clone()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = layers()
    for _ in range(20):
        captured.fill_(torch.nan)
        graph.replay()
        assert torch.equal(captured, eager)
    x.copy_(random(rows, hidden, dtype=BFLOAT16))
    graph.replay()
    replayed = captured.clone()
    assert torch.equal(replayed, layers())


@needs_cuda
def test_a_first_call_inside_a_capture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_own", type(scratch._own)())

    def capture() -> None:
        with torch.cuda.graph(torch.cuda.CUDAGraph()):
            torch.zeros(1, device=DEVICE)  # an empty graph would be warned of
            scratch.tickets(DEVICE, 1)

    with pytest.raises(RuntimeError, match="in a graph's capture; call once before it"):
        capture()
