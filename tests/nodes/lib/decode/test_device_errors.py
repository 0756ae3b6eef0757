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
def test_out_of_memory_says_what_to_set(error: Exception) -> None:
    told = explained(error, "a step of 1 replies")
    assert isinstance(told, Failed)
    found = "the device is out of memory at a step of 1 replies"
    assert str(told) == f"{found}; set 'slots' or 'context' lower, or dtype: int8"


def test_a_cpu_that_is_asked_for_too_much_says_so_in_the_words_that_are_looked_for() -> None:
    with pytest.raises(RuntimeError) as info:
        torch.zeros(1 << 46)
    assert out_of_memory(info.value)


def test_any_other_error_is_told_in_its_first_line_with_the_work() -> None:
    told = explained(ValueError("no such shape\nat a.cpp:3"), "a step")
    assert (type(told), str(told)) == (Failed, "ValueError at a step: no such shape")


def test_an_error_of_the_engine_s_stays_what_it_is() -> None:
    error = Closed("the session is closed")
    assert explained(error, "a step") is error
