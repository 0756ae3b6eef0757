"""The setting of a measurement: a model of a size, on a device, with the kernels that work there."""

from __future__ import annotations

from typing import Any

import pytest
import torch


def test_where_tritons_kernels_fail_the_engine_is_measured_with_torchs(
    decoding: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = decoding("setting")
    warm_up = settings.warm_up
    answers = [RuntimeError("no compiler\nhere"), None]

    def failing(*args: Any) -> None:
        if (error := answers.pop(0)) is not None:
            raise error
        warm_up(*args)

    monkeypatch.setattr(settings, "warm_up", failing)
    monkeypatch.setattr(settings.Setting, "cuda", True)
    setting = settings.Setting(decoding("sizes").SIZES["tiny"], torch.device("cpu"), torch.float32, seed=1)
    engine = setting.engine(1, 64)
    try:
        assert setting.problem == "RuntimeError: no compiler"
        assert engine.stats()["kernels"] == "torch"
    finally:
        engine.close()
