"""Turn errors of torch into errors of the decode engine."""

from __future__ import annotations

import torch

from vflow_nodes.lib.decode.errors import DecodeError, Failed


def out_of_memory(error: Exception) -> bool:
    """Return whether torch's error means that memory is short; on a CPU it has no class of its own."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def explained(error: Exception, work: str) -> DecodeError:
    """Return a library's error during some work on the device as a DecodeError. If memory was short, also
    free the CUDA memory that torch caches."""
    if isinstance(error, DecodeError):
        return error
    if out_of_memory(error):
        torch.cuda.empty_cache()
        return Failed(
            f"the device is out of memory at {work}; set 'slots' or 'context' lower, or dtype: int8"
        )
    reason = str(error).strip().partition("\n")[0]
    return Failed(f"{type(error).__name__} at {work}: {reason}")
