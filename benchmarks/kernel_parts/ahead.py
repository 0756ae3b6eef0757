"""Compile kernels, even without the GPU, to fill Triton's cache from many processes, or as a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import JITFunction

WARP = 32


class _Absent:
    """A stand-in with as much of a driver as Triton needs to compile; it cannot launch anything."""

    def __init__(self, capability: int) -> None:
        self._target = GPUTarget("cuda", capability, WARP)

    def get_current_target(self) -> Any:
        return self._target

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int | None = None) -> int:
        return 0

    def get_active_torch_device(self) -> torch.device:
        return torch.device("meta")


@contextmanager
def compiling(capability: int) -> Iterator[list[Any]]:
    """Inside the context a launch compiles for compute capability `capability` (90 is 9.0) and runs nothing;
    the list gets Triton's `CompiledKernel`s. Arguments may be tensors on the device `meta`.

    Use it in a process of its own: it affects all threads, and no kernel can be launched there afterwards.
    """
    compiled: list[Any] = []
    run = JITFunction.run

    def compile_only(kernel: Any, *args: Any, grid: Any, warmup: bool, **options: Any) -> Any:
        compiled.append(run(kernel, *args, grid=grid, warmup=True, **options))
        return compiled[-1]

    driver.set_active(_Absent(capability))
    JITFunction.run = compile_only
    try:
        yield compiled
    finally:
        JITFunction.run = run
