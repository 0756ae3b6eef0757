"""Errors of torch, told as errors of the decode engine."""

from __future__ import annotations

import torch

from vflow_nodes.lib.decode.errors import DecodeError, Failed


def out_of_memory(error: Exception) -> bool:
    """Whether an error of torch's says that memory is short; on a CPU it has no class of its own."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def explained(error: Exception, work: str) -> DecodeError:
    """Return a library's error at some work on the device as a DecodeError. Where memory was short, give back
    the CUDA memory that nobody holds."""
    if isinstance(error, DecodeError):
        return error
    if out_of_memory(error):
        torch.cuda.empty_cache()
        return Failed(
            f"the device is out of memory at {work}; set 'slots' or 'context' lower, or dtype: int8"
        )
    reason = str(error).strip().partition("\n")[0]
    return Failed(f"{type(error).__name__} at {work}: {reason}")
