"""The bytes that a step reads."""

from __future__ import annotations

from typing import Any

import torch


def test_steps_read_every_matrix_once_and_each_rows_keys(decoding: Any) -> None:
    setting = decoding("setting").Setting(
        decoding("sizes").SIZES["tiny"], torch.device("cpu"), torch.float32, seed=1
    )
    weights, step_bytes = setting.weights, decoding("rows").step_bytes
    held = 2 * 2 * 2 * 32 * 4  # keys and values of 2 layers, 2 heads of 32 float32
    assert step_bytes(weights, 1, 0) == weights.step_bytes(0)
    assert step_bytes(weights, 3, 100) - step_bytes(weights, 3, 0) == 3 * 100 * held
