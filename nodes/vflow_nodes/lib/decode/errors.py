"""What can go wrong in the decode engine; each message says what mends it."""

from __future__ import annotations

import torch


class DecodeError(Exception):
    """Base of the errors of this library."""


class Unsupported(DecodeError):
    """The model's architecture, type or option is not one that the engine runs."""


class TooLong(DecodeError):
    """A prompt does not fit into a slot."""


class Full(DecodeError):
    """Every slot was busy until the deadline."""


class Failed(DecodeError):
    """The device failed while it worked on a session: out of memory, or an error of the library's."""


class Closed(DecodeError):
    """The engine, or the session, is closed."""


def out_of_memory(error: Exception) -> bool:
    """Whether an error of torch's says that memory is short; on a CPU it has no class of its own."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def explained(error: Exception, work: str) -> DecodeError:
    """What a library raised at some work on the device, as an error of this one's. Gives back what CUDA
    memory nobody holds, where that is what was short."""
    if isinstance(error, DecodeError):
        return error
    if out_of_memory(error):
        torch.cuda.empty_cache()
        return Failed(
            f"the device is out of memory at {work}; set 'slots' or 'context' lower, or dtype: int8"
        )
    reason = str(error).strip().partition("\n")[0]
    return Failed(f"{type(error).__name__} at {work}: {reason}")
