"""The checks of kernels find one that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
import torch


def test_a_kernel_that_is_wrong_fails_its_check(decoding: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    checks, rows = decoding("checks"), decoding("rows")
    right = rows.ops("torch", torch.device("cpu"))

    class Wrong:
        def __getattr__(self, name: str) -> Any:
            return getattr(right, name)

        def rope_attend(self, *args: Any, **norms: Any) -> torch.Tensor:
            seen: torch.Tensor = right.rope_attend(*args, **norms)
            return seen * 1.1

    monkeypatch.setattr(checks, "ops", lambda kind, device: Wrong() if kind == "triton" else right)
    record = decoding("record").Record("checks")
    setting = decoding("setting").Setting(
        decoding("sizes").SIZES["tiny"], torch.device("cpu"), torch.bfloat16, seed=1, quick=True
    )
    checks.kernels(record, setting)
    assert record.checks
    assert not any(check["passed"] for check in record.checks.values())
