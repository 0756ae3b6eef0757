"""Recorded work, on a CUDA device: replayed into the same memory, from one pool."""

from __future__ import annotations

import torch

from tests.nodes.lib.decode.devices import DEVICE, needs_cuda
from vflow_nodes.lib.decode.cuda_graphs import Recorder


@needs_cuda
def test_recorded_work_replays_on_the_present_values_of_its_inputs() -> None:
    recorder = Recorder()
    x, w = torch.ones(4, 64, device=DEVICE), torch.randn(64, 64, device=DEVICE)
    made, replay = recorder.record(lambda: x @ w)
    x.fill_(2.0)
    replay()
    torch.testing.assert_close(made, torch.full_like(x, 2.0) @ w)


@needs_cuda
def test_graphs_of_one_recorder_share_a_pool_and_are_counted() -> None:
    recorder = Recorder()
    x = torch.ones(8, device=DEVICE)
    recorder.record(lambda: x + 1)
    pool = recorder._pool
    recorder.record(lambda: x * 2)
    assert recorder.count == 2
    assert recorder._pool == pool
