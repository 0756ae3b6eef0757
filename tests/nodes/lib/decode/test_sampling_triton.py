"""Triton's sampler against plain torch's: on CUDA where there is a device, else in Triton's interpreter."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.nodes.lib.decode.devices import ALONE_S, CUDA, DEVICE, interpreted, needs_cuda, run_alone
from vflow_nodes.lib.decode import sampling_triton
from vflow_nodes.lib.decode.kernels.deferred import kernels
from vflow_nodes.lib.decode.sampling import (
    CANDIDATES,
    LONGEST,
    Sampler,
    Sampling,
    SamplingState,
    ranked,
    ranked_place,
)
from vflow_nodes.lib.decode.sampling_triton import BLOCK, TritonSampler, block_of

with interpreted():
    choosing = kernels().choosing

# no top-p is a share of as many equal tokens as there are, where rounding decides
SETTINGS = (
    Sampling(temperature=0.4, top_p=0.83, seed=3),
    Sampling(temperature=1.5, top_p=0.99, top_k=64, repetition_penalty=1.0, no_repeat_ngram=1, seed=-5),
    Sampling(temperature=0, repetition_penalty=3.0, no_repeat_ngram=2, min_words=0),
    Sampling(temperature=8.0, top_p=1.0, top_k=3, no_repeat_ngram=0, min_tokens=0, seed=2**63 + 11),
    Sampling(temperature=1.0, top_p=0.29, top_k=64, no_repeat_ngram=4, min_words=0, min_tokens=0),
    Sampling(temperature=0.7, top_p=0.0, no_repeat_ngram=3, min_words=500, min_tokens=1024),
    Sampling(temperature=0, no_repeat_ngram=4, min_tokens=0, min_words=3),
    Sampling(temperature=0.01, top_p=0.83, top_k=1, repetition_penalty=100.0),
)
HISTORIES = (0, 1, 2, 3, 40, 255, 256, 257, 700, LONGEST - 1, LONGEST)


@pytest.fixture(autouse=True)
def _the_kernels_run_where_the_tensors_are() -> Iterator[None]:
    assert choosing.INTERPRETED is (not CUDA), "they were imported before this module"
    torch.manual_seed(7)
    with interpreted():
        yield


def samplers(vocabulary: int, ends: Sequence[int] = ()) -> tuple[Sampler, TritonSampler]:
    """Return one sampler of each kind, for tokens that randomly open, join and end words."""
    marks = torch.randint(0, 3, (vocabulary,)), torch.rand(vocabulary) < 0.5, torch.rand(vocabulary) < 0.5
    return Sampler(marks, ends, DEVICE), TritonSampler(marks, ends, DEVICE)


def state_of(settings: Sequence[Sampling], lengths: Sequence[int], tokens: int) -> SamplingState:
    """Return a state whose slots have said random tokens below `tokens`, as many as `lengths`."""
    state = SamplingState(len(settings), DEVICE)
    for slot, (sampling, length) in enumerate(zip(settings, lengths, strict=True)):
        state.begin(slot, 5, sampling)
        state.history[slot] = torch.randint(0, tokens, (LONGEST,), device=DEVICE)  # an earlier reply's
        state.history[slot, :length] = torch.randint(0, tokens, (length,), device=DEVICE)
        state.count[slot], state.words[slot] = length, length // 2
    return state


def tied(b: int, vocabulary: int) -> torch.Tensor:
    """Make logits in bfloat16, half of them 0 or -0, in steps so coarse that many are equal."""
    logits = (torch.randn(b, vocabulary, device=DEVICE) * 4).round() / 2
    logits[:, ::2] *= 0
    return logits.to(torch.bfloat16)


def check(vocabulary: int, settings: Sequence[Sampling], lengths: Sequence[int], steps: int = 3) -> None:
    """Check that both draw the same tokens from the same state, and leave the same state."""
    ends = sorted({1 % vocabulary, vocabulary - 1})
    plain, kernels = samplers(vocabulary, ends)
    b = len(settings)
    greedy = all(sampling.temperature == 0 for sampling in settings)
    state = state_of(settings, lengths, min(vocabulary, 6))
    other = copy.deepcopy(state)
    for step in range(steps):
        rows = torch.randperm(b, device=DEVICE)
        logits = tied(b, vocabulary) if step % 2 == 0 else torch.randn(b, vocabulary, device=DEVICE) * 3
        logits[:, : vocabulary // 2] -= 20 * (step % 3)
        logits[:, :6] += 8  # what was said, and an end
        expected = plain.draw(logits, state, rows, greedy)
        assert torch.equal(kernels.draw(logits, other, rows, greedy), expected)
        for name, tensor in vars(state).items():
            assert torch.equal(getattr(other, name), tensor), name


@pytest.mark.parametrize(
    ("b", "vocabulary"), [(1, 2), (3, 2), (8, 30), (1, 64), (3, 64), (1, 65), (3, 65), (8, 65)]
)
def test_a_small_vocabulary_is_drawn_from_as_by_plain_torch(b: int, vocabulary: int) -> None:
    check(vocabulary, SETTINGS[:b], HISTORIES[:b], steps=3 if b < 8 else 2)


@pytest.mark.parametrize("vocabulary", [BLOCK, BLOCK + 477, 4096])
def test_blocks_of_a_vocabulary_are_drawn_from_as_by_plain_torch(vocabulary: int) -> None:
    for sampling in SETTINGS[:4]:
        check(vocabulary, [sampling], [40], steps=2)


def test_many_blocks_are_drawn_from_as_by_plain_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling_triton, "BLOCK", CANDIDATES)
    check(1500, [SETTINGS[4]], [40], steps=2)


@pytest.mark.parametrize(("said", "unsaid"), [(-2.0, -3.0), (6.0, 3.0)])
def test_repeated_tokens_are_less_likely_on_either_side_of_0(said: float, unsaid: float) -> None:
    penalised = Sampling(temperature=0, repetition_penalty=3.0, no_repeat_ngram=0)
    state = state_of([penalised, replace(penalised, repetition_penalty=1.0)], [2, 2], 1)
    logits = torch.full((2, 64), -10.0, device=DEVICE)
    logits[:, 0], logits[:, 1] = said, unsaid
    _, kernels = samplers(64)
    assert kernels.draw(logits, state, torch.arange(2, device=DEVICE), True).tolist() == [1, 0]


def test_a_reply_ends_where_plain_torch_lets_it_end() -> None:
    """The reply has 4 tokens and 2 words, near its minima; the end is the likeliest token."""
    minima = [(tokens, words) for tokens in (3, 4, 5) for words in (1, 2, 3)]
    settings = [
        Sampling(temperature=0, repetition_penalty=1.0, no_repeat_ngram=0, min_tokens=tokens, min_words=words)
        for tokens, words in minima
    ]
    state, rows = state_of(settings, [4] * 9, 3), torch.arange(9, device=DEVICE)
    logits = torch.zeros(9, 70, device=DEVICE)
    logits[:, 65], logits[:, 7] = 2, 1
    _, kernels = samplers(70, [65])
    ended = [token == 65 for token in kernels.draw(logits, state, rows, True).tolist()]
    assert ended == [tokens <= 4 and words <= 2 for tokens, words in minima]


@pytest.mark.parametrize("size", range(5))
def test_an_n_gram_is_not_repeated_where_plain_torch_forbids_it(size: int) -> None:
    """The replies have two tokens; tokens of an earlier reply lie after them. The likeliest one was said."""
    settings = [Sampling(temperature=0, no_repeat_ngram=size, min_tokens=0, min_words=0)] * 16
    lengths = [length % 8 for length in range(16)]
    state, rows = state_of(settings, lengths, 2), torch.arange(16, device=DEVICE)
    logits = torch.zeros(16, 64, device=DEVICE)
    logits[:, 0], logits[::2, 1], logits[1::2, 1], logits[:, 2] = 4, 3, 5, 1
    plain, kernels = samplers(64)
    other = copy.deepcopy(state)
    for _ in range(2):
        expected = plain.draw(logits, state, rows, True)
        assert kernels.draw(logits, other, rows, True).tolist() == expected.tolist()


@pytest.mark.parametrize("length", HISTORIES)
def test_a_history_of_any_length_weighs_as_in_plain_torch(length: int) -> None:
    check(300, [SETTINGS[length % 2], SETTINGS[4]], [length, LONGEST - length], steps=1)


@pytest.mark.parametrize(("b", "vocabulary"), [(1, 5001), (3, 1500), (8, 300)])
def test_greedy_rows_take_the_same_token_as_in_plain_torch(b: int, vocabulary: int) -> None:
    check(vocabulary, [SETTINGS[2 if row % 2 else 6] for row in range(b)], HISTORIES[-b:], steps=2)


@pytest.mark.parametrize("vocabulary", [64, 200, 700])
def test_candidates_of_a_block_are_its_largest_keys_in_order(vocabulary: int) -> None:
    state = state_of([Sampling(repetition_penalty=1.0, no_repeat_ngram=0)], [0], 1)
    logits, rows = tied(1, vocabulary), torch.zeros(1, dtype=torch.int64, device=DEVICE)
    best = torch.empty(1, 1, CANDIDATES, dtype=torch.int64, device=DEVICE)
    choosing.best_of_block[(1, 1)](
        best, logits, rows, state.history, state.count, state.words, state.real, state.whole, rows,
        vocabulary, vocabulary, BLOCK=block_of(vocabulary), KEPT=CANDIDATES, ENDS=0,
    )  # fmt: skip
    order = logits[0].float().sort(descending=True, stable=True).indices[:CANDIDATES]
    assert ranked_place(best[0, 0]).tolist() == order.tolist()
    assert torch.equal(best[0, 0], ranked(logits[0, order].float(), order))


@pytest.mark.parametrize("vocabulary", [1, 64, 65, 1024, 5001, 131072, 151936, 262144])
def test_blocks_cover_a_vocabulary_and_are_few_enough_for_one_program(vocabulary: int) -> None:
    size = block_of(vocabulary)
    assert size & (size - 1) == 0
    assert size >= CANDIDATES
    assert size // 2 < max(vocabulary, CANDIDATES)
    assert -(-vocabulary // size) <= sampling_triton.LISTS


@pytest.mark.parametrize("greedy", [False, True])
def test_rows_in_the_spare_slot_stay_in_bounds(greedy: bool) -> None:
    _, kernels = samplers(70, [1])
    state = state_of([SETTINGS[0]], [3], 6)
    for _ in range(3):
        rows = torch.tensor([1, 0, 1, 1], device=DEVICE)
        chosen = kernels.draw(tied(4, 70), state, rows, greedy)
        assert ((chosen >= 0) & (chosen < 70)).all()
    assert state.count.tolist()[0] == 6
    assert 0 < int(state.count[1]) <= 9


@pytest.mark.parametrize("value", [torch.nan, -torch.inf, torch.inf])
@pytest.mark.parametrize("greedy", [False, True])
def test_logits_that_are_no_numbers_choose_a_token_of_the_vocabulary(greedy: bool, value: float) -> None:
    _, kernels = samplers(70, [1])
    state = state_of([SETTINGS[0]], [3], 6)
    logits = torch.full((1, 70), value, device=DEVICE)
    with np.errstate(invalid="ignore"):  # the interpreter's
        chosen = kernels.draw(logits, state, torch.tensor([0], device=DEVICE), greedy)
    assert 0 <= int(chosen) < 70


def test_logits_whose_rows_are_scattered_are_refused() -> None:
    _, kernels = samplers(70)
    state = state_of([SETTINGS[0]] * 2, [0, 0], 6)
    with pytest.raises(ValueError, match="must be contiguous"):
        kernels.draw(torch.zeros(70, 2, device=DEVICE).T, state, torch.arange(2, device=DEVICE), True)


COMPILES = """
import torch
from benchmarks.kernel_parts.ahead import compiling
from vflow_nodes.lib.decode.sampling import SamplingState
from vflow_nodes.lib.decode.sampling_triton import TritonSampler

