"""Logits beside those of transformers' own forward pass."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch

from tests.nodes.lib.decode.models import FAMILIES, ids, tiny
from vflow_nodes.lib.decode.forward import LlamaModel
from vflow_nodes.lib.decode.weights import adapt

CLOSE = {"atol": 2e-4, "rtol": 2e-4}


@cache
def reference(family: str, tokens: tuple[int, ...]) -> torch.Tensor:
    """Return the logits after each of the tokens."""
    with torch.inference_mode():
        logits: torch.Tensor = tiny(family)(input_ids=torch.tensor([tokens]), use_cache=False).logits[0]
    return logits


def model_of(family: str = "llama", **settings: Any) -> LlamaModel:
    return LlamaModel(adapt(tiny(family)), settings.pop("slots", 3), settings.pop("context", 128))


def prefill(model: LlamaModel, slot: int, tokens: list[int], start: int = 0) -> torch.Tensor:
    return model.prefill(slot, start, model.embed(torch.tensor(tokens)))


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_of_a_prompt_and_of_each_step_are_those_of_a_whole_pass(family: str) -> None:
    tokens, model = ids(1, 60), model_of(family)
    expected = reference(family, tuple(tokens))
    torch.testing.assert_close(prefill(model, 1, tokens[:40])[0], expected[39], **CLOSE)
    for at in range(40, 60):
        logits = model.decode(
            torch.tensor([1]), torch.tensor([at]), torch.tensor([tokens[at]]), context=at + 1
        )
        torch.testing.assert_close(logits[0], expected[at], **CLOSE)


@pytest.mark.parametrize("cuts", [[1], [59], [20, 40], [1, 2, 3, 30], list(range(1, 60))], ids=str)
def test_a_prompt_in_parts_has_the_logits_of_a_whole_one(cuts: list[int]) -> None:
    tokens, model = ids(2, 60), model_of()
    expected = reference("llama", tuple(tokens))
    for start, stop in zip([0, *cuts], [*cuts, 60], strict=True):
        logits = prefill(model, 0, tokens[start:stop], start)
        torch.testing.assert_close(logits[0], expected[stop - 1], **CLOSE)


def test_slots_of_different_lengths_step_together_in_any_order() -> None:
    prompts = {0: ids(3, 5), 1: ids(4, 41), 2: ids(5, 17)}
    model = model_of()
    for slot in (2, 0, 1):
        prefill(model, slot, prompts[slot][:-1])
    rows = torch.tensor([1, 2, 0])
    position = torch.tensor([len(prompts[slot]) - 1 for slot in (1, 2, 0)])
    last = torch.tensor([prompts[slot][-1] for slot in (1, 2, 0)])
    logits = model.decode(rows, position, last, context=41)
    for row, slot in enumerate((1, 2, 0)):
        torch.testing.assert_close(logits[row], reference("llama", tuple(prompts[slot]))[-1], **CLOSE)


@pytest.mark.parametrize("keep", [0, 1, 25, 39])
def test_rewound_slot_equals_one_that_never_went_further(keep: int) -> None:
    model, tokens = model_of(), ids(6, 40)
    prefill(model, 0, tokens)
    for at in range(40, 50):
        model.decode(torch.tensor([0]), torch.tensor([at]), torch.tensor([at]), context=at + 1)
    other = [*tokens[:keep], *ids(7, 20)]
    logits = prefill(model, 0, other[keep:], keep)
    torch.testing.assert_close(logits[0], reference("llama", tuple(other))[-1], **CLOSE)


def test_writes_to_the_spare_slot_reach_no_other_slot() -> None:
    model, tokens = model_of(slots=2), ids(8, 30)
    prefill(model, 0, tokens[:-1])
    spare = torch.tensor([2, 2])
    for at in (0, 5):
        model.decode(spare, torch.tensor([at, at]), torch.tensor([9, 10]), context=at + 1)
    logits = model.decode(
        torch.tensor([2, 0]), torch.tensor([3, 29]), torch.tensor([9, tokens[-1]]), context=30
    )
    torch.testing.assert_close(logits[1], reference("llama", tuple(tokens))[-1], **CLOSE)


def test_in_bfloat16_logits_are_as_close_to_float32_as_transformers_are() -> None:
    tokens = ids(9, 40)
    exact = reference("llama", tuple(tokens))[-1]
    half = type(tiny())(tiny().config).to(torch.bfloat16).eval()
    half.load_state_dict(tiny().state_dict())
    with torch.inference_mode():
        theirs = half(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1].float()
    ours = prefill(LlamaModel(adapt(half), 1, 64), 0, tokens)[0].float()
    error, their_error = (ours - exact).norm(), (theirs - exact).norm()
    assert error < 1.5 * their_error
    assert error / exact.norm() < 0.05


def test_cache_has_its_stated_size_and_is_never_reallocated() -> None:
    weights = adapt(tiny())
    model = LlamaModel(weights, 3, 100)
    tensors = (model.keys, model.values)
    shape = weights.shape
    position = 2 * shape.layers * shape.kv_heads * shape.head_dim * 4
    assert sum(t.numel() * t.element_size() for t in tensors) == (3 + 1) * (100 + 512) * position
    where = [t.data_ptr() for t in tensors]
    prefill(model, 0, ids(1, 50))
    model.decode(torch.tensor([0]), torch.tensor([50]), torch.tensor([4]), context=51)
    assert [t.data_ptr() for t in (model.keys, model.values)] == where
