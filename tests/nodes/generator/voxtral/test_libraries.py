"""Torch is the oracle of what is said without importing it."""

from __future__ import annotations

import importlib.util

import pytest
import torch

from vflow_nodes.generator.voxtral.libraries import cuda_problem


def test_cuda_is_a_problem_only_if_torch_finds_no_device() -> None:
    assert (cuda_problem() == "") == torch.cuda.is_available()


def test_without_torch_that_is_the_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cuda_problem() == "torch is not installed"


@pytest.mark.skipif(torch.version.cuda is not None, reason="torch is built for CUDA")
def test_a_torch_for_the_cpu_is_named() -> None:
    assert cuda_problem() == "this torch is built for the CPU"
