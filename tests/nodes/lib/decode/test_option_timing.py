"""An engine's choices are timed on its own weights."""

from __future__ import annotations

import pytest
import torch

from tests.nodes.lib.decode.models import tiny, vocabulary
from vflow_nodes.lib.decode import option_timing
from vflow_nodes.lib.decode.build import Options, build
from vflow_nodes.lib.decode.stepper import Stepper
from vflow_nodes.lib.decode.weights import Int8

NOW = option_timing.Choice(int8=False, kernels="torch", graphs=False)


def stepper() -> Stepper:
    device = build(tiny(), vocabulary(), Options(slots=1, context=64)).device
    assert isinstance(device, Stepper)
    return device


def test_present_option_is_timed_first_and_8_bits_read_fewer_bytes() -> None:
    figures = list(option_timing.compare(stepper(), NOW))
    assert [figure.choice.int8 for figure in figures] == [False, True]
    assert all(figure.step_ms > 0 for figure in figures)
    assert figures[1].bytes < figures[0].bytes / 3


def test_option_that_does_not_fit_in_memory_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(option_timing, "quantise", full)
    assert [figure.choice for figure in option_timing.compare(stepper(), NOW)] == [NOW]


def test_error_of_8_bits_is_stated_and_zero_if_already_in_use() -> None:
    weights = stepper().weights
    assert 0 < option_timing.logits_error(weights) < 0.1
    assert option_timing.logits_error(option_timing.quantise(weights)) == 0
    assert isinstance(option_timing.quantise(weights).head, Int8)