meta = torch.device("meta")
marks = [torch.empty(131072, dtype=dtype, device=meta) for dtype in (torch.int64, torch.bool, torch.bool)]
with compiling(90) as kernels:
    sampler, state = TritonSampler(marks, [2], meta), SamplingState(8, meta)
    for greedy in (True, False):
        logits = torch.empty(4, 131072, dtype=torch.bfloat16, device=meta)
        sampler.draw(logits, state, torch.empty(4, dtype=torch.int64, device=meta), greedy)
for kernel in kernels:
    print(kernel.name, len(kernel.asm["cubin"]) > 0, ".local" in kernel.asm["ptx"])
"""


@pytest.mark.timeout(ALONE_S + 30)
def test_the_kernels_compile_for_compute_capability_9_without_a_device(tmp_path: Path) -> None:
    done = run_alone(COMPILES, tmp_path)
    lines = [f"{name} True False" for name in ("best_of_block", "choose")] * 2
    assert done.stdout.splitlines() == lines, done.stderr


@needs_cuda
@pytest.mark.parametrize("b", [1, 3, 8, 64])
@pytest.mark.parametrize("greedy", [False, True])
def test_a_3b_decoder_s_vocabulary_is_drawn_from_as_by_plain_torch(greedy: bool, b: int) -> None:
    settings = (SETTINGS[2], SETTINGS[6]) if greedy else SETTINGS
    check(131072, (settings * b)[:b], (HISTORIES * b)[:b], steps=20)


@needs_cuda
@pytest.mark.parametrize("greedy", [False, True])
def test_a_captured_draw_replays_as_it_is_drawn_eagerly(greedy: bool) -> None:
    settings = (SETTINGS[2], SETTINGS[6]) * 4 if greedy else SETTINGS
    _, kernels = samplers(131072, [2])
    state = state_of(settings, [0] * 8, 6)
    rows, logits = torch.arange(8, device=DEVICE), tied(8, 131072)
    kernels.draw(logits, copy.deepcopy(state), rows, greedy)
    eager, drawn = copy.deepcopy(state), []
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        chosen = kernels.draw(logits, state, rows, greedy)
    for _ in range(50):
        logits.copy_(tied(8, 131072))
        graph.replay()
        assert torch.equal(chosen, kernels.draw(logits, eager, rows, greedy))
        drawn.append(chosen.tolist())
    for name, tensor in vars(state).items():
        assert torch.equal(getattr(eager, name), tensor), name
    assert len({tuple(tokens) for tokens in drawn}) > 1
