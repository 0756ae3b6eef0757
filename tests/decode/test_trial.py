"""An engine's choices are timed on its own weights, and `vflow doctor` gets a figure for each."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.decode.models import tiny, vocabulary
from vflow import Harness
from vflow_nodes.decode import trial
from vflow_nodes.decode.build import Options, build
from vflow_nodes.decode.stepper import Stepper
from vflow_nodes.decode.weights import Int8
from vflow_nodes.voxtral.node import VoxtralGenerator

from ..voxtral_checkpoint import build as checkpoint

NOW = trial.Choice(int8=False, kernels="torch", graphs=False)


def stepper() -> Stepper:
    device = build(tiny(), vocabulary(), Options(slots=1, context=64)).device
    assert isinstance(device, Stepper)
    return device


def test_the_choice_in_effect_comes_first_and_8_bits_are_fewer_bytes() -> None:
    figures = list(trial.compare(stepper(), NOW))
    assert [figure.choice.int8 for figure in figures] == [False, True]
    assert all(figure.step_ms > 0 for figure in figures)
    assert figures[1].bytes < figures[0].bytes / 3


def test_what_does_not_fit_beside_the_engine_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(trial, "quantise", full)
    assert [figure.choice for figure in trial.compare(stepper(), NOW)] == [NOW]


def test_the_error_of_8_bits_is_stated_and_that_of_8_bits_already_is_none() -> None:
    weights = stepper().weights
    assert 0 < trial.logits_error(weights) < 0.1
    assert trial.logits_error(trial.quantise(weights)) == 0
    assert isinstance(trial.quantise(weights).head, Int8)


def test_a_generator_advises_with_figures_and_says_what_has_no_effect(tmp_path: Path) -> None:
    node = VoxtralGenerator(model=str(checkpoint(tmp_path)), device="cpu", dtype="float32", context=512)
    with Harness(node):
        advice = list(node.advise())
    settings = [(each.setting, each.value) for each in advice]
    assert settings == [("dtype", "int8"), ("dtype", "int8"), ("tf32", "true"), ("graphs", "true")]
    assert [each.effect for each in advice[1:]] == ["smaller", "none", "none"]
    assert all(each.after is not None for each in advice[:2])
