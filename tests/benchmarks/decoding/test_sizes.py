"""Shapes of models, and the work that they need."""

from __future__ import annotations

from typing import Any

import pytest
import torch


@pytest.mark.parametrize(("size", "prefill", "encode"), [("3b", 2.64e12, 2.29e12)])
def test_the_real_shape_needs_the_floors_that_are_published(
    decoding: Any, size: str, prefill: float, encode: float
) -> None:
    shape = decoding("sizes").SIZES[size]
    assert shape.prefill_flops(405) == pytest.approx(prefill, rel=0.01)
    assert shape.encode_flops() == pytest.approx(encode, rel=0.01)
    with torch.device("meta"):
        model = decoding("sizes").LlamaForCausalLM(shape.text_config())
    assert sum(weight.numel() for weight in model.parameters()) == pytest.approx(4.014e9, rel=1e-3)


def test_prefill_in_parts_costs_as_much_as_the_whole(decoding: Any) -> None:
    shape = decoding("sizes").SIZES["tiny"]
    head = 2 * shape.hidden * shape.vocabulary
    parts = shape.prefill_flops(29) + shape.prefill_flops(376, start=29)
    assert parts - head == pytest.approx(shape.prefill_flops(405))
