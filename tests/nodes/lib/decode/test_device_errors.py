"""Errors of torch, as errors of the engine."""

from __future__ import annotations

import pytest
import torch

from vflow_nodes.lib.decode.device_errors import explained, out_of_memory
from vflow_nodes.lib.decode.errors import Closed, Failed


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_error_names_the_properties_to_lower(error: Exception) -> None:
    told = explained(error, "a step of 1 replies")
    assert isinstance(told, Failed)
    found = "the device is out of memory at a step of 1 replies"
    assert str(told) == f"{found}; set 'slots' or 'context' lower, or dtype: int8"


def test_torch_on_a_cpu_words_out_of_memory_as_the_engine_expects() -> None:
    with pytest.raises(RuntimeError) as info:
        torch.zeros(1 << 46)
    assert out_of_memory(info.value)


def test_other_device_errors_show_their_first_line_and_the_work() -> None:
    told = explained(ValueError("no such shape\nat a.cpp:3"), "a step")
    assert (type(told), str(told)) == (Failed, "ValueError at a step: no such shape")


def test_errors_of_the_engine_itself_are_not_wrapped() -> None:
    error = Closed("the session is closed")
    assert explained(error, "a step") is error
